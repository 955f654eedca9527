// The single request that probes whether a suspended provider, key or model has recovered: which one, and until when.

import { type Credential, mayGo, holdStateFor } from "./credential.ts";
import { type Hold, holdStateOf, worse } from "./hold.ts";
import type { ProviderState } from "./provider-state.ts";

/** True: this attempt is the probe of everything it depends on that is due. */
export function takeProbe(
  state: ProviderState,
  model: string,
  credential: Credential,
  nowMs: number,
): boolean {
  const { circuit } = state;
  const isHalfOpen = circuit.openUntilMs !== 0;
  if (isHalfOpen && (nowMs < circuit.openUntilMs || circuit.isProbing)) return false;
  const missing = state.missing.size === 0 ? undefined : state.missing.get(model);
  const own = holdStateFor(credential, model, nowMs);
  const holdState = missing === undefined ? own : worse(own, holdStateOf(missing, nowMs));
  // A request of last resort ignores suspensions and does not count as a probe.
  if (!mayGo(holdState) || (!isHalfOpen && holdState === "free")) return false;
  if (isHalfOpen) circuit.isProbing = true;
  take(credential.hold, nowMs);
  if (credential.models.size > 0) take(credential.models.get(model), nowMs);
  take(missing, nowMs);
  return true;
}

export function endProbe(state: ProviderState, model: string, credential: Credential): void {
  state.circuit.isProbing = false;
  give(credential.hold);
  if (credential.models.size > 0) give(credential.models.get(model));
  if (state.missing.size > 0) give(state.missing.get(model));
}

function take(hold: Hold | undefined, nowMs: number): void {
  if (hold !== undefined && holdStateOf(hold, nowMs) === "due") hold.isProbing = true;
}

function give(hold: Hold | undefined): void {
  if (hold !== undefined) hold.isProbing = false;
}
