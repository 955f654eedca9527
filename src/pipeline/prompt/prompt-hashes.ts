// Hashes of the parts of a prompt. What a vendor's cache does not depend on is left out of them: cache marks, and whether a text stands
// alone or in a block.

import { skipValue } from "../../wire/json.ts";
import { maxJsonDepth } from "../body/envelope.ts";

/** Order counts. */
export const fold = (sum: number, next: number): number =>
  (Math.imul(sum ^ (sum >>> 15), 0x85eb_ca6b) + Math.imul(next ^ 0x9e37_79b9, 0xc2b2_ae35)) >>> 0;

/** From here on the second hash is faster, although its number must be cut. */
const longBytes = 1_024;

export const hashOf = (bytes: string | Uint8Array): number =>
  bytes.length < longBytes ? Bun.hash.xxHash32(bytes) : Number(BigInt.asUintN(32, Bun.hash.wyhash(bytes)));

const mark = Buffer.from('"cache_control"');
/** Any JSON value, without the cache marks inside it. */
export const valueHash = (bytes: Buffer): number => hashOf(withoutMarks(bytes));

export function withoutMarks(bytes: Buffer): Buffer {
  let at = bytes.indexOf(mark);
  if (at < 0) return bytes;
  const kept: Buffer[] = [];
  let from = 0;
  for (; at >= 0; at = bytes.indexOf(mark, Math.max(from, at + mark.length))) {
    let value = skipSpace(bytes, at + mark.length);
    // The words may also be a client's own text.
    if (bytes[value] !== 0x3a) continue;
    value = skipSpace(bytes, value + 1);
    let end = skipSpace(bytes, skipValue(bytes, value, maxJsonDepth));
    let start = at;
    // One comma goes with it.
    if (bytes[end] === 0x2c) end++;
    else {
      while (start > from && isSpace(bytes[start - 1])) start--;
      if (bytes[start - 1] === 0x2c) start--;
    }
    kept.push(bytes.subarray(from, start));
    from = end;
  }
  kept.push(bytes.subarray(from));
  return Buffer.concat(kept);
}

const isSpace = (byte: number | undefined): boolean =>
  byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

function skipSpace(bytes: Buffer, at: number): number {
  let next = at;
  while (isSpace(bytes[next])) next++;
  return next;
}

export const partOf = (bytes: Buffer, { start, end }: { start: number; end: number }): Buffer =>
  bytes.subarray(start, end);

/** The form in which a mark can be set, and the short form of the same. */
const textBlock = Buffer.from('"content":[{"type":"text","text":"');
const shortText = Buffer.from('"content":"');
const endOfBlock = Buffer.from("}]");
/** Before the content stands its role. */
const maxBeforeContent = 64;

/** A message of a conversation. A text is the same alone and as the only block. */
export function messageHash(marked: Buffer): number {
  const message = withoutMarks(marked);
  const block = startOf(message, textBlock);
  if (block >= 0) {
    const text = block + textBlock.length - 1;
    const end = skipValue(message, text, maxJsonDepth);
    if (message.subarray(end, end + endOfBlock.length).equals(endOfBlock))
      return textHash(message, block, { start: text, end }, end + endOfBlock.length);
  }
  const short = startOf(message, shortText);
  if (short < 0) return hashOf(message);
  const text = short + shortText.length - 1;
  const end = skipValue(message, text, maxJsonDepth);
  return textHash(message, short, { start: text, end }, end);
}

function startOf(message: Buffer, words: Buffer): number {
  const at = message.subarray(0, maxBeforeContent + words.length).indexOf(words);
  return at <= maxBeforeContent ? at : -1;
}

function textHash(
  message: Buffer,
  until: number,
  text: { start: number; end: number },
  from: number,
): number {
  const around = fold(hashOf(message.subarray(0, until)), hashOf(message.subarray(from)));
  return fold(around, hashOf(partOf(message, text)));
}
