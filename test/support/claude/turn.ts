// One turn of the stand-in: init, the rounds of the model and its tools, one result. The order of the lines is as measured:
// assistant before content_block_stop, tools/call before message_delta.

import { listOf, numberOf, parsed, recordOf, textOf } from "../upstream/json.ts";
import type { Json } from "../upstream/json.ts";
import { breakOff, finish, nothing, type Progress, sum, synthetic } from "./endings.ts";
import type { Failed, Step } from "./modes.ts";
import { planned, resumeText } from "./plan.ts";
import { requestBody } from "./request-body.ts";
import { hang, pause, type Session, type Usage } from "./session.ts";
import type { ToolServers, Wanted } from "./tool-servers.ts";
import { asked } from "./upstream.ts";

/** Thrown by every wait when the turn is interrupted. */
export class Interrupted extends Error {}

export type Turn = {
  readonly signal: AbortSignal;
  readonly servers: ToolServers;
  readonly progress: Progress;
};

const maxResumes = 3;

export async function runTurn(session: Session, turn: Turn): Promise<void> {
  const stop = new Promise<never>((_resolve, reject) => {
    turn.signal.addEventListener("abort", () => reject(new Interrupted()), { once: true });
  });
  // It may come while nothing is waiting.
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
      (stopReason === "tool_use" || (stopReason === "max_tokens" && resumes < maxResumes));
    if (heard.isBroken) return;
    const turns = 1 + turn.progress.userLines;
    if (!goesOn) return finish(session, { text, stopReason, turns, usage, failed, structured, late });
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
  { servers, signal, progress }: Turn,
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
      progress.userLines += 1;
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
    progress.unanswered.add(wanted.id);
    results.push(
      result.then((block) => {
        if (signal.aborted) return block;
        progress.unanswered.delete(wanted.id);
        progress.userLines += 1;
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
        progress.message = message;
        progress.stopReason = null;
        usage = usageOf(recordOf(message["usage"]), usage);
        break;
      case "content_block_start":
        growing = { ...recordOf(event["content_block"]) };
        progress.growing = growing;
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
        progress.growing = null;
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
        progress.stopReason = stopReason;
        progress.usage = sum(progress.usage, usage);
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

/** The last text block decides whether the program takes a text for one of its own commands. */
export function commandOf(content: unknown): string | null {
  const texts =
    typeof content === "string" ? [content] : listOf(content).map((block) => textOf(recordOf(block)["text"]));
  const last = texts.filter((text) => text !== "").at(-1) ?? "";
  return last.startsWith("/") ? (last.split(/\s/)[0] ?? "") : null;
}

function usageOf(said: Json, before: Usage): Usage {
  return {
    input: numberOf(said["input_tokens"]) ?? before.input,
    cached: numberOf(said["cache_read_input_tokens"]) ?? before.cached,
    written: numberOf(said["cache_creation_input_tokens"]) ?? before.written,
    output: numberOf(said["output_tokens"]) ?? before.output,
  };
}
