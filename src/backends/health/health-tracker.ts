// What is known about providers, their credentials and their models, learned from real traffic.
// It only reorders and skips targets; it must never refuse a request that has nowhere else to go.

import { consequences, type Failure } from "../../canon/failure.ts";
import { recordEvent, recordHeaders } from "./allowance.ts";
import type { Credential } from "./credential.ts";
import { type Hold, holdFor, type HoldKind, lift, strike } from "./hold.ts";
import { judgeState, pickFrom, type Verdict, yes } from "./judge.ts";
import { type PersistedState, persistedStatesOf, restoreInto } from "./persisted-state.ts";
import { type Load, readLoad, recordFirstWord, recordWholeAnswer } from "./latency.ts";
import { endProbe, takeProbe } from "./recovery-probe.ts";
import {
  circuitOf,
  createProviderState,
  credentialIn,
  setListed,
  longestOpenMs,
  type ProviderState,
} from "./provider-state.ts";
import { type ProviderHealth, viewOf } from "./view.ts";

export type { Verdict } from "./judge.ts";
export type { ProviderHealth } from "./view.ts";

export type HealthSettings = {
  /** Provider failures in a row that open the circuit. */
  readonly ejectAfter: number;
  /** First time the circuit stays open; it grows by the number of ejections up to five minutes. */
  readonly openMs: number;
};

/** A credential is named by its fingerprint; null or absent: the provider has but one. */
export type HealthTracker = {
  /** The credentials that a provider has from now on, in the config's order. What was learned of them before holds on. */
  register(provider: string, credentials: readonly string[]): void;
  /** Whether any credential of the provider may be asked for this model now. */
  judge(provider: string, model: string): Verdict;
  /**
   * The credential for the next try, called right before `begin`: the session's own, else one whose time to be looked at
   * again has come, else the one that rested longest; without any of those the one that is back first. With `tried` only
   * others that may go. Null: there is none (left), or the provider has none with a name.
   */
  pickCredential(
    provider: string,
    model: string,
    session: string | null,
    tried: readonly string[],
  ): string | null;
  /** A judged target is now being tried. True: this try is the single probe of what was closed or held. */
  attemptStarted(provider: string, model: string, credential?: string | null): boolean;
  /** The first word is there, `sinceMs` after the try was sent. */
  firstWord(provider: string, sinceMs: number): void;
  /** The probe's answer has begun, `sinceMs` after it was sent: what it was to find out is well, and it is no probe any more. */
  answerStarted(provider: string, sinceMs: number, model?: string, credential?: string | null): void;
  succeeded(provider: string, model: string, latencyMs: number, credential?: string | null): void;
  failed(provider: string, model: string, failure: Failure, credential?: string | null): void;
  /** The try that was the probe has ended, whatever came of it. */
  endProbe(provider: string, model?: string, credential?: string | null): void;
  /** A try that had begun is over. */
  attemptEnded(provider: string): void;
  /** The vendor answered this key with these headers, or its program told of a limit; kept for whoever looks. */
  recordAllowance(
    provider: string,
    credential: string | null,
    said: Headers | Readonly<Record<string, unknown>>,
    isGood?: boolean,
  ): void;
  /** A free liveness check: bad news counts, good news only says that somebody is there. */
  probed(provider: string, failure: Failure | null): void;
  /**
   * What it is made of is not there (a program), or null: it is. It counts as down until then, and is asked all the same:
   * that costs nothing, and the program may have come a moment ago.
   */
  setAbsent(provider: string, failure: Failure | null): void;
  lastUsedMs(provider: string): number | null;
  /** The same object at every call for a provider, true at that moment: to be read, not to be kept. */
  load(provider: string): Load;
  view(provider: string): ProviderHealth;
  /** Operator's reset: everything forgotten. False when the provider has no history. */
  reset(provider: string): boolean;
  /** What of a provider should survive the process. */
  persistedStates(provider: string): readonly PersistedState[];
  /** Takes back what an earlier process had kept. */
  restore(provider: string, kept: PersistedState): void;
};

/** Wall time comes in whole milliseconds, durations do not. */
const clockGrainMs = 1;

const holdKinds = {
  "rate-limited": "rate-limited",
  "quota-exhausted": "exhausted",
  "credentials-rejected": "rejected",
} as const satisfies Record<string, HoldKind>;

export function createHealthTracker(options: {
  readonly settings: () => HealthSettings;
  readonly nowMs: () => number;
  readonly redact: (text: string) => string;
  /** Told once per change that a person should know about. */
  readonly alarm: (provider: string, message: string) => void;
  /** Told when what `kept` gives has changed; never by a request that merely goes well. */
  readonly changed?: (provider: string) => void;
}): HealthTracker {
  const states = new Map<string, ProviderState>();
  const changed = options.changed ?? (() => undefined);
  const stateOf = (provider: string): ProviderState => {
    let state = states.get(provider);
    if (state === undefined) {
      state = createProviderState([]);
      states.set(provider, state);
    }
    return state;
  };

  const open = (provider: string, state: ProviderState): void => {
    const { circuit } = state;
    circuit.ejections += 1;
    const forMs = Math.min(longestOpenMs, options.settings().openMs * circuit.ejections);
    circuit.openedAtMs = options.nowMs();
    circuit.openUntilMs = circuit.openedAtMs + forMs;
    options.alarm(
      provider,
      `taken out for ${Math.round(forMs / 1000)} s: ${state.lastError ?? "repeated failures"}`,
    );
    changed(provider);
  };

  /** A long stream that began before the trouble and goes well says nothing about the trouble. */
  const isNewer = (sinceMs: number, troubleAtMs: number): boolean =>
    options.nowMs() - sinceMs + clockGrainMs >= troubleAtMs;

  const close = (provider: string, { circuit }: ProviderState): void => {
    if (circuit.openUntilMs === 0) return;
    circuit.consecutiveFailures = 0;
    circuit.unreachableInARow = 0;
    circuit.openUntilMs = 0;
    circuit.isProbing = false;
    options.alarm(provider, "is back");
    changed(provider);
  };

  const liftIfOlder = (provider: string, hold: Hold | undefined, sinceMs: number): boolean => {
    if (hold === undefined || hold.kind === null || !isNewer(sinceMs, hold.sinceMs)) return false;
    lift(hold);
    changed(provider);
    return true;
  };

  /** The credential answers for this model: neither holds, as far as this answer is newer than what held them. */
  const liftHolds = (
    provider: string,
    state: ProviderState,
    model: string,
    credential: Credential,
    sinceMs: number,
  ): void => {
    liftIfOlder(provider, credential.hold, sinceMs);
    const { models } = credential;
    if (models.size > 0 && liftIfOlder(provider, models.get(model), sinceMs)) models.delete(model);
    const { missing } = state;
    if (missing.size > 0 && liftIfOlder(provider, missing.get(model), sinceMs)) missing.delete(model);
  };

  const countFailure = (provider: string, state: ProviderState, failure: Failure): void => {
    const { circuit } = state;
    circuit.consecutiveFailures += 1;
    circuit.unreachableInARow = failure.kind === "unreachable" ? circuit.unreachableInARow + 1 : 0;
    const wasHalfOpen = circuit.openUntilMs !== 0;
    const isDue =
      circuit.consecutiveFailures >= options.settings().ejectAfter || circuit.unreachableInARow >= 2;
    if (circuitOf(circuit, options.nowMs()) !== "open" && (wasHalfOpen || isDue)) open(provider, state);
  };

  const holdCredential = (
    provider: string,
    state: ProviderState,
    credential: Credential,
    model: string,
    failure: Failure,
  ): void => {
    const now = options.nowMs();
    const kind = failure.kind === "rate-limited" || failure.kind === "quota-exhausted" ? failure.kind : null;
    const holdKind = holdKinds[kind ?? "credentials-rejected"];
    const hold = holdKind === "rate-limited" ? holdFor(credential.models, model, now) : credential.hold;
    const before = hold.kind;
    strike(hold, holdKind, failure, now);
    if (before !== holdKind && holdKind !== "rate-limited") {
      const which = state.listed.length > 1 ? `credential ${credential.id}` : "credential";
      options.alarm(provider, `its ${which} is ${holdKind}: ${state.lastError ?? ""}`);
    }
    changed(provider);
  };

  const errorTexts = (failure: Failure): { told: string; short: string } => {
    const inWords = (words: string): string => options.redact(`${failure.kind}: ${words}`).slice(0, 300);
    const told = inWords(failure.operatorMessage);
    return { told, short: failure.why === null ? told : inWords(failure.message) };
  };
  const recordError = (state: ProviderState, failure: Failure): void => {
    const { told, short } = errorTexts(failure);
    state.lastError = told;
    state.lastShort = short;
  };

  return {
    register(provider, credentials) {
      const state = states.get(provider);
      if (state === undefined) states.set(provider, createProviderState(credentials));
      else setListed(state, credentials);
    },
    judge(provider, model) {
      const state = states.get(provider);
      return state === undefined ? yes : judgeState(state, model, options.nowMs());
    },
    pickCredential(provider, model, session, tried) {
      const state = states.get(provider);
      return state === undefined ? null : pickFrom(state, model, session, tried, options.nowMs());
    },
    attemptStarted(provider, model, credential = null) {
      const state = stateOf(provider);
      const now = options.nowMs();
      const used = credentialIn(state, credential);
      state.hasHistory = true;
      state.lastUsedMs = now;
      state.turns += 1;
      used.lastTurn = state.turns;
      state.latency.load.inFlight += 1;
      return takeProbe(state, model, used, now);
    },
    firstWord(provider, sinceMs) {
      recordFirstWord(stateOf(provider).latency, sinceMs, options.nowMs());
    },
    answerStarted(provider, sinceMs, model = "", credential = null) {
      const state = stateOf(provider);
      const used = credentialIn(state, credential);
      endProbe(state, model, used);
      if (isNewer(sinceMs, state.circuit.openedAtMs)) close(provider, state);
      liftHolds(provider, state, model, used, sinceMs);
    },
    succeeded(provider, model, latencyMs, credential = null) {
      const state = stateOf(provider);
      const { circuit } = state;
      state.hasHistory = true;
      circuit.consecutiveFailures = 0;
      circuit.unreachableInARow = 0;
      if (isNewer(latencyMs, circuit.openedAtMs)) {
        close(provider, state);
        // Only a whole answer shortens the next ejection again: who begins well may still break off every time.
        circuit.ejections = 0;
      }
      liftHolds(provider, state, model, credentialIn(state, credential), latencyMs);
      state.lastCheckMs = options.nowMs();
      recordWholeAnswer(state.latency, latencyMs);
    },
    failed(provider, model, failure, credential = null) {
      const state = stateOf(provider);
      const { penalizes } = consequences[failure.kind];
      if (penalizes === "nobody" || penalizes === "request") return;
      const now = options.nowMs();
      state.hasHistory = true;
      recordError(state, failure);
      state.lastCheckMs = now;
      if (penalizes === "model") {
        strike(holdFor(state.missing, model, now), "missing", failure, now);
        changed(provider);
      } else if (penalizes === "credential")
        holdCredential(provider, state, credentialIn(state, credential), model, failure);
      else countFailure(provider, state, failure);
    },
    recordAllowance(provider, credential, said, isGood = true) {
      const { reported: kept } = credentialIn(stateOf(provider), credential);
      if (said instanceof Headers) recordHeaders(kept, said, isGood, options.nowMs());
      else recordEvent(kept, said, options.nowMs());
    },
    endProbe(provider, model = "", credential = null) {
      const state = states.get(provider);
      if (state !== undefined) endProbe(state, model, credentialIn(state, credential));
    },
    attemptEnded(provider) {
      const load = states.get(provider)?.latency.load;
      if (load !== undefined && load.inFlight > 0) load.inFlight -= 1;
    },
    probed(provider, failure) {
      const state = stateOf(provider);
      state.hasHistory = true;
      state.lastCheckMs = options.nowMs();
      if (failure === null || consequences[failure.kind].penalizes !== "provider") return;
      recordError(state, failure);
      if (circuitOf(state.circuit, options.nowMs()) !== "open") countFailure(provider, state, failure);
    },
    setAbsent(provider, failure) {
      const state = stateOf(provider);
      if (failure === null) {
        if (state.absence === null) return;
        state.absence = null;
        if (state.circuit.openUntilMs === 0) options.alarm(provider, "is back");
        // What failed for want of it says nothing of it.
        else close(provider, state);
        return;
      }
      const words = errorTexts(failure);
      if (state.absence?.told === words.told) return;
      state.absence = words;
      state.lastCheckMs = options.nowMs();
      options.alarm(provider, `is down: ${words.told}`);
    },
    lastUsedMs: (provider) => states.get(provider)?.lastUsedMs ?? null,
    load: (provider) => readLoad(stateOf(provider).latency, options.nowMs()),
    view: (provider) => viewOf(states.get(provider) ?? createProviderState([]), options.nowMs()),
    reset(provider) {
      const state = states.get(provider);
      if (state === undefined) return false;
      const next = createProviderState(state.listed.map((each) => each.id).filter((id) => id !== ""));
      // What is under way stays under way, and will be told to have ended.
      next.latency.load.inFlight = state.latency.load.inFlight;
      // Nor does it put a program there.
      next.absence = state.absence;
      states.set(provider, next);
      changed(provider);
      return state.hasHistory;
    },
    persistedStates(provider) {
      const state = states.get(provider);
      return state === undefined ? [] : persistedStatesOf(state, options.nowMs());
    },
    restore(provider, kept) {
      const state = stateOf(provider);
      state.hasHistory = true;
      restoreInto(state, kept, options.nowMs());
    },
  };
}
