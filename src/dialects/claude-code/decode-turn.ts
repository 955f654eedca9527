// Turns the program's output lines into the events of one answer, and reports how its turn ended. It must never take a
// line's "success" for an answer, nor show text that the program wrote in place of the model.

import type { StreamEvent } from "../../canon/event.ts";
import { Failure } from "../../canon/failure.ts";
import { unknownUsage, type Usage } from "../../canon/usage.ts";
import { AnswerDecoder } from "../anthropic-messages/decode-answer.ts";
import { isRecord } from "../decoding.ts";
import { isAbsent } from "../read-fields.ts";
import { connectionLost, failureOfResult, leastWaitMs, limitedFor } from "./failure.ts";
import type { ProtocolLine } from "./protocol-lines.ts";
import { missingEvents } from "./missing-events.ts";
import { AnswerRounds } from "./answer-rounds.ts";
import type { ToolNames } from "./client-tool-names.ts";
import { sumUsage } from "./usage.ts";

export type Finish = Extract<StreamEvent, { type: "finish" }>;

/**
 * `finished`: the program waits for its next user line, unless `mustStop`. `asksAgain`: it will ask its model again by
 * itself within milliseconds, unless it is stopped first.
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
  /** The program runs its own tools in this turn. */
  readonly runsTools: boolean;
  /** The answer is the result's JSON. */
  readonly wantsJson: boolean;
  /** The answer is a call of one of the client's tools: text is not an answer. */
  readonly mustCall?: boolean;
  /** The process's cost before this turn, in US dollars. */
  readonly costBefore: number;
  readonly nowMs: () => number;
  /** Called with each account limit, whether or not it is exceeded. */
  readonly onLimit?: (event: ProtocolLine) => void;
  /** Called when the program says that it uses no API key. */
  readonly onKeyless?: () => void;
};

export type TurnDecoder = {
  take(line: ProtocolLine): DecodedLine;
  /** Shows text that has been held back for long enough. */
  release(): readonly StreamEvent[];
  isHolding(): boolean;
  /** A model message is in progress; otherwise the program works by itself, or has not begun. */
  isStreaming(): boolean;
  /** The first event of the model arrived. */
  hasStarted(): boolean;
  /**
   * The complete answer when only the result line is missing: a process that dies or hangs then has already answered.
   */
  complete(): TurnEnd | null;
  /** The process's cost so far, in US dollars, from the last result. */
  costUsd(): number;
};

const nothing: DecodedLine = { events: [], end: null };
const failed = (failure: Failure): DecodedLine => ({ events: [], end: { kind: "failed", failure } });

/** Stop reasons after which the program asks its model again by itself. */
const isCutOff = (reason: unknown): boolean =>
  reason === "max_tokens" || reason === "model_context_window_exceeded" || reason === "refusal";

/** The message that the program is streaming. */
class StreamedMessage {
  readonly decoder = new AnswerDecoder();
  hasDelta = false;
  /** Text of the open block. */
  openText = "";
  /** The program's own copy of the last block. */
  copy: Record<string, unknown> | null = null;
}

/** The decoded events to pass on, and how the message ended. */
type Shown = { events: StreamEvent[]; finish: Finish | null; failure: Failure | null };

export function turnDecoder(options: DecodeOptions): TurnDecoder {
  return new LineDecoder(options);
}

class LineDecoder implements TurnDecoder {
  private readonly rounds: AnswerRounds;
  private message: StreamedMessage | null = null;
  /** The end of a message without a reason: if its stream broke, the program asks again. */
  private broken: Finish | null = null;
  private usage: Usage | null = null;
  private isStarted = false;
  private error: string | null = null;
  private limit: ProtocolLine | null = null;
  private totalCostUsd: number;
  /** The last message's finish, once the answer may be complete; the result line decides. */
  private pending: Finish | null = null;
  private readonly streamedIds = new Set<string>();

  constructor(private readonly options: DecodeOptions) {
    this.totalCostUsd = options.costBefore;
    this.rounds = new AnswerRounds({
      names: options.names,
      showsThinking: options.showsThinking,
      holdsText: options.runsTools,
      hidesText: options.wantsJson || options.mustCall === true,
    });
  }

  take(line: ProtocolLine): DecodedLine {
    switch (line["type"]) {
      case "stream_event": {
        // What a subagent says is not the answer.
        const { event, parent_tool_use_id: parent } = line;
        return isRecord(event) && isAbsent(parent) ? this.streamEvent(event) : nothing;
      }
      case "assistant":
        return isAbsent(line["parent_tool_use_id"]) ? this.assistant(line) : nothing;
      case "rate_limit_event": {
        const info = line["rate_limit_info"];
        if (!isRecord(info)) return nothing;
        this.options.onLimit?.(info);
        if (info["status"] === "rejected") this.limit = info;
        return nothing;
      }
      case "system":
        if (line["subtype"] === "init" && line["apiKeySource"] === "none") this.options.onKeyless?.();
        return this.retry(line);
      case "result":
        return this.result(line);
      default:
        return nothing;
    }
  }

  release(): readonly StreamEvent[] {
    return this.rounds.release();
  }

  isHolding(): boolean {
    return this.rounds.isHolding();
  }

  isStreaming(): boolean {
    return this.message !== null;
  }

  hasStarted(): boolean {
    return this.isStarted;
  }

  complete(): TurnEnd | null {
    const { pending, options } = this;
    return pending === null || options.wantsJson || options.mustCall === true
      ? null
      : { kind: "finished", finish: this.withUsage(pending), mustStop: true };
  }

  costUsd(): number {
    return this.totalCostUsd;
  }

  private streamEvent(event: Record<string, unknown>): DecodedLine {
    const type = event["type"];
    if (type === "message_start") {
      if (this.startsOver()) return failed(connectionLost());
      this.beginMessage(event["message"]);
    }
    const { message, rounds } = this;
    if (message === null) return nothing;
    message.hasDelta ||= type === "message_delta";
    if (type === "content_block_start") message.openText = "";
    const delta = isRecord(event["delta"]) ? event["delta"] : {};
    if (typeof delta["text"] === "string") message.openText += delta["text"];
    const { events, finish, failure } = this.shown(message.decoder.take(event));
    if (failure !== null) return { events, end: { kind: "failed", failure } };
    if (finish !== null && !message.hasDelta) {
      this.message = null;
      this.broken = finish;
      return { events, end: null };
    }
    if (finish !== null) return this.endMessage(events, finish);
    if (type !== "message_delta" || !isCutOff(delta["stop_reason"])) return { events, end: null };
    const rest = this.shown(message.decoder.take({ type: "message_stop" }));
    events.push(...rest.events, ...rounds.release());
    const cut = rest.finish;
    if (cut === null) return { events, end: null };
    this.usage = sumUsage(this.usage, cut.usage);
    const end: TurnEnd = { kind: "finished", finish: this.withUsage(cut), mustStop: true, asksAgain: true };
    return { events, end };
  }

  private beginMessage(message: unknown): void {
    this.message = new StreamedMessage();
    this.broken = null;
    this.pending = null;
    this.rounds.begin();
    if (isRecord(message) && typeof message["id"] === "string") this.streamedIds.add(message["id"]);
  }

  /**
   * Decides what a complete message is: the answer, a call of the client's tools, or a round of the program's own
   * tools.
   */
  private endMessage(events: StreamEvent[], finish: Finish): DecodedLine {
    this.message = null;
    this.usage = sumUsage(this.usage, finish.usage);
    const ids = this.rounds.calls;
    if (ids.length > 0)
      return {
        events,
        end: { kind: "tool-calls", finish: { ...this.withUsage(finish), reason: "tool-calls" }, ids },
      };
    if (finish.reason === "tool-calls") return { events, end: null };
    events.push(...this.rounds.release());
    this.pending = finish;
    return { events, end: null };
  }

  private wholeMessage(message: Record<string, unknown>): DecodedLine {
    const missing = missingEvents(message, this.message?.openText ?? null);
    if (missing === null) return badOutput("The claude program's stream broke and cannot be continued.");
    return { events: missing.flatMap((event) => this.streamEvent(event).events), end: null };
  }

  private assistant(line: ProtocolLine): DecodedLine {
    const { message } = line;
    if (!isRecord(message)) return nothing;
    if (message["model"] === "<synthetic>") {
      if (typeof line["error"] === "string") this.error = line["error"];
      return nothing;
    }
    const id = message["id"];
    if (typeof id === "string" && !this.streamedIds.has(id)) return this.wholeMessage(message);
    // The stream contains this block; the copy counts only if the stream never ends.
    if (this.message !== null) this.message.copy = message;
    return nothing;
  }

  /** The program may retry immediately, but must not wait as long as the API asks for. */
  private retry(line: ProtocolLine): DecodedLine {
    const delayMs = line["retry_delay_ms"];
    if (line["subtype"] !== "api_retry") return nothing;
    // 2.1.329 asks again where 2.1.197 gives up: the client would see the beginning twice.
    if (this.startsOver()) return failed(connectionLost());
    if (line["error_status"] !== 429 || typeof delayMs !== "number") return nothing;
    return delayMs < leastWaitMs ? nothing : failed(limitedFor(delayMs, this.isStarted));
  }

  private result(line: ProtocolLine): DecodedLine {
    const { options, isStarted, error, limit } = this;
    const total = line["total_cost_usd"];
    if (typeof total === "number" && total >= this.totalCostUsd) this.totalCostUsd = total;
    if (line["is_error"] === true || line["subtype"] !== "success")
      return failed(
        failureOfResult({ result: line, error, limit, hasAnswered: isStarted, nowMs: options.nowMs() }),
      );
    if (options.mustCall === true)
      return badOutput("The model did not call the tool that the request demands.");
    const cost = { costUsd: this.totalCostUsd - options.costBefore };
    if (options.wantsJson) return this.jsonAnswer(line["structured_output"], cost);
    const late = this.lateMessage();
    if (late.end !== null) return late;
    const { pending } = this;
    if (pending === null) return badOutput("The claude program ended its turn without an answer.", isStarted);
    return {
      events: late.events,
      end: { kind: "finished", finish: { ...this.withUsage(pending), ...cost }, mustStop: false },
    };
  }

  /** The end of a message, when its stream did not contain it. */
  private lateMessage(): DecodedLine {
    if (this.broken !== null) return this.endMessage([], this.broken);
    const copy = this.message?.copy ?? null;
    return copy === null ? nothing : this.wholeMessage(copy);
  }

  private jsonAnswer(value: unknown, cost: { costUsd: number }): DecodedLine {
    if (value === undefined) return badOutput("The model's answer does not keep to the JSON schema.");
    const text = typeof value === "string" ? value : JSON.stringify(value);
    // Thinking that was shown already has the first indexes.
    const index = this.rounds.shownBlocks();
    const events: StreamEvent[] = [
      ...(this.isStarted ? [] : [{ type: "start", id: "", model: "" } as const]),
      { type: "text-start", index },
      { type: "text-delta", index, text },
      { type: "text-end", index },
    ];
    const finish: Finish = { type: "finish", reason: "stop", usage: this.usage ?? unknownUsage, ...cost };
    return { events, end: { kind: "finished", finish, mustStop: true } };
  }

  /** The program discards a message and asks for it again, which is harmless while the client has seen none of it. */
  private startsOver(): boolean {
    return (this.message !== null || this.broken !== null) && this.rounds.hasShown();
  }

  /** Events of the message decoder, without what applies to a single message only. */
  private shown(events: readonly StreamEvent[]): Shown {
    const out: StreamEvent[] = [];
    for (const event of events) {
      if (event.type === "finish") return { events: out, finish: event, failure: null };
      if (event.type === "failure") return { events: out, finish: null, failure: event.failure };
      if (event.type !== "start") out.push(...this.rounds.take(event));
      else if (!this.isStarted) {
        this.isStarted = true;
        out.push(event);
      }
    }
    return { events: out, finish: null, failure: null };
  }

  private withUsage(finish: Finish): Finish {
    return { ...finish, usage: this.usage ?? unknownUsage };
  }
}

function badOutput(message: string, maybeBilled = true): DecodedLine {
  return failed(new Failure("bad-output", message, { maybeBilled }));
}
