// Hashes of the parts of a prompt. What a vendor's cache does not depend on is left out of them: cache marks, ids and times of a message,
// and whether a text stands alone or in a block.

import { type JsonMember, scanObject, skipValue } from "../../wire/json.ts";
import { maxJsonDepth } from "../body/envelope.ts";

/** Order counts. */
export const fold = (sum: number, next: number): number =>
  (Math.imul(sum ^ (sum >>> 15), 0x85eb_ca6b) + Math.imul(next ^ 0x9e37_79b9, 0xc2b2_ae35)) >>> 0;

export const hashOf = (bytes: string | Uint8Array): number => Bun.hash.xxHash32(bytes);

const unlike: ReadonlySet<string> = new Set([
  "id",
  "uuid",
  "timestamp",
  "created_at",
  "status",
  "cache_control",
]);
const besideText: ReadonlySet<string> = new Set(["type", "annotations", "logprobs", ...unlike]);
const textTypes: ReadonlySet<string> = new Set(['"text"', '"input_text"', '"output_text"']);
const mark = Buffer.from('"cache_control"');
const textSeed = 0x7465_7874;

/** Of a text's bytes, between its quotes. */
const textHash = (bytes: Buffer): number => fold(textSeed, hashOf(bytes.subarray(1, -1)));

/** Any JSON value, without the cache marks inside it. */
export const valueHash = (bytes: Buffer): number => hashOf(withoutMarks(bytes));

function withoutMarks(bytes: Buffer): Buffer {
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

export const membersOf = (bytes: Buffer): readonly JsonMember[] => scanObject(bytes, maxJsonDepth).members;

/** The text of a block that holds nothing else, in its quotes; null: it holds more. */
function aloneText(block: Buffer, members: readonly JsonMember[]): Buffer | null {
  let text: Buffer | null = null;
  for (const member of members) {
    if (member.key === "text" && member.kind === "string") text = partOf(block, member);
    else if (!besideText.has(member.key)) return null;
    else if (member.key === "type" && !textTypes.has(partOf(block, member).toString("latin1"))) return null;
  }
  return text;
}

/** One block of a message or of a system prompt: an object or a text. */
export function blockHash(block: Buffer): number {
  if (block[0] === 0x22) return textHash(block);
  if (block[0] !== 0x7b) return valueHash(block);
  const members = membersOf(block);
  const text = aloneText(block, members);
  return text === null ? objectHash(block, members) : textHash(text);
}

function objectHash(bytes: Buffer, members: readonly JsonMember[]): number {
  let sum = members.length === 0 ? 1 : 2;
  for (const member of members)
    if (!unlike.has(member.key)) sum = fold(fold(sum, hashOf(member.key)), valueHash(partOf(bytes, member)));
  return sum;
}

/** An item of a conversation; `contents` are the hashes of its blocks. */
export function messageHash(
  message: Buffer,
  members: readonly JsonMember[],
  contents: readonly number[],
): number {
  let sum = 3;
  for (const member of members) {
    const { key } = member;
    if (unlike.has(key) || key === "content" || key === "parts") continue;
    const value = partOf(message, member);
    // Responses name the type of a plain message or leave it out.
    if (key === "type" && value.toString("latin1") === '"message"') continue;
    sum = fold(fold(sum, hashOf(key)), valueHash(value));
  }
  for (const each of contents) sum = fold(sum, each);
  return sum;
}
