// What is known about providers, their credentials and their models, learned from real traffic.
// It only reorders and skips targets; it must never refuse a request that has nowhere else to go.

import { consequences, type Failure } from "../../canon/failure.ts";
import { type Allowance, allowancesIn, recordEvent, recordHeaders } from "./allowance.ts";
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
import { whyAvoided } from "./used-quota.ts";
import { type ProviderHealth, viewOf } from "./view.ts";

export type { Verdict } from "./judge.ts";
export type { ProviderHealth } from "./view.ts";

export type HealthSettings = {
  /** Provider failures in a row that open the circuit. */
  readonly ejectAfter: number;
  /** First time the circuit stays open; it grows by the number of ejections up to five minutes. */
  readonly openMs: number;
  /** The share of a quota above which a key is spared; null or absent: none is. */
  readonly avoidAbove?: number | null;
};

/** A credential is named by its fingerprint; null or absent: the provider has only one. */
export type HealthTracker = {
  /** The credentials that a provider has from now on, in the config's order. What was learned about them stays valid. */
  register(provider: string, credentials: readonly string[]): void;
  /** Whether any credential of the provider may be used for this model now. */
  judge(provider: string, model: string): Verdict;
  /** Why the provider is asked after the others, although it may be asked; null: for nothing. */
  avoid(provider: string, model: string): string | null;
  /**
   * The credential for the next attempt, called right before `attemptStarted`: the session's own, else one that is due for a
   * new check, else the least recently used; without any of those the one that recovers first. With `tried` only others that
   * are usable. Null: none (left), or the provider has no named credentials.
   */
  pickCredential(
    provider: string,
    model: string,
    session: string | null,
    tried: readonly string[],
  ): string | null;
  /** An attempt at a judged target begins. True: it is the single probe of a suspended target. */
  attemptStarted(provider: string, model: string, credential?: string | null): boolean;
  /** The first word arrived, `sinceMs` after the attempt was sent. */
  firstWord(provider: string, sinceMs: number): void;
  /**
   * The probe's answer has begun, `sinceMs` after it was sent: what it checked has recovered, and it is no longer a
   * probe.
   */
  answerStarted(provider: string, sinceMs: number, model?: string, credential?: string | null): void;
  succeeded(provider: string, model: string, latencyMs: number, credential?: string | null): void;
  failed(provider: string, model: string, failure: Failure, credential?: string | null): void;
  /** The attempt that was the probe has ended, with whatever result. */
  endProbe(provider: string, model?: string, credential?: string | null): void;
  /** An attempt that had begun is over. */
  attemptEnded(provider: string): void;
  /** The vendor answered this key with these headers, or its program reported a limit; kept to be shown. */
  recordAllowance(
    provider: string,
    credential: string | null,
    said: Headers | Readonly<Record<string, unknown>>,
    isGood?: boolean,
  ): void;
  /** What was last reported of this key. */
  allowances(provider: string, credential: string | null): readonly Allowance[];
  /** A free liveness check: bad news counts, good news only says that the server is there. */
  probed(provider: string, failure: Failure | null): void;
  /**
   * Why the provider's program is missing; null: it is present. A missing one counts as down but is still asked: that
   * costs nothing, and the program may have just been installed.
   */
  setAbsent(provider: string, failure: Failure | null): void;
  lastUsedMs(provider: string): number | null;
  /** The same object at every call for a provider, valid at that moment: read it, do not keep it. */
  load(provider: string): Load;
  view(provider: string): ProviderHealth;
  /** The operator's reset: forgets everything. False when the provider has no history. */
  reset(provider: string): boolean;
  /** The provider state that should survive the process. */
  persistedStates(provider: string): readonly PersistedState[];
  /** Restores what an earlier process saved. */
  restore(provider: string, kept: PersistedState): void;
};

/** Wall time has whole milliseconds, durations do not. */
const clockGrainMs = 1;

const holdKinds = {
  "rate-limited": "rate-limited",
  "quota-exhausted": "exhausted",
  "credentials-rejected": "rejected",
} as const satisfies Record<string, HoldKind>;

export type HealthTrackerOptions = {
  readonly settings: () => HealthSettings;
  readonly nowMs: () => number;
  readonly redact: (text: string) => string;
  /** Called once per change that a person should know about. */
  readonly alarm: (provider: string, message: string) => void;
  /** Called when the result of `persistedStates` has changed; never for a request that simply succeeds. */
  readonly changed?: (provider: string) => void;
};

export function createHealthTracker(options: HealthTrackerOptions): HealthTracker {
  return new LearnedHealth(options);
}

class LearnedHealth implements HealthTracker {
  private readonly states = new Map<string, ProviderState>();

  constructor(private readonly options: HealthTrackerOptions) {}

  // The router gets these two separately.
  readonly judge = (provider: string, model: string): Verdict => {
    const state = this.states.get(provider);
    return state === undefined ? yes : judgeState(state, model, this.options.nowMs());
  };
  readonly avoid = (provider: string, model: string): string | null => {
    const share = this.options.settings().avoidAbove ?? null;
    if (share === null) return null;
    return whyAvoided(this.states.get(provider)?.listed ?? [], model, share, this.options.nowMs());
  };
  readonly load = (provider: string): Load => readLoad(this.stateOf(provider).latency, this.options.nowMs());

  register(provider: string, credentials: readonly string[]): void {
    const state = this.states.get(provider);
    if (state === undefined) this.states.set(provider, createProviderState(credentials));
    else setListed(state, credentials);
  }

  pickCredential(
    provider: string,
    model: string,
    session: string | null,
    tried: readonly string[],
  ): string | null {
    const state = this.states.get(provider);
    if (state === undefined) return null;
    const avoidAbove = state.listed.length > 1 ? (this.options.settings().avoidAbove ?? null) : null;
    return pickFrom(state, { model, session, tried, avoidAbove }, this.options.nowMs());
  }

  attemptStarted(provider: string, model: string, credential: string | null = null): boolean {
    const state = this.stateOf(provider);
    const now = this.options.nowMs();
    const used = credentialIn(state, credential);
    state.hasHistory = true;
    state.lastUsedMs = now;
    state.turns += 1;
    used.lastTurn = state.turns;
    state.latency.load.inFlight += 1;
    return takeProbe(state, model, used, now);
  }

  firstWord(provider: string, sinceMs: number): void {
    recordFirstWord(this.stateOf(provider).latency, sinceMs, this.options.nowMs());
  }

  answerStarted(provider: string, sinceMs: number, model = "", credential: string | null = null): void {
    const state = this.stateOf(provider);
    const used = credentialIn(state, credential);
    endProbe(state, model, used);
    if (this.isNewer(sinceMs, state.circuit.openedAtMs)) this.close(provider, state);
    this.liftHolds(provider, state, model, used, sinceMs);
  }

  succeeded(provider: string, model: string, latencyMs: number, credential: string | null = null): void {
    const state = this.stateOf(provider);
    const { circuit } = state;
    state.hasHistory = true;
    circuit.consecutiveFailures = 0;
    circuit.unreachableInARow = 0;
    if (this.isNewer(latencyMs, circuit.openedAtMs)) {
      this.close(provider, state);
      // Only a whole answer shortens the next ejection again: an answer that begins well may still break off every time.
      circuit.ejections = 0;
    }
    this.liftHolds(provider, state, model, credentialIn(state, credential), latencyMs);
    state.lastCheckMs = this.options.nowMs();
    recordWholeAnswer(state.latency, latencyMs);
  }

  failed(provider: string, model: string, failure: Failure, credential: string | null = null): void {
    const state = this.stateOf(provider);
    const { penalizes } = consequences[failure.kind];
    if (penalizes === "nobody" || penalizes === "request") return;
    const now = this.options.nowMs();
    state.hasHistory = true;
    this.recordError(state, failure);
    state.lastCheckMs = now;
    if (penalizes === "model") {
      strike(holdFor(state.missing, model, now), "missing", failure, now);
      this.changed(provider);
    } else if (penalizes === "credential")
      this.holdCredential(provider, state, { credential: credentialIn(state, credential), model, failure });
    else this.countFailure(provider, state, failure);
  }

  recordAllowance(
    provider: string,
    credential: string | null,
    said: Headers | Readonly<Record<string, unknown>>,
    isGood = true,
  ): void {
    const { reported: kept } = credentialIn(this.stateOf(provider), credential);
    if (said instanceof Headers) recordHeaders(kept, said, isGood, this.options.nowMs());
    else recordEvent(kept, said, this.options.nowMs());
  }

  allowances(provider: string, credential: string | null): readonly Allowance[] {
    const state = this.states.get(provider);
    return state === undefined ? [] : allowancesIn(credentialIn(state, credential).reported);
  }

  endProbe(provider: string, model = "", credential: string | null = null): void {
    const state = this.states.get(provider);
    if (state !== undefined) endProbe(state, model, credentialIn(state, credential));
  }

  attemptEnded(provider: string): void {
    const load = this.states.get(provider)?.latency.load;
    if (load !== undefined && load.inFlight > 0) load.inFlight -= 1;
  }

  probed(provider: string, failure: Failure | null): void {
    const state = this.stateOf(provider);
    const now = this.options.nowMs();
    state.hasHistory = true;
    state.lastCheckMs = now;
    if (failure === null || consequences[failure.kind].penalizes !== "provider") return;
    this.recordError(state, failure);
    if (circuitOf(state.circuit, now) !== "open") this.countFailure(provider, state, failure);
  }

  setAbsent(provider: string, failure: Failure | null): void {
    const state = this.stateOf(provider);
    if (failure === null) {
      if (state.absence === null) return;
      state.absence = null;
      if (state.circuit.openUntilMs === 0) this.options.alarm(provider, "is back");
      // Failures while the program was missing say nothing about the program.
      else this.close(provider, state);
      return;
    }
    const words = this.errorTexts(failure);
    if (state.absence?.told === words.told) return;
    state.absence = words;
    state.lastCheckMs = this.options.nowMs();
    this.options.alarm(provider, `is down: ${words.told}`);
  }

  lastUsedMs(provider: string): number | null {
    return this.states.get(provider)?.lastUsedMs ?? null;
  }

  view(provider: string): ProviderHealth {
    return viewOf(this.states.get(provider) ?? createProviderState([]), this.options.nowMs());
  }

  reset(provider: string): boolean {
    const state = this.states.get(provider);
    if (state === undefined) return false;
    const next = createProviderState(state.listed.map((each) => each.id).filter((id) => id !== ""));
    // Running requests keep running, and their end will be reported.
    next.latency.load.inFlight = state.latency.load.inFlight;
    // A reset does not install a missing program either.
    next.absence = state.absence;
    this.states.set(provider, next);
    this.changed(provider);
    return state.hasHistory;
  }

  persistedStates(provider: string): readonly PersistedState[] {
    const state = this.states.get(provider);
    return state === undefined ? [] : persistedStatesOf(state, this.options.nowMs());
  }

  restore(provider: string, kept: PersistedState): void {
    const state = this.stateOf(provider);
    state.hasHistory = true;
    restoreInto(state, kept, this.options.nowMs());
  }

  private stateOf(provider: string): ProviderState {
    let state = this.states.get(provider);
    if (state === undefined) {
      state = createProviderState([]);
      this.states.set(provider, state);
    }
    return state;
  }

  private changed(provider: string): void {
    this.options.changed?.(provider);
  }

  private open(provider: string, state: ProviderState): void {
    const { circuit } = state;
    circuit.ejections += 1;
    const forMs = Math.min(longestOpenMs, this.options.settings().openMs * circuit.ejections);
    circuit.openedAtMs = this.options.nowMs();
    circuit.openUntilMs = circuit.openedAtMs + forMs;
    this.options.alarm(
      provider,
      `taken out for ${Math.round(forMs / 1000)} s: ${state.lastError ?? "repeated failures"}`,
    );
    this.changed(provider);
  }

  private close(provider: string, { circuit }: ProviderState): void {
    if (circuit.openUntilMs === 0) return;
    circuit.consecutiveFailures = 0;
    circuit.unreachableInARow = 0;
    circuit.openUntilMs = 0;
    circuit.isProbing = false;
    this.options.alarm(provider, "is back");
    this.changed(provider);
  }

  /** The success of a long stream that began before the failure says nothing about the failure. */
  private isNewer(sinceMs: number, troubleAtMs: number): boolean {
    return this.options.nowMs() - sinceMs + clockGrainMs >= troubleAtMs;
  }

  private liftIfOlder(provider: string, hold: Hold | undefined, sinceMs: number): boolean {
    if (hold === undefined || hold.kind === null || !this.isNewer(sinceMs, hold.sinceMs)) return false;
    lift(hold);
    this.changed(provider);
    return true;
  }

  /** The credential works for this model: lifts both suspensions, if this answer began after them. */
  private liftHolds(
    provider: string,
    state: ProviderState,
    model: string,
    credential: Credential,
    sinceMs: number,
  ): void {
    this.liftIfOlder(provider, credential.hold, sinceMs);
    const { models } = credential;
    if (models.size > 0 && this.liftIfOlder(provider, models.get(model), sinceMs)) models.delete(model);
    const { missing } = state;
    if (missing.size > 0 && this.liftIfOlder(provider, missing.get(model), sinceMs)) missing.delete(model);
  }

  private countFailure(provider: string, state: ProviderState, failure: Failure): void {
    const { circuit } = state;
    circuit.consecutiveFailures += 1;
    circuit.unreachableInARow = failure.kind === "unreachable" ? circuit.unreachableInARow + 1 : 0;
    const wasHalfOpen = circuit.openUntilMs !== 0;
    const isDue =
      circuit.consecutiveFailures >= this.options.settings().ejectAfter || circuit.unreachableInARow >= 2;
    if (circuitOf(circuit, this.options.nowMs()) !== "open" && (wasHalfOpen || isDue))
      this.open(provider, state);
  }

  private holdCredential(
    provider: string,
    state: ProviderState,
    refused: { readonly credential: Credential; readonly model: string; readonly failure: Failure },
  ): void {
    const { credential, model, failure } = refused;
    const now = this.options.nowMs();
    const kind = failure.kind === "rate-limited" || failure.kind === "quota-exhausted" ? failure.kind : null;
    const holdKind = holdKinds[kind ?? "credentials-rejected"];
    const hold = holdKind === "rate-limited" ? holdFor(credential.models, model, now) : credential.hold;
    const before = hold.kind;
    strike(hold, holdKind, failure, now);
    if (before !== holdKind && holdKind !== "rate-limited") {
      const which = state.listed.length > 1 ? `credential ${credential.id}` : "credential";
      this.options.alarm(provider, `its ${which} is ${holdKind}: ${state.lastError ?? ""}`);
    }
    this.changed(provider);
  }

  private errorTexts(failure: Failure): { told: string; short: string } {
    const inWords = (words: string): string => this.options.redact(`${failure.kind}: ${words}`).slice(0, 300);
    const told = inWords(failure.operatorMessage);
    return { told, short: failure.why === null ? told : inWords(failure.message) };
  }

  private recordError(state: ProviderState, failure: Failure): void {
    const { told, short } = this.errorTexts(failure);
    state.lastError = told;
    state.lastShort = short;
  }
}
