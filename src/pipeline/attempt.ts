// Decision -> an open lane: targets in order, one try each, until the gate of one opens. The retry matrix of the house
// (facts/reliability.md section 2) is canon/failure.ts; this is the only loop that acts on it.

import type { Call } from "../backends/backend.ts";
import type { Target } from "../canon/decision.ts";
import { consequences, Failure, failureFrom } from "../canon/failure.ts";
import type { Provider } from "./generation.ts";
import type { Lane, Piece } from "./lane.ts";
import { beginTrial, endTrial, type Run, type Trial } from "./run.ts";
import { createWatch } from "./watch.ts";

export type LaneFactory = (provider: Provider, target: Target, trial: Trial, call: Call) => Lane;

/** Which lane a provider would get; `null` with a reason when this request cannot go there at all. */
export type LaneChoice = { readonly lane: Trial["lane"]; readonly open: LaneFactory } | { readonly refusal: Failure };

export type Opened = {
  readonly trial: Trial;
  readonly lane: Lane;
  /** Everything up to and including the piece that opened the gate. */
  readonly pieces: readonly Piece[];
};

/** Throws the Failure to show when no target opened. */
export async function openFirst(
  run: Run,
  choose: (provider: Provider, target: Target) => LaneChoice,
  passHeaders: (provider: Provider) => Readonly<Record<string, string>>,
): Promise<Opened> {
  const { estate, generation, context } = run;
  const failures: { provider: string; failure: Failure }[] = [];
  let isRetry = false;
  let minimumWindow: number | null = null;

  for (const target of targetsInReach(run)) {
    const provider = generation.providers.get(target.provider);
    if (provider === undefined) continue;
    if (minimumWindow !== null && !((provider.contextWindow(target.model) ?? 0) > minimumWindow)) continue;
    const choice = choose(provider, target);
    if ("refusal" in choice) {
      failures.push({ provider: provider.id, failure: choice.refusal });
      // The first target is what the client asked for, so its refusal is the answer; a later one is only no help.
      if (failures.length === 1 && !isRetry) throw choice.refusal;
      continue;
    }
    if (isRetry && !(await estate.retryBudget.take(context.signal, generation.retryWaitMs))) break;
    let hasPlace = isRetry;
    const givePlace = (): void => {
      if (hasPlace) estate.retryBudget.give();
      hasPlace = false;
    };
    try {
      run.live.stage = "waiting";
      const turn = await provider.queue.take(context.signal);
      if (turn === "full" || turn === "too-long") {
        failures.push({ provider: provider.id, failure: busy(provider.id) });
        continue;
      }
      run.queueWaitMs += turn.waitedMs;
      const abort = new AbortController();
      const trial = beginTrial(run, { provider, target, lane: choice.lane, waitMs: turn.waitedMs, turn, abort });
      const outcome = await tryOne(run, trial, choice.open, passHeaders(provider), givePlace);
      if (!(outcome instanceof Failure)) return outcome;
      const failure = ownedFailure(run, target, outcome);
      endTrial(run, trial, failure);
      failures.push({ provider: provider.id, failure });
      if (context.signal.aborted) break;
      const { tryNext } = consequences[failure.kind];
      if (tryNext === "no") break;
      if (tryNext === "larger-window") {
        minimumWindow = provider.contextWindow(target.model);
        if (minimumWindow === null) break;
      }
      isRetry = true;
    } finally {
      givePlace();
    }
  }
  if (context.signal.aborted) throw failureFrom(context.signal.reason);
  throw summary(failures);
}

/** Healthy targets in order; when nothing is healthy, the one that will be so first: the last one is never taken out. */
function targetsInReach(run: Run): readonly Target[] {
  const targets = run.decision?.targets ?? [];
  const { health } = run.estate;
  const good: Target[] = [];
  let soonest: { target: Target; untilMs: number } | null = null;
  let skipped = 0;
  for (const target of targets) {
    const verdict = health.judge(target.provider, target.model);
    if (verdict.go !== "no") good.push(target);
    else {
      skipped += 1;
      if (soonest === null || verdict.untilMs < soonest.untilMs) soonest = { target, untilMs: verdict.untilMs };
    }
  }
  if (skipped > 0 && run.decision !== null) {
    const candidates = run.decision.candidates.map((candidate) => {
      const verdict = health.judge(candidate.provider, candidate.model);
      return verdict.go === "no" ? { ...candidate, kept: false, note: `skipped: ${verdict.why}` } : candidate;
    });
    run.decision = { ...run.decision, candidates };
  }
  return good.length > 0 ? good : soonest === null ? [] : [soonest.target];
}

async function tryOne(
  run: Run,
  trial: Trial,
  open: LaneFactory,
  passHeaders: Readonly<Record<string, string>>,
  onAccepted: () => void,
): Promise<Opened | Failure> {
  const { estate, context } = run;
  const { provider, target, abort } = trial;
  const { clock } = estate;
  estate.health.begin(target.provider, target.model);
  run.live.stage = "asking";
  const onAbort = (): void => abort.abort(context.signal.reason);
  if (context.signal.aborted) return failureFrom(context.signal.reason);
  context.signal.addEventListener("abort", onAbort, { once: true });
  const watch = createWatch(clock, () =>
    abort.abort(new Failure("timed-out", "The upstream gave no answer in time.", { maybeBilled: true })),
  );
  watch.set(trial.startedMs + Math.min(provider.limits.firstTokenMs, provider.limits.totalMs ?? Number.POSITIVE_INFINITY));
  const call: Call = {
    requestId: context.id,
    model: target.model,
    signal: abort.signal,
    abort: (reason) => abort.abort(reason),
    passHeaders,
    onHeaders(status) {
      trial.status = status;
      trial.headersMs = Math.round(clock.monotonicMs() - trial.startedMs);
      onAccepted();
    },
  };
  try {
    const lane = open(provider, target, trial, call);
    run.overheadMs ??= clock.monotonicMs() - context.arrivedMs;
    const pieces: Piece[] = [];
    for (;;) {
      const piece = await lane.next();
      if (piece.failure !== null) return piece.failure;
      pieces.push(piece);
      if (!piece.opens && !piece.isLast) continue;
      trial.firstTokenMs = Math.round(clock.monotonicMs() - trial.startedMs);
      return { trial, lane, pieces };
    }
  } catch (thrown) {
    return failureFrom(thrown);
  } finally {
    watch.stop();
  }
}

/** A vendor's 404 is ours to bear only if we chose the model; a name that the client made up is the client's. */
function ownedFailure(run: Run, target: Target, failure: Failure): Failure {
  const isClients = run.decision?.isClientsOwnModel === true && target === run.decision.targets[0];
  if (failure.kind !== "model-missing" || !isClients) return failure;
  return new Failure("unknown-model", `The provider "${target.provider}" has no model "${target.model}".`, {
    param: "model",
    code: "model_not_found",
    upstreamStatus: failure.upstreamStatus,
  });
}

function busy(provider: string): Failure {
  return new Failure("busy", `The provider "${provider}" is at its max_concurrent. Try again in a moment.`, {
    retryAfterMs: 1_000,
    code: "busy",
  });
}

/** Of several failures the one that tells the caller most about what to do: wait, or give up. */
function summary(failures: readonly { provider: string; failure: Failure }[]): Failure {
  const last = failures.at(-1);
  if (last === undefined) return new Failure("unreachable", "No provider could be tried.");
  if (failures.length === 1) return last.failure;
  const final = consequences[last.failure.kind].tryNext === "no" && last.failure.kind !== "busy";
  const tellsMost = final
    ? last
    : (["rate-limited", "quota-exhausted", "busy", "overloaded", "timed-out"] as const)
        .map((kind) => failures.find((each) => each.failure.kind === kind))
        .find((each) => each !== undefined);
  const { failure } = tellsMost ?? last;
  const waits = failures.flatMap((each) => each.failure.retryAfterMs ?? []);
  const parts = failures.map((each) => `${each.provider}: ${each.failure.message}`).join("; ");
  return new Failure(failure.kind, final ? failure.message : `All providers failed. ${parts}`.slice(0, 2_000), {
    param: failure.param,
    code: failure.code,
    upstreamStatus: failure.upstreamStatus,
    retryAfterMs: waits.length === 0 ? null : Math.min(...waits),
  });
}
