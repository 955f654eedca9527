// The program's output lines -> the events of one answer, and how its turn ended.
// It must never take a line's "success" for an answer, nor show a text that the program wrote in the model's place.

import type { StreamEvent } from "../../canon/event.ts";
import { Failure } from "../../canon/failure.ts";
import { unknownUsage, type Usage } from "../../canon/usage.ts";
import { type AnswerDecoder, answerDecoder } from "../anthropic-messages/stream-decoder.ts";
import { isRecord } from "../decoding.ts";
import { connectionLost, failureOfResult, leastWaitMs, limitedFor } from "./failure.ts";
import type { ProtocolLine } from "./protocol-lines.ts";
import { missingEvents } from "./missing-events.ts";
import { createRounds } from "./answer-rounds.ts";
import type { ToolNames } from "./client-tool-names.ts";
import { sumUsage } from "./usage.ts";

export type Finish = Extract<StreamEvent, { type: "finish" }>;

/**
 * `finished`: the program waits for its next user line, unless `mustStop`. `asksAgain`: it will ask its model again by
 * itself within milliseconds, and whoever reads this must not give it the time.
 */
export type TurnEnd =
  | {
      readonly kind: "finished";
      readonly finish: Finish;
      readonly mustStop: boolean;
      readonly asksAgain?: true;
    }
  | { readonly kind: "tool-calls"; readonly finish: Finish; readonly ids: readonly string[] }
  | { readonly kind: "failed"; readonly failure: Failure };

export type DecodedLine = { readonly events: readonly StreamEvent[]; readonly end: TurnEnd | null };

export type DecodeOptions = {
  readonly names: ToolNames;
  readonly showsThinking: boolean;
  /** The program runs tools of its own in this turn. */
  readonly runsTools: boolean;
  /** The answer is the result's JSON. */
  readonly wantsJson: boolean;
  /** The answer is a call of a tool of the client's: words are none. */
  readonly mustCall?: boolean;
  /** The process's cost before this turn, in US dollars. */
  readonly costBefore: number;
  readonly nowMs: () => number;
  /** Told of each limit of the account, whether or not it refuses. */
  readonly onLimit?: (event: ProtocolLine) => void;
};

export type TurnDecoder = {
  take(line: ProtocolLine): DecodedLine;
  /** Shows text that has been held back for long enough. */
  release(): readonly StreamEvent[];
  isHolding(): boolean;
  /** A message of the model is under way; otherwise the program works by itself, or has not begun. */
  isStreaming(): boolean;
  /** The first event of the model came in. */
  hasStarted(): boolean;
  /** The answer where only its result is missing: a process that dies or hangs there has said all. */
  complete(): TurnEnd | null;
  /** The process's cost so far, in US dollars, as the last result told it. */
  costUsd(): number;
};

const nothing: DecodedLine = { events: [], end: null };
const failed = (failure: Failure): DecodedLine => ({ events: [], end: { kind: "failed", failure } });

/** Stop reasons after which the program asks again by itself. */
const isCutOff = (reason: unknown): boolean =>
  reason === "max_tokens" || reason === "model_context_window_exceeded" || reason === "refusal";

export function turnDecoder(options: DecodeOptions): TurnDecoder {
  const rounds = createRounds({
    names: options.names,
    showsThinking: options.showsThinking,
    holdsText: options.runsTools,
    hidesText: options.wantsJson || options.mustCall === true,
  });
  let inner: AnswerDecoder | null = null;
  let hasDelta = false;
  /** The end of a message that ended without saying why: if its stream broke, the program asks again. */
  let broken: Finish | null = null;
  let usage: Usage | null = null;
  let isStarted = false;
  let error: string | null = null;
  let limit: ProtocolLine | null = null;
  let costUsd = options.costBefore;
  /** The last message's finish, once the answer may be over; the result decides. */
  let pending: Finish | null = null;
  /** Text of the block that is open in the message that is being streamed. */
  let openText = "";
  const streamedIds = new Set<string>();
  /** The program's own copy of the last block of the message that is being streamed. */
  let snapshot: Record<string, unknown> | null = null;

  /** Events of the message decoder, without what only holds for one message. */
  const shown = (
    events: readonly StreamEvent[],
  ): { events: StreamEvent[]; finish: Finish | null; failure: Failure | null } => {
    const out: StreamEvent[] = [];
    for (const event of events) {
      if (event.type === "finish") return { events: out, finish: event, failure: null };
      if (event.type === "failure") return { events: out, finish: null, failure: event.failure };
      if (event.type !== "start") out.push(...rounds.take(event));
      else if (!isStarted) {
        isStarted = true;
        out.push(event);
      }
    }
    return { events: out, finish: null, failure: null };
  };

  const finishOf = (finish: Finish): Finish => ({
    ...finish,
    usage: usage ?? unknownUsage,
  });

  /** A message is complete: is it the answer, a call of the client's tools, or a round of the program's own? */
  const endMessage = (events: StreamEvent[], finish: Finish): DecodedLine => {
    inner = null;
    usage = sumUsage(usage, finish.usage);
    const ids = rounds.calls();
    if (ids.length > 0)
      return {
        events,
        end: { kind: "tool-calls", finish: { ...finishOf(finish), reason: "tool-calls" }, ids },
      };
    if (finish.reason === "tool-calls") return { events, end: null };
    events.push(...rounds.close());
    pending = finish;
    return { events, end: null };
  };

  /** The program gives a message up and asks for it anew: no harm while nobody has seen anything of it. */
  const startsOver = (): boolean => (inner !== null || broken !== null) && rounds.hasShown();

  const streamEvent = (event: Record<string, unknown>): DecodedLine => {
    const type = event["type"];
    if (type === "message_start") {
      if (startsOver()) return failed(connectionLost());
      inner = answerDecoder();
      hasDelta = false;
      broken = null;
      pending = null;
      openText = "";
      snapshot = null;
      rounds.begin();
      const message = event["message"];
      if (isRecord(message) && typeof message["id"] === "string") streamedIds.add(message["id"]);
    }
    if (inner === null) return nothing;
    hasDelta ||= type === "message_delta";
    if (type === "content_block_start") openText = "";
    const delta = isRecord(event["delta"]) ? event["delta"] : {};
    if (typeof delta["text"] === "string") openText += delta["text"];
    const { events, finish, failure } = shown(inner.take(event));
    if (failure !== null) return { events, end: { kind: "failed", failure } };
    if (finish !== null && !hasDelta) {
      inner = null;
      broken = finish;
      return { events, end: null };
    }
    if (finish !== null) return endMessage(events, finish);
    if (type !== "message_delta" || !isCutOff(delta["stop_reason"])) return { events, end: null };
    const rest = shown(inner.take({ type: "message_stop" }));
    events.push(...rest.events, ...rounds.close());
    const cut = rest.finish;
    if (cut === null) return { events, end: null };
    usage = sumUsage(usage, cut.usage);
    return { events, end: { kind: "finished", finish: finishOf(cut), mustStop: true, asksAgain: true } };
  };

  const wholeMessage = (message: Record<string, unknown>): DecodedLine => {
    const missing = missingEvents(message, inner === null ? null : openText);
    if (missing === null)
      return failed(
        new Failure("bad-output", "The claude program's stream broke and cannot be continued.", {
          maybeBilled: true,
        }),
      );
    return { events: missing.flatMap((event) => streamEvent(event).events), end: null };
  };

  const assistant = (line: ProtocolLine): DecodedLine => {
    const { message } = line;
    if (!isRecord(message)) return nothing;
    if (message["model"] === "<synthetic>") {
      if (typeof line["error"] === "string") error = line["error"];
      return nothing;
    }
    const id = message["id"];
    if (typeof id === "string" && !streamedIds.has(id)) return wholeMessage(message);
    // Its block comes in the stream; this counts only if the stream never ends.
    snapshot = message;
    return nothing;
  };

  /** Asking again at once is left to the program; a wait that the API asks for is not. */
  const retry = (line: ProtocolLine): DecodedLine => {
    const delayMs = line["retry_delay_ms"];
    if (line["subtype"] !== "api_retry") return nothing;
    // 2.1.329 asks again where 2.1.197 gives up: the client would read the beginning twice.
    if (startsOver()) return failed(connectionLost());
    if (line["error_status"] !== 429 || typeof delayMs !== "number") return nothing;
    return delayMs < leastWaitMs ? nothing : failed(limitedFor(delayMs, isStarted));
  };

  const result = (line: ProtocolLine): DecodedLine => {
    const total = line["total_cost_usd"];
    if (typeof total === "number" && total >= costUsd) costUsd = total;
    if (line["is_error"] === true || line["subtype"] !== "success")
      return failed(
        failureOfResult({ result: line, error, limit, hasAnswered: isStarted, nowMs: options.nowMs() }),
      );
    if (options.mustCall === true)
      return failed(
        new Failure("bad-output", "The model did not call the tool that the request demands.", {
          maybeBilled: true,
        }),
      );
    const cost = { costUsd: costUsd - options.costBefore };
    if (options.wantsJson) return jsonAnswer(line["structured_output"], cost);
    const late =
      broken !== null
        ? endMessage([], broken)
        : inner === null || snapshot === null
          ? nothing
          : wholeMessage(snapshot);
    if (late.end !== null) return late;
    if (pending === null)
      return failed(
        new Failure("bad-output", "The claude program ended its turn without an answer.", {
          maybeBilled: isStarted,
        }),
      );
    return {
      events: late.events,
      end: { kind: "finished", finish: { ...finishOf(pending), ...cost }, mustStop: false },
    };
  };

  const jsonAnswer = (value: unknown, cost: { costUsd: number }): DecodedLine => {
    if (value === undefined)
      return failed(
        new Failure("bad-output", "The model's answer does not keep to the JSON schema.", {
          maybeBilled: true,
        }),
      );
    const text = typeof value === "string" ? value : JSON.stringify(value);
    // Thinking that was shown has taken the first numbers.
    const index = rounds.shownBlocks();
    const events: StreamEvent[] = [
      ...(isStarted ? [] : [{ type: "start", id: "", model: "" } as const]),
      { type: "text-start", index },
      { type: "text-delta", index, text },
      { type: "text-end", index },
    ];
    const finish: Finish = { type: "finish", reason: "stop", usage: usage ?? unknownUsage, ...cost };
    return { events, end: { kind: "finished", finish, mustStop: true } };
  };

  return {
    take(line) {
      switch (line["type"]) {
        case "stream_event": {
          // The words of a subagent are not the answer.
          const { event, parent_tool_use_id: parent } = line;
          return isRecord(event) && (parent === null || parent === undefined) ? streamEvent(event) : nothing;
        }
        case "assistant":
          return line["parent_tool_use_id"] === null || line["parent_tool_use_id"] === undefined
            ? assistant(line)
            : nothing;
        case "rate_limit_event": {
          const info = line["rate_limit_info"];
          if (!isRecord(info)) return nothing;
          options.onLimit?.(info);
          if (info["status"] === "rejected") limit = info;
          return nothing;
        }
        case "system":
          return retry(line);
        case "result":
          return result(line);
        default:
          return nothing;
      }
    },
    release: () => rounds.release(),
    isHolding: () => rounds.isHolding(),
    isStreaming: () => inner !== null,
    hasStarted: () => isStarted,
    complete: () =>
      pending === null || options.wantsJson || options.mustCall === true
        ? null
        : { kind: "finished", finish: finishOf(pending), mustStop: true },
    costUsd: () => costUsd,
  };
}
