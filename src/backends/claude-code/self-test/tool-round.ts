// Tools of the client in the self-test: what upstream is offered, and two calls with their results, one of them large.

import type { ProtocolLine } from "../../../dialects/claude-code/protocol-lines.ts";
import type { Clock } from "../../../system/clock.ts";
import { clientToolServer } from "../launch.ts";
import type { Verdicts } from "./behaviour-checks.ts";
import { type FakeApi, type Heard, last } from "./fake-api.ts";
import { recordsIn, type Talk, textLine, type ToolCall } from "./talk.ts";

const describedCharacters = 2_048;
const resultCharacters = 300_000;
/** How long to wait for a second call of the same message. */
const secondCallMs = 1_500;

const schema = {
  type: "object",
  properties: { city: { anyOf: [{ type: "string" }, { $ref: "#/$defs/place" }] } },
  $defs: { place: { type: "object", properties: { zip: { type: "string" } }, additionalProperties: false } },
  required: ["city"],
  additionalProperties: false,
};
export const offered = ["self_test_one", "self_test_two"].map((name) => ({
  name,
  description: "d".repeat(describedCharacters),
  inputSchema: schema,
  annotations: { readOnlyHint: true },
  _meta: { "anthropic/maxResultSizeChars": 2_000_000 },
}));

export function toolsSeen({ body }: Heard, verdicts: Verdicts): void {
  const tools = recordsIn(body["tools"]);
  const names = tools.map(({ name }) => String(name));
  const isOurs = (name: string): boolean =>
    offered.some((each) => name === each.name || name === `mcp__${clientToolServer}__${each.name}`);
  const foreign = names.filter((name) => !isOurs(name));
  verdicts.say(
    "own-tools",
    foreign.length === 0 ? null : `upstream was offered ${foreign.slice(0, 5).join(", ")}`,
  );
  const ours = tools.filter(({ name }) => isOurs(String(name)));
  if (ours.length < offered.length) {
    for (const id of ["tool-names", "tool-schemas", "tool-descriptions"] as const)
      verdicts.failed(id, "the tools did not reach upstream");
    return;
  }
  const renamed = ours.find(({ name }) => !offered.some((each) => each.name === name));
  verdicts.say(
    "tool-names",
    renamed === undefined ? null : `${offered[0]?.name} became ${String(renamed["name"])}`,
  );
  const isSame = ours.every((tool) => Bun.deepEquals(tool["input_schema"], schema));
  verdicts.say("tool-schemas", isSame ? null : "a schema was changed");
  const shortest = Math.min(...ours.map(({ description }) => String(description).length));
  verdicts.say("tool-descriptions", shortest >= describedCharacters ? null : `only ${shortest} arrived`);
}

type Calls = {
  readonly seen: readonly ToolCall[];
  /** How many had come when the first was answered. */
  together(): number;
  answer(call: ToolCall): Promise<string>;
};

/** Answers when a second call has come, or after the wait. */
export function collectCalls(clock: Clock): Calls {
  const seen: ToolCall[] = [];
  let together = 0;
  let open = (): void => undefined;
  const gate = new Promise<void>((resolve) => (open = resolve));
  const large = "r".repeat(resultCharacters);
  return {
    seen,
    together: () => together,
    async answer(call) {
      seen.push(call);
      const cancel = clock.setTimer(secondCallMs, open);
      if (seen.length >= offered.length) open();
      await gate;
      cancel();
      together ||= seen.length;
      return call.name === offered[0]?.name ? large : "small result";
    },
  };
}

export async function toolRound(talk: Talk, api: FakeApi, verdicts: Verdicts, calls: Calls): Promise<void> {
  // With the names that the model saw.
  const names = recordsIn(last(api).body["tools"]).map(({ name }) => String(name));
  const wanted = offered.map((tool, at) => ({
    id: `toolu_selftest_${at + 1}`,
    name: names.find((name) => name.endsWith(tool.name)) ?? tool.name,
    input: { city: `city ${at + 1}` },
  }));
  api.reply({ kind: "calls", calls: wanted }, { kind: "text", text: "done" });
  const before = api.heard.length;
  await talk.turn(textLine("call the tools"));
  const lost = wanted.filter(
    ({ id, input }) =>
      !calls.seen.some((call) => call.toolUseId === id && Bun.deepEquals(call.arguments, input)),
  );
  const results = recordsIn(last(api).body["messages"]).flatMap(({ content }) => recordsIn(content));
  const came = (id: string): ProtocolLine | undefined =>
    results.find((block) => block["type"] === "tool_result" && block["tool_use_id"] === id);
  const requests = api.heard.length - before;
  if (calls.seen.length === 0) verdicts.failed("tool-calls", "no call came");
  else if (lost.length > 0)
    verdicts.failed("tool-calls", "a call came without the id of the model's message");
  else if (wanted.some(({ id }) => came(id) === undefined))
    verdicts.failed("tool-calls", "a result did not reach upstream");
  else verdicts.say("tool-calls", requests === 2 ? null : `${requests} upstream requests instead of 2`);
  const isTogether = calls.together() >= wanted.length;
  verdicts.say("parallel-calls", isTogether ? null : "the second came after the first was answered");
  const isWhole = JSON.stringify(came(wanted[0]?.id ?? "") ?? "").includes("r".repeat(resultCharacters));
  verdicts.say("large-results", isWhole ? null : "a note stood in its place");
}
