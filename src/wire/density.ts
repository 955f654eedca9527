// JSON that costs far more than its size: ten million empty objects in 30 MB take two seconds and 900 MB to parse.
// It must never judge a small text, nor decide what is done about a dense one.

/** Below this even the densest text is parsed in a moment. */
const smallBytes = 1024 * 1024;

/** Of what JSON texts of that size hold in earnest, the probabilities of a long answer's words come nearest. */
const maxParts = 1_000_000;

const [comma, brace, bracket] = [0x2c, 0x7b, 0x5b];

/** Does it hold so many values that parsing it would hold everybody up? Commas within strings count as well. */
export function isDense(text: Uint8Array | string): boolean {
  if (text.length <= smallBytes) return false;
  let parts = 0;
  if (typeof text === "string") {
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === comma || code === brace || code === bracket) parts++;
    }
  } else {
    for (let at = 0; at < text.length; at++) {
      const code = text[at];
      if (code === comma || code === brace || code === bracket) parts++;
    }
  }
  return parts > maxParts;
}
