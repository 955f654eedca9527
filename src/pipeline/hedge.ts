// A second target asked beside one that has said nothing for `routing.hedge_after_s`: the first that opens its gate wins, the other
// is cut off at once. Both may be billed, so it must never happen unseen: record, header and statistics say so.

import type { Target } from "../canon/decision.ts";
import { Failure } from "../canon/failure.ts";
import type { Provider } from "./generation.ts";
import { beginTrial, endTrial, type Run, type Trial } from "./run.ts";
import { holdFor } from "./tenant-holding.ts";
import { tellHedge } from "./trail.ts";
import { type LaneChoice, type Opened, tryOne } from "./try-target.ts";

/** A try under way. */
export type Try = { readonly trial: Trial; readonly opening: Promise<Opened | Failure> };

export type Hedging = {
  readonly choose: (provider: Provider, target: Target) => LaneChoice;
  readonly passHeaders: (provider: Provider) => Readonly<Record<string, string>>;
  /** What the tries so far have taught of this target. */
  readonly isUseful: (provider: Provider, target: Target) => boolean;
  /** Told of each try that failed by itself; it must end it. */
  readonly failed: (trial: Trial, failure: Failure) => void;
};

/** Once a request, never for the roads that are no chat, and only where the decision goes on to another target. */
export function mayHedge(run: Run, { target, lane }: Trial): boolean {
  if (run.generation.hedgeAfterMs === 0 || run.hedged.length > 0 || lane === "forward") return false;
  return target !== run.decision?.targets.at(-1);
}

/** The try that opened first; null when none did: then all have failed and are ended. */
export function openHedged(run: Run, first: Try, hedging: Hedging): Promise<Opened | null> {
  const { estate, live } = run;
  return new Promise((resolve, reject) => {
    let second: Try | null = null;
    let running = 1;

    const listen = ({ trial, opening }: Try): void => {
      const heard = (outcome: Opened | Failure): void => {
        // It has lost.
        if (trial.isSettled) return;
        stopTimer();
        const other = trial === first.trial ? second?.trial : first.trial;
        if (trial === second?.trial) estate.retryBudget.give();
        if (outcome instanceof Failure) {
          running -= 1;
          hedging.failed(trial, outcome);
          if (running === 0) resolve(null);
          else live.provider = other?.provider.id ?? null;
          return;
        }
        if (other !== undefined && !other.isSettled) {
          if (other === second?.trial) estate.retryBudget.give();
          lose(run, other, trial);
        }
        live.provider = trial.provider.id;
        resolve(outcome);
      };
      opening.then(heard).catch(reject);
    };
    const stopTimer = estate.ticker.setTimer(run.generation.hedgeAfterMs, () => {
      // A whole answer that is being written is slow in its end, not in its first word.
      if (first.trial.firstTokenMs !== null || run.context.abortReason !== null) return;
      second = askBeside(run, first.trial, hedging);
      if (second === null) return;
      running += 1;
      listen(second);
    });
    listen(first);
  });
}

/** The next target that can be asked right now; nobody waits for a place or a turn only to be asked in vain. */
function askBeside(run: Run, first: Trial, hedging: Hedging): Try | null {
  const { retryBudget, log } = run.estate;
  const targets = run.decision?.targets ?? [];
  if (!retryBudget.tryTake()) {
    tellHedge(run, "the retry budget has no place for a second one", first.target);
    return null;
  }
  let begun: Try | null = null;
  try {
    for (const target of targets.slice(targets.indexOf(first.target) + 1)) {
      begun = target.provider === first.target.provider ? null : begin(run, target, hedging);
      if (begun !== null) break;
    }
  } catch (thrown) {
    // The request is in good hands: what is wrong with it here would be told when this target's own turn came.
    if (!(thrown instanceof Failure))
      log.error("a hedge met a bug", { request: run.context.id, error: thrown });
  }
  tellHedge(
    run,
    begun === null ? "nobody else can be asked beside it" : "asked beside one that has said nothing yet",
    begun === null ? first.target : begun.trial.target,
  );
  if (begun === null) retryBudget.give();
  else run.hedged = [first.provider.id, begun.trial.provider.id];
  return begun;
}

function begin(run: Run, target: Target, hedging: Hedging): Try | null {
  const { health } = run.estate;
  const provider = run.generation.providers.get(target.provider);
  if (provider === undefined || !hedging.isUseful(provider, target)) return null;
  if (health.judge(target.provider, target.model).go === "no") return null;
  const choice = hedging.choose(provider, target);
  if ("refusal" in choice) return null;
  const headers = hedging.passHeaders(provider);
  const turn = provider.queue.tryTake(run.context.tenant);
  if (turn === null) return null;
  // Both may be billed, so the tenant's limits must bear both.
  if (run.tenantEntry !== null && holdFor(run, provider, target) !== null) {
    turn.release();
    return null;
  }
  const trial = beginTrial(run, {
    provider,
    target,
    credential: health.pickCredential(target.provider, target.model, run.sessionKey, []),
    lane: choice.lane,
    turn,
  });
  return { trial, opening: tryOne(run, trial, choice.open, headers, () => undefined) };
}

/** Slow is not broken: the loser counts neither as a failure nor as a success. But so long it would have taken at least. */
function lose(run: Run, loser: Trial, winner: Trial): void {
  const { health, clock } = run.estate;
  const { id, isInForce } = loser.provider;
  const waitedMs = clock.monotonicMs() - loser.startedMs;
  const knownMs = health.load(id).peakEwmaMs ?? run.generation.hedgeAfterMs;
  if (isInForce() && waitedMs > knownMs) health.firstWord(id, waitedMs);
  tellHedge(run, `lost to ${winner.provider.id}`, loser.target);
  const message = `Hedged and lost: "${winner.provider.id}" was asked at the same time and answered first.`;
  endTrial(run, loser, new Failure("cancelled", message, { maybeBilled: true }));
}

/** The same two headers as an SSE comment, for a stream that had to begin before anybody had answered. */
export function hedgedFrame(run: Run): string {
  const answered = run.winner?.target.provider;
  return `: x-clawgate-provider: ${answered ?? "none"}; x-clawgate-hedged: ${askedBeside(run, answered)}\n\n`;
}

/** Who was asked at the same time and is not the one that is shown as having answered. */
export function askedBeside(run: Run, shown: string | undefined): string {
  return run.hedged.filter((provider) => provider !== shown).join(", ");
}
