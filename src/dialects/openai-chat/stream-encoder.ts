// Turns events into chunks for a client: role, deltas, finish, usage if requested, [DONE]; one id throughout. It must
// never write [DONE] after a failure, nor leave a gap in the numbering of tool calls.

import type { StreamEvent } from "../../canon/event.ts";
import type { Extras } from "../../canon/request.ts";
import { mergeUsage, unknownUsage, type Usage } from "../../canon/usage.ts";
import { commentFrame, encodeFrame } from "../../wire/sse.ts";
import type { AnswerFacts, StreamEncoder } from "../dialect.ts";
import { unwrapText } from "../free-text-tools.ts";
import { encodeFailureFrame } from "./failure.ts";
import { settleReason, finishReasons } from "./finish.ts";
import { annotationsOf } from "./annotations.ts";
import { freeTextCall, freeTextNames, freeTextPiece } from "./free-text-calls.ts";
import { noArguments } from "./tool-calls.ts";
import { encodeUsage } from "./usage.ts";
import { extrasOf } from "./extras.ts";

export const endFrame = encodeFrame("[DONE]");

/** The vendor's id of the answer, or our own where it gave none. */
export function answerId(id: string, facts: AnswerFacts): string {
  return id === "" ? `chatcmpl-${facts.requestId}` : id;
}

export const streamEncoder = (facts: AnswerFacts): StreamEncoder => new ChunkEncoder(facts);

class ChunkEncoder implements StreamEncoder {
  /** The beginning of every chunk; empty until the answer has begun. */
  private head = "";
  private readonly tail: string;
  private readonly isFreeText: (name: string) => boolean;
  private callCount = 0;
  private hasInput = false;
  private textLength = 0;
  private textStart = 0;
  /** For a free-text call: the text arrives inside a JSON string in arbitrary pieces, so it is unwrapped when complete. */
  private pieces: string[] | null = null;
  private usage: Usage = unknownUsage;
  private isClosed = false;

  constructor(private readonly facts: AnswerFacts) {
    this.tail = facts.wantsUsage ? ',"usage":null}' : "}";
    this.isFreeText = freeTextNames(facts.tools);
  }

  step(event: StreamEvent): string {
    if (this.isClosed) return "";
    switch (event.type) {
      case "start":
        if (event.usage !== undefined) this.usage = mergeUsage(this.usage, event.usage);
        return this.begin(event.id, event.model);
      case "text-start":
        this.textStart = this.textLength;
        return "";
      case "text-delta":
        this.textLength += event.text.length;
        return this.words("content", event.text);
      case "text-end":
        return this.annotations(event.extras);
      case "thinking-delta":
        return this.words("reasoning_content", event.text);
      case "thinking-end":
        return this.reasoningDetails(event.extras);
      case "tool-start":
        return this.begin("", "") + this.startCall(event.id, event.name);
      case "tool-delta":
        return this.addInput(event.input);
      case "tool-end":
        return this.endInput() + this.extraContent(event.extras);
      case "usage":
        this.usage = mergeUsage(this.usage, event.usage);
        return "";
      case "heartbeat":
        return commentFrame;
      case "finish":
        this.isClosed = true;
        this.usage = mergeUsage(this.usage, event.usage);
        return this.begin("", "") + this.finish(finishReasons[settleReason(event.reason, this.callCount)]);
      case "failure":
        this.isClosed = true;
        return encodeFailureFrame(event.failure);
      default:
        return "";
    }
  }

  private begin(id: string, model: string): string {
    if (this.head !== "") return "";
    const fixed = JSON.stringify({
      id: answerId(id, this.facts),
      object: "chat.completion.chunk",
      created: this.facts.createdSeconds,
      model,
      system_fingerprint: null,
    });
    this.head = `${fixed.slice(0, -1)},`;
    return this.chunk('{"role":"assistant","content":""}');
  }

  private chunk(delta: string, finish: string | null = null): string {
    const choice = `{"index":0,"delta":${delta},"logprobs":null,"finish_reason":${finish === null ? "null" : `"${finish}"`}}`;
    return `data: ${this.head}"choices":[${choice}]${this.tail}\n\n`;
  }

  private finish(reason: string): string {
    const usage = this.facts.wantsUsage ? encodeUsage(this.usage) : null;
    const last = usage === null ? "" : `data: ${this.head}"choices":[],"usage":${JSON.stringify(usage)}}\n\n`;
    return this.chunk("{}", reason) + last + endFrame;
  }

  private words(field: string, text: string): string {
    return text === "" ? "" : this.begin("", "") + this.chunk(`{"${field}":${JSON.stringify(text)}}`);
  }

  private annotations(extras: Extras | undefined): string {
    const annotations = annotationsOf(extras, this.textStart, this.textLength - this.textStart);
    return annotations.length === 0 ? "" : this.chunk(`{"annotations":${JSON.stringify(annotations)}}`);
  }

  private reasoningDetails(extras: Extras | undefined): string {
    const details = extrasOf(extras).reasoning_details;
    return details === undefined
      ? ""
      : this.begin("", "") + this.chunk(`{"reasoning_details":${JSON.stringify(details)}}`);
  }

  private startCall(id: string, name: string): string {
    this.hasInput = false;
    this.pieces = this.isFreeText(name) ? [] : null;
    const call = {
      index: this.callCount++,
      id,
      ...(this.pieces === null
        ? { type: "function", function: { name, arguments: "" } }
        : freeTextCall(name, "")),
    };
    return this.chunk(`{"tool_calls":[${JSON.stringify(call)}]}`);
  }

  private addInput(input: string): string {
    if (input === "") return "";
    if (input.trim() !== "") this.hasInput = true;
    if (this.pieces === null) return this.argumentsPiece(input);
    this.pieces.push(input);
    return "";
  }

  private endInput(): string {
    if (this.pieces === null) return this.hasInput ? "" : this.argumentsPiece(noArguments);
    const piece = freeTextPiece(unwrapText(this.pieces.join("")));
    return this.chunk(`{"tool_calls":[${JSON.stringify({ index: this.callCount - 1, ...piece })}]}`);
  }

  private argumentsPiece(text: string): string {
    return this.chunk(
      `{"tool_calls":[{"index":${this.callCount - 1},"function":{"arguments":${JSON.stringify(text)}}}]}`,
    );
  }

  private extraContent(extras: Extras | undefined): string {
    const extra = extrasOf(extras).extra_content;
    return extra === undefined
      ? ""
      : this.chunk(
          `{"tool_calls":[{"index":${this.callCount - 1},"extra_content":${JSON.stringify(extra)}}]}`,
        );
  }
}
