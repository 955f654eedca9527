// Puts the pieces of an answer in line: one block is open at a time, what comes early for the next ones is held back.
// It must never let two blocks overlap, nor change the order of the pieces inside one.

import type { StreamEvent } from "../../canon/event.ts";
import type { Extras } from "../../canon/request.ts";
import { name } from "./extras.ts";

export type BlockEnding = {
  readonly signature?: string | null;
  readonly extras?: Extras;
  /** Of an opaque block: the whole item. */
  readonly value?: unknown;
};

export type BlockSlot = {
  readonly kind: "text" | "thinking" | "tool" | "opaque";
  /** Of a call. */
  readonly id: string;
  readonly name: string;
  /** -1 while the block waits for its turn. */
  index: number;
  readonly held: string[];
  /** Anything was said in this block, so that its whole text is a repetition. */
  hasWords: boolean;
  /** Nothing more is coming, but the vendor has not closed it. */
  isComplete: boolean;
  ending: BlockEnding | null;
};

export type BlockQueue = {
  open(kind: BlockSlot["kind"], out: StreamEvent[], call?: { id: string; name: string }): BlockSlot;
  addText(slot: BlockSlot, text: string, out: StreamEvent[]): void;
  complete(slot: BlockSlot, out: StreamEvent[]): void;
  end(slot: BlockSlot, ending: BlockEnding, out: StreamEvent[]): void;
  close(out: StreamEvent[]): void;
};

export function blockQueue(): BlockQueue {
  const slots: BlockSlot[] = [];
  let count = 0;

  const start = ({ kind, index, id, name: toolName }: BlockSlot): StreamEvent[] => {
    if (kind === "opaque") return [];
    if (kind === "tool") return [{ type: "tool-start", index, id, name: toolName }];
    return [{ type: kind === "text" ? "text-start" : "thinking-start", index }];
  };
  const delta = ({ kind, index }: BlockSlot, piece: string): StreamEvent => {
    if (kind === "tool") return { type: "tool-delta", index, input: piece };
    return { type: kind === "thinking" ? "thinking-delta" : "text-delta", index, text: piece };
  };
  const finish = ({ kind, index, ending }: BlockSlot): StreamEvent => {
    const extras = ending?.extras === undefined ? {} : { extras: ending.extras };
    switch (kind) {
      case "text":
        return { type: "text-end", index, ...extras };
      case "thinking":
        return { type: "thinking-end", index, signature: ending?.signature ?? null, ...extras };
      case "tool":
        return { type: "tool-end", index };
      case "opaque":
        return { type: "opaque", index, dialect: name, value: ending?.value };
    }
  };

  const advance = (out: StreamEvent[], isOver: boolean): void => {
    for (;;) {
      const head = slots[0];
      if (head === undefined) return;
      // An item of another kind that was announced and never told is nothing.
      const isNothing = head.kind === "opaque" && head.ending === null;
      if (isNothing && !isOver) return;
      if (head.index < 0 && !isNothing) {
        head.index = count++;
        out.push(...start(head));
      }
      for (const piece of head.held) out.push(delta(head, piece));
      head.held.length = 0;
      if (head.ending === null && !isOver && !(head.isComplete && slots.length > 1)) return;
      if (!isNothing) out.push(finish(head));
      slots.shift();
    }
  };

  return {
    open(kind, out, call = { id: "", name: "" }) {
      const slot: BlockSlot = {
        kind,
        ...call,
        index: -1,
        held: [],
        hasWords: false,
        isComplete: false,
        ending: null,
      };
      slots.push(slot);
      advance(out, false);
      return slot;
    },
    addText(slot, text, out) {
      if (text === "" || slot.ending !== null) return;
      slot.hasWords = true;
      slot.held.push(text);
      advance(out, false);
    },
    complete(slot, out) {
      slot.isComplete = true;
      advance(out, false);
    },
    end(slot, ending, out) {
      slot.ending ??= ending;
      advance(out, false);
    },
    close: (out) => advance(out, true),
  };
}
