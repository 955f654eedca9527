// The table of members feeds decoder and passthrough check alike: what is of a wrong kind is refused by both, in the same words.

import { describe, expect, test } from "bun:test";
import { Failure } from "../../../src/canon/failure.ts";
import type { TargetFacts } from "../../../src/dialects/dialect.ts";
import { anthropicMessages } from "../../../src/dialects/anthropic-messages/dialect.ts";
import { requestMembers } from "../../../src/dialects/anthropic-messages/members.ts";
import { memberTable } from "../../../src/dialects/member-docs.ts";
import type { MemberKind, MemberRow } from "../../../src/dialects/member-row.ts";
import { scanObject } from "../../../src/wire/json.ts";

const target: TargetFacts = { model: "m", defaultMaxTokens: 1_000, maxOutput: null };
const plain = { model: "m", max_tokens: 5, messages: [{ role: "user", content: "hi" }] };
const values: readonly (readonly [MemberKind, unknown])[] = [
  ["string", "x"],
  ["number", 1],
  ["boolean", true],
  ["array", [1]],
  ["object", { a: 1 }],
];

const refusedBy = (work: () => unknown): string | null => {
  try {
    work();
    return null;
  } catch (thrown) {
    if (thrown instanceof Failure) return `${thrown.kind} ${thrown.param}: ${thrown.message}`;
    throw thrown;
  }
};
const decode = (body: object): string | null => refusedBy(() => anthropicMessages.client.decodeRequest(body));
function pass(body: object): string | null {
  const bytes = Buffer.from(JSON.stringify(body));
  return refusedBy(() =>
    anthropicMessages.backend.passthrough.requiredEdits(scanObject(bytes, 100), bytes, target),
  );
}

describe.each(Object.entries<MemberRow>(requestMembers.rows))("%s", (name, { home, check, passthrough }) => {
  const wrong = values.filter(([kind]) => check !== undefined && !check.kinds.includes(kind));
  const refused = home === "upstream" ? values : passthrough === "unchecked" ? [] : wrong;

  test("both refuse the same values in the same words", () => {
    for (const [, value] of refused) {
      const body = { ...plain, [name]: value };
      expect(pass(body)).toBeString();
      expect(pass(body)).toBe(decode(body));
    }
    for (const [, value] of wrong) expect(decode({ ...plain, [name]: value })).toBeString();
  });
});

const travelling = Object.entries<MemberRow>(requestMembers.rows).filter(
  ([name, { home }]) => home === "extras" && name !== "thread",
);
test.each(travelling)("%s travels in extras and goes up under its own name", (name) => {
  const value = { type: "other", some: "value" };
  const request = anthropicMessages.client.decodeRequest({ ...plain, [name]: value });
  expect(request.extras["anthropic-messages"]).toMatchObject({ [name]: value });
  expect(anthropicMessages.backend.encodeRequest(request, target)).toMatchObject({ [name]: value });
});

test("a member that is given twice is refused where it is read or changed", () => {
  for (const [name, { isUnique }] of Object.entries<MemberRow>(requestMembers.rows)) {
    if (isUnique !== true) continue;
    const value = name in plain ? plain[name as keyof typeof plain] : false;
    const text = JSON.stringify({ ...plain, [name]: value });
    const bytes = Buffer.from(`{"${name}":${JSON.stringify(value)},${text.slice(1)}`);
    const refusal = refusedBy(() =>
      anthropicMessages.backend.passthrough.requiredEdits(scanObject(bytes, 100), bytes, target),
    );
    expect(refusal).toBe(`invalid-request ${name}: ${name}: is given twice`);
  }
});

test("the manual names each", () => {
  const lines = memberTable(anthropicMessages).join("\n");
  for (const name of Object.keys(requestMembers.rows)) expect(lines).toContain(`\`${name}\``);
});
