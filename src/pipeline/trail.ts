// What `log_level: debug` tells of a request's way: a line at every decision. Each asks for the level before it makes anything, so
// that nobody else pays for it. It must never hold what somebody asked or was answered.

import type { Target } from "../canon/decision.ts";
import { type Failure, mayRepeatContent } from "../canon/failure.ts";
import type { RoutedDecision } from "../routing/settle.ts";
import type { Estate } from "./generation.ts";

/** A request, as far as is told of it. */
type Way = {
  readonly estate: Pick<Estate, "log">;
  readonly context: { readonly id: string; readonly tenant: string | null };
  readonly door: { readonly name: string };
  readonly requestedModel: string;
  readonly decision: RoutedDecision | null;
  readonly dropped: readonly string[];
  readonly attempts: number;
};

/** The same of a try. */
type Step = {
  readonly target: Target;
  readonly lane: string;
  readonly turn: { readonly waitedMs: number };
  readonly credential: string | null;
  readonly status: number | null;
  readonly headersMs: number | null;
  readonly firstTokenMs: number | null;
  readonly adapted: readonly string[];
};

const isAwake = ({ estate }: Way): boolean => estate.log.shows("debug");

const nameOf = ({ provider, model }: Target): string => `${provider}/${model}`;

export function tellDecision(run: Way): void {
  if (run.decision === null || !isAwake(run)) return;
  const { layer, rule, reason, targets, candidates } = run.decision;
  run.estate.log.debug("routed", {
    request: run.context.id,
    tenant: run.context.tenant,
    door: run.door.name,
    model: run.requestedModel,
    layer,
    rule,
    reason,
    targets: targets.map(nameOf),
    dropped_from_body: run.dropped,
    left_out: candidates.flatMap((each) => (each.kept ? [] : [`${nameOf(each)}: ${each.note}`])),
  });
}

/** Before anything was sent: a limit, a name, a body. */
export function tellRefusal(run: Way, failure: Failure): void {
  if (run.attempts > 0 || !isAwake(run)) return;
  run.estate.log.debug("refused before any target was asked", {
    request: run.context.id,
    tenant: run.context.tenant,
    kind: failure.kind,
    why: failure.told,
  });
}

export function tellPassedOver(run: Way, target: Target, why: string): void {
  if (!isAwake(run)) return;
  run.estate.log.debug("target passed over", { request: run.context.id, target: nameOf(target), why });
}

export function tellTry(run: Way, { target, lane, turn, credential }: Step): void {
  if (!isAwake(run)) return;
  run.estate.log.debug("target is asked", {
    request: run.context.id,
    target: nameOf(target),
    attempt: run.attempts,
    lane,
    credential_fingerprint: credential,
    waited_ms: Math.round(turn.waitedMs),
  });
}

export function tellAnswer(run: Way, { target, firstTokenMs, headersMs, adapted }: Step): void {
  if (!isAwake(run)) return;
  run.estate.log.debug("target answers", {
    request: run.context.id,
    target: nameOf(target),
    headers_ms: headersMs,
    first_token_ms: firstTokenMs,
    adapted,
  });
}

export function tellEnd(run: Way, { target, status }: Step, failure: Failure | null): void {
  if (!isAwake(run)) return;
  const end = { request: run.context.id, target: nameOf(target) };
  if (failure === null) run.estate.log.debug("target is done", end);
  else
    run.estate.log.debug("try ended", {
      ...end,
      kind: failure.kind,
      status: failure.upstreamStatus ?? status,
      why: mayRepeatContent(failure.kind, failure.upstreamStatus) ? null : failure.told,
      retry_after_ms: failure.retryAfterMs,
      stale_connection: failure.isStale,
    });
}

/** `verdict`: what comes after a try that failed. */
export function tellVerdict(run: Way, target: Target, verdict: string): void {
  if (!isAwake(run)) return;
  run.estate.log.debug("after a failure", { request: run.context.id, target: nameOf(target), verdict });
}

/** `wait`: a place at a provider, in the retry budget, for a body's memory. */
export function tellWait(run: Way, wait: string, waitedMs: number, end: string): void {
  if (!isAwake(run)) return;
  run.estate.log.debug("waited", {
    request: run.context.id,
    for: wait,
    waited_ms: Math.round(waitedMs),
    end,
  });
}

export function tellHedge(run: Way, what: string, target: Target): void {
  if (!isAwake(run)) return;
  run.estate.log.debug("hedge", { request: run.context.id, what, target: nameOf(target) });
}
