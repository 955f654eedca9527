// Detects JSON that costs far more than its size: ten million empty objects in 30 MB take two seconds and 900 MB to
// parse. It must never judge a small text, nor decide how to treat a dense one.

/** Below this size even the densest text is parsed quickly. */
const smallBytes = 1024 * 1024;

/** The densest real JSON of that size is a long answer's token probabilities. */
const maxParts = 1_000_000;

const [comma, brace, bracket] = [0x2c, 0x7b, 0x5b];

/** Whether it contains so many values that parsing would block other requests. Commas within strings count as well. */
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
