// The long session of the self-test: one process, one turn after the other, each showing a few behaviours at once.
// It must never let one failed check hide the next: only a process that is gone ends it.

import { isRecord } from "../../../dialects/decoding.ts";
import { assistantLine, isResult } from "../../../dialects/claude-code/protocol-lines.ts";
import type { Clock } from "../../../system/clock.ts";
import type { AgentProcess } from "../../agent-process/child-process.ts";
import { clientToolServer } from "../launch.ts";
import type { Verdicts } from "./behaviour-checks.ts";
import { type FakeApi, last } from "./fake-api.ts";
import { recordsIn, type Talk, talkTo, textLine } from "./talk.ts";
import { collectCalls, offered, toolRound, toolsSeen } from "./tool-round.ts";

export type SessionOptions = {
  readonly child: AgentProcess;
  readonly api: FakeApi;
  readonly verdicts: Verdicts;
  /** Absolute path of a file that contains `secret`. */
  readonly secretFile: string;
  readonly secret: string;
  /** Where the process runs. */
  readonly workingDir: string;
  readonly turnMs: number;
  readonly clock: Clock;
};

export const fileTold = "the file's text went upstream";
const prompt = "This is ClawGate's self-test.";
/** How long a connection may outlive its process. */
const leaveMs = 2_000;

/** Throws TalkEnded when the process is gone or hangs. */
export async function runSession(options: SessionOptions): Promise<void> {
  const { api, verdicts, child } = options;
  const calls = collectCalls(options.clock);
  const talk = talkTo(child, { ...options, tools: offered, onCall: calls.answer });
  await start(talk, verdicts);
  await history(talk, api, verdicts);
  const told = last(api).text.includes(options.workingDir);
  verdicts.say("surroundings", told ? "its folder went upstream" : null);
  toolsSeen(last(api), verdicts);
  await texts(talk, options);
  await settings(talk, api, verdicts);
  await toolRound(talk, api, verdicts, calls);
  await errors(talk, api, verdicts);
  await stop(talk, options);
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
    said.every((message, at) => JSON.stringify(message["content"]).includes(wanted[at] ?? ""));
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

async function texts(talk: Talk, { api, verdicts, secretFile, secret }: SessionOptions): Promise<void> {
  api.reply({ kind: "text", text: "ok" });
  const before = api.heard.length;
  await talk.turn(textLine("\n/self-test-word and more"));
  const arrived = api.heard.length > before && last(api).text.includes("/self-test-word and more");
  verdicts.say("slash-texts", arrived ? null : "the program answered it itself");

  await talk.turn(textLine(`what is in @${secretFile} please`));
  // The short session checks it too; it must work both ways.
  if (last(api).text.includes(secret)) verdicts.failed("file-references", fileTold);
}

async function settings(talk: Talk, api: FakeApi, verdicts: Verdicts): Promise<void> {
  const extra = { temperature: 0.25, stop_sequences: ["</self-test>"], tool_choice: { type: "none" } };
  const env = { CLAUDE_CODE_EXTRA_BODY: JSON.stringify(extra), CLAUDE_CODE_MAX_OUTPUT_TOKENS: "777" };
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
  // The short session checks the flag; a request without the member does not think either.
  if (isRecord(thinking) && thinking["type"] !== "disabled")
    verdicts.failed("thinking-off", `in a running process it stays ${String(thinking["type"])}`);
}

async function errors(talk: Talk, api: FakeApi, verdicts: Verdicts): Promise<void> {
  api.reply({
    kind: "error",
    status: 400,
    type: "invalid_request_error",
    message: "the self-test refuses this",
  });
  const failed = (await talk.turn(textLine("fail now"))).find(isResult);
  const isReported = failed?.["is_error"] === true && failed["api_error_status"] === 400;
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
    !isReported ? "its result does not report the error" : livesOn ? null : "the next turn failed too",
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
