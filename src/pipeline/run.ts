// One request on its way: what admit opened, what every stage adds, and the single place that ends it with one record.

import { noRequestOptions, type RequestOptions } from "../backends/backend.ts";
import { Failure, consequences } from "../canon/failure.ts";
import type { AttemptRecord, UnpricedRecord } from "../canon/record.ts";
import type { AbortListener, Context } from "../canon/context.ts";
import type { Target } from "../canon/decision.ts";
import { unknownUsage } from "../canon/usage.ts";
import type { RoutedDecision } from "../routing/decision-builder.ts";
import type { Turn } from "../tenants/queue.ts";
import type { Endpoint } from "./endpoints.ts";
import type { Services, PipelineSnapshot, Provider } from "./dependencies.ts";
import type { LiveRequest } from "./live-registry.ts";
import { noteInto } from "./adaptations.ts";
import { Observer } from "./observer.ts";
import { withPlace } from "./failure-place.ts";
import { type LimitListener, LimitTimer } from "./limit-timer.ts";
import type { Progress } from "./answer-source.ts";
import { endBilledAttempt, chargeTenant } from "./tenant-bill.ts";
import { logAnswer, logEnd, logAttempt } from "./debug-log.ts";
import { releaseMemory } from "../wire/body.ts";
import type { TenantUsage } from "./tenant-usage.ts";

const noFields = {};

export type AttemptFields = {
  readonly provider: Provider;
  readonly target: Target;
  /** The provider's credential by its fingerprint; null where it has none with a name. */
  readonly credential: string | null;
  readonly lane: AttemptRecord["lane"];
  readonly turn: Turn;
};

/** A try in progress; it becomes an AttemptRecord. */
export class Attempt implements AbortListener, LimitListener, Progress {
  readonly provider: Provider;
  readonly target: Target;
  readonly credential: string | null;
  readonly lane: AttemptRecord["lane"];
  readonly turn: Turn;
  readonly startedMs: number;
  readonly startedAtMs: number;
  readonly abort = new AbortController();
  readonly observer = new Observer();
  status: number | null = null;
  headersMs: number | null = null;
  firstTokenMs: number | null = null;
  /** What was changed or left out for this target. */
  readonly adapted: string[] = [];
  /** Parameters of the client that have no effect here. */
  readonly unsupported: string[] = [];
  /** The one try that may find out whether an ejected provider is back. */
  isProbe = false;
  isSettled = false;
  /** The upstream may have begun to work. */
  isSent = false;
  /** When it is over at the latest (monotonic), and how long it may be silent. */
  private readonly endMs: number;
  private readonly idleMs: number;
  private readonly limitTimer: LimitTimer;

  constructor(
    fields: AttemptFields,
    private readonly clock: Services["clock"],
    ticker: Services["ticker"],
  ) {
    this.provider = fields.provider;
    this.target = fields.target;
    this.credential = fields.credential;
    this.lane = fields.lane;
    this.turn = fields.turn;
    this.startedMs = clock.monotonicMs();
    this.startedAtMs = clock.nowMs();
    const { idleMs, totalMs } = fields.provider.limits;
    this.idleMs = idleMs;
    this.endMs = totalMs === null ? Number.POSITIVE_INFINITY : this.startedMs + totalMs;
    this.limitTimer = new LimitTimer(ticker, this);
  }

  /** From now on the first word is waited for, for `answerMs` at most. */
  limitFirstWord(answerMs: number): void {
    this.limitTimer.set(Math.min(this.startedMs + answerMs, this.endMs));
  }

  /**
   * A whole answer is being written: its first word, and every later one. It is no silent upstream, however long it takes
   * in all.
   */
  progressed(): void {
    const nowMs = this.clock.monotonicMs();
    this.firstTokenMs ??= Math.round(nowMs - this.startedMs);
    this.limitTimer.set(Math.min(nowMs + this.idleMs, this.endMs));
  }

  /** Its gate is open, or it is over. */
  stopTimer(): void {
    this.limitTimer.stop();
  }

  limitReached(): void {
    const stage =
      this.headersMs === null
        ? "the request was sent, and no answer began"
        : this.firstTokenMs === null
          ? "an answer had begun, and its first word did not come"
          : "the answer stopped before its end";
    const seconds = Math.round((this.clock.monotonicMs() - this.startedMs) / 100) / 10;
    this.abort.abort(
      new Failure("timed-out", "The upstream gave no answer in time.", {
        maybeBilled: true,
        why: `timed out after ${seconds} s: ${stage}`,
      }),
    );
  }

  /** The request ends, and with it this try. */
  aborted(reason: Error): void {
    this.abort.abort(reason);
  }
}

const notHedged: readonly string[] = [];
const nothingDropped: readonly string[] = [];

export type RunFields = {
  readonly context: Context;
  readonly endpoint: Endpoint;
  readonly services: Services;
  readonly snapshot: PipelineSnapshot;
  /** What admission took; `leave` gives it back. */
  readonly admitted: LiveRequest & { leave(): void };
  /** The client's connection; null for a request of our own. */
  readonly connection: { close(): void } | null;
  /** Null for a request of our own, which has no body. */
  readonly upload: { release(): void } | null;
};

export class Run {
  readonly context: Context;
  readonly endpoint: Endpoint;
  readonly services: Services;
  readonly snapshot: PipelineSnapshot;
  /** Its row among the living. */
  readonly live: RunFields["admitted"];
  readonly connection: RunFields["connection"];
  private readonly upload: RunFields["upload"];
  readonly attemptRecords: AttemptRecord[] = [];
  decision: RoutedDecision | null = null;
  requestedModel = "";
  /** The conversation as the client names it. */
  session: string | null = null;
  /** The same with its tenant (tenants/sessions.ts): what anything is remembered under. */
  sessionKey: string | null = null;
  requestOptions: RequestOptions = noRequestOptions;
  /** Its place in its tenant's limits; null for most requests. */
  tenantUsage: TenantUsage | null = null;
  stream = false;
  /** Our own time until the first dispatch; null until then. */
  overheadMs: number | null = null;
  queueWaitMs = 0;
  /** Targets that were tried, failed or not. */
  attemptCount = 0;
  /** The providers that were asked at the same time (hedge.ts); none in most requests. */
  hedged = notHedged;
  /** The client's body; nobody reads it once an answer has begun. */
  body: Buffer | null = null;
  /** What was taken out of the body before any target saw it. */
  dropped = nothingDropped;
  private winningAttempt: Attempt | null = null;
  private isSettled = false;

  constructor(fields: RunFields) {
    this.context = fields.context;
    this.endpoint = fields.endpoint;
    this.services = fields.services;
    this.snapshot = fields.snapshot;
    this.live = fields.admitted;
    this.connection = fields.connection;
    this.upload = fields.upload;
  }

  /** The try whose answer the client gets. */
  get winner(): Attempt | null {
    return this.winningAttempt;
  }

  /** From here on `settle` ends this try as well; at once when the client did not wait for it. */
  win(attempt: Attempt): void {
    if (this.isSettled) endAttempt(this, attempt, new Failure("cancelled", "The client went away."));
    else {
      this.winningAttempt = attempt;
      logAnswer(this, attempt);
      // Every try that could have been sent it has been sent it, and no other one will be.
      this.releaseBody();
      rememberProvider(this, attempt.target.provider);
    }
  }

  /** No target will be sent it any more. */
  private releaseBody(): void {
    if (this.body !== null) releaseMemory(this.body);
    this.body = null;
    this.upload?.release();
  }

  /** Writes the record and lets everything go. Idempotent. */
  settle(status: number, failure: Failure | null): void {
    if (this.isSettled) return;
    this.isSettled = true;
    this.live.leave();
    this.releaseBody();
    if (this.winningAttempt !== null) endAttempt(this, this.winningAttempt, failure);
    const { services } = this;
    const record = recordOf(this, status, failure);
    if (this.tenantUsage === null) services.record(record);
    else chargeTenant(this, this.tenantUsage, record);
  }
}

/** The next turn of the session goes where this one's prompt is in the cache. */
function rememberProvider(run: Run, provider: string): void {
  const pool = run.decision?.pool ?? null;
  if (pool !== null && run.sessionKey !== null)
    run.services.stickiness.remember(pool, run.sessionKey, provider);
}

/** Ends a try: its turn is free, its verdict is in the health book, its row is in the record. Idempotent. */
export function endAttempt(run: Run, attempt: Attempt, reason: Failure | null): void {
  if (attempt.isSettled) return;
  const failure = reason === null ? null : withPlace(reason, attempt.provider.backend.address);
  attempt.isSettled = true;
  attempt.turn.release();
  const { health, clock } = run.services;
  health.attemptEnded(attempt.target.provider);
  if (attempt.isProbe) health.endProbe(attempt.target.provider, attempt.target.model, attempt.credential);
  const durationMs = clock.monotonicMs() - attempt.startedMs;
  const { provider, model } = attempt.target;
  if (attempt.provider.isCurrent()) {
    if (failure === null) health.succeeded(provider, model, durationMs, attempt.credential);
    else if (
      failure.kind !== "cancelled" &&
      failure.kind !== "shutting-down" &&
      !failure.isStale &&
      !hasNoSuchEndpoint(run, failure)
    )
      health.failed(provider, model, failure, attempt.credential);
  }
  if (failure !== null) {
    attempt.abort.abort(failure);
    attempt.provider.backend.connectionLost?.();
  }
  logEnd(run, attempt, failure);
  const maybeBilled =
    failure !== null &&
    (failure.maybeBilled || attempt.status === 200 || (attempt.isSent && isEndedByUs(failure)));
  if (run.tenantUsage !== null) endBilledAttempt(run, run.tenantUsage, attempt, maybeBilled);
  run.attemptRecords.push({
    provider,
    model,
    // Of one key there is nothing to tell apart.
    credential: attempt.provider.credentials.length > 1 ? attempt.credential : null,
    outcome: failure === null ? "ok" : failure.kind === "cancelled" ? "cancelled" : "failed",
    lane: attempt.lane,
    status: failure?.upstreamStatus ?? attempt.status,
    failure: failure?.kind ?? null,
    message: failure === null ? null : shortError(run, failure),
    startedAtMs: attempt.startedAtMs,
    waitMs: Math.round(attempt.turn.waitedMs),
    ...(attempt.turn.position === null ? noFields : { queuePosition: attempt.turn.position }),
    headersMs: attempt.headersMs,
    firstTokenMs: attempt.firstTokenMs,
    durationMs: Math.round(durationMs),
    maybeBilled,
    adapted: attempt.adapted,
  });
}

/** Of many vendors' chats nothing follows for their other endpoints: who has none of these has lost no model. */
function hasNoSuchEndpoint({ endpoint }: Run, { upstreamStatus }: Failure): boolean {
  return (
    endpoint.kind !== "chat" && (upstreamStatus === 404 || upstreamStatus === 405 || upstreamStatus === 501)
  );
}

/** It was under way, and nobody knows how far the upstream had got. */
const isEndedByUs = ({ kind }: Failure): boolean => kind === "cancelled" || kind === "shutting-down";

export function beginAttempt(run: Run, fields: AttemptFields): Attempt {
  run.attemptCount += 1;
  run.live.provider = fields.provider.id;
  const attempt = new Attempt(fields, run.services.clock, run.services.ticker);
  if (run.dropped.length > 0) run.dropped.forEach(noteInto(attempt.adapted));
  run.tenantUsage?.begin(attempt);
  logAttempt(run, attempt);
  return attempt;
}

/** The rule as it is shown: a diversion from the decision's first target is marked. */
export function shownRule(run: Run): string {
  const { decision, winner } = run;
  if (decision === null) return "none";
  const first = decision.targets[0];
  const isDiverted = winner !== null && winner.target.provider !== first?.provider;
  return isDiverted ? `${decision.rule}->fallback` : decision.rule;
}

const shortError = (run: Run, failure: Failure): string =>
  run.services.redact(failure.operatorMessage).slice(0, 300);

/** Who was merely not let in is counted in the records; what broke off for want of something is the operator's to see. */
const isOperatorsConcern = ({ kind }: Failure): boolean => kind === "internal" || kind === "at-capacity";

const thousandths = (value: number): number => Math.round(value * 1000) / 1000;

const nanoUsd = (usd: number | null): number | null => (usd === null ? null : Math.round(usd * 1e9));

function recordOf(run: Run, status: number, failure: Failure | null): UnpricedRecord {
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
    status: failure !== null && status === 200 && !run.stream ? consequences[failure.kind].status : status,
    finish: winner?.observer.finish ?? null,
    failure: failure?.kind ?? null,
    error: failure === null ? null : shortError(run, withPlace(failure, winner?.provider.backend.address)),
    ...(failure === null || failure.cause === undefined || !isOperatorsConcern(failure)
      ? noFields
      : { cause: failure.cause }),
  };
}
