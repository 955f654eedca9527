// Events -> chunks for a client: role, deltas, finish, usage if asked, [DONE]; one id throughout.
// It must never write [DONE] after a failure, nor leave a gap in the numbering of tool calls.

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

export const endFrame = encodeFrame("[DONE]");

/** The id of an answer whose maker gave it none. */
export function answerId(id: string, facts: AnswerFacts): string {
  return id === "" ? `chatcmpl-${facts.requestId}` : id;
}

export function streamEncoder(facts: AnswerFacts): StreamEncoder {
  let head = "";
  let callCount = 0;
  let hasInput = false;
  let textLength = 0;
  let textBegan = 0;
  /** Of a call whose input is free text: inside a JSON string that may end anywhere, it is unwrapped when it is whole. */
  let pieces: string[] | null = null;
  const isFree = freeTextNames(facts.tools);
  let usage: Usage = unknownUsage;
  let isClosed = false;
  const tail = facts.wantsUsage ? ',"usage":null}' : "}";

  const chunk = (delta: string, finish: string | null = null): string => {
    const choice = `{"index":0,"delta":${delta},"logprobs":null,"finish_reason":${finish === null ? "null" : `"${finish}"`}}`;
    return `data: ${head}"choices":[${choice}]${tail}\n\n`;
  };
  const begin = (id: string, model: string): string => {
    if (head !== "") return "";
    const fixed = JSON.stringify({
      id: answerId(id, facts),
      object: "chat.completion.chunk",
      created: facts.createdSeconds,
      model,
      system_fingerprint: null,
    });
    head = `${fixed.slice(0, -1)},`;
    return chunk('{"role":"assistant","content":""}');
  };
  const finish = (reason: string): string => {
    const counted = facts.wantsUsage ? encodeUsage(usage) : null;
    const last = counted === null ? "" : `data: ${head}"choices":[],"usage":${JSON.stringify(counted)}}\n\n`;
    return chunk("{}", reason) + last + endFrame;
  };
  const argumentsPiece = (text: string): string =>
    chunk(`{"tool_calls":[{"index":${callCount - 1},"function":{"arguments":${JSON.stringify(text)}}}]}`);
  const freePiece = (text: string): string =>
    chunk(`{"tool_calls":[${JSON.stringify({ index: callCount - 1, ...freeTextPiece(text) })}]}`);
  const extraPiece = (extras: Extras | undefined): string => {
    const extra = extras?.["openai-chat"]?.extra_content;
    return extra === undefined
      ? ""
      : chunk(`{"tool_calls":[{"index":${callCount - 1},"extra_content":${JSON.stringify(extra)}}]}`);
  };
  const detailsPiece = (extras: Extras | undefined): string => {
    const details = extras?.["openai-chat"]?.reasoning_details;
    return details === undefined
      ? ""
      : begin("", "") + chunk(`{"reasoning_details":${JSON.stringify(details)}}`);
  };
  const words = (field: string, text: string): string =>
    text === "" ? "" : begin("", "") + chunk(`{"${field}":${JSON.stringify(text)}}`);

  const encode = (event: StreamEvent): string => {
    switch (event.type) {
      case "start":
        if (event.usage !== undefined) usage = mergeUsage(usage, event.usage);
        return begin(event.id, event.model);
      case "text-start":
        textBegan = textLength;
        return "";
      case "text-delta":
        textLength += event.text.length;
        return words("content", event.text);
      case "text-end": {
        const annotations = annotationsOf(event.extras, textBegan, textLength - textBegan);
        return annotations.length === 0 ? "" : chunk(`{"annotations":${JSON.stringify(annotations)}}`);
      }
      case "thinking-delta":
        return words("reasoning_content", event.text);
      case "tool-start": {
        hasInput = false;
        pieces = isFree(event.name) ? [] : null;
        const call = {
          index: callCount++,
          id: event.id,
          ...(pieces === null
            ? { type: "function", function: { name: event.name, arguments: "" } }
            : freeTextCall(event.name, "")),
        };
        return begin("", "") + chunk(`{"tool_calls":[${JSON.stringify(call)}]}`);
      }
      case "tool-delta": {
        if (event.input === "") return "";
        if (event.input.trim() !== "") hasInput = true;
        if (pieces !== null) {
          pieces.push(event.input);
          return "";
        }
        return argumentsPiece(event.input);
      }
      case "tool-end":
        if (pieces !== null) return freePiece(unwrapText(pieces.join(""))) + extraPiece(event.extras);
        return (hasInput ? "" : argumentsPiece(noArguments)) + extraPiece(event.extras);
      case "thinking-end":
        return detailsPiece(event.extras);
      case "usage":
        usage = mergeUsage(usage, event.usage);
        return "";
      case "heartbeat":
        return commentFrame;
      case "finish":
        isClosed = true;
        usage = mergeUsage(usage, event.usage);
        return begin("", "") + finish(finishReasons[settleReason(event.reason, callCount)]);
      case "failure":
        isClosed = true;
        return encodeFailureFrame(event.failure);
      default:
        return "";
    }
  };
  return { step: (event) => (isClosed ? "" : encode(event)) };
}
