// Turns canonical events into the event stream of the Messages API: one message_start, blocks 0..n-1, message_delta,
// message_stop. It must never overlap blocks, repeat message_start or end a failed stream as a successful one: the SDK
// throws "Unexpected event order".

import type { StreamEvent } from "../../canon/event.ts";
import type { Extras } from "../../canon/request.ts";
import { mergeUsage, unknownUsage, type Usage } from "../../canon/usage.ts";
import { encodeFrame } from "../../wire/sse.ts";
import { isRecord } from "../decoding.ts";
import type { AnswerFacts, StreamEncoder } from "../dialect.ts";
import { encodeFailureFrame } from "./failure.ts";
import { encodeFinish } from "./finish.ts";
import { citationsOf, name, extrasOf } from "./extras.ts";
import { encodeUsage, restOfUsage } from "./usage.ts";

type Finish = Extract<StreamEvent, { type: "finish" }>;
type Start = { readonly id: string; readonly model: string; readonly usage?: Usage };
const unknownStart: Start = { id: "", model: "" };

export const heartbeatFrame = encodeFrame('{"type":"ping"}', "ping");

/** The member of a message that is beside `delta` in message_delta; all others are inside it. */
const besideDelta = "context_management";

/**
 * Claude Code joins answers with the same id into one and so changes the order of its history. Other vendors' ids recur: Ollama's are
 * `chatcmpl-0` to `chatcmpl-998`, others write the same for each answer.
 */
export function messageId(id: string, facts: AnswerFacts): string {
  return id.startsWith("msg_") ? id : `msg_${facts.requestId}`;
}

/** The extras of a finish that are written as they are: stop_details, container, context_management … */
export function finishMembers(extras: Extras | undefined): Record<string, unknown> {
  const { stop_reason: _reason, usage: _usage, ...members } = extrasOf(extras);
  return members;
}

export function finishUsage(usage: Usage, extras: Extras | undefined): Record<string, unknown> {
  return { ...restOfUsage(extrasOf(extras)["usage"]), ...encodeUsage(usage) };
}

export function streamEncoder(facts: AnswerFacts): StreamEncoder {
  return new MessageEncoder(facts);
}

const frame = (type: string, members: Record<string, unknown>): string =>
  encodeFrame(JSON.stringify({ type, ...members }), type);

class MessageEncoder implements StreamEncoder {
  private isStarted = false;
  private isClosed = false;
  private isOpen = false;
  private hasTool = false;
  private index = 0;
  private usage: Usage = unknownUsage;

  constructor(private readonly facts: AnswerFacts) {}

  step(event: StreamEvent): string {
    if (this.isClosed) return "";
    switch (event.type) {
      case "start":
        return this.start(event);
      case "text-start":
        return this.open({ type: "text", text: "" });
      case "text-delta":
        return event.text === "" ? "" : this.delta({ type: "text_delta", text: event.text });
      case "text-end":
        return this.citations(event.extras) + this.stop();
      case "thinking-start":
        return this.open({ type: "thinking", thinking: "", signature: "" });
      case "thinking-delta":
        return event.text === "" ? "" : this.delta({ type: "thinking_delta", thinking: event.text });
      case "thinking-end":
        return this.signature(event.signature) + this.stop();
      case "tool-start":
        this.hasTool = true;
        return this.open({ type: "tool_use", id: event.id, name: event.name, input: {} });
      case "tool-delta":
        return event.input === "" ? "" : this.delta({ type: "input_json_delta", partial_json: event.input });
      // A call without arguments needs no delta: its block began with `input: {}`, and the API's own stream sends nothing else.
      case "tool-end":
        return this.stop();
      case "opaque":
        return this.opaque(event.dialect, event.value);
      case "heartbeat":
        return heartbeatFrame;
      case "usage":
        this.usage = mergeUsage(this.usage, event.usage);
        return "";
      case "finish":
        return this.finish(event);
      case "failure":
        this.isClosed = true;
        return encodeFailureFrame(event.failure, this.facts.requestId);
    }
  }

  private start(event: Start): string {
    if (this.isStarted) return "";
    this.isStarted = true;
    if (event.usage !== undefined) this.usage = mergeUsage(this.usage, event.usage);
    const message = {
      id: messageId(event.id, this.facts),
      type: "message",
      role: "assistant",
      model: event.model,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: encodeUsage(event.usage ?? unknownUsage),
    };
    return frame("message_start", { message });
  }

  private begin(): string {
    return this.isStarted ? "" : this.start(unknownStart);
  }

  private open(block: Record<string, unknown>): string {
    const before = this.begin() + this.stop();
    this.isOpen = true;
    return before + frame("content_block_start", { index: this.index, content_block: block });
  }

  private delta(members: Record<string, unknown>): string {
    return this.isOpen ? frame("content_block_delta", { index: this.index, delta: members }) : "";
  }

  private stop(): string {
    if (!this.isOpen) return "";
    this.isOpen = false;
    return frame("content_block_stop", { index: this.index++ });
  }

  private citations(extras: Extras | undefined): string {
    return citationsOf(extras)
      .map((citation: unknown) => this.delta({ type: "citations_delta", citation }))
      .join("");
  }

  private signature(signature: string | null): string {
    return signature ? this.delta({ type: "signature_delta", signature }) : "";
  }

  private opaque(dialect: string, value: unknown): string {
    // Another dialect's block is skipped and takes no index.
    if (dialect !== name || !isRecord(value)) return "";
    if (value["type"] === "tool_use") this.hasTool = true;
    return this.open(value) + this.stop();
  }

  private finish(event: Finish): string {
    const before = this.begin() + this.stop();
    this.isClosed = true;
    this.usage = mergeUsage(this.usage, event.usage);
    const { [besideDelta]: beside, ...inside } = finishMembers(event.extras);
    const reason = encodeFinish(event.reason, this.hasTool, extrasOf(event.extras)["stop_reason"]);
    const last = frame("message_delta", {
      delta: { ...inside, stop_reason: reason, stop_sequence: event.stopSequence ?? null },
      usage: finishUsage(this.usage, event.extras),
      ...(beside === undefined ? {} : { [besideDelta]: beside }),
    });
    return before + last + frame("message_stop", {});
  }
}
