// The lines that `log_level: debug` writes about a request: one per decision. Each function checks the level first, so that other
// levels cost nothing. A line must never contain a prompt or an answer.

import type { Target } from "../canon/decision.ts";
import { type Failure, mayRepeatContent } from "../canon/failure.ts";
import type { RoutedDecision } from "../routing/decision-builder.ts";
import type { Services } from "./dependencies.ts";

/** What a line shows about a request. */
type LoggedRequest = {
  readonly services: Pick<Services, "log">;
  readonly context: { readonly id: string; readonly tenant: string | null };
  readonly endpoint: { readonly name: string };
  readonly requestedModel: string;
  readonly decision: RoutedDecision | null;
  readonly dropped: readonly string[];
  readonly attemptCount: number;
};

/** What a line shows about an attempt. */
type LoggedAttempt = {
  readonly target: Target;
  readonly lane: string;
  readonly turn: { readonly waitedMs: number };
  readonly credential: string | null;
  readonly status: number | null;
  readonly headersMs: number | null;
  readonly firstTokenMs: number | null;
  readonly adapted: readonly string[];
};

const isDebug = ({ services }: LoggedRequest): boolean => services.log.shows("debug");

const nameOf = ({ provider, model }: Target): string => `${provider}/${model}`;

export function logDecision(run: LoggedRequest): void {
  if (run.decision === null || !isDebug(run)) return;
  const { layer, rule, reason, targets, candidates } = run.decision;
  run.services.log.debug("routed", {
    request: run.context.id,
    tenant: run.context.tenant,
    door: run.endpoint.name,
    model: run.requestedModel,
    layer,
    rule,
    reason,
    targets: targets.map(nameOf),
    dropped_from_body: run.dropped,
    left_out: candidates.flatMap((each) => (each.kept ? [] : [`${nameOf(each)}: ${each.note}`])),
  });
}

/** Refused before anything was sent: a limit, a name, a body. */
export function logRefusal(run: LoggedRequest, failure: Failure): void {
  if (run.attemptCount > 0 || !isDebug(run)) return;
  run.services.log.debug("refused before any target was asked", {
    request: run.context.id,
    tenant: run.context.tenant,
    kind: failure.kind,
    why: failure.operatorMessage,
  });
}

export function logSkipped(run: LoggedRequest, target: Target, why: string): void {
  if (!isDebug(run)) return;
  run.services.log.debug("target passed over", { request: run.context.id, target: nameOf(target), why });
}

export function logAttempt(run: LoggedRequest, { target, lane, turn, credential }: LoggedAttempt): void {
  if (!isDebug(run)) return;
  run.services.log.debug("target is asked", {
    request: run.context.id,
    target: nameOf(target),
    attempt: run.attemptCount,
    lane,
    credential_fingerprint: credential,
    waited_ms: Math.round(turn.waitedMs),
  });
}

export function logAnswer(
  run: LoggedRequest,
  { target, firstTokenMs, headersMs, adapted }: LoggedAttempt,
): void {
  if (!isDebug(run)) return;
  run.services.log.debug("target answers", {
    request: run.context.id,
    target: nameOf(target),
    headers_ms: headersMs,
    first_token_ms: firstTokenMs,
    adapted,
  });
}

export function logEnd(run: LoggedRequest, { target, status }: LoggedAttempt, failure: Failure | null): void {
  if (!isDebug(run)) return;
  const end = { request: run.context.id, target: nameOf(target) };
  if (failure === null) run.services.log.debug("target is done", end);
  else
    run.services.log.debug("attempt ended", {
      ...end,
      kind: failure.kind,
      status: failure.upstreamStatus ?? status,
      why: mayRepeatContent(failure.kind, failure.upstreamStatus) ? null : failure.operatorMessage,
      retry_after_ms: failure.retryAfterMs,
      stale_connection: failure.isStale,
    });
}

/** `verdict`: what follows a failed attempt. */
export function logNextStep(run: LoggedRequest, target: Target, nextStep: string): void {
  if (!isDebug(run)) return;
  run.services.log.debug("after a failure", {
    request: run.context.id,
    target: nameOf(target),
    verdict: nextStep,
  });
}

/** `wait`: for a slot at a provider or in the retry budget, or for a body's memory. */
export function logWait(run: LoggedRequest, wait: string, waitedMs: number, end: string): void {
  if (!isDebug(run)) return;
  run.services.log.debug("waited", {
    request: run.context.id,
    for: wait,
    waited_ms: Math.round(waitedMs),
    end,
  });
}

export function logHedge(run: LoggedRequest, what: string, target: Target): void {
  if (!isDebug(run)) return;
  run.services.log.debug("hedge", { request: run.context.id, what, target: nameOf(target) });
}
