// The health of a provider as people and the API see it. Reads only; it may allocate, because no request uses it.

import { type Allowance, allowancesIn } from "./allowance.ts";
import { type Credential, retryAtFor, holdStateFor } from "./credential.ts";
import { type HoldKind, holdStateOf } from "./hold.ts";
import { meanOfRecent } from "./latency.ts";
import { circuitOf, type CircuitState, type ProviderState } from "./provider-state.ts";

export type CredentialState = "ok" | Exclude<HoldKind, "missing">;

export type CredentialView = {
  /** Fingerprint of the key. */
  readonly id: string;
  readonly state: CredentialState;
  readonly retryAtMs: number | null;
  /** Why it was suspended, while no request has shown that this is over. */
  readonly unproven: CredentialState | null;
  /** Models for which this key is suspended, and until when. */
  readonly coolingModels: Readonly<Record<string, number>>;
  /** What its vendor last reported about its quota. */
  readonly allowances: readonly Allowance[];
  /** Since when it is suspended, and when its vendor says that the limit ends; null: it is not, or only for models. */
  readonly heldSinceMs: number | null;
  readonly limitEndsAtMs: number | null;
};

export type ProviderHealth = {
  readonly healthy: boolean;
  /** Its program is missing. */
  readonly isAbsent: boolean;
  readonly consecutiveFailures: number;
  readonly avgLatencyMs: number | null;
  /** For the operator: may name hosts and ports. */
  readonly lastError: string | null;
  /** The message that clients got. */
  readonly lastShort: string | null;
  readonly lastCheckMs: number | null;
  readonly circuit: CircuitState;
  readonly ejections: number;
  /** Wall time until which nothing is sent; null: not suspended. */
  readonly retryAtMs: number | null;
  /** `ok` while at least one credential is; else the state of the one that recovers first. */
  readonly credential: CredentialState;
  readonly credentials: readonly CredentialView[];
  /** Models for which every credential is suspended, and until when. */
  readonly coolingModels: Readonly<Record<string, number>>;
};

export function viewOf(state: ProviderState, nowMs: number): ProviderHealth {
  const { circuit } = state;
  const { absence } = state;
  const circuitState = absence === null ? circuitOf(circuit, nowMs) : "open";
  const credentials = state.listed.map((each) => viewCredential(each, nowMs));
  const best = credentials.reduce<CredentialView | null>(
    (found, each) => (found === null || (each.retryAtMs ?? 0) < (found.retryAtMs ?? 0) ? each : found),
    null,
  );
  const credential = best?.state ?? "ok";
  const untilMs = Math.max(
    circuitState === "open" && absence === null ? circuit.openUntilMs : 0,
    best?.retryAtMs ?? 0,
  );
  return {
    healthy: circuitState === "closed" && credential === "ok",
    isAbsent: absence !== null,
    consecutiveFailures: circuit.consecutiveFailures,
    avgLatencyMs: meanOfRecent(state.latency),
    lastError: absence?.told ?? state.lastError,
    lastShort: absence?.short ?? state.lastShort,
    lastCheckMs: state.lastCheckMs,
    circuit: circuitState,
    ejections: circuit.ejections,
    retryAtMs: untilMs === 0 ? null : untilMs,
    credential,
    credentials,
    coolingModels: Object.fromEntries(coolingModels(state, nowMs)),
  };
}

function viewCredential(credential: Credential, nowMs: number): CredentialView {
  const { hold } = credential;
  const models = [...credential.models].flatMap(([model, each]) =>
    holdStateOf(each, nowMs) === "held" ? [[model, each.retryAtMs] as const] : [],
  );
  const isHeld = holdStateOf(hold, nowMs) === "held";
  const first = Math.min(...models.map(([, atMs]) => atMs));
  const kind = hold.kind === "missing" ? null : hold.kind;
  return {
    id: credential.id,
    state: isHeld ? (kind ?? "ok") : models.length > 0 ? "rate-limited" : "ok",
    retryAtMs: isHeld ? hold.retryAtMs : models.length > 0 ? first : null,
    unproven: isHeld ? null : kind,
    coolingModels: Object.fromEntries(models),
    allowances: allowancesIn(credential.reported),
    heldSinceMs: isHeld ? hold.sinceMs : null,
    limitEndsAtMs: isHeld ? hold.untilMs : null,
  };
}

function coolingModels(state: ProviderState, nowMs: number): Map<string, number> {
  const cooling = new Map<string, number>();
  const limited = new Set(state.listed.flatMap((each) => [...each.models.keys()]));
  for (const model of limited) {
    if (!state.listed.every((each) => holdStateFor(each, model, nowMs) === "held")) continue;
    cooling.set(model, Math.min(...state.listed.map((each) => retryAtFor(each, model))));
  }
  for (const [model, hold] of state.missing)
    if (holdStateOf(hold, nowMs) === "held") cooling.set(model, hold.retryAtMs);
  return cooling;
}
