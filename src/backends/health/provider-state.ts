// Everything known about one provider. Created once, changed in place: a request must not allocate here.

import { createCredential, type Credential } from "./credential.ts";
import type { Hold } from "./hold.ts";
import { createLatency, type Latency } from "./latency.ts";

export type CircuitState = "closed" | "open" | "half-open";

/** However often it was ejected, a provider gets its next attempt after this time. */
export const longestOpenMs = 300_000;

export type Circuit = {
  consecutiveFailures: number;
  unreachableInARow: number;
  ejections: number;
  openedAtMs: number;
  /** 0: closed. */
  openUntilMs: number;
  isProbing: boolean;
};

export type ProviderState = {
  readonly circuit: Circuit;
  /** In the config's order; at least one. */
  listed: readonly Credential[];
  /** Current credentials, and earlier ones that a config may list again. */
  readonly byId: Map<string, Credential>;
  /** Models that the vendor does not have, whatever the key. */
  readonly missing: Map<string, Hold>;
  readonly latency: Latency;
  lastError: string | null;
  lastShort: string | null;
  /** Why its program cannot be started on this machine, for the operator and for clients. */
  absence: { readonly told: string; readonly short: string } | null;
  lastCheckMs: number | null;
  lastUsedMs: number | null;
  turns: number;
  hasHistory: boolean;
};

export function createProviderState(ids: readonly string[]): ProviderState {
  const byId = new Map<string, Credential>();
  const state: ProviderState = {
    circuit: {
      consecutiveFailures: 0,
      unreachableInARow: 0,
      ejections: 0,
      openedAtMs: 0,
      openUntilMs: 0,
      isProbing: false,
    },
    listed: [],
    byId,
    missing: new Map(),
    latency: createLatency(),
    lastError: null,
    lastShort: null,
    absence: null,
    lastCheckMs: null,
    lastUsedMs: null,
    turns: 0,
    hasHistory: false,
  };
  setListed(state, ids);
  return state;
}

/** Sets the keys in use. What is known about others is kept while it may still matter. */
export function setListed(state: ProviderState, ids: readonly string[]): void {
  state.listed = (ids.length === 0 ? [""] : ids).map((id) => credentialIn(state, id));
  const inUse = new Set(state.listed);
  for (const [id, credential] of state.byId) {
    const isEmpty = credential.hold.kind === null && credential.models.size === 0;
    if (isEmpty && !inUse.has(credential)) state.byId.delete(id);
  }
}

/** The credential of that name. Null: the only one, or the first where none is named. */
export function credentialIn(state: ProviderState, id: string | null): Credential {
  if (id === null) {
    const [first] = state.listed;
    if (first !== undefined) return first;
  }
  const name = id ?? "";
  let credential = state.byId.get(name);
  if (credential === undefined) {
    credential = createCredential(name);
    state.byId.set(name, credential);
  }
  return credential;
}

export function circuitOf(circuit: Circuit, nowMs: number): CircuitState {
  if (circuit.openUntilMs === 0) return "closed";
  return nowMs < circuit.openUntilMs ? "open" : "half-open";
}
