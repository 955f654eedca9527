// Reads a vendor's answer into events, from its stream or as one Response: one mapping for both. It must never rely on
// an event that only announces or repeats: compatible servers leave out many of them.

import type { StreamEvent } from "../../canon/event.ts";
import { Failure } from "../../canon/failure.ts";
import { unknownUsage } from "../../canon/usage.ts";
import { isRecord } from "../decoding.ts";
import { failureInBand } from "../openai-failure.ts";
import { asksClient, decodeFinish, isRefusing } from "./finish.ts";
import { BlockQueue, type BlockSlot } from "./block-queue.ts";
import { toExtras, type Wire } from "./extras.ts";
import { decodeEncryptedReasoning, type EncryptedReasoning } from "./encrypted-reasoning.ts";
import { makeToolId } from "./tool-id.ts";
import { decodeUsage } from "./usage.ts";

export const readText = (value: unknown): string => (typeof value === "string" ? value : "");
const recordOf = (value: unknown): Wire => (isRecord(value) ? value : {});
const listOf = (value: unknown): readonly unknown[] =>
  Array.isArray(value) ? (value as readonly unknown[]) : [];

/** The failure that a body or an event reports. A good Response says `error: null`. */
export function errorOf(body: unknown): Failure | null {
  if (!isRecord(body)) return null;
  if (isRecord(body.error) || (typeof body.error === "string" && body.error !== ""))
    return failureInBand(body);
  if (body.type === "error" || body.object === "error") return failureInBand(body);
  if (body.status === "failed" || body.status === "cancelled")
    return failureInBand({ message: `the answer ended as ${body.status}`, code: "server_error" });
  return null;
}

/** A function call that the canonical form can hold: made by the model itself, with a plain name. */
function isPlainCall(item: Wire): boolean {
  const { caller, namespace } = item;
  const isDirect = !isRecord(caller) || caller.type === "direct";
  return item.type === "function_call" && isDirect && typeof namespace !== "string";
}

/** The state of one item while it streams. */
type Item = {
  readonly type: string;
  /** Content parts of a message by their index; other items have one block. */
  readonly parts: Map<number, BlockSlot>;
  /** Reasoning comes as a summary or in full; if a vendor sends both, the first one counts. */
  source: string | null;
  part: number;
};

export class AnswerDecoder {
  private readonly queue = new BlockQueue();
  private readonly items = new Map<unknown, Item>();
  /** The calls by either of their ids. */
  private readonly calls = new Map<string, BlockSlot>();
  private id = "";
  private isStarted = false;
  private isRefused = false;
  private hasCalls = false;

  /** One event of the stream. A whole Response is read as the last event of a stream with no other events. */
  take(event: Wire): StreamEvent[] {
    const out: StreamEvent[] = [];
    const type = readText(event.type);
    if (!type.startsWith("response.")) return out;
    if (isRecord(event.response)) this.begin(event.response, out);
    else if (!this.isStarted && quietTypes.every((each) => !type.startsWith(each))) this.begin({}, out);
    this.takeEvent(type, event, out);
    return out;
  }

  fail(failure: Failure): StreamEvent[] {
    return [{ type: "failure", failure }];
  }

  private takeEvent(type: string, event: Wire, out: StreamEvent[]): void {
    switch (type) {
      case "response.output_item.added":
        if (isRecord(event.item)) this.itemAdded(keyOf(event) ?? event.item.id, event.item, out);
        return;
      case "response.output_item.done":
        if (isRecord(event.item)) this.itemDone(keyOf(event) ?? event.item.id, event.item, out);
        return;
      case "response.content_part.added":
        if (isRecord(event.part) && event.part.type !== "reasoning_text") this.textSlot(event, out);
        return;
      case "response.refusal.delta":
        this.isRefused = true;
        this.queue.addText(this.textSlot(event, out), readText(event.delta), out);
        return;
      case "response.output_text.delta":
        this.queue.addText(this.textSlot(event, out), readText(event.delta), out);
        return;
      case "response.output_text.done":
      case "response.refusal.done":
        this.textDone(event, out);
        return;
      case "response.reasoning_summary_text.delta":
        this.thinkingDelta(event, "summary", event.summary_index, out);
        return;
      case "response.reasoning_text.delta":
        this.thinkingDelta(event, "content", event.content_index, out);
        return;
      case "response.function_call_arguments.delta":
        this.argumentsDelta(event, out);
        return;
      case "response.function_call_arguments.done":
        this.argumentsDone(event, out);
        return;
      case "response.completed":
      case "response.incomplete":
        this.finish(type, event, out);
    }
  }

  private begin(response: Wire, out: StreamEvent[]): void {
    if (this.isStarted) return;
    this.isStarted = true;
    this.id = readText(response.id);
    out.push({ type: "start", id: this.id, model: readText(response.model) });
  }

  private itemAt(key: unknown, type: string): Item {
    let item = this.items.get(key);
    if (item === undefined) {
      item = { type, parts: new Map(), source: null, part: 0 };
      this.items.set(key, item);
    }
    return item;
  }

  private slotAt(item: Item, part: number, kind: BlockSlot["kind"], out: StreamEvent[]): BlockSlot {
    let slot = item.parts.get(part);
    if (slot === undefined) {
      slot = this.queue.open(kind, out);
      item.parts.set(part, slot);
    }
    return slot;
  }

  private textSlot(event: Wire, out: StreamEvent[]): BlockSlot {
    const part = typeof event.content_index === "number" ? event.content_index : 0;
    return this.slotAt(this.itemAt(keyOf(event), "message"), part, "text", out);
  }

  private openCall(item: Item, raw: Wire, out: StreamEvent[]): BlockSlot | null {
    const known = item.parts.get(0);
    const name = readText(raw.name);
    if (known !== undefined || name === "") return known ?? null;
    const id = readText(raw.call_id) || readText(raw.id) || makeToolId(this.id, this.items.size);
    const slot = this.queue.open("tool", out, { id, name });
    item.parts.set(0, slot);
    this.hasCalls = true;
    for (const key of [raw.call_id, raw.id]) if (typeof key === "string") this.calls.set(key, slot);
    return slot;
  }

  private itemAdded(key: unknown, raw: Wire, out: StreamEvent[]): void {
    const type = readText(raw.type);
    const item = this.itemAt(key, type);
    if (type === "message") return;
    if (type === "reasoning") this.slotAt(item, 0, "thinking", out);
    else if (isPlainCall(raw)) this.openCall(item, raw, out);
    else this.slotAt(item, 0, "opaque", out);
  }

  private itemDone(key: unknown, raw: Wire, out: StreamEvent[]): void {
    const item = this.itemAt(key, readText(raw.type));
    this.hasCalls ||= asksClient(raw);
    if (raw.type === "message") this.messageDone(item, raw, out);
    else if (raw.type === "reasoning") {
      const slot = this.slotAt(item, 0, "thinking", out);
      if (!slot.hasWords) this.queue.addText(slot, thoughtsOf(raw), out);
      this.queue.end(slot, readEncryptedReasoning(raw), out);
    } else if (isPlainCall(raw)) this.callDone(item, raw, out);
    else this.queue.end(this.slotAt(item, 0, "opaque", out), { value: raw }, out);
  }

  private messageDone(item: Item, raw: Wire, out: StreamEvent[]): void {
    this.isRefused ||= isRefusing(raw);
    for (const [at, each] of listOf(raw.content).entries()) {
      const part = recordOf(each);
      const slot = this.slotAt(item, at, "text", out);
      if (!slot.hasWords) this.queue.addText(slot, readText(part.text) || readText(part.refusal), out);
      const annotations = listOf(part.annotations);
      const extras = toExtras({
        ...(annotations.length > 0 ? { annotations } : {}),
        ...(typeof raw.phase === "string" ? { phase: raw.phase } : {}),
      });
      this.queue.end(slot, extras, out);
    }
    for (const slot of item.parts.values()) this.queue.end(slot, {}, out);
  }

  private callDone(item: Item, raw: Wire, out: StreamEvent[]): void {
    const slot = this.openCall(item, raw, out);
    if (slot === null) {
      out.push({ type: "failure", failure: namelessCall() });
      return;
    }
    if (!slot.hasWords) this.queue.addText(slot, argumentsOf(raw.arguments), out);
    this.queue.end(slot, {}, out);
  }

  private textDone(event: Wire, out: StreamEvent[]): void {
    const slot = this.textSlot(event, out);
    if (!slot.hasWords) this.queue.addText(slot, readText(event.text) || readText(event.refusal), out);
    this.queue.complete(slot, out);
  }

  private thinkingDelta(event: Wire, source: string, at: unknown, out: StreamEvent[]): void {
    const item = this.itemAt(keyOf(event), "reasoning");
    if (item.type !== "reasoning") return;
    item.source ??= source;
    if (item.source !== source) return;
    const part = typeof at === "number" ? at : 0;
    const slot = this.slotAt(item, 0, "thinking", out);
    const seam = part !== item.part && slot.hasWords ? thoughtSeam : "";
    item.part = part;
    this.queue.addText(slot, seam + readText(event.delta), out);
  }

  private argumentsDelta(event: Wire, out: StreamEvent[]): void {
    const slot = this.items.get(keyOf(event))?.parts.get(0);
    if (slot?.kind === "tool") this.queue.addText(slot, readText(event.delta), out);
  }

  private argumentsDone(event: Wire, out: StreamEvent[]): void {
    // LM Studio sends them only here (litellm#25321).
    const key = keyOf(event) ?? event.call_id;
    const known = this.items.get(key)?.parts.get(0) ?? this.calls.get(readText(event.item_id));
    const slot =
      known ?? this.openCall(this.itemAt(key, "function_call"), { ...event, id: event.item_id }, out);
    if (slot?.kind !== "tool") return;
    if (!slot.hasWords) this.queue.addText(slot, argumentsOf(event.arguments), out);
    this.queue.complete(slot, out);
  }

  private finish(type: string, event: Wire, out: StreamEvent[]): void {
    const response = recordOf(event.response);
    this.begin(response, out);
    this.takeOutput(response, out);
    this.queue.close(out);
    const isIncomplete = type === "response.incomplete" || response.status === "incomplete";
    const { hasCalls, isRefused } = this;
    out.push({
      type: "finish",
      reason: decodeFinish(response, isIncomplete, { hasCalls, isRefused }),
      usage: decodeUsage(response.usage) ?? decodeUsage(event.usage) ?? unknownUsage,
    });
  }

  /** The items of the last event repeat what was sent before, except from a vendor that sent nothing before. */
  private takeOutput(response: Wire, out: StreamEvent[]): void {
    const isAllNews = this.items.size === 0;
    for (const [at, raw] of listOf(response.output).entries()) {
      if (!isRecord(raw)) continue;
      if (isAllNews) this.itemDone(at, raw, out);
      else if (isPlainCall(raw)) this.lateArguments(raw, out);
    }
  }

  /** Arguments of an announced call that only the last event contains. */
  private lateArguments(raw: Wire, out: StreamEvent[]): void {
    const slot = this.calls.get(readText(raw.call_id)) ?? this.calls.get(readText(raw.id));
    if (slot !== undefined && !slot.hasWords) this.queue.addText(slot, argumentsOf(raw.arguments), out);
  }
}

const keyOf = (event: Wire): unknown => event.output_index ?? event.item_id;

const namelessCall = (): Failure =>
  new Failure("bad-output", "The upstream called a tool without naming it.", { maybeBilled: true });

/** Some local servers send them as an object. */
const argumentsOf = (input: unknown): string => (isRecord(input) ? JSON.stringify(input) : readText(input));

const quietTypes = ["response.queued", "response.failed"];

/** Separator between the parts of one reasoning item. */
const thoughtSeam = "\n\n";

/** Plain reasoning from open models' servers goes back to the member it came from. */
function readEncryptedReasoning(raw: Wire): EncryptedReasoning {
  const encrypted = decodeEncryptedReasoning(raw);
  const isPlain =
    encrypted.signature === null && encrypted.extras === undefined && listOf(raw.content).length > 0;
  return isPlain ? { signature: null, ...toExtras({ id: readText(raw.id), place: "content" }) } : encrypted;
}

function thoughtsOf(item: Wire): string {
  const texts = (value: unknown): string[] => listOf(value).map((part) => readText(recordOf(part).text));
  const summary = texts(item.summary).filter((each) => each !== "");
  return (summary.length > 0 ? summary : texts(item.content)).join(thoughtSeam);
}
