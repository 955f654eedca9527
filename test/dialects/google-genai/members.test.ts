// The tables of members feed decoder and passthrough check alike, and what they say of losses is what is noted and refused.

import { describe, expect, test } from "bun:test";
import { Failure } from "../../../src/canon/failure.ts";
import type { TargetFacts } from "../../../src/dialects/dialect.ts";
import { googleGenai } from "../../../src/dialects/google-genai/dialect.ts";
import { configMembers, requestMembers } from "../../../src/dialects/google-genai/members.ts";
import { memberTable } from "../../../src/dialects/member-docs.ts";
import type { MemberKind, MemberRow } from "../../../src/dialects/member-row.ts";
import { scanObject } from "../../../src/wire/json.ts";

const target: TargetFacts = { model: "m", defaultMaxTokens: 1_000, maxOutput: null };
const plain = { contents: [{ role: "user", parts: [{ text: "hi" }] }] };
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
const decode = (body: object): string | null => refusedBy(() => googleGenai.client.decodeRequest(body));
function pass(body: object): string | null {
  const bytes = Buffer.from(JSON.stringify(body));
  const { requiredEdits } = googleGenai.backend.passthrough;
  return refusedBy(() => requiredEdits(scanObject(bytes, 100), bytes, target));
}
const wrongFor = ({ check }: MemberRow): (readonly [MemberKind, unknown])[] =>
  values.filter(([kind]) => check !== undefined && !check.kinds.includes(kind));
const rowsOf = (table: { readonly rows: Readonly<Record<string, MemberRow>> }) => Object.entries(table.rows);

test.each(rowsOf(requestMembers))("%s: both refuse the same values in the same words", (name, row) => {
  const refused = row.home === "upstream" ? values : wrongFor(row);
  for (const [, value] of refused) {
    // The path names it: translated, nobody reads the body's.
    if (name === "model") {
      expect(decode({ ...plain, model: value })).toBeNull();
      expect(pass({ ...plain, model: value })).toStartWith("invalid-request model: model must be a string");
      continue;
    }
    const body = { ...plain, [name]: value };
    expect(decode(body)).toBeString();
    expect(pass(body)).toBe(row.passthrough === "unchecked" ? null : decode(body));
  }
});

test.each(rowsOf(configMembers))(
  "generationConfig.%s: a wrong kind is named by its whole path",
  (name, row) => {
    for (const [, value] of wrongFor(row))
      expect(decode({ ...plain, generationConfig: { [name]: value } })).toStartWith(
        `invalid-request generationConfig.${name}: generationConfig.${name} must be `,
      );
  },
);

describe("for a model of another format", () => {
  const noted = (body: object): string[] => {
    const notes: string[] = [];
    googleGenai.client.noteLosses(googleGenai.client.decodeRequest(body), (note) => void notes.push(note));
    return notes;
  };
  const refusal = (body: object): string | null =>
    googleGenai.client.refuseTranslation(googleGenai.client.decodeRequest(body))?.param ?? null;

  test.each(rowsOf(configMembers).filter(([, { home }]) => home === "extras"))(
    "generationConfig.%s",
    (name, { check, elsewhere }) => {
      const value = check === undefined ? ["AUDIO"] : check.kinds.includes("number") ? 2 : "text/x.enum";
      const body = { ...plain, generationConfig: { [name]: value } };
      if (elsewhere === "noted") expect(noted(body)).toHaveLength(1);
      if (elsewhere === "silent") expect(noted(body)).toEqual([]);
      const isRefused = typeof elsewhere === "object" && elsewhere.refuses(value);
      expect(refusal(body)).toBe(isRefused ? `generationConfig.${name}` : null);
    },
  );

  test("what has no row is named", () => {
    expect(noted({ ...plain, labels: { a: "b" }, newMember: 5 })).toEqual(["member-dropped:newMember"]);
  });
});

test("the manual names each", () => {
  const lines = memberTable(googleGenai).join("\n");
  for (const name of Object.keys(requestMembers.rows)) expect(lines).toContain(`\`${name}\``);
});
