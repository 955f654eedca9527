// Canonical events -> the event stream of the Messages API: one message_start, blocks 0..n-1, message_delta, message_stop.
// It must never overlap blocks, repeat message_start or end a failed stream happily: the SDK throws "Unexpected event order".

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

export const heartbeatFrame = encodeFrame('{"type":"ping"}', "ping");

/** Members of a message that stand beside `delta` in message_delta; all others stand inside it. */
const besideDelta = "context_management";

export function messageId(id: string, facts: AnswerFacts): string {
  return id === "" ? `msg_${facts.requestId}` : id;
}

/** The finish pocket without what other places spell: stop_details, container, context_management … */
export function finishMembers(extras: Extras | undefined): Record<string, unknown> {
  const { stop_reason: _reason, usage: _usage, ...members } = extrasOf(extras);
  return members;
}

export function finishUsage(usage: Usage, extras: Extras | undefined): Record<string, unknown> {
  return { ...restOfUsage(extrasOf(extras)["usage"]), ...encodeUsage(usage) };
}

export function streamEncoder(facts: AnswerFacts): StreamEncoder {
  let isStarted = false;
  let isClosed = false;
  let isOpen = false;
  let hasTool = false;
  let index = 0;
  let usage: Usage = unknownUsage;

  const frame = (type: string, members: Record<string, unknown>): string =>
    encodeFrame(JSON.stringify({ type, ...members }), type);

  const start = (event: Start): string => {
    if (isStarted) return "";
    isStarted = true;
    if (event.usage !== undefined) usage = mergeUsage(usage, event.usage);
    const message = {
      id: messageId(event.id, facts),
      type: "message",
      role: "assistant",
      model: event.model,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: encodeUsage(event.usage ?? unknownUsage),
    };
    return frame("message_start", { message });
  };
  const begin = (): string => start({ id: "", model: "" });

  const stop = (): string => {
    if (!isOpen) return "";
    isOpen = false;
    return frame("content_block_stop", { index: index++ });
  };
  const open = (block: Record<string, unknown>): string => {
    const before = begin() + stop();
    isOpen = true;
    return before + frame("content_block_start", { index, content_block: block });
  };
  const delta = (members: Record<string, unknown>): string =>
    isOpen ? frame("content_block_delta", { index, delta: members }) : "";

  const citations = (extras: Extras | undefined): string => {
    return citationsOf(extras)
      .map((citation: unknown) => delta({ type: "citations_delta", citation }))
      .join("");
  };

  const finish = (event: Finish): string => {
    const before = begin() + stop();
    isClosed = true;
    usage = mergeUsage(usage, event.usage);
    const { [besideDelta]: beside, ...inside } = finishMembers(event.extras);
    const reason = encodeFinish(event.reason, hasTool, extrasOf(event.extras)["stop_reason"]);
    const last = frame("message_delta", {
      delta: { ...inside, stop_reason: reason, stop_sequence: event.stopSequence ?? null },
      usage: finishUsage(usage, event.extras),
      ...(beside === undefined ? {} : { [besideDelta]: beside }),
    });
    return before + last + frame("message_stop", {});
  };

  const step = (event: StreamEvent): string => {
    switch (event.type) {
      case "start":
        return start(event);
      case "text-start":
        return open({ type: "text", text: "" });
      case "text-delta":
        return event.text === "" ? "" : delta({ type: "text_delta", text: event.text });
      case "text-end":
        return citations(event.extras) + stop();
      case "thinking-start":
        return open({ type: "thinking", thinking: "", signature: "" });
      case "thinking-delta":
        return event.text === "" ? "" : delta({ type: "thinking_delta", thinking: event.text });
      case "thinking-end":
        return (
          (event.signature ? delta({ type: "signature_delta", signature: event.signature }) : "") + stop()
        );
      case "tool-start":
        hasTool = true;
        return open({ type: "tool_use", id: event.id, name: event.name, input: {} });
      case "tool-delta":
        return event.input === "" ? "" : delta({ type: "input_json_delta", partial_json: event.input });
      // A call without arguments needs no delta: its block began with `input: {}`, and the API's own stream says no more.
      case "tool-end":
        return stop();
      case "opaque":
        // Another dialect's block means nothing here; the numbers of those that follow close up.
        if (event.dialect !== name || !isRecord(event.value)) return "";
        if (event.value["type"] === "tool_use") hasTool = true;
        return open(event.value) + stop();
      case "heartbeat":
        return heartbeatFrame;
      case "usage":
        usage = mergeUsage(usage, event.usage);
        return "";
      case "finish":
        return finish(event);
      case "failure":
        isClosed = true;
        return encodeFailureFrame(event.failure, facts.requestId);
    }
  };
  return { step: (event) => (isClosed ? "" : step(event)) };
}
