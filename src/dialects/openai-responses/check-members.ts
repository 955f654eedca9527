// Kinds and plain values of the members that an express-lane body holds, in the words in which `decodeRequest` refuses them.
// It must never look deeper than a member's first byte, numbers excepted: what stands inside is the vendor's to judge.

import { Failure } from "../../canon/failure.ts";
import type { JsonMember } from "../../wire/json.ts";
import { parseLoosely } from "../decoding.ts";
import { memberRules, type Rule } from "./members.ts";
import { wrongKind } from "../read-fields.ts";

/** Throws Failure `invalid-request`. */
export function checkMember(member: JsonMember, bytes: Buffer): void {
  const { key, kind } = member;
  const rule: Rule | undefined = memberRules.get(key);
  if (rule === undefined || (kind === "null" && rule.isOptional)) return;
  if (!rule.kinds.includes(kind)) throw wrongKind(key, rule.wanted, valueOf(member, bytes));
  if (kind === "number") rule.read(valueOf(member, bytes), key);
}

/** The member's value, for an error that shows it. Throws Failure where the scan let broken JSON pass. */
export function valueOf(member: JsonMember, bytes: Buffer): unknown {
  const value = parseLoosely(bytes.toString("utf8", member.start, member.end));
  if (value === undefined) throw new Failure("invalid-request", "The body is not valid JSON.");
  return value;
}
