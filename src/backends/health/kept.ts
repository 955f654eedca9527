// What of health outlives the process: holds and open circuits, each with its end. Pure: rows out, rows in.
// It must never bring back what is over, nor anything for longer than the rules of today allow.

import { type Hold, type HoldKind, holdFor, longestNamedMs, longestQuotaMs, longestWaitMs } from "./hold.ts";
import { credentialIn, longestOpenMs, type ProviderState } from "./provider-state.ts";

/** One thing that holds. Whose it is stands in its key. */
export type KeptState = {
  /** Null: of the provider. */
  readonly credential: string | null;
  /** Null: of every model. */
  readonly model: string | null;
  readonly kind: HoldKind | "circuit";
  readonly sinceMs: number;
  readonly retryAtMs: number;
  /** After this it is no longer worth a row. */
  readonly untilMs: number;
  /** Strikes of a hold, ejections of a circuit. */
  readonly count: number;
};

export function keptOf(state: ProviderState, nowMs: number): KeptState[] {
  const kept: KeptState[] = [];
  const add = (credential: string | null, model: string | null, hold: Hold): void => {
    if (hold.kind === null || nowMs >= hold.untilMs) return;
    const { kind, sinceMs, retryAtMs, untilMs, strikes } = hold;
    kept.push({ credential, model, kind, sinceMs, retryAtMs, untilMs, count: strikes });
  };
  const { circuit } = state;
  if (nowMs < circuit.openUntilMs)
    kept.push({
      credential: null,
      model: null,
      kind: "circuit",
      sinceMs: circuit.openedAtMs,
      retryAtMs: circuit.openUntilMs,
      untilMs: circuit.openUntilMs,
      count: circuit.ejections,
    });
  for (const [model, hold] of state.missing) add(null, model, hold);
  for (const credential of state.byId.values()) {
    // Without a fingerprint nobody could tell whether it is still the same token.
    if (credential.id === "") continue;
    add(credential.id, null, credential.hold);
    for (const [model, hold] of credential.models) add(credential.id, model, hold);
  }
  return kept;
}

export function restoreInto(state: ProviderState, kept: KeptState, nowMs: number): void {
  if (nowMs >= kept.untilMs) return;
  const { circuit } = state;
  // The clock may have been set back: nothing lasts longer than it could if it had begun just now.
  const sinceMs = Math.min(kept.sinceMs, nowMs);
  if (kept.kind === "circuit") {
    circuit.openedAtMs = sinceMs;
    circuit.openUntilMs = Math.min(kept.retryAtMs, nowMs + longestOpenMs);
    circuit.ejections = kept.count;
    return;
  }
  const hold = holdOf(state, kept, nowMs);
  if (hold === null) return;
  hold.kind = kept.kind;
  hold.sinceMs = sinceMs;
  // The end that a vendor named, and the look at it, are the same moment (hold.ts).
  const isNamed = kept.kind === "exhausted" && kept.retryAtMs === kept.untilMs;
  hold.retryAtMs = Math.min(kept.retryAtMs, nowMs + (isNamed ? longestNamedMs : longestWaitMs[kept.kind]));
  hold.untilMs = Math.max(hold.retryAtMs, Math.min(kept.untilMs, nowMs + longestQuotaMs));
  hold.strikes = kept.count;
}

function holdOf(state: ProviderState, { credential, model, kind }: KeptState, nowMs: number): Hold | null {
  if (credential === null)
    return model === null || kind !== "missing" ? null : holdFor(state.missing, model, nowMs);
  const known = credentialIn(state, credential);
  return model === null ? known.hold : holdFor(known.models, model, nowMs);
}

const kinds: readonly string[] = ["rate-limited", "exhausted", "rejected", "missing", "circuit"];
const isTime = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);
const isName = (value: unknown): value is string | null => value === null || typeof value === "string";

/** What a store gave back as a row; null when it is none. */
export function readKept(value: unknown): KeptState | null {
  if (typeof value !== "object" || value === null) return null;
  const { credential, model, kind, sinceMs, retryAtMs, untilMs, count } = value as Record<string, unknown>;
  if (!isName(credential) || !isName(model) || typeof kind !== "string" || !kinds.includes(kind)) return null;
  if (!isTime(sinceMs) || !isTime(retryAtMs) || !isTime(untilMs)) return null;
  if (!isTime(count) || count < 0 || count > 1_000) return null;
  return { credential, model, kind: kind as KeptState["kind"], sinceMs, retryAtMs, untilMs, count };
}
