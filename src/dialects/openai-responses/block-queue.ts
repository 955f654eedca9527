// Puts the pieces of an answer in order: one block is open at a time, and early pieces of later blocks are held back. It
// must never let two blocks overlap, nor change the order of the pieces inside one.

import type { StreamEvent } from "../../canon/event.ts";
import type { Extras } from "../../canon/request.ts";
import { name as dialect } from "./extras.ts";

export type BlockEnding = {
  readonly signature?: string | null;
  readonly extras?: Extras;
  /** For an opaque block: the whole item. */
  readonly value?: unknown;
};

export type BlockSlot = {
  readonly kind: "text" | "thinking" | "tool" | "opaque";
  /** For a call. */
  readonly id: string;
  readonly name: string;
  /** -1 while the block waits for its turn. */
  index: number;
  readonly held: string[];
  /** Some text of this block has arrived, so its whole text is a repetition. */
  hasWords: boolean;
  /** Complete, but the vendor has not closed it. */
  isComplete: boolean;
  ending: BlockEnding | null;
};

export class BlockQueue {
  private readonly slots: BlockSlot[] = [];
  private count = 0;

  open(kind: BlockSlot["kind"], out: StreamEvent[], call = noCall): BlockSlot {
    const { id, name } = call;
    const slot: BlockSlot = {
      kind,
      id,
      name,
      index: -1,
      held: [],
      hasWords: false,
      isComplete: false,
      ending: null,
    };
    this.slots.push(slot);
    this.advance(out, false);
    return slot;
  }

  addText(slot: BlockSlot, text: string, out: StreamEvent[]): void {
    if (text === "" || slot.ending !== null) return;
    slot.hasWords = true;
    slot.held.push(text);
    this.advance(out, false);
  }

  complete(slot: BlockSlot, out: StreamEvent[]): void {
    slot.isComplete = true;
    this.advance(out, false);
  }

  end(slot: BlockSlot, ending: BlockEnding, out: StreamEvent[]): void {
    slot.ending ??= ending;
    this.advance(out, false);
  }

  close(out: StreamEvent[]): void {
    this.advance(out, true);
  }

  private advance(out: StreamEvent[], isOver: boolean): void {
    for (;;) {
      const head = this.slots[0];
      if (head === undefined) return;
      // An item of another kind that was announced and never filled is dropped.
      const isNothing = head.kind === "opaque" && head.ending === null;
      if (isNothing && !isOver) return;
      if (head.index < 0 && !isNothing) {
        head.index = this.count++;
        if (head.kind !== "opaque") out.push(startOf(head));
      }
      for (const piece of head.held) out.push(deltaOf(head, piece));
      head.held.length = 0;
      if (head.ending === null && !isOver && !(head.isComplete && this.slots.length > 1)) return;
      if (!isNothing) out.push(endOf(head));
      this.slots.shift();
    }
  }
}

const noCall = { id: "", name: "" };

function startOf({ kind, index, id, name }: BlockSlot): StreamEvent {
  if (kind === "tool") return { type: "tool-start", index, id, name };
  return { type: kind === "text" ? "text-start" : "thinking-start", index };
}

function deltaOf({ kind, index }: BlockSlot, piece: string): StreamEvent {
  if (kind === "tool") return { type: "tool-delta", index, input: piece };
  return { type: kind === "thinking" ? "thinking-delta" : "text-delta", index, text: piece };
}

function endOf({ kind, index, ending }: BlockSlot): StreamEvent {
  const extras = ending?.extras === undefined ? {} : { extras: ending.extras };
  switch (kind) {
    case "text":
      return { type: "text-end", index, ...extras };
    case "thinking":
      return { type: "thinking-end", index, signature: ending?.signature ?? null, ...extras };
    case "tool":
      return { type: "tool-end", index };
    case "opaque":
      return { type: "opaque", index, dialect, value: ending?.value };
  }
}
