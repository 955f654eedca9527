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
export type LaneChoice =
  { readonly lane: Trial["lane"]; readonly open: LaneFactory } | { readonly refusal: Failure };

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

  const attempt = async (target: Target, isLastResort: boolean): Promise<Opened | "next" | "over"> => {
    const provider = generation.providers.get(target.provider);
    if (provider === undefined) return "next";
    if (minimumWindow !== null && !((provider.contextWindow(target.model) ?? 0) > minimumWindow))
      return "next";
    const choice = choose(provider, target);
    if ("refusal" in choice) {
      failures.push({ provider: provider.id, failure: choice.refusal });
      // The target that the client named: its refusal is the answer. One that we chose is only no help.
      return isClientsChoice(run, target) ? "over" : "next";
    }
    if (isRetry && !(await estate.retryBudget.take(context.signal, generation.retryWaitMs))) return "over";
    let hasPlace = isRetry;
    const givePlace = (): void => {
      if (hasPlace) estate.retryBudget.give();
      hasPlace = false;
    };
    try {
      run.live.stage = "waiting";
      const turn = provider.queue.tryTake() ?? (await provider.queue.take(context.signal));
      if (turn === "full" || turn === "too-long") {
        failures.push({ provider: provider.id, failure: busy(provider.id) });
        return "next";
      }
      run.queueWaitMs += turn.waitedMs;
      // Much may have become known since this target was judged; and only one request may be the probe.
      if (!isLastResort && isHeldBack(target)) {
        turn.release();
        return "next";
      }
      const abort = new AbortController();
      const trial = beginTrial(run, {
        provider,
        target,
        lane: choice.lane,
        waitMs: turn.waitedMs,
        turn,
        abort,
      });
      const outcome = await tryOne(run, trial, choice.open, passHeaders(provider), givePlace);
      if (!(outcome instanceof Failure)) {
        run.win(trial);
        return outcome;
      }
      const failure = ownedFailure(run, target, outcome);
      endTrial(run, trial, failure);
      failures.push({ provider: provider.id, failure });
      const { tryNext } = consequences[failure.kind];
      if (context.abortReason !== null || tryNext === "no") return "over";
      if (tryNext === "larger-window") {
        minimumWindow = provider.contextWindow(target.model);
        if (minimumWindow === null) return "over";
      }
      isRetry = true;
      return "next";
    } finally {
      givePlace();
    }
  };

  let outcome: Opened | "next" | "over" = "next";
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

const isClientsChoice = (run: Run, target: Target): boolean =>
  run.decision?.layer === "direct" && target === run.decision.targets[0];

function noteSkipped(run: Run, target: Target, why: string): void {
  if (run.decision === null) return;
  const candidates = run.decision.candidates.map((each) =>
    each.provider === target.provider && each.model === target.model
      ? { ...each, kept: false, note: `skipped: ${why}` }
      : each,
  );
  run.decision = { ...run.decision, candidates };
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
  trial.isProbe = estate.health.begin(target.provider, target.model);
  run.live.stage = "asking";
  if (context.abortReason !== null) return failureFrom(context.abortReason);
  context.onAbort(() => abort.abort(context.abortReason));
  const watch = createWatch(estate.ticker, () =>
    abort.abort(new Failure("timed-out", "The upstream gave no answer in time.", { maybeBilled: true })),
  );
  const { firstTokenMs, idleMs, totalMs } = provider.limits;
  const endMs = totalMs === null ? Number.POSITIVE_INFINITY : trial.startedMs + totalMs;
  // Nobody sees the first word of a whole answer that passes as bytes: until its end it may take the longer of the two.
  const isWhole = trial.lane === "relay" && !run.stream;
  const answerMs = isWhole ? Math.max(firstTokenMs, idleMs) : firstTokenMs;
  watch.set(Math.min(trial.startedMs + answerMs, endMs));
  // A whole answer that is being written is not a silent upstream, however long it takes in all.
  trial.onWords = () => {
    trial.firstTokenMs ??= Math.round(clock.monotonicMs() - trial.startedMs);
    watch.set(Math.min(clock.monotonicMs() + idleMs, endMs));
  };
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
      // A word that came together with the failure was a word: it is shown, and the failure is told in-band.
      if (piece.failure !== null && !piece.opens) return piece.failure;
      if (piece.bytes.length > 0 || piece.isLast || piece.failure !== null) pieces.push(piece);
      if (!piece.opens && !piece.isLast) continue;
      const openedMs = clock.monotonicMs() - trial.startedMs;
      trial.firstTokenMs ??= Math.round(openedMs);
      if (trial.isProbe && piece.failure === null) {
        // A long stream must not keep everybody else away from a provider that answers.
        trial.isProbe = false;
        estate.health.opened(target.provider, openedMs);
      }
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
  return new Failure(
    failure.kind,
    final ? failure.message : `All providers failed. ${parts}`.slice(0, 2_000),
    {
      param: failure.param,
      code: failure.code,
      details: failure.details,
      upstreamStatus: failure.upstreamStatus,
      retryAfterMs: waits.length === 0 ? null : Math.min(...waits),
    },
  );
}
