// Checks the strings of one member at any depth in a body's bytes: ids that a vendor of the format would refuse. It must
// never parse: it gets the positions of the member's name (wire/json.ts, placesOf) and reads the few bytes after them.

const quote = 0x22;
const colon = 0x3a;

const isBlank = (byte: number | undefined): boolean =>
  byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d;

/**
 * Where each string value begins of a member whose name ends at one of `places`. The name used as a value is skipped.
 */
function* textsOf(bytes: Buffer, places: readonly number[]): Generator<number> {
  for (const place of places) {
    let at = place;
    while (isBlank(bytes[at])) at++;
    if (bytes[at] !== colon) continue;
    at++;
    while (isBlank(bytes[at])) at++;
    if (bytes[at] === quote) yield at + 1;
  }
}

/** A string of more than `longest` bytes; an escape counts its written bytes. */
export function holdsLongerText(bytes: Buffer, places: readonly number[], longest: number): boolean {
  for (const start of textsOf(bytes, places)) {
    const end = bytes.indexOf(quote, start);
    if (end < 0 || end - start > longest) return true;
  }
  return false;
}

/** An empty string. */
export function holdsEmptyText(bytes: Buffer, places: readonly number[]): boolean {
  for (const start of textsOf(bytes, places)) if (bytes[start] === quote) return true;
  return false;
}

/** A-Z, a-z, 0-9, _ and -. */
const isPlain = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte < 128 && /[\w-]/.test(String.fromCharCode(byte)) ? 1 : 0,
);

/** A string with characters other than letters, digits, _ and -. */
export function holdsOtherText(bytes: Buffer, places: readonly number[]): boolean {
  for (const start of textsOf(bytes, places)) {
    let at = start;
    while (isPlain[bytes[at] ?? quote] === 1) at++;
    if (bytes[at] !== quote) return true;
  }
  return false;
}
