// The long session of the self-test: one process, one turn after the other, each showing a few behaviours at once.
// It must never let one failed check hide the next: only a process that is gone ends it.

import { isRecord } from "../../../dialects/decoding.ts";
import { assistantLine, isResult, type Line, userLine } from "../../../dialects/claude-cli/lines.ts";
import type { Clock } from "../../../system/clock.ts";
import type { CliChild } from "../child.ts";
import { clientToolServer } from "../launch.ts";
import type { Verdicts } from "./checks.ts";
import type { FakeApi, Heard } from "./fake-api.ts";
import { talkTo, type Talk, type ToolCall } from "./talk.ts";

export type SessionOptions = {
  readonly child: CliChild;
  readonly api: FakeApi;
  readonly verdicts: Verdicts;
  /** Absolute path of a file that holds `secret`. */
  readonly secretFile: string;
  readonly secret: string;
  readonly turnMs: number;
  readonly clock: Clock;
};

const prompt = "This is ClawGate's self-test.";
const describedCharacters = 2_048;
const resultCharacters = 300_000;
/** How long a second call of the same message may stay away. */
const secondCallMs = 1_500;
/** How long a connection may outlive its process. */
const leaveMs = 2_000;

const schema = {
  type: "object",
  properties: { city: { anyOf: [{ type: "string" }, { $ref: "#/$defs/place" }] } },
  $defs: { place: { type: "object", properties: { zip: { type: "string" } }, additionalProperties: false } },
  required: ["city"],
  additionalProperties: false,
};
const offered = ["self_test_one", "self_test_two"].map((name) => ({
  name,
  description: "d".repeat(describedCharacters),
  inputSchema: schema,
  annotations: { readOnlyHint: true },
  _meta: { "anthropic/maxResultSizeChars": 2_000_000 },
}));

const textLine = (text: string, asks = true): Line => userLine([{ type: "text", text }], asks);
const recordsIn = (value: unknown): readonly Line[] => (Array.isArray(value) ? value.filter(isRecord) : []);
const asText = (value: unknown): string => JSON.stringify(value);

/** Throws TalkEnded when the process is gone or hangs. */
export async function runSession(options: SessionOptions): Promise<void> {
  const { api, verdicts, child } = options;
  const calls = collectCalls(options.clock);
  const talk = talkTo(child, { ...options, tools: offered, onCall: calls.answer });
  await start(talk, verdicts);
  await history(talk, api, verdicts);
  toolsSeen(last(api), verdicts);
  await texts(talk, options);
  await settings(talk, api, verdicts);
  await toolRound(talk, api, verdicts, calls);
  await errors(talk, api, verdicts);
  await stop(talk, options);
}

function last(api: FakeApi): Heard {
  const heard = api.heard.at(-1);
  if (heard === undefined) throw new Error("it asked the API nothing");
  return heard;
}

async function start(talk: Talk, verdicts: Verdicts): Promise<void> {
  const request = { subtype: "initialize", systemPrompt: [prompt], sdkMcpServers: [clientToolServer] };
  const { models } = await talk.ask(request);
  const count = recordsIn(models).length;
  if (count === 0) verdicts.failed("start", "the answer to initialize names no models");
  else verdicts.passed("start", `${count} models`);
}

/** Three messages of history, then the one that asks; the first answer of the session shows the stream too. */
async function history(talk: Talk, api: FakeApi, verdicts: Verdicts): Promise<void> {
  const uuid = (): string => crypto.randomUUID();
  const wasHeard = api.heard.length;
  await talk.turn(textLine("first question", false));
  await talk.send(assistantLine([{ type: "text", text: "first answer" }], "claude-opus-4-8", uuid()));
  await talk.turn(textLine("second question", false));
  await talk.send(assistantLine([{ type: "text", text: "second answer" }], "claude-opus-4-8", uuid()));
  const early = api.heard.length - wasHeard;
  api.reply({ kind: "text", text: "one two three" });
  const lines = await talk.turn(textLine("third question"));
  const { body } = last(api);

  const wanted = ["first question", "first answer", "second question", "second answer", "third question"];
  const said = recordsIn(body["messages"]).filter(({ role }) => role === "user" || role === "assistant");
  const isInOrder =
    said.length === wanted.length &&
    said.every((message, at) => asText(message["content"]).includes(wanted[at] ?? ""));
  if (early > 0) verdicts.failed("history", `${early} requests went out while the history was told`);
  else
    verdicts.say(
      "history",
      isInOrder ? null : `upstream saw ${said.map(({ role }) => String(role)).join(", ") || "nothing"}`,
    );

  const deltas = lines.flatMap(({ event }) =>
    isRecord(event) && isRecord(event["delta"]) ? [event["delta"]] : [],
  );
  const text = deltas.map((delta) => (typeof delta["text"] === "string" ? delta["text"] : "")).join("");
  const result = lines.find(isResult);
  if (text !== "one two three")
    verdicts.failed(
      "stream",
      text === "" ? "no part of the answer came as an event" : "the parts do not make the answer",
    );
  else verdicts.say("stream", result?.["is_error"] === false ? null : "the turn ended in an error");

  const system = recordsIn(body["system"]).map((block) => String(block["text"]));
  if (!system.includes(prompt))
    verdicts.failed("system-prompt", "it did not reach upstream as a block of its own");
  else {
    const others = system.filter((each) => each !== prompt).join("").length;
    if (others > 1_000) verdicts.failed("system-prompt", `${others} characters of its own came along`);
    else verdicts.passed("system-prompt");
  }
}

function toolsSeen({ body }: Heard, verdicts: Verdicts): void {
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

async function texts(talk: Talk, { api, verdicts, secretFile, secret }: SessionOptions): Promise<void> {
  api.reply({ kind: "text", text: "ok" });
  const before = api.heard.length;
  await talk.turn(textLine("\n/self-test-word and more"));
  const arrived = api.heard.length > before && last(api).text.includes("/self-test-word and more");
  verdicts.say("slash-texts", arrived ? null : "the program answered it itself");

  await talk.turn(textLine(`what is in @${secretFile} please`));
  verdicts.say("file-references", last(api).text.includes(secret) ? "the file's text went upstream" : null);
}

async function settings(talk: Talk, api: FakeApi, verdicts: Verdicts): Promise<void> {
  const extra = { temperature: 0.25, stop_sequences: ["</self-test>"], tool_choice: { type: "none" } };
  const env = { CLAUDE_CODE_EXTRA_BODY: asText(extra), CLAUDE_CODE_MAX_OUTPUT_TOKENS: "777" };
  await talk.ask({ subtype: "apply_flag_settings", settings: { env, effortLevel: "low" } });
  await talk.turn(textLine("with settings"));
  const { body } = last(api);
  const missing = Object.entries(extra).filter(([name, value]) => !Bun.deepEquals(body[name], value));
  verdicts.say(
    "extra-body",
    missing.length === 0 ? null : `without effect: ${missing.map(([name]) => name).join(", ")}`,
  );
  verdicts.say(
    "max-tokens",
    body["max_tokens"] === 777 ? null : `upstream saw ${String(body["max_tokens"])} instead of 777`,
  );
  const { output_config: output } = body;
  const effort = isRecord(output) ? output["effort"] : undefined;
  verdicts.say("effort", effort === "low" ? null : `upstream saw ${String(effort)} instead of low`);

  await talk.ask({ subtype: "set_max_thinking_tokens", max_thinking_tokens: 0 });
  const unset = { CLAUDE_CODE_EXTRA_BODY: "{}", CLAUDE_CODE_MAX_OUTPUT_TOKENS: "" };
  await talk.ask({ subtype: "apply_flag_settings", settings: { env: unset } });
  await talk.turn(textLine("without thinking"));
  const thinking = last(api).body["thinking"];
  // The short session tries the flag; a request without the member does not think either.
  if (isRecord(thinking) && thinking["type"] !== "disabled")
    verdicts.failed("thinking-off", `in a running process it stays ${String(thinking["type"])}`);
}

type Calls = {
  readonly seen: readonly ToolCall[];
  /** How many had come when the first was answered. */
  together(): number;
  answer(call: ToolCall): Promise<string>;
};

/** Answers when a second call has come, or when it has stayed away long enough. */
function collectCalls(clock: Clock): Calls {
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

async function toolRound(talk: Talk, api: FakeApi, verdicts: Verdicts, calls: Calls): Promise<void> {
  // In the names that the model was shown.
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
  const came = (id: string): Line | undefined =>
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
  const isWhole = asText(came(wanted[0]?.id ?? "") ?? "").includes("r".repeat(resultCharacters));
  verdicts.say("large-results", isWhole ? null : "a note stood in its place");
}

async function errors(talk: Talk, api: FakeApi, verdicts: Verdicts): Promise<void> {
  api.reply({
    kind: "error",
    status: 400,
    type: "invalid_request_error",
    message: "the self-test refuses this",
  });
  const failed = (await talk.turn(textLine("fail now"))).find(isResult);
  const isTold = failed?.["is_error"] === true && failed["api_error_status"] === 400;
  api.reply({ kind: "text", text: "well again" });
  let livesOn = false;
  try {
    livesOn = (await talk.turn(textLine("and now"))).find(isResult)?.["is_error"] === false;
  } catch (thrown) {
    verdicts.failed(
      "errors",
      `it did not live on: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
    );
    throw thrown;
  }
  verdicts.say(
    "errors",
    !isTold ? "its result does not tell the error" : livesOn ? null : "the next turn failed too",
  );
}

async function stop(talk: Talk, { api, child, verdicts, clock }: SessionOptions): Promise<void> {
  api.reply({ kind: "endless" });
  const word = talk.until(
    (line) => isRecord(line["event"]) && line["event"]["type"] === "content_block_delta",
  );
  await talk.send(textLine("talk without end"));
  await word;
  const { left } = last(api);
  await child.stop();
  const { code, signal } = await child.exited;
  if (code !== 143 && signal !== "SIGTERM") {
    verdicts.failed("stop", signal === null ? `exit code ${code}` : `it had to be ended by ${signal}`);
    return;
  }
  const wasLeft = await Promise.race([
    left.then(() => true),
    new Promise<boolean>((resolve) => void clock.setTimer(leaveMs, () => resolve(false))),
  ]);
  verdicts.say("stop", wasLeft ? null : "its connection stayed open");
}
