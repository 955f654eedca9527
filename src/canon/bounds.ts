// How long a name chosen by a client or an upstream may be, and how a text is cut. It must never return a part that keeps the
// whole in memory: the engine's own slices do.

/** Characters of a model's name. */
export const maxModelLength = 300;
/** Characters of an error's text, of a field's name and of a code in it. */
export const maxMessageLength = 2_000;
export const maxWordLength = 200;

/** At most so many characters, as a text of its own. */
export function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  // Half a character could not be encoded.
  const isHalf = (text.charCodeAt(most - 1) & 0xfc00) === 0xd800;
  return Buffer.from(text.slice(0, isHalf ? most - 1 : most), "utf16le").toString("utf16le");
}

/** The same for a text that people read. */
export function shortened(text: string, most: number): string {
  return text.length <= most ? text : `${cut(text, most - 1)}…`;
}
