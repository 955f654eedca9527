// Reads a vendor's answer into events, from its stream or as one Response: the one mapping that both share.
// It must never count on an event that only announces or repeats: compatible servers leave out many of them.

import type { StreamEvent } from "../../canon/event.ts";
import { Failure } from "../../canon/failure.ts";
import { unknownUsage } from "../../canon/usage.ts";
import { isRecord } from "../decoding.ts";
import { failureInBand } from "../openai-failure.ts";
import { asksClient, decodeFinish, isRefusing } from "./finish.ts";
import { blockQueue, type BlockSlot } from "./block-queue.ts";
import { toExtras, type Wire } from "./extras.ts";
import { decodeEncryptedReasoning, type EncryptedReasoning } from "./encrypted-reasoning.ts";
import { makeToolId } from "./tool-id.ts";
import { decodeUsage } from "./usage.ts";

export type AnswerDecoder = {
  /** One event of the stream. A whole Response is its last event, with nothing before it. */
  take(event: Wire): StreamEvent[];
  fail(failure: Failure): StreamEvent[];
};

export const readText = (value: unknown): string => (typeof value === "string" ? value : "");
const recordOf = (value: unknown): Wire => (isRecord(value) ? value : {});
const listOf = (value: unknown): readonly unknown[] =>
  Array.isArray(value) ? (value as readonly unknown[]) : [];

/** The failure that a body or an event tells of. A Response that went well says `error: null`. */
export function errorOf(body: unknown): Failure | null {
  if (!isRecord(body)) return null;
  if (isRecord(body.error) || (typeof body.error === "string" && body.error !== ""))
    return failureInBand(body);
  if (body.type === "error" || body.object === "error") return failureInBand(body);
  if (body.status === "failed" || body.status === "cancelled")
    return failureInBand({ message: `the answer ended as ${body.status}`, code: "server_error" });
  return null;
}

/** A function call that canon can say: called by the model itself, by a plain name. */
export function isPlainCall(item: Wire): boolean {
  const { caller, namespace } = item;
  const isDirect = !isRecord(caller) || caller.type === "direct";
  return item.type === "function_call" && isDirect && typeof namespace !== "string";
}

/** What is known of one item while it runs. */
type Item = {
  readonly type: string;
  /** Content parts of a message by their index; other items have one block. */
  readonly parts: Map<number, BlockSlot>;
  /** Reasoning is told as summary or in full; of a vendor that sends both, the first is taken. */
  source: string | null;
  part: number;
};

export function answerDecoder(): AnswerDecoder {
  const queue = blockQueue();
  const items = new Map<unknown, Item>();
  /** The calls by either of their ids. */
  const calls = new Map<string, BlockSlot>();
  let id = "";
  let isStarted = false;
  let isRefused = false;
  let hasCalls = false;

  const begin = (response: Wire, out: StreamEvent[]): void => {
    if (isStarted) return;
    isStarted = true;
    id = readText(response.id);
    out.push({ type: "start", id, model: readText(response.model) });
  };
  const keyOf = (event: Wire): unknown => event.output_index ?? event.item_id;
  const itemAt = (key: unknown, type: string): Item => {
    let item = items.get(key);
    if (item === undefined) {
      item = { type, parts: new Map(), source: null, part: 0 };
      items.set(key, item);
    }
    return item;
  };
  const slotAt = (item: Item, part: number, kind: BlockSlot["kind"], out: StreamEvent[]): BlockSlot => {
    let slot = item.parts.get(part);
    if (slot === undefined) {
      slot = queue.open(kind, out);
      item.parts.set(part, slot);
    }
    return slot;
  };
  const openCall = (item: Item, raw: Wire, out: StreamEvent[]): BlockSlot | null => {
    const known = item.parts.get(0);
    const name = readText(raw.name);
    if (known !== undefined || name === "") return known ?? null;
    const callId = readText(raw.call_id) || readText(raw.id) || makeToolId(id, items.size);
    const slot = queue.open("tool", out, { id: callId, name });
    item.parts.set(0, slot);
    hasCalls = true;
    for (const key of [raw.call_id, raw.id]) if (typeof key === "string") calls.set(key, slot);
    return slot;
  };

  const added = (key: unknown, raw: Wire, out: StreamEvent[]): void => {
    const type = readText(raw.type);
    const item = itemAt(key, type);
    if (type === "message") return;
    if (type === "reasoning") slotAt(item, 0, "thinking", out);
    else if (isPlainCall(raw)) openCall(item, raw, out);
    else slotAt(item, 0, "opaque", out);
  };

  const think = (event: Wire, source: string, at: unknown, out: StreamEvent[]): void => {
    const item = itemAt(keyOf(event), "reasoning");
    if (item.type !== "reasoning") return;
    item.source ??= source;
    if (item.source !== source) return;
    const part = typeof at === "number" ? at : 0;
    const slot = slotAt(item, 0, "thinking", out);
    const seam = part !== item.part && slot.hasWords ? thoughtSeam : "";
    item.part = part;
    queue.addText(slot, seam + readText(event.delta), out);
  };
  const textSlot = (event: Wire, out: StreamEvent[]): BlockSlot => {
    const part = typeof event.content_index === "number" ? event.content_index : 0;
    return slotAt(itemAt(keyOf(event), "message"), part, "text", out);
  };

  const messageDone = (item: Item, raw: Wire, out: StreamEvent[]): void => {
    isRefused ||= isRefusing(raw);
    for (const [at, each] of listOf(raw.content).entries()) {
      const part = recordOf(each);
      const slot = slotAt(item, at, "text", out);
      if (!slot.hasWords) queue.addText(slot, readText(part.text) || readText(part.refusal), out);
      const annotations = listOf(part.annotations);
      const extras = toExtras({
        ...(annotations.length > 0 ? { annotations } : {}),
        ...(typeof raw.phase === "string" ? { phase: raw.phase } : {}),
      });
      queue.end(slot, extras, out);
    }
    for (const slot of item.parts.values()) queue.end(slot, {}, out);
  };
  const callDone = (item: Item, raw: Wire, out: StreamEvent[]): StreamEvent[] | null => {
    const slot = openCall(item, raw, out);
    if (slot === null)
      return [
        {
          type: "failure",
          failure: new Failure("bad-output", "The upstream called a tool without naming it.", {
            maybeBilled: true,
          }),
        },
      ];
    const { arguments: input } = raw;
    if (!slot.hasWords) queue.addText(slot, argumentsOf(input), out);
    queue.end(slot, {}, out);
    return null;
  };
  const done = (key: unknown, raw: Wire, out: StreamEvent[]): void => {
    const item = itemAt(key, readText(raw.type));
    hasCalls ||= asksClient(raw);
    if (raw.type === "message") messageDone(item, raw, out);
    else if (raw.type === "reasoning") {
      const slot = slotAt(item, 0, "thinking", out);
      if (!slot.hasWords) queue.addText(slot, thoughtsOf(raw), out);
      queue.end(slot, readEncryptedReasoning(raw), out);
    } else if (isPlainCall(raw)) out.push(...(callDone(item, raw, out) ?? []));
    else queue.end(slotAt(item, 0, "opaque", out), { value: raw }, out);
  };

  /** Arguments that stand nowhere but here, of a call that was announced. */
  const callTold = (raw: Wire, out: StreamEvent[]): void => {
    const slot = calls.get(readText(raw.call_id)) ?? calls.get(readText(raw.id));
    if (slot !== undefined && !slot.hasWords) queue.addText(slot, argumentsOf(raw.arguments), out);
  };

  const finish = (response: Wire, isIncomplete: boolean, out: StreamEvent[], beside: unknown): void => {
    begin(response, out);
    // The items are a repetition, except from a vendor that told nothing else.
    const isAllNews = items.size === 0;
    for (const [at, raw] of listOf(response.output).entries()) {
      if (!isRecord(raw)) continue;
      if (isAllNews) done(at, raw, out);
      else if (isPlainCall(raw)) callTold(raw, out);
    }
    queue.close(out);
    const usage = decodeUsage(response.usage) ?? decodeUsage(beside) ?? unknownUsage;
    out.push({
      type: "finish",
      reason: decodeFinish(response, isIncomplete, { hasCalls, isRefused }),
      usage,
    });
  };

  const take = (event: Wire, out: StreamEvent[]): void => {
    const type = readText(event.type);
    if (!type.startsWith("response.")) return;
    const response = recordOf(event.response);
    if (isRecord(event.response)) begin(response, out);
    else if (!isStarted && quietTypes.every((each) => !type.startsWith(each))) begin({}, out);
    switch (type) {
      case "response.output_item.added":
        if (isRecord(event.item)) added(keyOf(event) ?? event.item.id, event.item, out);
        return;
      case "response.output_item.done":
        if (isRecord(event.item)) done(keyOf(event) ?? event.item.id, event.item, out);
        return;
      case "response.content_part.added":
        if (isRecord(event.part) && event.part.type !== "reasoning_text") textSlot(event, out);
        return;
      case "response.refusal.delta":
        isRefused = true;
        queue.addText(textSlot(event, out), readText(event.delta), out);
        return;
      case "response.output_text.delta":
        queue.addText(textSlot(event, out), readText(event.delta), out);
        return;
      case "response.output_text.done":
      case "response.refusal.done": {
        const slot = textSlot(event, out);
        if (!slot.hasWords) queue.addText(slot, readText(event.text) || readText(event.refusal), out);
        queue.complete(slot, out);
        return;
      }
      case "response.reasoning_summary_text.delta":
        think(event, "summary", event.summary_index, out);
        return;
      case "response.reasoning_text.delta":
        think(event, "content", event.content_index, out);
        return;
      case "response.function_call_arguments.delta": {
        const slot = items.get(keyOf(event))?.parts.get(0);
        if (slot?.kind === "tool") queue.addText(slot, readText(event.delta), out);
        return;
      }
      case "response.function_call_arguments.done": {
        // LM Studio spells them here alone (litellm#25321).
        const key = keyOf(event) ?? event.call_id;
        const known = items.get(key)?.parts.get(0) ?? calls.get(readText(event.item_id));
        const slot = known ?? openCall(itemAt(key, "function_call"), { ...event, id: event.item_id }, out);
        if (slot?.kind !== "tool") return;
        if (!slot.hasWords) queue.addText(slot, argumentsOf(event.arguments), out);
        queue.complete(slot, out);
        return;
      }
      case "response.completed":
      case "response.incomplete":
        finish(
          response,
          type === "response.incomplete" || response.status === "incomplete",
          out,
          event.usage,
        );
    }
  };

  return {
    take(event) {
      const out: StreamEvent[] = [];
      take(event, out);
      return out;
    },
    fail: (failure) => [{ type: "failure", failure }],
  };
}

/** Some local servers send them as an object. */
const argumentsOf = (input: unknown): string => (isRecord(input) ? JSON.stringify(input) : readText(input));

const quietTypes = ["response.queued", "response.failed"];

/** Between the parts of one train of thought. */
const thoughtSeam = "\n\n";

/** Plain thoughts, as open models' servers write them, go back where they stood. */
function readEncryptedReasoning(raw: Wire): EncryptedReasoning {
  const encrypted = decodeEncryptedReasoning(raw);
  const isPlain =
    encrypted.signature === null && encrypted.extras === undefined && listOf(raw.content).length > 0;
  return isPlain ? { signature: null, ...toExtras({ id: readText(raw.id), place: "content" }) } : encrypted;
}

export function thoughtsOf(item: Wire): string {
  const texts = (value: unknown): string[] => listOf(value).map((part) => readText(recordOf(part).text));
  const summary = texts(item.summary).filter((each) => each !== "");
  return (summary.length > 0 ? summary : texts(item.content)).join(thoughtSeam);
}
