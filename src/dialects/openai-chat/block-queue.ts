// Puts the pieces of an answer in order: one block is open at a time, and early pieces of later blocks are held back. It
// must never let two blocks overlap, nor change the order of the pieces inside one.

import type { StreamEvent } from "../../canon/event.ts";
import { extraContentExtras } from "../call-signatures.ts";
import { joinDetails } from "./reasoning-details.ts";
import type { ToolCall } from "./tool-calls.ts";
import { name as dialect } from "./extras.ts";

type Details = readonly Readonly<Record<string, unknown>>[];

type Slot = {
  readonly kind: "text" | "thinking" | "tool";
  readonly call: ToolCall | null;
  /** -1 while the block waits for its turn. */
  index: number;
  readonly held: string[];
  /** For thinking: what its vendor wants back, and the member that contained it. */
  readonly details: Readonly<Record<string, unknown>>[];
  field: string | null;
  /** For text: its citations. */
  readonly annotations: unknown[];
};

const newSlot = (kind: Slot["kind"], call: ToolCall | null = null): Slot => ({
  kind,
  call,
  index: -1,
  held: [],
  details: [],
  field: null,
  annotations: [],
});

export class BlockQueue {
  /** Blocks opened so far. */
  count = 0;
  private readonly slots: Slot[] = [];
  private readonly slotOfCall = new Map<ToolCall, Slot>();

  constructor(private readonly idOf: (call: ToolCall) => string) {}

  /** `field`: the member in which the vendor writes thinking. */
  addText(kind: "text" | "thinking", text: string, out: StreamEvent[], field: string | null): void {
    const slot = this.running(kind);
    slot.field ??= field;
    slot.held.push(text);
    this.advance(out, false);
  }

  /** Annotations of the open text block; without one they are lost. */
  cite(annotations: readonly unknown[]): void {
    const slot = this.slots.at(-1);
    if (slot?.kind === "text") slot.annotations.push(...annotations);
  }

  /** Details of the open thinking block. */
  detail(details: Details, out: StreamEvent[]): void {
    joinDetails(this.running("thinking").details, details);
    this.advance(out, false);
  }

  call(call: ToolCall, input: string, out: StreamEvent[]): void {
    // What follows the whole arguments of an ended call is a repetition.
    if (call.isClosed) return;
    let slot = this.slotOfCall.get(call);
    if (slot === undefined) {
      slot = newSlot("tool", call);
      this.slotOfCall.set(call, slot);
      this.slots.push(slot);
    }
    if (input !== "") {
      call.progress.take(input);
      slot.held.push(input);
    }
    this.advance(out, false);
  }

  /** Ends everything. False when a call never got a name, so that it could not be sent. */
  close(out: StreamEvent[]): boolean {
    return this.advance(out, true);
  }

  private running(kind: "text" | "thinking"): Slot {
    const last = this.slots.at(-1);
    if (last?.kind === kind) return last;
    const slot = newSlot(kind);
    this.slots.push(slot);
    return slot;
  }

  /** False when a nameless call blocks the queue although everything is over. */
  private advance(out: StreamEvent[], isOver: boolean): boolean {
    for (;;) {
      const head = this.slots[0];
      if (head === undefined) return true;
      if (head.index < 0) {
        if (head.call !== null && head.call.name === null) return !isOver;
        head.index = this.count++;
        out.push(this.start(head));
      }
      for (const piece of head.held) out.push(deltaOf(head, piece));
      head.held.length = 0;
      // The next block ends a call only when the call's arguments are complete: fragments may still follow.
      const mayEnd =
        isOver || (this.slots.length > 1 && (head.call === null || head.call.progress.isComplete));
      if (!mayEnd) return true;
      out.push(endOf(head));
      if (head.call !== null) head.call.isClosed = true;
      this.slots.shift();
    }
  }

  private start({ kind, call, index }: Slot): StreamEvent {
    if (call === null) return { type: kind === "text" ? "text-start" : "thinking-start", index };
    return { type: "tool-start", index, id: this.idOf(call), name: call.name ?? "" };
  }
}

function deltaOf({ kind, index }: Slot, piece: string): StreamEvent {
  return kind === "tool"
    ? { type: "tool-delta", index, input: piece }
    : { type: kind === "text" ? "text-delta" : "thinking-delta", index, text: piece };
}

function endOf({ kind, index, call, details, field, annotations }: Slot): StreamEvent {
  if (kind === "thinking") {
    const ownExtras = {
      ...(field === null ? {} : { field }),
      ...(details.length === 0 ? {} : { reasoning_details: details }),
    };
    return { type: "thinking-end", index, signature: null, extras: { [dialect]: ownExtras } };
  }
  if (kind === "text")
    return annotations.length === 0
      ? { type: "text-end", index }
      : { type: "text-end", index, extras: { [dialect]: { annotations } } };
  const extra = call?.extra ?? null;
  return { type: "tool-end", index, ...(extra === null ? {} : { extras: extraContentExtras(extra) }) };
}
