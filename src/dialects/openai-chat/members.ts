// Kinds and plain values of the members that an express-lane body holds, in the words in which `decodeRequest` refuses them.
// It must never look deeper than a member's first byte, numbers excepted: what stands inside is the vendor's to judge.

import { Failure } from "../../canon/failure.ts";
import type { JsonMember } from "../../wire/json.ts";
import { parseLoosely } from "../decoding.ts";
import {
  optionalBoolean,
  optionalCount,
  optionalInteger,
  optionalList,
  optionalNumber,
  optionalRecord,
  optionalText,
} from "../read-fields.ts";
import { decodeToolChoice } from "./decode-tools.ts";
import { decodeEffort, decodeStop } from "./decode-request.ts";

type Kind = JsonMember["kind"];

/** `read` throws for a value of another kind, and for a number that is out of bounds. */
type Rule = { readonly kinds: readonly Kind[]; readonly read: (value: unknown, key: string) => unknown };

const count: Rule = { kinds: ["number"], read: (value, key) => optionalCount(value, key) };
const flag: Rule = { kinds: ["boolean"], read: optionalBoolean };
const text: Rule = { kinds: ["string"], read: optionalText };
const list: Rule = { kinds: ["array"], read: optionalList };
const record: Rule = { kinds: ["object"], read: optionalRecord };
const numberIn = (least: number, most: number): Rule => ({
  kinds: ["number"],
  read: (value, key) => optionalNumber(value, key, least, most),
});

const memberRules: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ["max_tokens", count],
  ["max_completion_tokens", count],
  ["n", { kinds: ["number"], read: (value, key) => optionalCount(value, key, 128) }],
  ["seed", { kinds: ["number"], read: optionalInteger }],
  ["temperature", numberIn(0, 2)],
  ["top_p", numberIn(0, 1)],
  ["tools", list],
  ["modalities", list],
  ["tool_choice", { kinds: ["string", "object"], read: (value) => decodeToolChoice(value, []) }],
  ["stop", { kinds: ["string", "array"], read: decodeStop }],
  ["response_format", record],
  ["metadata", record],
  ["audio", record],
  ["parallel_tool_calls", flag],
  ["logprobs", flag],
  ["store", flag],
  ["user", text],
  ["safety_identifier", text],
  // A vendor's own levels ("default") pass; only the hub has to know what a level means.
  ["reasoning_effort", { kinds: ["string"], read: decodeEffort }],
]);

/** Throws Failure `invalid-request`. */
export function checkMember(member: JsonMember, bytes: Buffer): void {
  const { key, kind } = member;
  if (kind === "null") return;
  const rule = memberRules.get(key);
  if (rule === undefined) return;
  if (!rule.kinds.includes(kind)) rule.read(valueOf(member, bytes), key);
  else if (kind === "number") rule.read(numberAt(bytes, member.start, member.end), key);
}

/** The member's value, for an error that shows it. Throws Failure where the scan let broken JSON pass. */
export function valueOf(member: JsonMember, bytes: Buffer): unknown {
  const value = parseLoosely(bytes.toString("utf8", member.start, member.end));
  if (value === undefined) throw new Failure("invalid-request", "The body is not valid JSON.");
  return value;
}

/** Plain short numbers digit by digit: a text of them would cost more than all other checks. */
function numberAt(bytes: Buffer, start: number, end: number): number {
  let value = 0;
  let scale = 0;
  for (let i = start; i < end; i++) {
    const byte = bytes[i] ?? 0;
    if (byte === 0x2e) scale = 1;
    else if (byte >= 0x30 && byte <= 0x39 && end - start <= 15) {
      value = value * 10 + byte - 0x30;
      scale *= 10;
    } else return Number(bytes.toString("latin1", start, end));
  }
  return scale === 0 ? value : value / scale;
}
