// Where two prompts of one conversation first differ, and how.

import type { CacheMiss } from "../../canon/record.ts";
import type { PromptOutline } from "../../canon/prompt-outline.ts";
import { fold } from "./prompt-hashes.ts";

/** Messages that are remembered one by one; those after them are remembered together. */
const maxMessages = 1_024;
const maxParts = 512;

/** What is remembered of a prompt: a few kilobytes at most. */
export class RememberedPrompt {
  readonly tools: readonly number[];
  readonly system: readonly number[];
  readonly messages: readonly number[];
  readonly messageCount: number;
  readonly options: number;
  /** Of the messages beyond the remembered ones. */
  private readonly rest: number;

  constructor({ tools, system, messages, options }: PromptOutline) {
    // Not copied where they are short: the tools of all turns are one list.
    this.tools = atMost(maxParts, tools);
    this.system = atMost(maxParts, system);
    this.messages = atMost(maxMessages, messages);
    this.messageCount = messages.length;
    this.options = options;
    this.rest = restOf(messages, messages.length);
  }

  /** How many hashes it holds. */
  get size(): number {
    return this.tools.length + this.system.length + this.messages.length;
  }

  hasSameRest(messages: readonly number[]): boolean {
    return this.messageCount <= maxMessages || this.rest === restOf(messages, this.messageCount);
  }
}

const atMost = (most: number, hashes: readonly number[]): readonly number[] =>
  hashes.length <= most ? hashes : hashes.slice(0, most);

function restOf(messages: readonly number[], end: number): number {
  let sum = 0;
  for (let at = maxMessages; at < Math.min(end, messages.length); at++) sum = fold(sum, messages[at] ?? 0);
  return sum;
}

export type PromptDifference = Pick<CacheMiss, "cause" | "index" | "change">;

/** Null: the prompt before is the beginning of this one. In the order in which vendors put the parts together. */
export function differenceOf(before: RememberedPrompt, now: PromptOutline): PromptDifference | null {
  const tools = firstChange(before.tools, atMost(maxParts, now.tools));
  if (tools !== null) return { cause: "tools", ...tools };
  const system = firstChange(before.system, atMost(maxParts, now.system));
  if (system !== null) return { cause: "system", ...system };
  if (before.options !== now.options) return { cause: "options", index: null, change: "changed" };
  const at = commonLength(before.messages, now.messages);
  // More messages are the next turn.
  if (at < before.messages.length) {
    const change = kindOfChange(before.messages.slice(at), now.messages.slice(at));
    return { cause: "message", index: at + now.firstMessage, change };
  }
  if (before.hasSameRest(now.messages)) return null;
  return { cause: "message", index: null, change: "changed" };
}

export function commonLength(before: readonly number[], now: readonly number[]): number {
  if (before === now) return before.length;
  let at = 0;
  while (at < before.length && at < now.length && before[at] === now[at]) at++;
  return at;
}

type Change = { readonly index: number; readonly change: NonNullable<CacheMiss["change"]> };

function firstChange(before: readonly number[], now: readonly number[]): Change | null {
  const index = commonLength(before, now);
  if (index === before.length && index === now.length) return null;
  return { index, change: kindOfChange(before.slice(index), now.slice(index)) };
}

function kindOfChange(before: readonly number[], now: readonly number[]): Change["change"] {
  const [was, is] = [before[0], now[0]];
  if (was === undefined) return "inserted";
  if (is === undefined) return "removed";
  const isKept = now.includes(was);
  const isOld = before.includes(is);
  if (isKept && isOld) return "reordered";
  if (isKept) return "inserted";
  return isOld ? "removed" : "changed";
}
