// One turn of the stand-in: init, the rounds of the model and its tools, one result. The order of the lines is the one that
// was measured: assistant before content_block_stop, tools/call before message_delta.

import { listOf, numberOf, parsed, recordOf, textOf } from "../upstream/json.ts";
import type { Json } from "../upstream/json.ts";
import type { Failed, Step } from "./modes.ts";
import { fullModel } from "./options.ts";
import { planned, resumeText } from "./plan.ts";
import { requestBody } from "./request-body.ts";
import { hang, pause, type Session, type Usage } from "./session.ts";
import type { ToolServers, Wanted } from "./tool-servers.ts";
import { asked } from "./upstream.ts";

/** Thrown out of everything that waits when the turn is interrupted. */
export class Interrupted extends Error {}

export type Turn = { readonly signal: AbortSignal; readonly servers: ToolServers };

type Ending = {
  readonly text: string;
  readonly stopReason: string | null;
  readonly rounds: number;
  readonly usage: Usage;
  readonly failed: Failed | null;
  readonly structured: unknown;
  readonly late: readonly Json[];
};

const nothing: Usage = { input: 0, cached: 0, written: 0, output: 0 };
const mostResumes = 3;

export function printInit(session: Session, servers: ToolServers): void {
  session.print({
    type: "system",
    subtype: "init",
    cwd: process.cwd(),
    tools: servers.tools().map(({ wireName }) => wireName),
    mcp_servers: servers.states(),
    model: fullModel(session.model),
    permissionMode: session.options.permissionMode,
    slash_commands: [],
    apiKeySource: process.env["ANTHROPIC_API_KEY"] ? "ANTHROPIC_API_KEY" : "none",
    claude_code_version: session.faults.version ?? "2.1.197",
    agents: ["claude", "Explore", "general-purpose"],
    skills: [],
    plugins: [],
  });
}

export async function runTurn(session: Session, turn: Turn): Promise<void> {
  const stop = new Promise<never>((_resolve, reject) => {
    turn.signal.addEventListener("abort", () => reject(new Interrupted()), { once: true });
  });
  // Nobody may be waiting in the moment in which it comes.
  stop.catch(() => undefined);
  const orStopped = <T>(promise: Promise<T>): Promise<T> => Promise.race([promise, stop]);
  let usage = nothing;
  let late: readonly Json[] = [];
  for (let rounds = 1; ; rounds += 1) {
    session.print({ type: "system", subtype: "status", status: "requesting" });
    const heard = await oneMessage(session, turn, orStopped);
    usage = sum(usage, heard.usage);
    late = [...late, ...heard.late];
    const { text, stopReason, failed, structured } = heard;
    const resumes = session.conversation.filter(({ content }) => content === resumeText).length;
    const goesOn =
      failed === null &&
      structured === undefined &&
      !heard.isBroken &&
      (stopReason === "tool_use" || (stopReason === "max_tokens" && resumes < mostResumes));
    if (heard.isBroken) return;
    if (!goesOn) return finish(session, { text, stopReason, rounds, usage, failed, structured, late });
    if (stopReason === "max_tokens") session.conversation.push({ role: "user", content: resumeText });
    else {
      session.conversation.push({ role: "user", content: await orStopped(heard.results()) });
      if (session.options.maxTurns !== null && rounds >= session.options.maxTurns) {
        breakOff(session, "error_max_turns", [`Reached maximum number of turns (${rounds})`], "max_turns");
        return;
      }
    }
  }
}

type Heard = {
  readonly text: string;
  readonly stopReason: string | null;
  readonly usage: Usage;
  readonly failed: Failed | null;
  readonly isBroken: boolean;
  readonly structured: unknown;
  readonly late: readonly Json[];
  results(): Promise<readonly Json[]>;
};

async function oneMessage(
  session: Session,
  { servers, signal }: Turn,
  orStopped: <T>(promise: Promise<T>) => Promise<T>,
): Promise<Heard> {
  const body = requestBody(session, servers.tools());
  const base = process.env["ANTHROPIC_BASE_URL"];
  const steps: AsyncIterator<Step> | Iterator<Step> =
    base === undefined ? planned(body, session.nextId)[Symbol.iterator]() : asked(base, body, signal);
  const startedMs = performance.now();
  const requestId = session.nextId("req");
  const content: Json[] = [];
  const results: Promise<Json>[] = [];
  const late: Json[] = [];
  let message: Json = {};
  let growing: Record<string, unknown> = {};
  let input = "";
  let usage = nothing;
  let stopReason: string | null = null;
  let failed: Failed | null = null;
  let isBroken = false;
  let structured: unknown;
  let estimate = 0;
  let text = "";

  const forward = (event: Json): void => {
    if (!session.options.isPartial || session.does("streams-nothing")) return;
    const ttft =
      event["type"] === "message_start" ? { ttft_ms: Math.round(performance.now() - startedMs) } : {};
    session.print({ type: "stream_event", event, parent_tool_use_id: null, ...ttft });
  };
  const call = (wanted: Wanted): void => {
    if (wanted.name === "StructuredOutput") {
      structured = wanted.input;
      const block = {
        tool_use_id: wanted.id,
        type: "tool_result",
        content: "Structured output provided successfully",
      };
      session.print({ type: "user", message: { role: "user", content: [block] }, parent_tool_use_id: null });
      return;
    }
    const tool = session.does("no-tool-call")
      ? undefined
      : servers.tools().find(({ wireName }) => wireName === wanted.name);
    // A built-in tool runs inside.
    const result =
      tool === undefined
        ? Promise.resolve({
            tool_use_id: wanted.id,
            type: "tool_result",
            content: `done: ${wanted.name}`,
            is_error: false,
          })
        : servers.call(wanted, tool);
    results.push(
      result.then((block) => {
        if (signal.aborted) return block;
        const said = { type: "user", message: { role: "user", content: [block] }, parent_tool_use_id: null };
        session.print({ ...said, tool_use_result: recordOf(block)["content"] });
        return block;
      }),
    );
  };
  const onEvent = (event: Json): void => {
    const delta = recordOf(event["delta"]);
    switch (event["type"]) {
      case "message_start":
        message = recordOf(event["message"]);
        usage = usageOf(recordOf(message["usage"]), usage);
        break;
      case "content_block_start":
        growing = { ...recordOf(event["content_block"]) };
        input = "";
        break;
      case "content_block_delta":
        for (const key of ["text", "thinking", "signature"])
          if (typeof delta[key] === "string") growing[key] = textOf(growing[key]) + delta[key];
        input += textOf(delta["partial_json"]);
        if (delta["type"] === "thinking_delta")
          session.print({
            type: "system",
            subtype: "thinking_tokens",
            estimated_tokens: (estimate += 1),
            estimated_tokens_delta: 1,
          });
        break;
      case "content_block_stop": {
        if (growing["type"] === "tool_use") growing["input"] = parsed(input) ?? {};
        if (growing["type"] === "text") text = textOf(growing["text"]);
        content.push(growing);
        session.print({
          type: "assistant",
          message: { ...message, content: [growing] },
          parent_tool_use_id: null,
          request_id: requestId,
        });
        if (growing["type"] === "tool_use")
          call({ id: textOf(growing["id"]), name: textOf(growing["name"]), input: growing["input"] });
        break;
      }
      case "message_delta":
        stopReason = typeof delta["stop_reason"] === "string" ? delta["stop_reason"] : stopReason;
        usage = usageOf(recordOf(event["usage"]), usage);
        break;
      default:
    }
    forward(event);
  };
  const speak = (wrong: Failed): void => {
    failed = wrong;
    for (const line of wrong.lines ?? []) session.print(line);
    session.print({
      type: "assistant",
      message: synthetic(session, wrong.text),
      parent_tool_use_id: null,
      error: wrong.error,
      request_id: requestId,
    });
  };

  for (;;) {
    const { done, value: step } = await orStopped(Promise.resolve(steps.next()));
    if (done) break;
    if (step.do === "event") onEvent(step.event);
    else if (step.do === "line") session.print(step.line);
    else if (step.do === "line-before-result") late.push(step.line);
    else if (step.do === "raw") session.printRaw(step.text);
    else if (step.do === "stderr") process.stderr.write(step.text);
    else if (step.do === "wait") await orStopped(pause(step.ms));
    else if (step.do === "hang") await orStopped(hang());
    else if (step.do === "die") session.die(step.how);
    else if (step.do === "synthetic") speak(step.failed);
    else if (step.do === "whole") {
      text = step.text;
      stopReason = "end_turn";
      const whole = { ...message, content: [{ type: "text", text }], stop_reason: null };
      session.print({ type: "assistant", message: whole, parent_tool_use_id: null, request_id: requestId });
    } else {
      if (step.do === "fail") speak(step.failed);
      else {
        breakOff(session, step.subtype, step.errors, step.terminalReason);
        isBroken = true;
      }
      break;
    }
  }
  if (content.length > 0 && failed === null) session.conversation.push({ role: "assistant", content });
  return {
    text,
    stopReason,
    usage,
    failed,
    isBroken,
    structured,
    late,
    results: () => Promise.all(results),
  };
}

function synthetic(session: Session, text: string): Json {
  return {
    id: session.nextId("msg"),
    model: "<synthetic>",
    role: "assistant",
    stop_reason: "stop_sequence",
    stop_sequence: "",
    type: "message",
    usage: { input_tokens: 0, output_tokens: 0 },
    content: [{ type: "text", text }],
  };
}

/** A text that never went upstream, answered by the program itself. */
export function answerItself(session: Session, servers: ToolServers, text: string): void {
  printInit(session, servers);
  session.print({ type: "assistant", message: synthetic(session, text), parent_tool_use_id: null });
  session.print({ ...resultOf(session, nothing), num_turns: 0, result: text, stop_reason: null });
}

/** The result of a line that only feeds history. */
export function acceptHistory(session: Session, servers: ToolServers): void {
  printInit(session, servers);
  const { api_error_status: _status, terminal_reason: _reason, ...result } = resultOf(session, nothing);
  session.print({ ...result, num_turns: 0, result: "", stop_reason: null });
}

export function breakOff(
  session: Session,
  subtype: string,
  errors: readonly string[],
  terminalReason: string,
): void {
  session.lastWasError = true;
  const { result: _text, ...result } = resultOf(session, nothing);
  session.print({ ...result, subtype, is_error: true, errors, terminal_reason: terminalReason });
}

function finish(session: Session, ending: Ending): void {
  const { failed, usage, structured } = ending;
  for (const line of ending.late) session.print(line);
  session.lastWasError = failed !== null;
  const spent = sum(
    session.spent.get(fullModel(session.model)) ?? nothing,
    failed === null ? usage : nothing,
  );
  session.spent.set(fullModel(session.model), spent);
  if (failed === null) session.costUsd += costOf(usage);
  session.print({
    ...resultOf(session, failed === null ? usage : nothing),
    is_error: failed !== null,
    api_error_status: failed?.status ?? null,
    num_turns: ending.rounds,
    result: failed?.text ?? (structured === undefined ? ending.text : JSON.stringify(structured)),
    stop_reason: failed === null ? ending.stopReason : "stop_sequence",
    terminal_reason: failed?.terminalReason ?? "completed",
    ...(structured === undefined ? {} : { structured_output: structured }),
  });
  if (failed !== null && session.does("dies-of-api-errors")) session.die(1);
}

function resultOf(session: Session, usage: Usage): Json {
  const inModel = ({ input, cached, written, output }: Usage): Json => ({
    inputTokens: input,
    outputTokens: output,
    cacheReadInputTokens: cached,
    cacheCreationInputTokens: written,
    webSearchRequests: 0,
    costUSD: session.costUsd,
  });
  return {
    type: "result",
    subtype: "success",
    is_error: false,
    api_error_status: null,
    duration_ms: 10,
    duration_api_ms: 5,
    num_turns: 1,
    result: "",
    total_cost_usd: session.costUsd,
    usage: {
      input_tokens: usage.input,
      cache_creation_input_tokens: usage.written,
      cache_read_input_tokens: usage.cached,
      output_tokens: usage.output,
    },
    modelUsage: Object.fromEntries([...session.spent].map(([model, spent]) => [model, inModel(spent)])),
    permission_denials: [],
    terminal_reason: "completed",
  };
}

const costOf = ({ input, cached, written, output }: Usage): number =>
  (input * 5 + written * 6.25 + cached * 0.5 + output * 25) / 1_000_000;

function sum(one: Usage, other: Usage): Usage {
  return {
    input: one.input + other.input,
    cached: one.cached + other.cached,
    written: one.written + other.written,
    output: one.output + other.output,
  };
}

function usageOf(said: Json, before: Usage): Usage {
  return {
    input: numberOf(said["input_tokens"]) ?? before.input,
    cached: numberOf(said["cache_read_input_tokens"]) ?? before.cached,
    written: numberOf(said["cache_creation_input_tokens"]) ?? before.written,
    output: numberOf(said["output_tokens"]) ?? before.output,
  };
}

/** The last text block decides whether the program takes a text for a command of its own. */
export function commandOf(content: unknown): string | null {
  const texts =
    typeof content === "string" ? [content] : listOf(content).map((block) => textOf(recordOf(block)["text"]));
  const last = texts.filter((text) => text !== "").at(-1) ?? "";
  return last.startsWith("/") ? (last.split(/\s/)[0] ?? "") : null;
}
