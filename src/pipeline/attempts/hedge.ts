// A second target asked in parallel when the first has sent nothing for `routing.hedge_after_s`: the first that opens its gate
// wins, the other is aborted at once. Both may be billed, so it must never happen silently: the record, a header and the
// statistics show it.

import type { Target } from "../../canon/decision.ts";
import { Failure } from "../../canon/failure.ts";
import type { Provider } from "../dependencies.ts";
import type { Attempt } from "./attempt.ts";
import { beginAttempt, endAttempt, type Run } from "../run.ts";
import type { MaybePromise } from "../../tenants/limit-store.ts";
import { reserveFor } from "../tenants/tenant-reservation.ts";
import { logHedge } from "../debug-log.ts";
import { type TargetPlan, type Opened, attemptTarget } from "./attempt-target.ts";

/** A running attempt. */
export type PendingAttempt = { readonly attempt: Attempt; readonly opening: Promise<Opened | Failure> };

export type HedgeOptions = {
  readonly planTarget: (provider: Provider, target: Target) => TargetPlan;
  readonly passHeaders: (provider: Provider) => Readonly<Record<string, string>>;
  /** What earlier attempts have shown about this target. */
  readonly isUseful: (provider: Provider, target: Target) => boolean;
  /** Called for each attempt that failed by itself; it must end that attempt. */
  readonly failed: (attempt: Attempt, failure: Failure) => void;
};

/** At most once per request, only for chats, and only where the decision has another target. */
export function mayHedge(run: Run, { target, lane }: Attempt): boolean {
  if (run.snapshot.hedgeAfterMs === 0 || run.hedged.length > 0 || lane === "forward") return false;
  return target !== run.decision?.targets.at(-1);
}

/** The attempt that opened first; null when all have failed and are ended. */
export function openHedged(run: Run, first: PendingAttempt, options: HedgeOptions): Promise<Opened | null> {
  const { services, live } = run;
  return new Promise((resolve, reject) => {
    let second: PendingAttempt | null = null;
    let running = 1;

    const listen = ({ attempt, opening }: PendingAttempt): void => {
      const onOutcome = (outcome: Opened | Failure): void => {
        // This attempt has lost.
        if (attempt.isSettled) return;
        stopTimer();
        const other = attempt === first.attempt ? second?.attempt : first.attempt;
        if (attempt === second?.attempt) services.retryBudget.give();
        if (outcome instanceof Failure) {
          running -= 1;
          options.failed(attempt, outcome);
          if (running === 0) resolve(null);
          else live.provider = other?.provider.id ?? null;
          return;
        }
        if (other !== undefined && !other.isSettled) {
          if (other === second?.attempt) services.retryBudget.give();
          endLoser(run, other, attempt);
        }
        live.provider = attempt.provider.id;
        resolve(outcome);
      };
      opening.then(onOutcome).catch(reject);
    };
    const stopTimer = services.ticker.setTimer(run.snapshot.hedgeAfterMs, () => {
      // A whole answer in progress has its first word already; only its end is slow.
      if (first.attempt.firstTokenMs !== null || run.context.abortReason !== null) return;
      const started = startSecond(run, first.attempt, options);
      if (started === null) return;
      running += 1;
      if (started instanceof Promise) started.then(onSecond).catch(reject);
      else onSecond(started);
    });
    const onSecond = (started: PendingAttempt | null): void => {
      second = started;
      if (started !== null) listen(started);
      else {
        running -= 1;
        if (running === 0) resolve(null);
      }
    };
    listen(first);
  });
}

/** The next target that can be asked at once: a second attempt never waits for a slot or a turn. */
function startSecond(run: Run, first: Attempt, options: HedgeOptions): MaybePromise<PendingAttempt | null> {
  const { retryBudget, log } = run.services;
  const targets = run.decision?.targets ?? [];
  if (!retryBudget.tryTake()) {
    logHedge(run, "the retry budget has no slot for a second attempt", first.target);
    return null;
  }
  let begun: MaybePromise<PendingAttempt | null> = null;
  try {
    for (const target of targets.slice(targets.indexOf(first.target) + 1)) {
      begun = target.provider === first.target.provider ? null : beginSecond(run, first, target, options);
      if (begun !== null) break;
    }
  } catch (thrown) {
    // The first attempt still runs: an error here is reported when it is this target's own turn.
    if (!(thrown instanceof Failure))
      log.error("a hedge met a bug", { request: run.context.id, error: thrown });
  }
  return begun instanceof Promise
    ? begun.then((late) => startedSecond(run, first, late))
    : startedSecond(run, first, begun);
}

function startedSecond(run: Run, first: Attempt, begun: PendingAttempt | null): PendingAttempt | null {
  logHedge(
    run,
    begun === null
      ? "no other provider can be asked in parallel"
      : "asked in parallel because the first has not answered yet",
    begun === null ? first.target : begun.attempt.target,
  );
  if (begun === null) run.services.retryBudget.give();
  else run.hedged = [first.provider.id, begun.attempt.provider.id];
  return begun;
}

function beginSecond(
  run: Run,
  first: Attempt,
  target: Target,
  options: HedgeOptions,
): MaybePromise<PendingAttempt | null> {
  const { health } = run.services;
  const provider = run.snapshot.providers.get(target.provider);
  if (provider === undefined || !options.isUseful(provider, target)) return null;
  if (health.judge(target.provider, target.model).go === "no") return null;
  const plan = options.planTarget(provider, target);
  if ("refusal" in plan) return null;
  const headers = options.passHeaders(provider);
  const turn = provider.queue.tryTake(run.context.tenant);
  if (turn === null) return null;
  // Both may be billed, so the tenant's limits must cover both.
  const refusal = run.tenantUsage === null ? null : reserveFor(run, provider, target);
  const fields = { provider, target, lane: plan.lane, turn };
  const begin = (late: Failure | null): PendingAttempt | null => {
    // The first attempt may have opened or ended while a remote limit store was asked.
    const isOver = first.isSettled || first.firstTokenMs !== null || run.context.abortReason !== null;
    if (late !== null || isOver) {
      turn.release();
      return null;
    }
    const credential = health.pickCredential(target.provider, target.model, run.sessionKey, []);
    const attempt = beginAttempt(run, { ...fields, credential });
    return { attempt, opening: attemptTarget(run, attempt, plan.open, headers, () => undefined) };
  };
  return refusal instanceof Promise ? refusal.then(begin) : begin(refusal);
}

/**
 * Slow is not broken: the loser counts neither as a failure nor as a success. Its time so far is a lower bound of its
 * latency.
 */
function endLoser(run: Run, loser: Attempt, winner: Attempt): void {
  const { health, clock } = run.services;
  const { id, isCurrent } = loser.provider;
  const waitedMs = clock.monotonicMs() - loser.startedMs;
  const knownMs = health.load(id).peakEwmaMs ?? run.snapshot.hedgeAfterMs;
  if (isCurrent() && waitedMs > knownMs) health.firstWord(id, waitedMs);
  logHedge(run, `lost to ${winner.provider.id}`, loser.target);
  const message = `Hedged and lost: "${winner.provider.id}" was asked at the same time and answered first.`;
  endAttempt(run, loser, new Failure("cancelled", message, { maybeBilled: true }));
}

/** The same two headers as a comment, for a stream that had to begin before any target had answered. */
export function hedgedRemark(run: Run): string {
  const answered = run.winner?.target.provider;
  return `x-clawgate-provider: ${answered ?? "none"}; x-clawgate-hedged: ${otherProviders(run, answered)}`;
}

/** The providers that were asked in parallel, except the one shown as having answered. */
export function otherProviders(run: Run, shown: string | undefined): string {
  return run.hedged.filter((provider) => provider !== shown).join(", ");
}
