// Events -> frames for a client: one GenerateContentResponse each, calls whole, the finish reason in the last one.
// It must never write a finish reason after a failure.

import type { StreamEvent } from "../../canon/event.ts";
import { mergeUsage, unknownUsage, type Usage } from "../../canon/usage.ts";
import { type Citation, storedCitations, groundingOf } from "../citations.ts";
import { isRecord } from "../decoding.ts";
import { blankFrame } from "../../wire/sse.ts";
import type { AnswerFacts, StreamEncoder } from "../dialect.ts";
import { encodeFailureFrame } from "./failure.ts";
import { name, extrasOf, thinkingSignature, signatureIn, withSignature } from "./extras.ts";
import { answerClosing, answerHead } from "./encode-answer.ts";
import { toolInput } from "../tool-input.ts";
import { encodeUsage } from "./usage.ts";

type Finish = Extract<StreamEvent, { type: "finish" }>;

export function streamEncoder(facts: AnswerFacts): StreamEncoder {
  let head = JSON.stringify(answerHead("", "", facts)).slice(1);
  let counted = "";
  let usage: Usage = unknownUsage;
  let call: { readonly id: string; readonly name: string; readonly pieces: string[] } | null = null;
  let hasContent = false;
  const texts: { text: string; readonly cited: readonly Citation[] }[] = [];
  let callInput = "";
  let isClosed = false;

  const count = (news: Usage): void => {
    usage = mergeUsage(usage, news);
    const rendered = encodeUsage(usage);
    counted = rendered === null ? "" : `"usageMetadata":${JSON.stringify(rendered)},`;
  };
  const frame = (part: string): string => {
    hasContent = true;
    return `data: {"candidates":[{"content":{"parts":[${part}],"role":"model"},"index":0}],${counted}${head}\n\n`;
  };
  const finish = (event: Finish): string => {
    count(event.usage);
    const { finishReason, candidate, outside } = answerClosing(
      event.reason,
      extrasOf(event.extras),
      hasContent,
      groundingOf(texts),
    );
    // The empty part is Google's own habit: its package's chats forget a turn that has a chunk without parts.
    const content = { parts: [{ text: "" }], role: "model" };
    const last = { ...candidate, content, finishReason: finishReason, index: 0 };
    const members = { ...(candidate === null ? {} : { candidates: [last] }), ...outside };
    const json = JSON.stringify(members).slice(1, -1);
    return `data: {${json}${json === "" ? "" : ","}${counted}${head}\n\n`;
  };

  const encode = (event: StreamEvent): string => {
    switch (event.type) {
      case "start":
        head = JSON.stringify(answerHead(event.id, event.model, facts)).slice(1);
        if (event.usage !== undefined) count(event.usage);
        return "";
      case "text-start":
        callInput = "";
        return "";
      case "text-delta":
        callInput += event.text;
        return event.text === "" ? "" : frame(`{"text":${JSON.stringify(event.text)}}`);
      case "thinking-delta":
        return event.text === "" ? "" : frame(`{"text":${JSON.stringify(event.text)},"thought":true}`);
      case "text-end": {
        texts.push({ text: callInput, cited: storedCitations(extrasOf(event.extras)) });
        const signature = signatureIn(event.extras);
        return signature === null ? "" : frame(JSON.stringify({ text: "", ...withSignature(signature) }));
      }
      case "thinking-end":
        return thinkingSignature(event) === null
          ? ""
          : frame(JSON.stringify({ text: "", thought: true, ...withSignature(thinkingSignature(event)) }));
      case "tool-start":
        call = { id: event.id, name: event.name, pieces: [] };
        return "";
      case "tool-delta":
        call?.pieces.push(event.input);
        return "";
      case "tool-end": {
        if (call === null) return "";
        const functionCall = { id: call.id, name: call.name, args: toolInput(call.pieces.join("")) };
        call = null;
        return frame(JSON.stringify({ functionCall, ...withSignature(signatureIn(event.extras)) }));
      }
      case "opaque":
        return event.dialect === name && isRecord(event.value) ? frame(JSON.stringify(event.value)) : "";
      case "usage":
        count(event.usage);
        return "";
      case "heartbeat":
        return blankFrame;
      case "finish":
        isClosed = true;
        return finish(event);
      case "failure":
        isClosed = true;
        return encodeFailureFrame(event.failure);
      default:
        return "";
    }
  };
  return { step: (event) => (isClosed ? "" : encode(event)) };
}
