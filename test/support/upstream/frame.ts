// One event of a stream before it becomes bytes, so that faults can be made by editing events.

import type { Json } from "./json.ts";

/** `value` is sent as JSON; a string is sent as it is. */
export type Frame = { readonly event: string | null; readonly value: Json | string };

export function frameText(frame: Frame): string {
  const data = typeof frame.value === "string" ? frame.value : JSON.stringify(frame.value);
  return frame.event === null ? `data: ${data}\n\n` : `event: ${frame.event}\ndata: ${data}\n\n`;
}

/** Pieces of `text` of at most `size` code points, as vendors cut tool arguments. */
export function piecesOf(text: string, size: number): string[] {
  const letters = Array.from(text);
  const pieces: string[] = [];
  for (let at = 0; at < letters.length; at += size) pieces.push(letters.slice(at, at + size).join(""));
  return pieces;
}
