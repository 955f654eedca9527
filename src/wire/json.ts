// One pass over the raw bytes of a JSON object: depth, and the position of each top-level value. Nothing is parsed. It must never
// guess: it reports doubtful input as broken, and the caller answers 400. Its shortcuts are justified by rows of `npm run bench`
// (CPU a request without them): agent-chat +7 % (skipString) and +30 % (overwrite), agent-messages +20 % (Watched).

/** `start`..`end` are byte offsets of the value (end exclusive). `kind` follows from the value's first byte. */
export type JsonMember = {
  readonly key: string;
  readonly start: number;
  readonly end: number;
  readonly kind: "string" | "number" | "object" | "array" | "boolean" | "null";
};

export type JsonScan = {
  readonly members: readonly JsonMember[];
  /** Offset just after the opening brace, where a new member may be inserted. */
  readonly bodyStart: number;
  /** Positions of the watched words below the top level; read it with `placesOf`. */
  readonly wordPlaces: WordPlaces;
};

type WordPlaces = {
  readonly words: readonly Buffer[];
  /** For each word the offsets just after its closing quote; undefined: nowhere. */
  readonly places: (number[] | undefined)[];
};

/** Words to watch for: names or strings in quotes, written without an escape. */
export type Watched = {
  readonly words: readonly Buffer[];
  /** Word indexes by length in bytes, quotes included. */
  readonly byLength: readonly (readonly number[] | undefined)[];
};

export function watchedWords(words: readonly Buffer[]): Watched {
  const byLength: (number[] | undefined)[] = Array.from(
    { length: Math.max(0, ...words.map((word) => word.length)) + 1 },
    () => undefined,
  );
  for (const [at, word] of words.entries()) (byLength[word.length] ??= []).push(at);
  return { words, byLength };
}

/** The first member of that name. */
export function memberNamed({ members }: JsonScan, key: string): JsonMember | undefined {
  for (const member of members) if (member.key === key) return member;
  return undefined;
}

const nothingWatched = watchedWords([]);
const noPlaces: readonly number[] = [];

/**
 * The offsets just after each `word` (in quotes) below the top level. Free for words that the scan watched; for others the
 * bytes are searched.
 */
export function placesOf({ wordPlaces }: JsonScan, bytes: Buffer, word: Buffer): readonly number[] {
  const at = wordPlaces.words.indexOf(word);
  return at >= 0 ? (wordPlaces.places[at] ?? noPlaces) : searchPlaces(bytes, word);
}

/** The same, by searching all bytes. */
export function searchPlaces(bytes: Buffer, word: Buffer): readonly number[] {
  const places: number[] = [];
  for (let found = bytes.indexOf(word); found >= 0; found = bytes.indexOf(word, found + word.length))
    places.push(found + word.length);
  return places;
}

/** Notes the string at `start`..`end` when it is a watched word. */
function noteWord(bytes: Buffer, start: number, end: number, watched: Watched, wordPlaces: WordPlaces): void {
  const candidates = watched.byLength[end - start];
  if (candidates === undefined) return;
  for (const at of candidates) {
    const word = watched.words[at];
    let length = 1;
    while (word !== undefined && length < word.length && bytes[start + length] === word[length]) length++;
    if (word !== undefined && length === word.length) (wordPlaces.places[at] ??= []).push(end);
  }
}

export class BrokenJson extends Error {
  override readonly name = "BrokenJson";
}

const quote = 0x22;
const backslash = 0x5c;

/** Offset just after the closing quote of the string whose opening quote is at `at`. */
function skipString(bytes: Buffer, at: number): number {
  // Most strings are short; the native search pays off only on long ones.
  const near = at + 25;
  let end = at + 1;
  while (end < near && bytes[end] !== quote) end++;
  if (end === near) end = nextQuote(bytes, near);
  return bytes[end - 1] === backslash || end >= bytes.length ? skipEscapes(bytes, at, end) : end + 1;
}

/** The same, starting at a quote that may be escaped or beyond the end. */
function skipEscapes(bytes: Buffer, at: number, candidate: number): number {
  let end = candidate;
  for (;;) {
    if (end >= bytes.length) throw new BrokenJson("unterminated string");
    let first = end;
    while (first - 1 > at && bytes[first - 1] === backslash) first--;
    if ((end - first) % 2 === 0) return end + 1;
    end = nextQuote(bytes, end + 1);
  }
}

/** The offset of the next quote; the length of `bytes` when there is none. */
function nextQuote(bytes: Buffer, from: number): number {
  const found = bytes.indexOf(quote, from);
  return found < 0 ? bytes.length : found;
}

function skipSpace(bytes: Buffer, at: number): number {
  let i = at;
  for (;;) {
    const byte = bytes[i];
    if (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) i++;
    else return i;
  }
}

/** Offset just after the object or array that opens at `at`. */
function skipNested(
  bytes: Buffer,
  at: number,
  depth: number,
  maxDepth: number,
  watched: Watched,
  wordPlaces: WordPlaces,
): number {
  const closers: number[] = [];
  let i = at;
  for (;;) {
    const byte = bytes[i];
    if (byte === undefined) throw new BrokenJson("the text ends too early");
    if (byte === quote) {
      const end = skipString(bytes, i);
      if (end - i < watched.byLength.length) noteWord(bytes, i, end, watched, wordPlaces);
      i = end;
      continue;
    }
    if (byte === 0x7b || byte === 0x5b) {
      closers.push(byte + 2);
      if (depth + closers.length > maxDepth)
        throw new BrokenJson(`it is nested deeper than ${maxDepth} levels`);
    } else if (byte === 0x7d || byte === 0x5d) {
      if (closers.pop() !== byte) throw new BrokenJson("brackets do not match");
      if (closers.length === 0) return i + 1;
    }
    i++;
  }
}

const literals: ReadonlyMap<string, JsonMember["kind"]> = new Map([
  ["true", "boolean"],
  ["false", "boolean"],
  ["null", "null"],
] as const);
const longestScalar = 400;
const numberPattern = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** Offset just after the number or word that begins at `at`. */
function skipScalar(bytes: Buffer, at: number): number {
  let end = at;
  while (end < bytes.length && end - at < longestScalar) {
    const byte = bytes[end] ?? 0;
    if (byte === 0x2c || byte === 0x7d || byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09)
      break;
    end++;
  }
  return end;
}

function kindOfScalar(bytes: Buffer, start: number, end: number): JsonMember["kind"] {
  const text = bytes.toString("latin1", start, end);
  const kind = literals.get(text) ?? (numberPattern.test(text) ? "number" : undefined);
  if (kind === undefined) throw new BrokenJson("a value is neither a string, a number, true, false nor null");
  return kind;
}

/** Throws BrokenJson with a reason that completes the sentence "The body is not usable JSON: …". */
export function scanObject(bytes: Buffer, maxDepth: number, watched = nothingWatched): JsonScan {
  const wordPlaces: WordPlaces = { words: watched.words, places: [] };
  let i = skipSpace(bytes, 0);
  if (bytes[i] !== 0x7b) throw new BrokenJson("it must be an object");
  const bodyStart = i + 1;
  const members: JsonMember[] = [];
  i = skipSpace(bytes, bodyStart);
  if (bytes[i] === 0x7d) i++;
  else
    for (;;) {
      if (bytes[i] !== quote) throw new BrokenJson("a member name is missing");
      const keyEnd = skipString(bytes, i);
      const key = readString(bytes, i, keyEnd);
      i = skipSpace(bytes, keyEnd);
      if (bytes[i] !== 0x3a) throw new BrokenJson(`missing colon after "${key.slice(0, 60)}"`);
      const start = skipSpace(bytes, i + 1);
      const first = bytes[start];
      if (first === quote) {
        i = skipString(bytes, start);
        members.push({ key, start, end: i, kind: "string" });
      } else if (first === 0x7b || first === 0x5b) {
        i = skipNested(bytes, start, 1, maxDepth, watched, wordPlaces);
        members.push({ key, start, end: i, kind: first === 0x7b ? "object" : "array" });
      } else {
        i = skipScalar(bytes, start);
        members.push({ key, start, end: i, kind: kindOfScalar(bytes, start, i) });
      }
      i = skipSpace(bytes, i);
      if (bytes[i] === 0x2c) {
        i = skipSpace(bytes, i + 1);
        continue;
      }
      if (bytes[i] !== 0x7d) throw new BrokenJson("a comma or a closing brace is missing");
      i++;
      break;
    }
  if (skipSpace(bytes, i) !== bytes.length) throw new BrokenJson("unexpected text after the end");
  return { members, bodyStart, wordPlaces };
}

/** Offset just after the value that begins at `at`. */
export function skipValue(bytes: Buffer, at: number, maxDepth: number): number {
  const first = bytes[at];
  if (first === quote) return skipString(bytes, at);
  if (first === 0x7b || first === 0x5b)
    return skipNested(bytes, at, 0, maxDepth, nothingWatched, { words: [], places: [] });
  let end = at;
  while (end < bytes.length && isScalarByte(bytes[end] ?? 0)) end++;
  return end;
}

const isScalarByte = (byte: number): boolean =>
  byte !== 0x2c && byte !== 0x7d && byte !== 0x5d && byte > 0x20;

/** The values of the array that opens at `at`. Throws BrokenJson. */
export function arrayItems(
  bytes: Buffer,
  at: number,
  maxDepth: number,
): readonly { readonly start: number; readonly end: number }[] {
  const items: { start: number; end: number }[] = [];
  let start = skipSpace(bytes, at + 1);
  while (bytes[start] !== 0x5d) {
    const end = skipValue(bytes, start, maxDepth);
    if (end === start) throw new BrokenJson("a value is missing");
    items.push({ start, end });
    start = skipSpace(bytes, end);
    if (bytes[start] === 0x2c) start = skipSpace(bytes, start + 1);
  }
  return items;
}

/**
 * Most names are short and without escapes. With JSON.parse, a body of a million names would block the event loop three times as
 * long.
 */
function plainString(bytes: Buffer, start: number, end: number): string | null {
  for (let i = start; i < end; i++) {
    const byte = bytes[i] ?? 0;
    if (byte < 0x20 || byte > 0x7e || byte === quote || byte === backslash) return null;
  }
  return bytes.toString("latin1", start, end);
}

/** The text of the JSON string at `start`..`end`. Throws BrokenJson. */
export function readString(bytes: Buffer, start: number, end: number): string {
  const plain = end - start >= 2 && end - start <= 34 ? plainString(bytes, start + 1, end - 1) : null;
  if (plain !== null) return plain;
  try {
    return JSON.parse(bytes.toString("utf8", start, end)) as string;
  } catch {
    throw new BrokenJson("a string holds a forbidden character or a broken escape");
  }
}

/** False without changes unless every edit replaces a member that is at least as long; spaces fill the rest. */
function overwrite(bytes: Buffer, scan: JsonScan, edits: readonly JsonEdit[]): boolean {
  for (const { key, json } of edits) {
    const member = memberNamed(scan, key);
    if (member === undefined || Buffer.byteLength(json) > member.end - member.start) return false;
  }
  for (const { key, json } of edits) {
    const member = memberNamed(scan, key);
    if (member === undefined) continue;
    const end = member.start + bytes.write(json, member.start);
    bytes.fill(0x20, end, member.end);
  }
  return true;
}

/** A change of one top-level member; `json` is JSON text. */
export type JsonEdit = { readonly key: string; readonly json: string };

/**
 * The same object with members replaced, or added at its front. Untouched bytes stay as they are,
 * so that a provider's prompt cache sees the same prefix. With `mayOverwrite` the change is written into `bytes` itself
 * where it fits: a copy of a 100 KB prompt costs more than everything else that is done with it.
 */
export function spliceObject(
  bytes: Buffer,
  scan: JsonScan,
  edits: readonly JsonEdit[],
  mayOverwrite = false,
): Uint8Array {
  if (edits.length === 0 || (mayOverwrite && overwrite(bytes, scan, edits))) return bytes;
  const cuts: { start: number; end: number; text: string }[] = [];
  const added: string[] = [];
  for (const edit of edits) {
    const member = memberNamed(scan, edit.key);
    if (member) cuts.push({ start: member.start, end: member.end, text: edit.json });
    else added.push(`${JSON.stringify(edit.key)}:${edit.json}`);
  }
  if (added.length > 0) {
    const comma = scan.members.length > 0 ? "," : "";
    cuts.push({ start: scan.bodyStart, end: scan.bodyStart, text: added.join(",") + comma });
  }
  cuts.sort((a, b) => a.start - b.start);
  let size = bytes.length;
  for (const cut of cuts) size += Buffer.byteLength(cut.text) - (cut.end - cut.start);
  const result = Buffer.allocUnsafe(size);
  let from = 0;
  let at = 0;
  for (const cut of cuts) {
    at += bytes.copy(result, at, from, cut.start);
    at += result.write(cut.text, at);
    from = cut.end;
  }
  bytes.copy(result, at, from);
  return result;
}
