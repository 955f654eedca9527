// What is known about one key of a provider, and which of several keys the next request uses. Keys are identified by
// fingerprint; the key itself must never be used here.

import { createReportedAllowance, type ReportedAllowance } from "./allowance.ts";
import { createHold, type Hold, type HoldState, holdStateOf, worse } from "./hold.ts";

export type Credential = {
  /** Fingerprint of the key; empty where a provider has no key of its own or a token from elsewhere. */
  readonly id: string;
  readonly seed: number;
  /** Quota and rejection: they suspend the key for every model. */
  readonly hold: Hold;
  /** Rate limits: vendors count them for each model. */
  readonly models: Map<string, Hold>;
  /** The provider's count of requests when this key was last used. */
  lastTurn: number;
  /** What the vendor last reported about its quota. */
  readonly reported: ReportedAllowance;
};

export function createCredential(id: string): Credential {
  return {
    id,
    seed: hashOf(id),
    hold: createHold(),
    models: new Map(),
    lastTurn: 0,
    reported: createReportedAllowance(),
  };
}

export function holdStateFor(credential: Credential, model: string, nowMs: number): HoldState {
  const own = holdStateOf(credential.hold, nowMs);
  if (credential.models.size === 0) return own;
  const hold = credential.models.get(model);
  return hold === undefined ? own : worse(own, holdStateOf(hold, nowMs));
}

export const mayGo = (state: HoldState): boolean => state === "free" || state === "due";

/** When this key may be used for this model again; 0: now. */
export function retryAtFor(credential: Credential, model: string): number {
  const own = credential.hold.kind === null ? 0 : credential.hold.retryAtMs;
  const hold = credential.models.get(model);
  return hold === undefined || hold.kind === null ? own : Math.max(own, hold.retryAtMs);
}

/** The failure kind that suspends this key for this model. */
export function kindFor(credential: Credential, model: string, nowMs: number): string {
  const { hold } = credential;
  if (holdStateOf(hold, nowMs) === "held") return hold.kind ?? "ok";
  return credential.models.get(model)?.kind ?? hold.kind ?? "ok";
}

/**
 * The key for the next request: the session's own (which has its prompt cache), else one that is due for a new check,
 * else the least recently used. Null when none may be used.
 */
export function bestCredential(
  credentials: readonly Credential[],
  model: string,
  session: string | null,
  tried: readonly string[],
  nowMs: number,
): Credential | null {
  const sessionHash = session === null ? 0 : hashOf(session);
  let best: Credential | null = null;
  let bestScore = Number.NEGATIVE_INFINITY;
  for (const credential of credentials) {
    if (tried.length > 0 && tried.includes(credential.id)) continue;
    const holdState = holdStateFor(credential, model, nowMs);
    if (!mayGo(holdState)) continue;
    const score =
      session !== null
        ? mixed(sessionHash ^ credential.seed)
        : holdState === "due"
          ? Number.MAX_SAFE_INTEGER
          : -credential.lastTurn;
    if (score > bestScore) {
      best = credential;
      bestScore = score;
    }
  }
  return best;
}

/** Where none may be used: the key that recovers first. */
export function firstToRecover(credentials: readonly Credential[], model: string): Credential | null {
  let best: Credential | null = null;
  let bestMs = Number.POSITIVE_INFINITY;
  for (const credential of credentials) {
    const atMs = retryAtFor(credential, model);
    if (atMs < bestMs) {
      best = credential;
      bestMs = atMs;
    }
  }
  return best;
}

/** FNV-1a, 32 bits: for spreading, not for secrets. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}

/** The finishing step of MurmurHash3: without it neighbouring sums would choose the same key. */
function mixed(value: number): number {
  let hash = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
