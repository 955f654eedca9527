// Looks into one message or item of a history.

import { type JsonMember, readString, scanObject } from "../../wire/json.ts";
import { maxJsonDepth } from "../body/envelope.ts";

const longestWord = 64;

/** Empty where it is no object. */
export const membersOf = (item: Buffer): readonly JsonMember[] =>
  item[0] === 0x7b ? scanObject(item, maxJsonDepth).members : [];

const roleFirst = Buffer.from('{"role":"');

/** A short text member; null: there is none. */
export function wordIn(item: Buffer, key: "role" | "type"): string | null {
  // Nearly all clients write it first, and a message may be long.
  if (key === "role" && item.subarray(0, roleFirst.length).equals(roleFirst)) {
    const word = item.toString("latin1", roleFirst.length, roleFirst.length + longestWord);
    const end = word.indexOf('"');
    if (end >= 0 && !word.slice(0, end).includes("\\")) return word.slice(0, end);
  }
  const member = membersOf(item).find((each) => each.key === key);
  return member?.kind === "string" && member.end - member.start < longestWord
    ? readString(item, member.start, member.end)
    : null;
}
