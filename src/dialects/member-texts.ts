// Looks in a body's bytes at the texts of one member wherever it stands: ids that a vendor of the format would refuse.
// It must never parse: it gets the places of the member's name (wire/json.ts, placesOf) and looks at the few bytes behind.

const quote = 0x22;
const colon = 0x3a;

const isBlank = (byte: number | undefined): boolean =>
  byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d;

/** Where each text of the member begins whose name ends at one of `places`. The name as a value, say, is passed over. */
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

/** A text of more bytes than `longest`; an escape counts as the bytes that it is written with. */
export function holdsLongerText(bytes: Buffer, places: readonly number[], longest: number): boolean {
  for (const start of textsOf(bytes, places)) {
    const end = bytes.indexOf(quote, start);
    if (end < 0 || end - start > longest) return true;
  }
  return false;
}

/** A text without a character. */
export function holdsEmptyText(bytes: Buffer, places: readonly number[]): boolean {
  for (const start of textsOf(bytes, places)) if (bytes[start] === quote) return true;
  return false;
}

/** A-Z, a-z, 0-9, _ and -. */
const isPlain = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte < 128 && /[\w-]/.test(String.fromCharCode(byte)) ? 1 : 0,
);

/** A text of other characters than letters, digits, _ and -. */
export function holdsOtherText(bytes: Buffer, places: readonly number[]): boolean {
  for (const start of textsOf(bytes, places)) {
    let at = start;
    while (isPlain[bytes[at] ?? quote] === 1) at++;
    if (bytes[at] !== quote) return true;
  }
  return false;
}
