// Builds the record of a finished request.

import { consequences, type Failure } from "../canon/failure.ts";
import type { Context } from "../canon/context.ts";
import type { AttemptRecord, UnpricedRecord } from "../canon/record.ts";
import type { PendingOutline } from "../canon/prompt-outline.ts";
import { unknownUsage } from "../canon/usage.ts";
import type { RoutedDecision } from "../routing/decision-builder.ts";
import type { Attempt } from "./attempts/attempt.ts";
import type { Services } from "./dependencies.ts";
import type { Endpoint } from "./endpoints.ts";
import { withPlace } from "./attempts/failure-place.ts";

/** The part of a Run that its record is built from. */
type RecordedRun = {
  readonly context: Context;
  readonly endpoint: Endpoint;
  readonly services: Pick<Services, "clock" | "redact">;
  readonly decision: RoutedDecision | null;
  readonly requestedModel: string;
  readonly session: string | null;
  readonly stream: boolean;
  readonly prompt: PendingOutline | null;
  readonly bodyHash: string | null;
  readonly hedged: readonly string[];
  readonly attemptRecords: readonly AttemptRecord[];
  /** The attempt whose answer the client got. */
  readonly winner: Attempt | null;
  readonly queueWaitMs: number;
  readonly overheadMs: number | null;
};

const noFields = {};
/** Its value by the list follows with the price. */
const flatRate = { listNanoUsd: null };

/** The rule as shown: it marks an answer from another target than the decision's first. */
export function shownRule(run: RecordedRun): string {
  const { decision, winner } = run;
  if (decision === null) return "none";
  const first = decision.targets[0];
  const isDiverted = winner !== null && winner.target.provider !== first?.provider;
  return isDiverted ? `${decision.rule}->fallback` : decision.rule;
}

/**
 * A request that was only refused counts in the records; one that broke off for lack of resources is shown to the
 * operator.
 */
const isOperatorsConcern = ({ kind }: Failure): boolean => kind === "internal" || kind === "at-capacity";

const thousandths = (value: number): number => Math.round(value * 1000) / 1000;

const nanoUsd = (usd: number | null): number | null => (usd === null ? null : Math.round(usd * 1e9));

export function recordOf(run: RecordedRun, status: number, failure: Failure | null): UnpricedRecord {
  const { context, decision, winner } = run;
  const rule = decision === null ? null : shownRule(run);
  const isDiverted = rule !== null && rule !== decision?.rule;
  return {
    id: context.id,
    startedAtMs: context.startedAtMs,
    tenant: context.tenant,
    keyId: context.keyId,
    session: run.session,
    ...context.agents,
    ...context.hints,
    ...(context.trace === null ? noFields : { trace: context.trace }),
    door: run.endpoint.name,
    client: context.client,
    tags: run.hedged.length === 0 ? context.tags : [...context.tags, "hedged"],
    requestedModel: run.requestedModel.slice(0, 300),
    stream: run.stream,
    layer: decision?.layer ?? null,
    rule,
    confidence:
      decision === null ? null : isDiverted ? thousandths(decision.confidence * 0.8) : decision.confidence,
    reason: decision?.reason ?? null,
    facts: decision?.facts ?? null,
    candidates: decision?.candidates ?? [],
    attempts: run.attemptRecords,
    provider: winner?.target.provider ?? null,
    model: winner?.target.model ?? null,
    upstreamModel: winner?.observer.upstreamModel ?? null,
    queueWaitMs: Math.round(run.queueWaitMs),
    overheadMs: run.overheadMs === null ? null : thousandths(run.overheadMs),
    firstTokenMs: winner?.firstTokenMs ?? null,
    durationMs: Math.round(run.services.clock.monotonicMs() - context.arrivedMs),
    usage: winner?.observer.usage ?? unknownUsage,
    costNanoUsd: nanoUsd(winner?.observer.costUsd ?? null),
    ...(winner?.observer.isFlatRate === true ? flatRate : noFields),
    status: failure !== null && status === 200 && !run.stream ? consequences[failure.kind].status : status,
    finish: winner?.observer.finish ?? null,
    failure: failure?.kind ?? null,
    error: failure === null ? null : shortError(run, withPlace(failure, winner?.provider.backend.address)),
    ...(run.prompt === null ? noFields : { prompt: run.prompt }),
    // As with a prompt: asking again for what was not answered is no waste.
    ...(run.bodyHash === null || winner === null ? noFields : { contentHash: run.bodyHash }),
    ...(failure === null || failure.cause === undefined || !isOperatorsConcern(failure)
      ? noFields
      : { cause: failure.cause }),
  };
}

/** A failure as the operator reads it, without secrets. */
export const shortError = ({ services }: Pick<RecordedRun, "services">, failure: Failure): string =>
  services.redact(failure.operatorMessage).slice(0, 300);
