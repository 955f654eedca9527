// Looks into one message or item of a history.

import { type JsonMember, readString, scanObject } from "../../wire/json.ts";
import { maxJsonDepth } from "../body/envelope.ts";

const longestWord = 64;

/** Empty where it is no object. */
export const membersOf = (item: Buffer): readonly JsonMember[] =>
  item[0] === 0x7b ? scanObject(item, maxJsonDepth).members : [];

/** A short text member, such as its role; null: there is none. */
export function wordIn(item: Buffer, key: string): string | null {
  const member = membersOf(item).find((each) => each.key === key);
  return member?.kind === "string" && member.end - member.start < longestWord
    ? readString(item, member.start, member.end)
    : null;
}
