// Length limits of names chosen by a client or an upstream, and how a text is cut. It must never return a part that keeps the
// whole text in memory, as the engine's own slices do.

/** Longest model name, in characters. */
export const maxModelLength = 300;
/** Longest error text, field name and error code, in characters. */
export const maxMessageLength = 2_000;
export const maxWordLength = 200;

/** At most this many characters, as an independent string. */
export function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  // Half a character could not be encoded.
  const isHalf = (text.charCodeAt(most - 1) & 0xfc00) === 0xd800;
  return Buffer.from(text.slice(0, isHalf ? most - 1 : most), "utf16le").toString("utf16le");
}

/** The same for text that people read. */
export function shortened(text: string, most: number): string {
  return text.length <= most ? text : `${cut(text, most - 1)}…`;
}
