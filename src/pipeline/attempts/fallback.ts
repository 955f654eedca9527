// Turns a decision into an open answer: targets in order, one attempt each, until the gate of one opens. The retry
// matrix is canon/failure.ts; this is the only loop that acts on it.

import type { Target } from "../../canon/decision.ts";
import { consequences, Failure, failureFrom } from "../../canon/failure.ts";
import { busyFailure, attributedFailure, failureSummary } from "./failure-summary.ts";
import type { Provider } from "../dependencies.ts";
import { mayHedge, openHedged, type PendingAttempt } from "./hedge.ts";
import { withPlace } from "./failure-place.ts";
import type { Attempt } from "./attempt.ts";
import { beginAttempt, endAttempt, type Run } from "../run.ts";
import { waitForTurn } from "./turn-wait.ts";
import { reserveFor } from "../tenants/tenant-reservation.ts";
import { logSkipped, logNextStep, logWait } from "../debug-log.ts";
import { continuesProcess, type TargetPlan, type Opened, attemptTarget } from "./attempt-target.ts";

export type { TargetPlan, Opened } from "./attempt-target.ts";

/**
 * What may follow a failure. `again`: the same target with its next credential; `resend`: the same attempt over a new connection.
 */
type NextStep = "again" | "resend" | "next" | "over";
type Outcome = Opened | NextStep;

type AttributedFailure = { readonly provider: string; readonly failure: Failure };

type PlanTarget = (provider: Provider, target: Target) => TargetPlan;
type PassHeaders = (provider: Provider) => Readonly<Record<string, string>>;

const noCredentials: readonly string[] = [];
const noop = (): void => undefined;

/** Throws the Failure to show when no target opened. */
export async function openWithFallback(
  run: Run,
  planTarget: PlanTarget,
  passHeaders: PassHeaders,
): Promise<Opened> {
  const fallback = new Fallback(run, planTarget, passHeaders);
  let outcome: Outcome = "next";
  for (const target of run.decision?.targets ?? []) {
    const { failedBeside } = fallback;
    if (
      failedBeside !== null &&
      failedBeside.target === target &&
      failedBeside.nextStep !== "again" &&
      failedBeside.nextStep !== "resend"
    )
      continue;
    if (fallback.isHeldBack(target)) continue;
    outcome = await fallback.attemptCredentials(target, false);
    if (outcome !== "next") break;
  }
  // Health never refuses a request that has nowhere else to go: it goes to the target that will recover first.
  if (outcome === "next" && run.attemptCount === 0) {
    for (const { target } of fallback.heldBack.toSorted((left, right) => left.untilMs - right.untilMs)) {
      outcome = await fallback.attemptCredentials(target, true);
      if (outcome !== "next" || run.attemptCount > 0) break;
    }
  }
  if (typeof outcome !== "string") return outcome;
  if (run.context.abortReason !== null) throw failureFrom(run.context.abortReason);
  throw fallback.budgetRefusal ?? failureSummary(fallback.failures);
}

/** One request on its way from target to target, and what its attempts have shown so far. */
class Fallback {
  readonly failures: AttributedFailure[] = [];
  private isRetry = false;
  /** A request is resent over a new connection at most once after a stale one. */
  private isResent = false;
  private minimumWindow: number | null = null;
  /** The target that was asked in parallel and failed. `again`: another of its credentials may work. */
  failedBeside: { readonly target: Target; readonly nextStep: NextStep } | null = null;
  readonly heldBack: { target: Target; untilMs: number }[] = [];
  /** Why the tenant's limits do not cover the next attempt. */
  budgetRefusal: Failure | null = null;

  constructor(
    private readonly run: Run,
    private readonly planTarget: PlanTarget,
    private readonly passHeaders: PassHeaders,
  ) {}

  isHeldBack(target: Target): boolean {
    const verdict = this.run.services.health.judge(target.provider, target.model);
    if (verdict.go !== "no") return false;
    this.heldBack.push({ target, untilMs: verdict.untilMs });
    noteSkipped(this.run, target, verdict.why);
    return true;
  }

  /** The tenant's limits do not cover it: nothing is sent. */
  private skipOverBudget(target: Target, budgetRefusal: Failure): NextStep {
    noteSkipped(this.run, target, budgetRefusal.message);
    if (budgetRefusal.kind === "unsupported")
      this.failures.push({ provider: target.provider, failure: budgetRefusal });
    else this.budgetRefusal = budgetRefusal;
    return "next";
  }

  /** One target, one credential after the other. */
  async attemptCredentials(target: Target, isLastResort: boolean): Promise<Outcome> {
    const { run } = this;
    const { services, snapshot, context } = run;
    const provider = snapshot.providers.get(target.provider);
    if (provider === undefined) return "next";
    if (!this.isLargeEnough(provider, target)) {
      noteSkipped(run, target, "its context window is not known to be larger");
      return "next";
    }
    const plan = this.planTarget(provider, target);
    if ("refusal" in plan) {
      this.failures.push({ provider: provider.id, failure: plan.refusal });
      noteSkipped(run, target, plan.refusal.message.slice(0, 200));
      // When the client named the target, its refusal is the answer. A target that we chose is merely skipped.
      return isClientsChoice(run, target) ? "over" : "next";
    }
    let triedCredentials = noCredentials;
    for (;;) {
      const { isRetry } = this;
      if (isRetry && !(await services.retryBudget.take(context.signal, snapshot.retryWaitMs))) {
        logWait(run, "a slot in the retry budget", snapshot.retryWaitMs, "none was free");
        return "over";
      }
      const returnRetryPlace = isRetry ? onlyOnce(services.retryBudget.give) : noop;
      try {
        run.live.stage = "waiting";
        const turn =
          provider.queue.tryTake(context.tenant) ??
          (await waitForTurn(run, provider, () => continuesProcess(run, target, plan)));
        if (turn === "full" || turn === "too-long") {
          const expectedMs = provider.queue.expectedWaitMs(context.tenant);
          this.failures.push({ provider: provider.id, failure: busyFailure(provider.id, expectedMs) });
          logSkipped(run, target, turn === "full" ? "its queue is full" : "no slot became free in time");
          return "next";
        }
        // The target's health may have changed since it was judged; and only one request may be the probe.
        const isHeld = !isLastResort && this.isHeldBack(target);
        const credential = isHeld ? null : nextCredential(run, target, triedCredentials);
        if (isHeld || (triedCredentials.length > 0 && credential === null)) {
          turn.release();
          return "next";
        }
        const reserved = run.tenantUsage === null ? null : reserveFor(run, provider, target);
        const budgetRefusal = reserved instanceof Promise ? await reserved : reserved;
        if (budgetRefusal !== null) {
          turn.release();
          return this.skipOverBudget(target, budgetRefusal);
        }
        const attempt = beginAttempt(run, { provider, target, credential, lane: plan.lane, turn });
        const opening = attemptTarget(run, attempt, plan.open, this.passHeaders(provider), returnRetryPlace);
        let outcome: Outcome;
        if (!isLastResort && mayHedge(run, attempt)) outcome = await this.attemptHedged({ attempt, opening });
        else {
          const result = await opening;
          outcome = result instanceof Failure ? this.failAttempt(attempt, result) : result;
        }
        if (typeof outcome !== "string") run.win(outcome.attempt);
        if (outcome === "resend") continue;
        if (outcome !== "again" || credential === null) return outcome;
        triedCredentials = [...triedCredentials, credential];
        if (nextCredential(run, target, triedCredentials) === null) return "next";
      } finally {
        returnRetryPlace();
      }
    }
  }

  private isLargeEnough(provider: Provider, { model }: Target): boolean {
    const { minimumWindow } = this;
    return minimumWindow === null || (provider.modelFacts(model).contextWindow ?? 0) > minimumWindow;
  }

  /** Ends a failed attempt: writes its row and decides what follows. */
  private failAttempt(attempt: Attempt, reason: Failure): NextStep {
    const nextStep = this.nextStepAfter(attempt, reason);
    logNextStep(this.run, attempt.target, nextStep);
    return nextStep;
  }

  private nextStepAfter(attempt: Attempt, reason: Failure): NextStep {
    const { run } = this;
    const { provider, target, credential } = attempt;
    const failure = withPlace(attributedFailure(run, target, reason), provider.backend.address);
    endAttempt(run, attempt, failure);
    if (failure.isStale && !this.isResent && run.context.abortReason === null) {
      this.isResent = true;
      return "resend";
    }
    this.failures.push({ provider: provider.id, failure });
    const { nextTarget, penalizes } = consequences[failure.kind];
    if (run.context.abortReason !== null || nextTarget === "no") return "over";
    if (nextTarget === "larger-window") {
      const { contextWindow } = provider.modelFacts(target.model);
      if (contextWindow === null) return "over";
      // Of two targets asked in parallel, the later to fail may have the smaller window.
      this.minimumWindow = Math.max(contextWindow, this.minimumWindow ?? 0);
    }
    this.isRetry = true;
    return penalizes === "credential" && credential !== null ? "again" : "next";
  }

  /** Runs the attempt, after a delay with a second one in parallel; what follows is decided when both have failed. */
  private async attemptHedged(first: PendingAttempt): Promise<Outcome> {
    const { failures, planTarget, passHeaders } = this;
    const ends: { final: AttributedFailure | null; nextStep: NextStep } = { final: null, nextStep: "next" };
    const opened = await openHedged(this.run, first, {
      planTarget,
      passHeaders,
      isUseful: (provider, target) => this.isLargeEnough(provider, target),
      failed: (attempt, failure) => {
        const nextStep = this.failAttempt(attempt, failure);
        if (nextStep === "over") ends.final = failures.at(-1) ?? null;
        if (attempt === first.attempt) ends.nextStep = nextStep;
        else this.failedBeside = { target: attempt.target, nextStep };
      },
    });
    if (opened !== null) return opened;
    if (ends.final === null) return ends.nextStep;
    // A failure that no other target can fix is the client's answer, whichever of the two failed last.
    failures.splice(failures.indexOf(ends.final), 1);
    failures.push(ends.final);
    return "over";
  }
}

function nextCredential(run: Run, target: Target, triedCredentials: readonly string[]): string | null {
  return run.services.health.pickCredential(target.provider, target.model, run.sessionKey, triedCredentials);
}

function onlyOnce(act: () => void): () => void {
  let isDone = false;
  return () => {
    if (!isDone) act();
    isDone = true;
  };
}

const isClientsChoice = (run: Run, target: Target): boolean => target === run.decision?.clientsTarget;

function noteSkipped(run: Run, target: Target, why: string): void {
  logSkipped(run, target, why);
  if (run.decision === null) return;
  const candidates = run.decision.candidates.map((each) =>
    each.provider === target.provider && each.model === target.model
      ? { ...each, kept: false, note: `skipped: ${why}` }
      : each,
  );
  run.decision = { ...run.decision, candidates };
}
