// Decision -> an open lane: targets in order, one try each, until the gate of one opens. The retry matrix of the house
// is canon/failure.ts; this is the only loop that acts on it.

import type { Target } from "../canon/decision.ts";
import { consequences, Failure, failureFrom } from "../canon/failure.ts";
import { busy, ownedFailure, summary } from "./blame.ts";
import type { Provider } from "./generation.ts";
import { mayHedge, openHedged, type Try } from "./hedge.ts";
import { placed } from "./placed.ts";
import { beginTrial, endTrial, type Run, type Trial } from "./run.ts";
import { waitForTurn } from "./take-turn.ts";
import { holdFor } from "./tenant-holding.ts";
import { tellPassedOver, tellVerdict, tellWait } from "./trail.ts";
import { goesOn, type LaneChoice, type Opened, tryOne } from "./try-target.ts";

export type { LaneChoice, Opened } from "./try-target.ts";

/** What may come after a failure. `again`: the same target, with its next credential; `resend`: the very same, over a new connection. */
type Verdict = "again" | "resend" | "next" | "over";
type Outcome = Opened | Verdict;

/** What the tries of one request have taught so far. */
type Lessons = {
  readonly failures: { readonly provider: string; readonly failure: Failure }[];
  isRetry: boolean;
  /** One request meets a stale connection once: then it is sent over a new one. */
  isResent: boolean;
  minimumWindow: number | null;
  /** The target that was asked beside another and failed. `again`: another one of its credentials may do. */
  asked: { readonly target: Target; readonly verdict: Verdict } | null;
};

type Choose = (provider: Provider, target: Target) => LaneChoice;
type PassHeaders = (provider: Provider) => Readonly<Record<string, string>>;

const noneTried: readonly string[] = [];
const nothing = (): void => undefined;

/** Throws the Failure to show when no target opened. */
export async function openFirst(run: Run, choose: Choose, passHeaders: PassHeaders): Promise<Opened> {
  const search = new Search(run, choose, passHeaders);
  let outcome: Outcome = "next";
  for (const target of run.decision?.targets ?? []) {
    const { asked } = search;
    if (asked !== null && asked.target === target && asked.verdict !== "again" && asked.verdict !== "resend")
      continue;
    if (search.isHeldBack(target)) continue;
    outcome = await search.attempt(target, false);
    if (outcome !== "next") break;
  }
  // Health never refuses a request that has nowhere else to go: then the target is asked that will be well first.
  if (outcome === "next" && run.attempts === 0) {
    for (const { target } of search.heldBack.toSorted((left, right) => left.untilMs - right.untilMs)) {
      outcome = await search.attempt(target, true);
      if (outcome !== "next" || run.attempts > 0) break;
    }
  }
  if (typeof outcome !== "string") return outcome;
  if (run.context.abortReason !== null) throw failureFrom(run.context.abortReason);
  throw search.unborne ?? summary(search.failures);
}

/** The way of one request from target to target. */
class Search implements Lessons {
  readonly failures: Lessons["failures"] = [];
  isRetry = false;
  isResent = false;
  minimumWindow: number | null = null;
  asked: Lessons["asked"] = null;
  readonly heldBack: { target: Target; untilMs: number }[] = [];
  /** Why the tenant's limits do not bear what may be tried next. */
  unborne: Failure | null = null;

  constructor(
    private readonly run: Run,
    private readonly choose: Choose,
    private readonly passHeaders: PassHeaders,
  ) {}

  isHeldBack(target: Target): boolean {
    const verdict = this.run.estate.health.judge(target.provider, target.model);
    if (verdict.go !== "no") return false;
    this.heldBack.push({ target, untilMs: verdict.untilMs });
    noteSkipped(this.run, target, verdict.why);
    return true;
  }

  /** The tenant's limits do not bear it: nothing is sent. */
  private leaveOut(target: Target, unborne: Failure): Verdict {
    noteSkipped(this.run, target, unborne.message);
    if (unborne.kind === "unsupported") this.failures.push({ provider: target.provider, failure: unborne });
    else this.unborne = unborne;
    return "next";
  }

  /** One target with one credential after the other. */
  async attempt(target: Target, isLastResort: boolean): Promise<Outcome> {
    const { run } = this;
    const { estate, generation, context } = run;
    const provider = generation.providers.get(target.provider);
    if (provider === undefined) return "next";
    if (!isLargeEnough(this, provider, target)) {
      noteSkipped(run, target, "its context window is not known to be larger");
      return "next";
    }
    const choice = this.choose(provider, target);
    if ("refusal" in choice) {
      this.failures.push({ provider: provider.id, failure: choice.refusal });
      noteSkipped(run, target, choice.refusal.message.slice(0, 200));
      // The target that the client named: its refusal is the answer. One that we chose is only no help.
      return isClientsChoice(run, target) ? "over" : "next";
    }
    let tried = noneTried;
    for (;;) {
      const { isRetry } = this;
      if (isRetry && !(await estate.retryBudget.take(context.signal, generation.retryWaitMs))) {
        tellWait(run, "a place in the retry budget", generation.retryWaitMs, "none was free");
        return "over";
      }
      const givePlace = isRetry ? onlyOnce(estate.retryBudget.give) : nothing;
      try {
        run.live.stage = "waiting";
        const turn =
          provider.queue.tryTake(context.tenant) ??
          (await waitForTurn(run, provider, () => goesOn(run, target, choice)));
        if (turn === "full" || turn === "too-long") {
          const expectedMs = provider.queue.expectedWaitMs(context.tenant);
          this.failures.push({ provider: provider.id, failure: busy(provider.id, expectedMs) });
          tellPassedOver(run, target, turn === "full" ? "its queue is full" : "no turn came free in time");
          return "next";
        }
        // Much may have become known since this target was judged; and only one request may be the probe.
        const isHeld = !isLastResort && this.isHeldBack(target);
        const credential = isHeld ? null : nextCredential(run, target, tried);
        if (isHeld || (tried.length > 0 && credential === null)) {
          turn.release();
          return "next";
        }
        const unborne = run.tenantEntry === null ? null : holdFor(run, provider, target);
        if (unborne !== null) {
          turn.release();
          return this.leaveOut(target, unborne);
        }
        const trial = beginTrial(run, { provider, target, credential, lane: choice.lane, turn });
        const opening = tryOne(run, trial, choice.open, this.passHeaders(provider), givePlace);
        let outcome: Outcome;
        if (!isLastResort && mayHedge(run, trial))
          outcome = await tryHedged(run, this, { trial, opening }, this.choose, this.passHeaders);
        else {
          const result = await opening;
          outcome = result instanceof Failure ? failTrial(run, this, trial, result) : result;
        }
        if (typeof outcome !== "string") run.win(outcome.trial);
        if (outcome === "resend") continue;
        if (outcome !== "again" || credential === null) return outcome;
        tried = [...tried, credential];
        if (nextCredential(run, target, tried) === null) return "next";
      } finally {
        givePlace();
      }
    }
  }
}

function nextCredential(run: Run, target: Target, tried: readonly string[]): string | null {
  return run.estate.health.pickCredential(target.provider, target.model, run.sessionKey, tried);
}

function onlyOnce(act: () => void): () => void {
  let isDone = false;
  return () => {
    if (!isDone) act();
    isDone = true;
  };
}

const isLargeEnough = ({ minimumWindow }: Lessons, provider: Provider, { model }: Target): boolean =>
  minimumWindow === null || (provider.modelFacts(model).contextWindow ?? 0) > minimumWindow;

/** A failed try is over: its row is written, and what follows from its failure is known. */
function failTrial(run: Run, lessons: Lessons, trial: Trial, reason: Failure): Verdict {
  const verdict = verdictOf(run, lessons, trial, reason);
  tellVerdict(run, trial.target, verdict);
  return verdict;
}

function verdictOf(run: Run, lessons: Lessons, trial: Trial, reason: Failure): Verdict {
  const { provider, target, credential } = trial;
  const failure = placed(ownedFailure(run, target, reason), provider.backend.place);
  endTrial(run, trial, failure);
  if (failure.isStale && !lessons.isResent && run.context.abortReason === null) {
    lessons.isResent = true;
    return "resend";
  }
  lessons.failures.push({ provider: provider.id, failure });
  const { tryNext, hurts } = consequences[failure.kind];
  if (run.context.abortReason !== null || tryNext === "no") return "over";
  if (tryNext === "larger-window") {
    const { contextWindow } = provider.modelFacts(target.model);
    if (contextWindow === null) return "over";
    // Of two that were asked at the same time the later to fail may be the smaller.
    lessons.minimumWindow = Math.max(contextWindow, lessons.minimumWindow ?? 0);
  }
  lessons.isRetry = true;
  return hurts === "credential" && credential !== null ? "again" : "next";
}

/** The try, from some moment on with another one beside it; what comes next is known when both have failed. */
async function tryHedged(
  run: Run,
  lessons: Lessons,
  first: Try,
  choose: Choose,
  passHeaders: PassHeaders,
): Promise<Outcome> {
  const { failures } = lessons;
  const ends: { final: Lessons["failures"][number] | null; verdict: Verdict } = {
    final: null,
    verdict: "next",
  };
  const opened = await openHedged(run, first, {
    choose,
    passHeaders,
    isUseful: (provider, target) => isLargeEnough(lessons, provider, target),
    failed(trial, failure) {
      const verdict = failTrial(run, lessons, trial, failure);
      if (verdict === "over") ends.final = failures.at(-1) ?? null;
      if (trial === first.trial) ends.verdict = verdict;
      else lessons.asked = { target: trial.target, verdict };
    },
  });
  if (opened !== null) return opened;
  if (ends.final === null) return ends.verdict;
  // What no other target can help is what the client is told, whichever of the two failed last.
  failures.splice(failures.indexOf(ends.final), 1);
  failures.push(ends.final);
  return "over";
}

const isClientsChoice = (run: Run, target: Target): boolean => target === run.decision?.clientsTarget;

function noteSkipped(run: Run, target: Target, why: string): void {
  tellPassedOver(run, target, why);
  if (run.decision === null) return;
  const candidates = run.decision.candidates.map((each) =>
    each.provider === target.provider && each.model === target.model
      ? { ...each, kept: false, note: `skipped: ${why}` }
      : each,
  );
  run.decision = { ...run.decision, candidates };
}
