// Checks whether a body that would pass through asks for more than its model accepts; all formats share them. It must
// never parse more than the small members, nor throw: the vendor refuses what is broken.

import { type Effort, isEffort } from "../canon/effort.ts";
import type { Takes } from "../canon/takes.ts";
import { type JsonMember, type JsonScan, memberNamed } from "../wire/json.ts";
import { isRecord, parseLoosely } from "./decoding.ts";
import { acceptsSampling } from "./fit-to-model.ts";

/** The value of a small member; undefined for one that is absent, null or large. */
export function memberValue(scan: JsonScan, bytes: Buffer, key: string): unknown {
  const member = memberNamed(scan, key);
  if (member === undefined || member.kind === "null") return undefined;
  return parseLoosely(bytes.toString("utf8", member.start, member.end));
}

export function memberRecord(scan: JsonScan, bytes: Buffer, key: string): Readonly<Record<string, unknown>> {
  const value = memberValue(scan, bytes, key);
  return isRecord(value) ? value : {};
}

export function isGiven(scan: JsonScan, key: string): boolean {
  const member = memberNamed(scan, key);
  return member !== undefined && member.kind !== "null";
}

export type GivenSampling = {
  readonly temperature: boolean;
  readonly topP: boolean;
  readonly topK: boolean;
};

export function exceedsSampling(takes: Takes, given: GivenSampling, isThinkingOff: boolean): boolean {
  const { temperature, topP, topK } = given;
  if (!acceptsSampling(takes, isThinkingOff)) return temperature || topP || topK;
  return takes.sampling === "one" && temperature && topP;
}

/** A level that the model does not know or cannot follow. */
export function exceedsEffort(takes: Takes, effort: unknown): boolean {
  if (!isEffort(effort)) return false;
  // Models without levels refuse the member itself.
  if (takes.thinking === "none") return true;
  if (effort === "none") return !takes.thinkingOff;
  return takes.efforts !== null && !takes.efforts.includes(effort);
}

/** The same for a reseller that turns levels into budgets: it knows all levels. */
export function exceedsLevel(takes: Takes, effort: unknown): boolean {
  return (takes.thinking !== "budget" || effort === "none") && exceedsEffort(takes, effort);
}

export function isAboveHigh(effort: unknown): boolean {
  const high: readonly Effort[] = ["xhigh", "max"];
  return isEffort(effort) && high.includes(effort);
}

const roleWord = Buffer.from('"role"');

/** Whether the conversation's last message is the assistant's, judged by the last role named in it. */
export function endsWithAssistant(bytes: Buffer, messages: JsonMember | undefined): boolean {
  if (messages?.kind !== "array") return false;
  const region = bytes.subarray(messages.start, messages.end);
  const at = region.lastIndexOf(roleWord);
  if (at < 0) return false;
  const behind = region.toString("latin1", at + roleWord.length, at + roleWord.length + 64);
  return /^\s*:\s*"(?:assistant|model)"/.test(behind);
}
