// Counts the bytes of text, thinking and tool input in a piece of an answer, to estimate the cost of an answer that was
// cut off. It must never fail on what a vendor sends, and never count what the model did not write (ids, signatures,
// kinds).

import { isRecord } from "./decoding.ts";

const bytesOf = (text: string): number => Buffer.byteLength(text, "utf8");

/** Members of an answer that the model never writes. */
const nonTextMembers: ReadonlySet<string> = new Set([
  "annotations",
  "data",
  "encrypted_content",
  "format",
  "id",
  "index",
  "role",
  "signature",
  "status",
  "type",
]);

/** UTF-8 bytes of every string below `value`, except in members that the model did not write. */
export function textBytesIn(value: unknown, without: readonly string[] = []): number {
  if (typeof value === "string") return bytesOf(value);
  let bytes = 0;
  if (Array.isArray(value)) for (const each of value) bytes += textBytesIn(each, without);
  else if (isRecord(value))
    for (const [key, member] of Object.entries(value))
      if (!nonTextMembers.has(key) && !without.includes(key)) bytes += textBytesIn(member, without);
  return bytes;
}

/** The same for a value that the client gets as JSON: a call's arguments. */
export function jsonBytesOf(value: unknown): number {
  if (value === undefined || value === null) return 0;
  return bytesOf(typeof value === "string" ? value : (JSON.stringify(value) ?? ""));
}
