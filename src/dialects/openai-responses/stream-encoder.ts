// Events -> the API's own events, numbered and in its order: one item at a time, each announced, spelled and closed.
// It must never write a good ending after a failure, nor spell a free-text call as a function's.

import type { StreamEvent } from "../../canon/event.ts";
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

type Open = {
  readonly id: string;
  readonly parts: string[];
  /** Of a call. */
  readonly callId: string;
  readonly form: CallForm | null;
};

export function streamEncoder(facts: AnswerFacts): StreamEncoder {
  const formOf = callForms(facts.tools ?? []);
  const output: Wire[] = [];
  let frame: Frame | null = null;
  let sequence = 0;
  let open: Open | null = null;
  let hasCalls = false;
  let isClosed = false;
  let usage: Usage = unknownUsage;

  const say = (type: string, members: Wire): string =>
    encodeFrame(JSON.stringify({ type, sequence_number: sequence++, ...members }), type);

  const begin = (id: string, model: string): string => {
    if (frame !== null) return "";
    frame = { id, model };
    const response = responseObject(frame, facts);
    return say("response.created", { response }) + say("response.in_progress", { response });
  };
  const at = (): Wire => ({ item_id: open?.id ?? "", output_index: output.length });
  const announce = (item: Wire): string =>
    say("response.output_item.added", { output_index: output.length, item });
  const close = (item: Wire): string => {
    const done = say("response.output_item.done", { output_index: output.length, item });
    output.push(item);
    open = null;
    return done;
  };
  const enter = (id: string, callId = "", form: CallForm | null = null): Open =>
    (open = { id, parts: [], callId, form });
  const spelledText = (): string => open?.parts.join("") ?? "";

  const startText = (): string => {
    const { id } = enter(itemId("msg", facts, output.length));
    const item = { id, type: "message", status: "in_progress", role: "assistant", content: [] };
    return (
      announce(item) + say("response.content_part.added", { ...at(), content_index: 0, part: textPart("") })
    );
  };
  const endText = (event: Extract<StreamEvent, { type: "text-end" }>): string => {
    const inside = { ...at(), content_index: 0 };
    const text = spelledText();
    const annotations = annotationsOf(event.extras, text);
    let frames = "";
    for (const [index, annotation] of annotations.entries())
      frames += say("response.output_text.annotation.added", {
        ...inside,
        annotation_index: index,
        annotation,
      });
    frames += say("response.output_text.done", { ...inside, text, logprobs: [] });
    frames += say("response.content_part.done", { ...inside, part: textPart(text, annotations) });
    return frames + close(messageItem(open?.id ?? "", text, event.extras));
  };

  const thought = (delta: string): string => {
    if (delta === "" || open === null) return "";
    const inside = { ...at(), summary_index: 0 };
    const isFirst = open.parts.length === 0;
    open.parts.push(delta);
    const part = { type: "summary_text", text: "" };
    const opening = isFirst ? say("response.reasoning_summary_part.added", { ...inside, part }) : "";
    return opening + say("response.reasoning_summary_text.delta", { ...inside, delta });
  };
  const endThinking = (event: Extract<StreamEvent, { type: "thinking-end" }>): string => {
    const text = spelledText();
    const inside = { ...at(), summary_index: 0 };
    let frames = "";
    if (text !== "") {
      frames += say("response.reasoning_summary_text.done", { ...inside, text });
      frames += say("response.reasoning_summary_part.done", {
        ...inside,
        part: { type: "summary_text", text },
      });
    }
    return frames + close(reasoningItem(open?.id ?? "", text, event));
  };

  const startCall = (event: Extract<StreamEvent, { type: "tool-start" }>): string => {
    hasCalls = true;
    const form = formOf(event.name);
    const id = itemId(prefixOf(form), facts, output.length);
    enter(id, event.id, form);
    const empty = form.isFreeText ? { input: "" } : { arguments: form.isSearch === true ? {} : "" };
    return announce({ ...callItem(form, id, event.id, ""), status: "in_progress", ...empty });
  };
  const spell = (delta: string): string => {
    if (delta === "" || open === null) return "";
    open.parts.push(delta);
    // Free text stands inside a JSON string that may end anywhere; it is unwrapped when it is whole.
    return open.form?.isFreeText === true || open.form?.isSearch === true
      ? ""
      : say("response.function_call_arguments.delta", { ...at(), delta });
  };
  const endCall = (): string => {
    if (open === null || open.form === null) return "";
    const { id, callId, form } = open;
    const given = spelledText();
    const input = given.trim() === "" ? noArguments : given;
    const item = callItem(form, id, callId, form.isFreeText ? given : input);
    if (form.isFreeText) return freeText(item) + close(item);
    if (form.isSearch === true) return close(item);
    const filling = given.trim() === "" ? spell(noArguments) : "";
    const done = { ...at(), name: form.name, arguments: input };
    return filling + say("response.function_call_arguments.done", done) + close(item);
  };
  const freeText = (item: Wire): string => {
    const inside = { item_id: item.id, output_index: output.length };
    const { input } = item;
    if (typeof input !== "string") return "";
    const delta =
      input === "" ? "" : say("response.custom_tool_call_input.delta", { ...inside, delta: input });
    return delta + say("response.custom_tool_call_input.done", { ...inside, input });
  };

  const pass = (item: Wire): string => {
    hasCalls ||= asksClient(item);
    const isFreeText = item.type === "custom_tool_call";
    const announced = announce({ ...item, status: "in_progress", ...(isFreeText ? { input: "" } : {}) });
    return announced + (isFreeText ? freeText(item) : "") + close(item);
  };

  const encode = (event: StreamEvent): string => {
    switch (event.type) {
      case "start":
        if (event.usage !== undefined) usage = mergeUsage(usage, event.usage);
        return begin(event.id, event.model);
      case "text-start":
        return begin("", "") + startText();
      case "text-delta":
        if (event.text === "" || open === null) return "";
        open.parts.push(event.text);
        return say("response.output_text.delta", {
          ...at(),
          content_index: 0,
          delta: event.text,
          logprobs: [],
        });
      case "text-end":
        return endText(event);
      case "thinking-start": {
        const opening = begin("", "");
        const { id } = enter(itemId("rs", facts, output.length));
        return opening + announce({ id, type: "reasoning", summary: [] });
      }
      case "thinking-delta":
        return thought(event.text);
      case "thinking-end":
        return endThinking(event);
      case "tool-start":
        return begin("", "") + startCall(event);
      case "tool-delta":
        return spell(event.input);
      case "tool-end":
        return endCall();
      case "opaque":
        return event.dialect === name && isRecord(event.value) ? begin("", "") + pass(event.value) : "";
      case "usage":
        usage = mergeUsage(usage, event.usage);
        return "";
      case "heartbeat":
        return commentFrame;
      case "finish": {
        isClosed = true;
        const opening = begin(frame?.id ?? "", frame?.model ?? "");
        usage = mergeUsage(usage, event.usage);
        const reason = settleReason(event.reason, hasCalls);
        const response = finishedResponse(frame ?? { id: "", model: "" }, facts, output, reason, usage);
        return opening + say(`response.${String(response.status)}`, { response });
      }
      case "failure":
        isClosed = true;
        return failureFrames(event.failure, facts.requestId, frame, sequence);
    }
  };
  return { step: (event) => (isClosed ? "" : encode(event)) };
}
