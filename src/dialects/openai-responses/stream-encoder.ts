// Turns events into the API's own events, numbered and in its order: one item at a time, each announced, written out and
// closed. It must never write a successful end after a failure, nor write a free-text call as a function call.

import type { FinishReason, StreamEvent } from "../../canon/event.ts";
import type { Extras } from "../../canon/request.ts";
import { mergeUsage, unknownUsage, type Usage } from "../../canon/usage.ts";
import { commentFrame, encodeFrame } from "../../wire/sse.ts";
import { isRecord } from "../decoding.ts";
import type { AnswerFacts, StreamEncoder } from "../dialect.ts";
import { callForms, callItem, type CallForm, prefixOf } from "./declared-tools.ts";
import { failureFrames } from "./failure.ts";
import { asksClient, settleReason } from "./finish.ts";
import { name, type Wire } from "./extras.ts";
import {
  annotationsOf,
  finishedResponse,
  type Frame,
  itemId,
  messageItem,
  noArguments,
  reasoningItem,
  responseObject,
  textPart,
} from "./encode-answer.ts";

type OpenItem = {
  readonly id: string;
  readonly parts: string[];
  /** For a call. */
  readonly callId: string;
  readonly form: CallForm | null;
};

export const streamEncoder = (facts: AnswerFacts): StreamEncoder => new EventEncoder(facts);

class EventEncoder implements StreamEncoder {
  private readonly formOf: (name: string) => CallForm;
  private readonly output: Wire[] = [];
  private frame: Frame | null = null;
  private sequence = 0;
  private open: OpenItem | null = null;
  private hasCalls = false;
  private isClosed = false;
  private usage: Usage = unknownUsage;

  constructor(private readonly facts: AnswerFacts) {
    this.formOf = callForms(facts.tools ?? []);
  }

  step(event: StreamEvent): string {
    if (this.isClosed) return "";
    switch (event.type) {
      case "start":
        if (event.usage !== undefined) this.usage = mergeUsage(this.usage, event.usage);
        return this.begin(event.id, event.model);
      case "text-start":
        return this.begin("", "") + this.startText();
      case "text-delta":
        return this.addText(event.text);
      case "text-end":
        return this.endText(event.extras);
      case "thinking-start":
        return this.begin("", "") + this.startThinking();
      case "thinking-delta":
        return this.addThinking(event.text);
      case "thinking-end":
        return this.endThinking(event);
      case "tool-start":
        return this.begin("", "") + this.startCall(event.id, event.name);
      case "tool-delta":
        return this.addInput(event.input);
      case "tool-end":
        return this.endCall();
      case "opaque":
        return event.dialect === name && isRecord(event.value)
          ? this.begin("", "") + this.wholeItem(event.value)
          : "";
      case "usage":
        this.usage = mergeUsage(this.usage, event.usage);
        return "";
      case "heartbeat":
        return commentFrame;
      case "finish":
        this.isClosed = true;
        this.usage = mergeUsage(this.usage, event.usage);
        return this.finish(event.reason);
      case "failure":
        this.isClosed = true;
        return failureFrames(event.failure, this.facts.requestId, this.frame, this.sequence);
    }
  }

  private say(type: string, members: Wire): string {
    return encodeFrame(JSON.stringify({ type, sequence_number: this.sequence++, ...members }), type);
  }

  private begin(id: string, model: string): string {
    if (this.frame !== null) return "";
    this.frame = { id, model };
    const response = responseObject(this.frame, this.facts);
    return this.say("response.created", { response }) + this.say("response.in_progress", { response });
  }

  private finish(given: FinishReason): string {
    const opening = this.begin("", "");
    const reason = settleReason(given, this.hasCalls);
    const { frame, output, usage } = this;
    const answer = { frame: frame ?? { id: "", model: "" }, output, reason, usage };
    const response = finishedResponse(answer, this.facts);
    return opening + this.say(`response.${String(response.status)}`, { response });
  }

  /** The members by which an event names its item. */
  private place(): Wire {
    return { item_id: this.open?.id ?? "", output_index: this.output.length };
  }

  private itemAdded(item: Wire): string {
    return this.say("response.output_item.added", { output_index: this.output.length, item });
  }

  private itemDone(item: Wire): string {
    const done = this.say("response.output_item.done", { output_index: this.output.length, item });
    this.output.push(item);
    this.open = null;
    return done;
  }

  private openItem(id: string, callId = "", form: CallForm | null = null): void {
    this.open = { id, parts: [], callId, form };
  }

  private textSoFar(): string {
    return this.open?.parts.join("") ?? "";
  }

  private startText(): string {
    const id = itemId("msg", this.facts, this.output.length);
    this.openItem(id);
    const item = { id, type: "message", status: "in_progress", role: "assistant", content: [] };
    return (
      this.itemAdded(item) +
      this.say("response.content_part.added", { ...this.place(), content_index: 0, part: textPart("") })
    );
  }

  private addText(delta: string): string {
    if (delta === "" || this.open === null) return "";
    this.open.parts.push(delta);
    return this.say("response.output_text.delta", {
      ...this.place(),
      content_index: 0,
      delta,
      logprobs: [],
    });
  }

  private endText(extras: Extras | undefined): string {
    const inside = { ...this.place(), content_index: 0 };
    const text = this.textSoFar();
    const annotations = annotationsOf(extras, text);
    let frames = "";
    for (const [index, annotation] of annotations.entries())
      frames += this.say("response.output_text.annotation.added", {
        ...inside,
        annotation_index: index,
        annotation,
      });
    frames += this.say("response.output_text.done", { ...inside, text, logprobs: [] });
    frames += this.say("response.content_part.done", { ...inside, part: textPart(text, annotations) });
    return frames + this.itemDone(messageItem(this.open?.id ?? "", text, extras));
  }

  private startThinking(): string {
    const id = itemId("rs", this.facts, this.output.length);
    this.openItem(id);
    return this.itemAdded({ id, type: "reasoning", summary: [] });
  }

  private addThinking(delta: string): string {
    if (delta === "" || this.open === null) return "";
    const inside = { ...this.place(), summary_index: 0 };
    const isFirst = this.open.parts.length === 0;
    this.open.parts.push(delta);
    const part = { type: "summary_text", text: "" };
    const opening = isFirst ? this.say("response.reasoning_summary_part.added", { ...inside, part }) : "";
    return opening + this.say("response.reasoning_summary_text.delta", { ...inside, delta });
  }

  private endThinking(event: Extract<StreamEvent, { type: "thinking-end" }>): string {
    const text = this.textSoFar();
    const inside = { ...this.place(), summary_index: 0 };
    let frames = "";
    if (text !== "") {
      frames += this.say("response.reasoning_summary_text.done", { ...inside, text });
      frames += this.say("response.reasoning_summary_part.done", {
        ...inside,
        part: { type: "summary_text", text },
      });
    }
    return frames + this.itemDone(reasoningItem(this.open?.id ?? "", text, event));
  }

  private startCall(callId: string, tool: string): string {
    this.hasCalls = true;
    const form = this.formOf(tool);
    const id = itemId(prefixOf(form), this.facts, this.output.length);
    this.openItem(id, callId, form);
    const empty = form.isFreeText ? { input: "" } : { arguments: form.isSearch === true ? {} : "" };
    return this.itemAdded({ ...callItem(form, id, callId, ""), status: "in_progress", ...empty });
  }

  private addInput(delta: string): string {
    if (delta === "" || this.open === null) return "";
    const { form, parts } = this.open;
    parts.push(delta);
    // Free text arrives inside a JSON string in arbitrary pieces; it is unwrapped when complete.
    return form?.isFreeText === true || form?.isSearch === true
      ? ""
      : this.say("response.function_call_arguments.delta", { ...this.place(), delta });
  }

  private endCall(): string {
    if (this.open === null || this.open.form === null) return "";
    const { id, callId, form } = this.open;
    const given = this.textSoFar();
    const input = given.trim() === "" ? noArguments : given;
    const item = callItem(form, id, callId, form.isFreeText ? given : input);
    if (form.isFreeText) return this.freeText(item) + this.itemDone(item);
    if (form.isSearch === true) return this.itemDone(item);
    const filling = given.trim() === "" ? this.addInput(noArguments) : "";
    const done = { ...this.place(), name: form.name, arguments: input };
    return filling + this.say("response.function_call_arguments.done", done) + this.itemDone(item);
  }

  private freeText(item: Wire): string {
    const inside = { item_id: item.id, output_index: this.output.length };
    const { input } = item;
    if (typeof input !== "string") return "";
    const delta =
      input === "" ? "" : this.say("response.custom_tool_call_input.delta", { ...inside, delta: input });
    return delta + this.say("response.custom_tool_call_input.done", { ...inside, input });
  }

  /** An item specific to the API, which comes in one piece. */
  private wholeItem(item: Wire): string {
    this.hasCalls ||= asksClient(item);
    const isFreeText = item.type === "custom_tool_call";
    const added = this.itemAdded({ ...item, status: "in_progress", ...(isFreeText ? { input: "" } : {}) });
    return added + (isFreeText ? this.freeText(item) : "") + this.itemDone(item);
  }
}
