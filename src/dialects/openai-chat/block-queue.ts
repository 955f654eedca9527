// Puts the pieces of an answer in line: one block is open at a time, what comes early for the next ones is held back.
// It must never let two blocks overlap, nor change the order of the pieces inside one.

import type { StreamEvent } from "../../canon/event.ts";
import { extraContentExtras } from "../call-signatures.ts";
import { joinDetails } from "./reasoning-details.ts";
import type { ToolCall } from "./tool-calls.ts";

type Slot = {
  readonly kind: "text" | "thinking" | "tool";
  readonly call: ToolCall | null;
  /** -1 while the block waits for its turn. */
  index: number;
  readonly held: string[];
  /** Of a thought: what its maker wants back, and the member that it stood in. */
  readonly details: Readonly<Record<string, unknown>>[];
  field: string | null;
  /** Of a text: what it cites. */
  readonly annotations: unknown[];
};

export type BlockQueue = {
  /** `field`: where the vendor writes a thought. */
  addText(kind: "text" | "thinking", text: string, out: StreamEvent[], field?: string | null): void;
  /** Annotations of the running text; without one they are lost. */
  cite(annotations: readonly unknown[]): void;
  /** Details of the running thought. */
  detail(details: readonly Readonly<Record<string, unknown>>[], out: StreamEvent[]): void;
  call(call: ToolCall, input: string, out: StreamEvent[]): void;
  /** Ends everything. False when a call was never named, so that it could not be told. */
  close(out: StreamEvent[]): boolean;
  /** Blocks opened so far. */
  readonly count: number;
};

export function blockQueue(idOf: (call: ToolCall) => string): BlockQueue {
  const slots: Slot[] = [];
  const slotOfCall = new Map<ToolCall, Slot>();
  let count = 0;

  const start = (slot: Slot): StreamEvent => {
    const index = slot.index;
    if (slot.call === null) return { type: slot.kind === "text" ? "text-start" : "thinking-start", index };
    return { type: "tool-start", index, id: idOf(slot.call), name: slot.call.name ?? "" };
  };
  const delta = ({ kind, index }: Slot, piece: string): StreamEvent =>
    kind === "tool"
      ? { type: "tool-delta", index, input: piece }
      : { type: kind === "text" ? "text-delta" : "thinking-delta", index, text: piece };
  const end = ({ kind, index, call, details, field, annotations }: Slot): StreamEvent => {
    if (kind === "thinking") {
      const ownExtras = {
        ...(field === null ? {} : { field }),
        ...(details.length === 0 ? {} : { reasoning_details: details }),
      };
      return { type: "thinking-end", index, signature: null, extras: { "openai-chat": ownExtras } };
    }
    if (kind === "text")
      return annotations.length === 0
        ? { type: "text-end", index }
        : { type: "text-end", index, extras: { "openai-chat": { annotations } } };
    const extra = call?.extra ?? null;
    return { type: "tool-end", index, ...(extra === null ? {} : { extras: extraContentExtras(extra) }) };
  };

  /** False when a nameless call stands in the way although everything is over. */
  const advance = (out: StreamEvent[], isOver: boolean): boolean => {
    for (;;) {
      const head = slots[0];
      if (head === undefined) return true;
      if (head.index < 0) {
        if (head.call !== null && head.call.name === null) return !isOver;
        head.index = count++;
        out.push(start(head));
      }
      for (const piece of head.held) out.push(delta(head, piece));
      head.held.length = 0;
      // A call ends for the sake of the next block only when its arguments are whole: fragments may still be under way.
      const mayEnd = isOver || (slots.length > 1 && (head.call === null || head.call.progress.isComplete));
      if (!mayEnd) return true;
      out.push(end(head));
      if (head.call !== null) head.call.isClosed = true;
      slots.shift();
    }
  };

  return {
    addText(kind, text, out, field = null) {
      let slot = slots.at(-1);
      if (slot?.kind !== kind) {
        slot = { kind, call: null, index: -1, held: [], details: [], field: null, annotations: [] };
        slots.push(slot);
      }
      slot.field ??= field;
      slot.held.push(text);
      advance(out, false);
    },
    cite(annotations) {
      const slot = slots.at(-1);
      if (slot?.kind === "text") slot.annotations.push(...annotations);
    },
    detail(details, out) {
      let slot = slots.at(-1);
      if (slot?.kind !== "thinking") {
        slot = {
          kind: "thinking",
          call: null,
          index: -1,
          held: [],
          details: [],
          field: null,
          annotations: [],
        };
        slots.push(slot);
      }
      joinDetails(slot.details, details);
      advance(out, false);
    },
    call(call, input, out) {
      // What follows the whole arguments of an ended call is a repetition and no part of them.
      if (call.isClosed) return;
      let slot = slotOfCall.get(call);
      if (slot === undefined) {
        slot = { kind: "tool", call, index: -1, held: [], details: [], field: null, annotations: [] };
        slotOfCall.set(call, slot);
        slots.push(slot);
      }
      if (input !== "") {
        call.progress.take(input);
        slot.held.push(input);
      }
      advance(out, false);
    },
    close: (out) => advance(out, true),
    get count() {
      return count;
    },
  };
}
