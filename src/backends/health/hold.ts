// One suspension: since when, until when, and the single request that probes whether it is over. Created once and
// changed in place; it must never know what it suspends (a credential, a model, both).

import { type Failure, maxVendorRestMs } from "../../canon/failure.ts";

export type HoldKind = "rate-limited" | "exhausted" | "rejected" | "missing";

/** `held`: suspended. `due`: one request may probe. `probing`: the probe is running. */
export type HoldState = "free" | "due" | "held" | "probing";

export type Hold = {
  /** Null: not suspended. */
  kind: HoldKind | null;
  sinceMs: number;
  /** Wall time of the next check. */
  retryAtMs: number;
  /** When the vendor says the limit ends (wall time); never before `retryAtMs`. */
  untilMs: number;
  /** How many checks in a row failed for the same reason. */
  strikes: number;
  isProbing: boolean;
};

/** The longest time that a vendor's statement may delay the next check. */
export const longestWaitMs: Readonly<Record<HoldKind, number>> = {
  "rate-limited": maxVendorRestMs,
  exhausted: 3_600_000,
  rejected: 600_000,
  missing: 600_000,
};
export const longestQuotaMs = 86_400_000;
/** A date from a vendor is trusted unless it is so far away that it must be an error. */
export const longestNamedMs = 366 * 86_400_000;
const defaultRateLimitMs = 30_000;
const firstQuotaLookMs = maxVendorRestMs;

export function createHold(): Hold {
  return { kind: null, sinceMs: 0, retryAtMs: 0, untilMs: 0, strikes: 0, isProbing: false };
}

export function holdStateOf(hold: Hold, nowMs: number): HoldState {
  if (hold.kind === null) return "free";
  if (nowMs < hold.retryAtMs) return "held";
  return hold.isProbing ? "probing" : "due";
}

const severity: Readonly<Record<HoldState, number>> = { free: 0, due: 1, probing: 2, held: 3 };

export function worse(left: HoldState, right: HoldState): HoldState {
  return severity[left] >= severity[right] ? left : right;
}

export function lift(hold: Hold): void {
  hold.kind = null;
  hold.strikes = 0;
  hold.isProbing = false;
}

const within = (ms: number, maxMs: number): number => Math.min(maxMs, Math.max(0, ms));

/** The failure occurred (again). */
export function strike(hold: Hold, kind: HoldKind, failure: Failure, nowMs: number): void {
  // Concurrent requests get the same refusal: that counts as one strike.
  const isSame = hold.kind === kind;
  if (!isSame) hold.strikes = 1;
  else if (nowMs >= hold.retryAtMs) hold.strikes += 1;
  hold.kind = kind;
  hold.sinceMs = nowMs;
  if (kind === "exhausted") {
    const { endsAtMs } = failure;
    if (endsAtMs !== null && endsAtMs > nowMs) {
      hold.retryAtMs = hold.untilMs = Math.min(endsAtMs, nowMs + longestNamedMs);
      return;
    }
    // Quotas may be reset early, extended or misreported: it is checked again before the stated end, less and less often.
    const stepMs = Math.min(longestWaitMs.exhausted, firstQuotaLookMs * 2 ** (hold.strikes - 1));
    const stated = failure.retryAfterMs;
    hold.untilMs = nowMs + (stated === null ? stepMs : within(stated, longestQuotaMs));
    hold.retryAtMs = Math.min(hold.untilMs, nowMs + stepMs);
    return;
  }
  const waitMs = kind === "rate-limited" ? (failure.retryAfterMs ?? defaultRateLimitMs) : longestWaitMs[kind];
  hold.retryAtMs = nowMs + within(waitMs, longestWaitMs[kind]);
  hold.untilMs = hold.retryAtMs;
}

const maxHolds = 200;

/** The suspension of one name, created on first use. The names may come from clients, so their number is limited. */
export function holdFor(holds: Map<string, Hold>, name: string, nowMs: number): Hold {
  const found = holds.get(name);
  if (found !== undefined) return found;
  if (holds.size >= maxHolds)
    for (const [other, hold] of holds) if (holdStateOf(hold, nowMs) !== "held") holds.delete(other);
  if (holds.size >= maxHolds) {
    const [oldest] = holds.keys();
    if (oldest !== undefined) holds.delete(oldest);
  }
  const made = createHold();
  holds.set(name, made);
  return made;
}
