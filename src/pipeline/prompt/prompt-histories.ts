// Remembers the last prompts of sessions, as hashes, and says why a turn found less in the vendor's prompt cache than the turn before it
// had left there. Bounded in sessions and hashes; what is forgotten is only not explained.

import type { CacheMiss, UnpricedRecord } from "../../canon/record.ts";
import type { PromptOutline } from "../../canon/prompt-outline.ts";
import type { Usage } from "../../canon/usage.ts";
import { commonLength, differenceOf, type PromptDifference, RememberedPrompt } from "./prompt-difference.ts";

/** A turn of a conversation, and what it left in the vendor's cache. */
type Turn = {
  readonly prompt: RememberedPrompt;
  readonly provider: string | null;
  readonly model: string | null;
  readonly startedAtMs: number;
  /** Its prefix is in the cache from then on. */
  readonly cachedAtMs: number;
  readonly cacheTtlMs: number;
  /** Tokens; null: the vendor does not tell. */
  readonly left: number | null;
};

export type PromptHistoriesOptions = { readonly maxSessions?: number; readonly maxHashes?: number };

/** Cached tokens are counted in blocks. */
const leastMissed = 32;
/** One session also asks for titles, summaries and subagents: each is a conversation of its own. */
const maxConversations = 8;
const defaultMaxSessions = 5_000;
const defaultMaxHashes = 1_000_000;

export class PromptHistories {
  /** In the order of their last use. */
  private readonly sessions = new Map<string, Turn[]>();
  private hashes = 0;
  private readonly maxSessions: number;
  private readonly maxHashes: number;

  constructor({ maxSessions, maxHashes }: PromptHistoriesOptions = {}) {
    this.maxSessions = maxSessions ?? defaultMaxSessions;
    this.maxHashes = maxHashes ?? defaultMaxHashes;
  }

  get size(): { readonly sessions: number; readonly hashes: number } {
    return { sessions: this.sessions.size, hashes: this.hashes };
  }

  /** Remembers the turn. Returns what it missed, without its price; null: nothing, or nothing that is known. */
  take(record: UnpricedRecord, outline: PromptOutline, usage: Usage): Omit<CacheMiss, "nanoUsd"> | null {
    if (record.session === null) return null;
    const key = JSON.stringify([record.tenant, record.session, record.agent ?? null]);
    const turns = this.sessions.get(key) ?? [];
    const at = turns.findIndex((turn) => turn === continued(turns, outline));
    const before = turns[at];
    const miss = before === undefined ? null : missOf(before, record, outline, usage);
    if (before === undefined || record.startedAtMs >= before.startedAtMs)
      this.remember(key, turns, at, turnOf(record, outline, usage));
    return miss;
  }

  private remember(key: string, turns: Turn[], at: number, turn: Turn): void {
    const gone = at >= 0 ? turns.splice(at, 1) : turns.length >= maxConversations ? turns.splice(0, 1) : [];
    for (const each of gone) this.hashes -= each.prompt.size;
    turns.push(turn);
    this.hashes += turn.prompt.size;
    this.sessions.delete(key);
    this.sessions.set(key, turns);
    for (const [oldest, all] of this.sessions) {
      if (this.sessions.size <= this.maxSessions && this.hashes <= this.maxHashes) break;
      this.sessions.delete(oldest);
      for (const each of all) this.hashes -= each.prompt.size;
    }
  }
}

function turnOf(record: UnpricedRecord, outline: PromptOutline, usage: Usage): Turn {
  const { provider, model, startedAtMs, firstTokenMs, durationMs } = record;
  const { inputCached, inputCacheWrite } = usage;
  return {
    prompt: new RememberedPrompt(outline),
    provider,
    model,
    startedAtMs,
    cachedAtMs: startedAtMs + Math.min(durationMs, record.queueWaitMs + (firstTokenMs ?? durationMs)),
    cacheTtlMs: outline.cacheTtlMs,
    left:
      inputCached === null && inputCacheWrite === null ? null : (inputCached ?? 0) + (inputCacheWrite ?? 0),
  };
}

/** The turn that this one continues; undefined: it begins a conversation. */
function continued(turns: readonly Turn[], outline: PromptOutline): Turn | undefined {
  let best: Turn | undefined;
  let most = 0;
  for (const turn of turns) {
    const score = likeness(turn.prompt, outline);
    // Of equals the latest.
    if (score > 0 && score >= most) [best, most] = [turn, score];
  }
  return best;
}

/** 0: another conversation. The first messages alone are no sign: a request for a title repeats them. */
function likeness({ tools, system, messages }: RememberedPrompt, now: PromptOutline): number {
  const sameTools = isSame(tools, now.tools);
  const sameSystem = isSame(system, now.system);
  const common = commonLength(messages, now.messages);
  const isLike =
    (sameTools && tools.length > 0) ||
    (sameSystem && system.length > 0) ||
    (common > 0 && shareTools(tools, now.tools));
  if (!isLike) return 0;
  return (
    1 + (common > 0 ? 4 + common / (messages.length + 1) : 0) + (sameTools ? 2 : 0) + (sameSystem ? 2 : 0)
  );
}

function shareTools(before: readonly number[], now: readonly number[]): boolean {
  if (before.length === 0 || now.length === 0) return before.length === now.length;
  const known = new Set(before);
  return now.some((each) => known.has(each));
}

const isSame = (before: readonly number[], now: readonly number[]): boolean =>
  before.length === now.length && commonLength(before, now) === before.length;

function missOf(
  before: Turn,
  record: UnpricedRecord,
  outline: PromptOutline,
  { input, inputCached }: Usage,
): Omit<CacheMiss, "nanoUsd"> | null {
  if (before.left === null || inputCached === null || input === null) return null;
  // Turns that ran at the same time could not find anything of each other.
  if (record.startedAtMs < before.cachedAtMs) return null;
  const missedTokens = Math.min(before.left, input) - inputCached;
  if (missedTokens < leastMissed) return null;
  return { ...causeOf(before, record, outline, inputCached), missedTokens };
}

const unexplained: PromptDifference = { cause: "unknown", index: null, change: null };

function causeOf(
  before: Turn,
  record: UnpricedRecord,
  outline: PromptOutline,
  inputCached: number,
): PromptDifference {
  if (before.provider !== record.provider) return { cause: "provider", index: null, change: "changed" };
  if (before.model !== record.model) return { cause: "model", index: null, change: "changed" };
  const difference = differenceOf(before.prompt, outline);
  const isExpired = record.startedAtMs - before.startedAtMs > before.cacheTtlMs;
  // What stands before a changed message would still have been found.
  const explainsAll =
    difference !== null && (difference.cause === "tools" || difference.cause === "system" || inputCached > 0);
  if (isExpired && !explainsAll) return { cause: "expired", index: null, change: null };
  return difference ?? unexplained;
}
