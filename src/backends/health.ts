// What is known about providers, their credentials and their models, learned from real traffic.
// It only reorders and skips targets; it must never refuse a request that has nowhere else to go.

import { consequences, type Failure } from "../canon/failure.ts";

export type HealthSettings = {
  /** Provider failures in a row that open the circuit. */
  readonly ejectAfter: number;
  /** First time the circuit stays open; it grows by the number of ejections up to `maxOpenMs`. */
  readonly openMs: number;
};

export type CircuitState = "closed" | "open" | "half-open";

export type ProviderHealth = {
  readonly healthy: boolean;
  readonly consecutiveFailures: number;
  readonly avgLatencyMs: number | null;
  readonly lastError: string | null;
  readonly lastCheckMs: number | null;
  readonly circuit: CircuitState;
  readonly ejections: number;
  /** Wall time until which nothing is sent, null when nothing holds it back. */
  readonly retryAtMs: number | null;
  readonly credential: "ok" | "rate-limited" | "rejected" | "exhausted";
  readonly coolingModels: Readonly<Record<string, number>>;
};

/** `yes`: send. `probe`: the one request that may find out. `no`: not now, and why. */
export type Verdict =
  { readonly go: "yes" | "probe" } | { readonly go: "no"; readonly untilMs: number; readonly why: string };

export type HealthBook = {
  judge(provider: string, model: string): Verdict;
  /** A judged target is now being tried. True: this try is the single probe of a half-open circuit. */
  begin(provider: string, model: string): boolean;
  /** The probe's answer has begun, `sinceMs` after it was sent: the circuit closes, and the probe is no longer one. */
  opened(provider: string, sinceMs: number): void;
  succeeded(provider: string, model: string, latencyMs: number): void;
  failed(provider: string, model: string, failure: Failure): void;
  /** The try that was the probe has ended, whatever came of it. */
  endProbe(provider: string): void;
  /** A free liveness check: bad news counts, good news only says that somebody is there. */
  checked(provider: string, failure: Failure | null): void;
  lastUsedMs(provider: string): number | null;
  view(provider: string): ProviderHealth;
  /** Operator's reset: everything forgotten. False when the provider has no history. */
  reset(provider: string): boolean;
};

const maxOpenMs = 300_000;
const maxCooldownMs = 300_000;
const defaultRateLimitMs = 30_000;
const rejectedMs = 600_000;
const latencyWindow = 20;
/** Wall time comes in whole milliseconds, durations do not. */
const clockGrainMs = 1;

type State = {
  consecutiveFailures: number;
  unreachableInARow: number;
  ejections: number;
  openedAtMs: number;
  openUntilMs: number;
  isProbing: boolean;
  credential: ProviderHealth["credential"];
  credentialSinceMs: number;
  credentialUntilMs: number;
  models: Map<string, number>;
  latencies: number[];
  lastError: string | null;
  lastCheckMs: number | null;
  lastUsedMs: number | null;
};

const fresh = (): State => ({
  consecutiveFailures: 0,
  unreachableInARow: 0,
  ejections: 0,
  openedAtMs: 0,
  openUntilMs: 0,
  isProbing: false,
  credential: "ok",
  credentialSinceMs: 0,
  credentialUntilMs: 0,
  models: new Map(),
  latencies: [],
  lastError: null,
  lastCheckMs: null,
  lastUsedMs: null,
});

export function createHealthBook(options: {
  readonly settings: () => HealthSettings;
  readonly nowMs: () => number;
  readonly redact: (text: string) => string;
  /** Told once per change that a person should know about. */
  readonly alarm: (provider: string, message: string) => void;
}): HealthBook {
  const states = new Map<string, State>();
  const stateOf = (provider: string): State => {
    let state = states.get(provider);
    if (state === undefined) {
      state = fresh();
      states.set(provider, state);
    }
    return state;
  };

  const circuitOf = (state: State): CircuitState => {
    if (state.openUntilMs === 0) return "closed";
    return options.nowMs() < state.openUntilMs ? "open" : "half-open";
  };

  const open = (provider: string, state: State): void => {
    state.ejections += 1;
    const forMs = Math.min(maxOpenMs, options.settings().openMs * state.ejections);
    state.openedAtMs = options.nowMs();
    state.openUntilMs = state.openedAtMs + forMs;
    options.alarm(
      provider,
      `taken out for ${Math.round(forMs / 1000)} s: ${state.lastError ?? "repeated failures"}`,
    );
  };

  /** A long stream that began before the trouble and goes well says nothing about the trouble. */
  const isNewer = (sinceMs: number, troubleAtMs: number): boolean =>
    options.nowMs() - sinceMs + clockGrainMs >= troubleAtMs;

  const close = (provider: string, state: State): void => {
    if (state.openUntilMs === 0) return;
    state.consecutiveFailures = 0;
    state.unreachableInARow = 0;
    state.openUntilMs = 0;
    state.isProbing = false;
    options.alarm(provider, "is back");
  };

  const countFailure = (provider: string, state: State, failure: Failure): void => {
    state.consecutiveFailures += 1;
    state.unreachableInARow = failure.kind === "unreachable" ? state.unreachableInARow + 1 : 0;
    const wasTrial = state.openUntilMs !== 0;
    const isDue = state.consecutiveFailures >= options.settings().ejectAfter || state.unreachableInARow >= 2;
    if (circuitOf(state) !== "open" && (wasTrial || isDue)) open(provider, state);
  };

  const coolCredential = (provider: string, state: State, failure: Failure): void => {
    const before = state.credential;
    state.credentialSinceMs = options.nowMs();
    if (failure.kind === "credentials-rejected") {
      state.credential = "rejected";
      state.credentialUntilMs = options.nowMs() + rejectedMs;
    } else {
      const isExhausted = failure.kind === "quota-exhausted";
      const wait = failure.retryAfterMs ?? (isExhausted ? maxCooldownMs : defaultRateLimitMs);
      state.credential = isExhausted ? "exhausted" : "rate-limited";
      state.credentialUntilMs = options.nowMs() + Math.min(maxCooldownMs, Math.max(0, wait));
    }
    if (before !== state.credential && state.credential !== "rate-limited")
      options.alarm(provider, `its credential is ${state.credential}: ${state.lastError ?? ""}`);
  };

  return {
    judge(provider, model) {
      const state = states.get(provider);
      if (state === undefined) return { go: "yes" };
      const now = options.nowMs();
      const modelUntil = state.models.get(model) ?? 0;
      if (now < modelUntil) return { go: "no", untilMs: modelUntil, why: "the model is missing upstream" };
      if (now < state.credentialUntilMs)
        return { go: "no", untilMs: state.credentialUntilMs, why: `the credential is ${state.credential}` };
      const circuit = circuitOf(state);
      if (circuit === "open") return { go: "no", untilMs: state.openUntilMs, why: "the circuit is open" };
      if (circuit === "half-open")
        return state.isProbing
          ? { go: "no", untilMs: now + 1_000, why: "a probe is under way" }
          : { go: "probe" };
      return { go: "yes" };
    },
    begin(provider) {
      const state = stateOf(provider);
      state.lastUsedMs = options.nowMs();
      if (circuitOf(state) !== "half-open" || state.isProbing) return false;
      state.isProbing = true;
      return true;
    },
    opened(provider, sinceMs) {
      const state = stateOf(provider);
      state.isProbing = false;
      if (isNewer(sinceMs, state.openedAtMs)) close(provider, state);
    },
    succeeded(provider, model, latencyMs) {
      const state = stateOf(provider);
      const now = options.nowMs();
      const isNewerThan = (atMs: number): boolean => isNewer(latencyMs, atMs);
      state.consecutiveFailures = 0;
      state.unreachableInARow = 0;
      if (isNewerThan(state.openedAtMs)) {
        close(provider, state);
        // Only a whole answer shortens the next ejection again: who begins well may still break off every time.
        state.ejections = 0;
      }
      if (isNewerThan(state.credentialSinceMs)) {
        state.credential = "ok";
        state.credentialUntilMs = 0;
      }
      state.lastCheckMs = now;
      if (state.models.size > 0) state.models.delete(model);
      state.latencies.push(latencyMs);
      if (state.latencies.length > latencyWindow) state.latencies.shift();
    },
    failed(provider, model, failure) {
      const state = stateOf(provider);
      const { hurts } = consequences[failure.kind];
      if (hurts === "nobody" || hurts === "request") return;
      state.lastError = options.redact(`${failure.kind}: ${failure.message}`).slice(0, 300);
      state.lastCheckMs = options.nowMs();
      if (hurts === "model") state.models.set(model, options.nowMs() + rejectedMs);
      else if (hurts === "credential") coolCredential(provider, state, failure);
      else countFailure(provider, state, failure);
    },
    endProbe(provider) {
      const state = states.get(provider);
      if (state !== undefined) state.isProbing = false;
    },
    checked(provider, failure) {
      const state = stateOf(provider);
      state.lastCheckMs = options.nowMs();
      if (failure === null || consequences[failure.kind].hurts !== "provider") return;
      state.lastError = options.redact(`${failure.kind}: ${failure.message}`).slice(0, 300);
      if (circuitOf(state) !== "open") countFailure(provider, state, failure);
    },
    lastUsedMs: (provider) => states.get(provider)?.lastUsedMs ?? null,
    view(provider) {
      const state = states.get(provider) ?? fresh();
      const now = options.nowMs();
      const circuit = circuitOf(state);
      const isCredentialCooling = now < state.credentialUntilMs;
      const until = Math.max(
        circuit === "open" ? state.openUntilMs : 0,
        isCredentialCooling ? state.credentialUntilMs : 0,
      );
      const cooling = [...state.models].filter(([, at]) => now < at);
      return {
        healthy: circuit === "closed" && !isCredentialCooling,
        consecutiveFailures: state.consecutiveFailures,
        avgLatencyMs: state.latencies.length === 0 ? null : mean(state.latencies),
        lastError: state.lastError,
        lastCheckMs: state.lastCheckMs,
        circuit,
        ejections: state.ejections,
        retryAtMs: until === 0 ? null : until,
        credential: isCredentialCooling ? state.credential : "ok",
        coolingModels: Object.fromEntries(cooling),
      };
    },
    reset: (provider) => states.delete(provider),
  };
}

function mean(values: readonly number[]): number {
  return Math.round((values.reduce((sum, each) => sum + each, 0) / values.length) * 10) / 10;
}
