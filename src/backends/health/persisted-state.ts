// Converts the health state that outlives the process, suspensions and open circuits with their ends, to rows and back.
// Pure. It must never restore what is over, nor anything for longer than today's rules allow.

import { type Hold, type HoldKind, holdFor, longestNamedMs, longestQuotaMs, longestWaitMs } from "./hold.ts";
import { credentialIn, longestOpenMs, type ProviderState } from "./provider-state.ts";

/** One active suspension. Its key names what it suspends. */
export type PersistedState = {
  /** Null: the provider. */
  readonly credential: string | null;
  /** Null: every model. */
  readonly model: string | null;
  readonly kind: HoldKind | "circuit";
  readonly sinceMs: number;
  readonly retryAtMs: number;
  /** After this it is no longer worth a row. */
  readonly untilMs: number;
  /** Strikes of a hold, ejections of a circuit. */
  readonly count: number;
};

export function persistedStatesOf(state: ProviderState, nowMs: number): PersistedState[] {
  const states: PersistedState[] = [];
  const add = (credential: string | null, model: string | null, hold: Hold): void => {
    if (hold.kind === null || nowMs >= hold.untilMs) return;
    const { kind, sinceMs, retryAtMs, untilMs, strikes } = hold;
    states.push({ credential, model, kind, sinceMs, retryAtMs, untilMs, count: strikes });
  };
  const { circuit } = state;
  if (nowMs < circuit.openUntilMs)
    states.push({
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
    // Without a fingerprint, it is unknown whether the token is still the same.
    if (credential.id === "") continue;
    add(credential.id, null, credential.hold);
    for (const [model, hold] of credential.models) add(credential.id, model, hold);
  }
  return states;
}

export function restoreInto(state: ProviderState, saved: PersistedState, nowMs: number): void {
  if (nowMs >= saved.untilMs) return;
  const { circuit } = state;
  // The clock may have been set back: nothing lasts longer than if it began now.
  const sinceMs = Math.min(saved.sinceMs, nowMs);
  if (saved.kind === "circuit") {
    circuit.openedAtMs = sinceMs;
    circuit.openUntilMs = Math.min(saved.retryAtMs, nowMs + longestOpenMs);
    circuit.ejections = saved.count;
    return;
  }
  const hold = holdOf(state, saved, nowMs);
  if (hold === null) return;
  hold.kind = saved.kind;
  hold.sinceMs = sinceMs;
  // The end that a vendor named and the next check are the same moment (hold.ts).
  const isNamed = saved.kind === "exhausted" && saved.retryAtMs === saved.untilMs;
  hold.retryAtMs = Math.min(saved.retryAtMs, nowMs + (isNamed ? longestNamedMs : longestWaitMs[saved.kind]));
  hold.untilMs = Math.max(hold.retryAtMs, Math.min(saved.untilMs, nowMs + longestQuotaMs));
  hold.strikes = saved.count;
}

function holdOf(
  state: ProviderState,
  { credential, model, kind }: PersistedState,
  nowMs: number,
): Hold | null {
  if (credential === null)
    return model === null || kind !== "missing" ? null : holdFor(state.missing, model, nowMs);
  const known = credentialIn(state, credential);
  return model === null ? known.hold : holdFor(known.models, model, nowMs);
}

const kinds: readonly string[] = ["rate-limited", "exhausted", "rejected", "missing", "circuit"];
const isTime = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);
const isName = (value: unknown): value is string | null => value === null || typeof value === "string";

/** Parses a stored row; null when it is invalid. */
export function readPersistedState(value: unknown): PersistedState | null {
  if (typeof value !== "object" || value === null) return null;
  const { credential, model, kind, sinceMs, retryAtMs, untilMs, count } = value as Record<string, unknown>;
  if (!isName(credential) || !isName(model) || typeof kind !== "string" || !kinds.includes(kind)) return null;
  if (!isTime(sinceMs) || !isTime(retryAtMs) || !isTime(untilMs)) return null;
  if (!isTime(count) || count < 0 || count > 1_000) return null;
  return { credential, model, kind: kind as PersistedState["kind"], sinceMs, retryAtMs, untilMs, count };
}
