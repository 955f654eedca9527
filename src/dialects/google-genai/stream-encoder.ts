// Turns events into frames for a client: one GenerateContentResponse each, with whole calls and the finish reason in
// the last one. It must never write a finish reason after a failure.

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
  return new ContentEncoder(facts);
}

/** A text whose sources are listed in the last chunk. */
type EndedText = { readonly text: string; readonly cited: readonly Citation[] };

class ContentEncoder implements StreamEncoder {
  /** The members that end every frame, as JSON without its opening brace. */
  private head: string;
  private counted = "";
  private usage: Usage = unknownUsage;
  private call: { readonly id: string; readonly name: string; readonly pieces: string[] } | null = null;
  private hasContent = false;
  private readonly texts: EndedText[] = [];
  private text = "";
  private isClosed = false;

  constructor(private readonly facts: AnswerFacts) {
    this.head = headOf("", "", facts);
  }

  step(event: StreamEvent): string {
    if (this.isClosed) return "";
    switch (event.type) {
      case "start":
        this.head = headOf(event.id, event.model, this.facts);
        if (event.usage !== undefined) this.count(event.usage);
        return "";
      case "text-start":
        this.text = "";
        return "";
      case "text-delta":
        this.text += event.text;
        return event.text === "" ? "" : this.frame(`{"text":${JSON.stringify(event.text)}}`);
      case "thinking-delta":
        return event.text === "" ? "" : this.frame(`{"text":${JSON.stringify(event.text)},"thought":true}`);
      case "text-end":
        this.texts.push({ text: this.text, cited: storedCitations(extrasOf(event.extras)) });
        return this.signed({ text: "" }, signatureIn(event.extras));
      case "thinking-end":
        return this.signed({ text: "", thought: true }, thinkingSignature(event));
      case "tool-start":
        this.call = { id: event.id, name: event.name, pieces: [] };
        return "";
      case "tool-delta":
        this.call?.pieces.push(event.input);
        return "";
      case "tool-end":
        return this.endCall(signatureIn(event.extras));
      case "opaque":
        return event.dialect === name && isRecord(event.value) ? this.frame(JSON.stringify(event.value)) : "";
      case "usage":
        this.count(event.usage);
        return "";
      case "heartbeat":
        return blankFrame;
      case "finish":
        this.isClosed = true;
        return this.finish(event);
      case "failure":
        this.isClosed = true;
        return encodeFailureFrame(event.failure);
      default:
        return "";
    }
  }

  private count(news: Usage): void {
    this.usage = mergeUsage(this.usage, news);
    const rendered = encodeUsage(this.usage);
    this.counted = rendered === null ? "" : `"usageMetadata":${JSON.stringify(rendered)},`;
  }

  private frame(part: string): string {
    this.hasContent = true;
    return `data: {"candidates":[{"content":{"parts":[${part}],"role":"model"},"index":0}],${this.counted}${this.head}\n\n`;
  }

  /** An empty part with the signature of the block before it; nothing where there is none. */
  private signed(part: object, signature: string | null): string {
    return signature === null ? "" : this.frame(JSON.stringify({ ...part, ...withSignature(signature) }));
  }

  private endCall(signature: string | null): string {
    const { call } = this;
    if (call === null) return "";
    this.call = null;
    const functionCall = { id: call.id, name: call.name, args: toolInput(call.pieces.join("")) };
    return this.frame(JSON.stringify({ functionCall, ...withSignature(signature) }));
  }

  private finish(event: Finish): string {
    this.count(event.usage);
    const { finishReason, candidate, outside } = answerClosing(
      event.reason,
      extrasOf(event.extras),
      this.hasContent,
      groundingOf(this.texts),
    );
    // Google itself sends the empty part: chats of its SDK drop a turn that has a chunk without parts.
    const content = { parts: [{ text: "" }], role: "model" };
    const last = { ...candidate, content, finishReason, index: 0 };
    const members = { ...(candidate === null ? {} : { candidates: [last] }), ...outside };
    const json = JSON.stringify(members).slice(1, -1);
    return `data: {${json}${json === "" ? "" : ","}${this.counted}${this.head}\n\n`;
  }
}

const headOf = (id: string, model: string, facts: AnswerFacts): string =>
  JSON.stringify(answerHead(id, model, facts)).slice(1);
