// Whether a provider may be asked for a model now, and with which of its credentials. Reads only, and returns shared
// objects: every request calls this, and none may allocate.

import {
  type Credential,
  kindFor,
  mayGo,
  bestCredential,
  retryAtFor,
  firstToRecover,
  holdStateFor,
} from "./credential.ts";
import { holdStateOf } from "./hold.ts";
import { circuitOf, type ProviderState } from "./provider-state.ts";
import { isAbove } from "./used-quota.ts";

/** `yes`: send. `probe`: send as the single probe. `no`: not now, and why. */
export type Verdict =
  { readonly go: "yes" | "probe" } | { readonly go: "no"; readonly untilMs: number; readonly why: string };

export const yes: Verdict = { go: "yes" };
const probe: Verdict = { go: "probe" };

/** A request that waits for a probe asks again after this time. */
const probeWaitMs = 1_000;

export function judgeState(state: ProviderState, model: string, nowMs: number): Verdict {
  const { circuit, listed } = state;
  const missing = state.missing.size === 0 ? undefined : state.missing.get(model);
  if (missing !== undefined && !mayGo(holdStateOf(missing, nowMs)))
    return no(missing.retryAtMs, nowMs, "the model is missing upstream");
  if (!someMayGo(listed, model, nowMs)) return heldBack(listed, model, nowMs);
  const circuitState = circuitOf(circuit, nowMs);
  if (circuitState === "open") return no(circuit.openUntilMs, nowMs, "the circuit is open");
  if (circuitState === "half-open") return circuit.isProbing ? no(0, nowMs, "") : probe;
  return yes;
}

export type CredentialQuestion = {
  readonly model: string;
  readonly session: string | null;
  readonly tried: readonly string[];
  /** Keys of whose quota more is used go last; null: that does not matter. */
  readonly avoidAbove: number | null;
};

/** The name of the credential for the next attempt (health-tracker.ts, `pickCredential`). */
export function pickFrom(state: ProviderState, question: CredentialQuestion, nowMs: number): string | null {
  const { listed } = state;
  const { model, session, tried, avoidAbove } = question;
  const [only] = listed;
  if (only !== undefined && listed.length === 1)
    return only.id === "" || tried.includes(only.id) ? null : only.id;
  const spared = avoidAbove === null ? [] : listed.filter((each) => isAbove(each, model, avoidAbove, nowMs));
  const fresh = spared.length === 0 ? null : listed.filter((each) => !spared.includes(each));
  const picked =
    (fresh === null ? null : bestCredential(fresh, model, session, tried, nowMs)) ??
    bestCredential(listed, model, session, tried, nowMs);
  if (picked !== null) return picked.id;
  return tried.length === 0 ? (firstToRecover(listed, model)?.id ?? null) : null;
}

function no(untilMs: number, nowMs: number, why: string): Verdict {
  if (untilMs <= nowMs) return { go: "no", untilMs: nowMs + probeWaitMs, why: "a probe is under way" };
  return { go: "no", untilMs, why };
}

function someMayGo(credentials: readonly Credential[], model: string, nowMs: number): boolean {
  for (const credential of credentials) if (mayGo(holdStateFor(credential, model, nowMs))) return true;
  return false;
}

function heldBack(credentials: readonly Credential[], model: string, nowMs: number): Verdict {
  const first = firstToRecover(credentials, model);
  if (first === null) return yes;
  const kind = kindFor(first, model, nowMs);
  const why = credentials.length === 1 ? `the credential is ${kind}` : `every credential is held: ${kind}`;
  return no(retryAtFor(first, model), nowMs, why);
}
