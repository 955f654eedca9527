// Decision -> an open lane: targets in order, one try each, until the gate of one opens. The retry matrix of the house
// (facts/reliability.md section 2) is canon/failure.ts; this is the only loop that acts on it.

import type { Target } from "../canon/decision.ts";
import { consequences, Failure, failureFrom } from "../canon/failure.ts";
import { busy, ownedFailure, summary } from "./blame.ts";
import type { Provider } from "./generation.ts";
import { beginTrial, endTrial, type Run, type Trial } from "./run.ts";
import { type LaneFactory, type Opened, tryOne } from "./try-target.ts";

export type { Opened } from "./try-target.ts";

/** Which lane a provider would get; `null` with a reason when this request cannot go there at all. */
export type LaneChoice =
  { readonly lane: Trial["lane"]; readonly open: LaneFactory } | { readonly refusal: Failure };

/** `again`: the same target, with its next credential. */
type Outcome = Opened | "again" | "next" | "over";

const noneTried: readonly string[] = [];

/** Throws the Failure to show when no target opened. */
export async function openFirst(
  run: Run,
  choose: (provider: Provider, target: Target) => LaneChoice,
  passHeaders: (provider: Provider) => Readonly<Record<string, string>>,
): Promise<Opened> {
  const { estate, generation, context } = run;
  const failures: { provider: string; failure: Failure }[] = [];
  const heldBack: { target: Target; untilMs: number }[] = [];
  let isRetry = false;
  let minimumWindow: number | null = null;

  const isHeldBack = (target: Target): boolean => {
    const verdict = estate.health.judge(target.provider, target.model);
    if (verdict.go !== "no") return false;
    heldBack.push({ target, untilMs: verdict.untilMs });
    noteSkipped(run, target, verdict.why);
    return true;
  };

  const attempt = async (target: Target, isLastResort: boolean): Promise<Outcome> => {
    const provider = generation.providers.get(target.provider);
    if (provider === undefined) return "next";
    if (minimumWindow !== null && !((provider.modelFacts(target.model).contextWindow ?? 0) > minimumWindow))
      return "next";
    const choice = choose(provider, target);
    if ("refusal" in choice) {
      failures.push({ provider: provider.id, failure: choice.refusal });
      // The target that the client named: its refusal is the answer. One that we chose is only no help.
      return isClientsChoice(run, target) ? "over" : "next";
    }
    let tried = noneTried;
    const tryCredential = async (): Promise<Outcome> => {
      if (isRetry && !(await estate.retryBudget.take(context.signal, generation.retryWaitMs))) return "over";
      let hasPlace = isRetry;
      const givePlace = (): void => {
        if (hasPlace) estate.retryBudget.give();
        hasPlace = false;
      };
      const nextCredential = (): string | null =>
        estate.health.pickCredential(target.provider, target.model, run.session, tried);
      try {
        run.live.stage = "waiting";
        const turn = provider.queue.tryTake() ?? (await provider.queue.take(context.signal));
        if (turn === "full" || turn === "too-long") {
          failures.push({ provider: provider.id, failure: busy(provider.id) });
          return "next";
        }
        run.queueWaitMs += turn.waitedMs;
        // Much may have become known since this target was judged; and only one request may be the probe.
        const isHeld = !isLastResort && isHeldBack(target);
        const credential = isHeld ? null : nextCredential();
        if (isHeld || (tried.length > 0 && credential === null)) {
          turn.release();
          return "next";
        }
        const trial = beginTrial(run, {
          provider,
          target,
          credential,
          lane: choice.lane,
          waitMs: turn.waitedMs,
          turn,
          abort: new AbortController(),
        });
        const outcome = await tryOne(run, trial, choice.open, passHeaders(provider), givePlace);
        if (!(outcome instanceof Failure)) {
          run.win(trial);
          return outcome;
        }
        const failure = ownedFailure(run, target, outcome);
        endTrial(run, trial, failure);
        failures.push({ provider: provider.id, failure });
        const { tryNext, hurts } = consequences[failure.kind];
        if (context.abortReason !== null || tryNext === "no") return "over";
        if (tryNext === "larger-window") {
          minimumWindow = provider.modelFacts(target.model).contextWindow;
          if (minimumWindow === null) return "over";
        }
        isRetry = true;
        if (hurts !== "credential" || credential === null) return "next";
        tried = [...tried, credential];
        return nextCredential() === null ? "next" : "again";
      } finally {
        givePlace();
      }
    };
    for (;;) {
      const outcome = await tryCredential();
      if (outcome !== "again") return outcome;
    }
  };

  let outcome: Outcome = "next";
  for (const target of run.decision?.targets ?? []) {
    if (isHeldBack(target)) continue;
    outcome = await attempt(target, false);
    if (outcome !== "next") break;
  }
  // Health never refuses a request that has nowhere else to go: then the target is asked that will be well first.
  if (outcome === "next" && run.attempts === 0) {
    for (const { target } of heldBack.toSorted((left, right) => left.untilMs - right.untilMs)) {
      outcome = await attempt(target, true);
      if (outcome !== "next" || run.attempts > 0) break;
    }
  }
  if (typeof outcome !== "string") return outcome;
  if (context.abortReason !== null) throw failureFrom(context.abortReason);
  throw summary(failures);
}

const isClientsChoice = (run: Run, target: Target): boolean => target === run.decision?.clientsTarget;

function noteSkipped(run: Run, target: Target, why: string): void {
  if (run.decision === null) return;
  const candidates = run.decision.candidates.map((each) =>
    each.provider === target.provider && each.model === target.model
      ? { ...each, kept: false, note: `skipped: ${why}` }
      : each,
  );
  run.decision = { ...run.decision, candidates };
}
