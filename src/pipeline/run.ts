// One request on its way: what admit opened, what every stage adds, and the single place that ends it with one record.

import { noWishes, type Wishes } from "../backends/backend.ts";
import { Failure, consequences } from "../canon/failure.ts";
import type { AttemptRecord, UnpricedRecord } from "../canon/record.ts";
import type { AbortListener, Context } from "../canon/context.ts";
import type { Target } from "../canon/decision.ts";
import { unknownUsage } from "../canon/usage.ts";
import type { RoutedDecision } from "../routing/settle.ts";
import type { Turn } from "../tenants/queue.ts";
import type { Door } from "./doors.ts";
import type { Estate, Generation, Provider } from "./generation.ts";
import type { LiveRequest } from "./live.ts";
import { noteInto } from "./adapted.ts";
import { Observer } from "./observe.ts";
import { placed } from "./placed.ts";
import { type Limited, Watch } from "./watch.ts";
import type { Progress } from "./lane.ts";
import { endHeld, settleEntry } from "./tenant-bill.ts";
import { tellAnswer, tellEnd, tellTry } from "./trail.ts";
import { giveBack } from "../wire/body.ts";
import type { TenantEntry } from "./tenant-entry.ts";

const none = {};

export type TrialFields = {
  readonly provider: Provider;
  readonly target: Target;
  /** The provider's credential by its fingerprint; null where it has none with a name. */
  readonly credential: string | null;
  readonly lane: AttemptRecord["lane"];
  readonly turn: Turn;
};

/** A try in progress; it becomes an AttemptRecord. */
export class Trial implements AbortListener, Limited, Progress {
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
  private readonly watch: Watch;

  constructor(
    fields: TrialFields,
    private readonly clock: Estate["clock"],
    ticker: Estate["ticker"],
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
    this.watch = new Watch(ticker, this);
  }

  /** From now on the first word is waited for, for `answerMs` at most. */
  waitAtMost(answerMs: number): void {
    this.watch.set(Math.min(this.startedMs + answerMs, this.endMs));
  }

  /**
   * A whole answer is being written: its first word, and every later one. It is no silent upstream, however long it takes
   * in all.
   */
  words(): void {
    const nowMs = this.clock.monotonicMs();
    this.firstTokenMs ??= Math.round(nowMs - this.startedMs);
    this.watch.set(Math.min(nowMs + this.idleMs, this.endMs));
  }

  /** Its gate is open, or it is over. */
  unwatch(): void {
    this.watch.stop();
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
  readonly door: Door;
  readonly estate: Estate;
  readonly generation: Generation;
  /** What admission took; `leave` gives it back. */
  readonly admitted: LiveRequest & { leave(): void };
  /** The client's connection; null for a request of our own. */
  readonly connection: { letGo(): void } | null;
  /** Null for a request of our own, which has no body. */
  readonly upload: { release(): void } | null;
};

export class Run {
  readonly context: Context;
  readonly door: Door;
  readonly estate: Estate;
  readonly generation: Generation;
  /** Its row among the living. */
  readonly live: RunFields["admitted"];
  readonly connection: RunFields["connection"];
  private readonly upload: RunFields["upload"];
  readonly trials: AttemptRecord[] = [];
  decision: RoutedDecision | null = null;
  requestedModel = "";
  /** The conversation as the client names it. */
  session: string | null = null;
  /** The same with its tenant (tenants/sessions.ts): what anything is remembered under. */
  sessionKey: string | null = null;
  wishes: Wishes = noWishes;
  /** Its place in its tenant's limits; null for most requests. */
  tenantEntry: TenantEntry | null = null;
  stream = false;
  /** Our own time until the first dispatch; null until then. */
  overheadMs: number | null = null;
  queueWaitMs = 0;
  /** Targets that were tried, failed or not. */
  attempts = 0;
  /** The providers that were asked at the same time (hedge.ts); none in most requests. */
  hedged = notHedged;
  /** The client's body; nobody reads it once an answer has begun. */
  body: Buffer | null = null;
  /** What was taken out of the body before any target saw it. */
  dropped = nothingDropped;
  private won: Trial | null = null;
  private isSettled = false;

  constructor(fields: RunFields) {
    this.context = fields.context;
    this.door = fields.door;
    this.estate = fields.estate;
    this.generation = fields.generation;
    this.live = fields.admitted;
    this.connection = fields.connection;
    this.upload = fields.upload;
  }

  /** The try whose answer the client gets. */
  get winner(): Trial | null {
    return this.won;
  }

  /** From here on `settle` ends this try as well; at once when the client did not wait for it. */
  win(trial: Trial): void {
    if (this.isSettled) endTrial(this, trial, new Failure("cancelled", "The client went away."));
    else {
      this.won = trial;
      tellAnswer(this, trial);
      // Every try that could have been sent it has been sent it, and no other one will be.
      this.letBodyGo();
      rememberProvider(this, trial.target.provider);
    }
  }

  /** No target will be sent it any more. */
  private letBodyGo(): void {
    if (this.body !== null) giveBack(this.body);
    this.body = null;
    this.upload?.release();
  }

  /** Writes the record and lets everything go. Idempotent. */
  settle(status: number, failure: Failure | null): void {
    if (this.isSettled) return;
    this.isSettled = true;
    this.live.leave();
    this.letBodyGo();
    if (this.won !== null) endTrial(this, this.won, failure);
    const { estate } = this;
    const record = recordOf(this, status, failure);
    if (this.tenantEntry === null) estate.record(record);
    else settleEntry(this, this.tenantEntry, record);
  }
}

/** The next turn of the session goes where this one's prompt is in the cache. */
function rememberProvider(run: Run, provider: string): void {
  const pool = run.decision?.pool ?? null;
  if (pool !== null && run.sessionKey !== null)
    run.estate.stickiness.remember(pool, run.sessionKey, provider);
}

/** Ends a try: its turn is free, its verdict is in the health book, its row is in the record. Idempotent. */
export function endTrial(run: Run, trial: Trial, reason: Failure | null): void {
  if (trial.isSettled) return;
  const failure = reason === null ? null : placed(reason, trial.provider.backend.place);
  trial.isSettled = true;
  trial.turn.release();
  const { health, clock } = run.estate;
  health.ended(trial.target.provider);
  if (trial.isProbe) health.endProbe(trial.target.provider, trial.target.model, trial.credential);
  const durationMs = clock.monotonicMs() - trial.startedMs;
  const { provider, model } = trial.target;
  if (trial.provider.isInForce()) {
    if (failure === null) health.succeeded(provider, model, durationMs, trial.credential);
    else if (
      failure.kind !== "cancelled" &&
      failure.kind !== "shutting-down" &&
      !failure.isStale &&
      !hasNoSuchEndpoint(run, failure)
    )
      health.failed(provider, model, failure, trial.credential);
  }
  if (failure !== null) {
    trial.abort.abort(failure);
    trial.provider.backend.broke?.();
  }
  tellEnd(run, trial, failure);
  const maybeBilled =
    failure !== null &&
    (failure.maybeBilled || trial.status === 200 || (trial.isSent && isEndedByUs(failure)));
  if (run.tenantEntry !== null) endHeld(run, run.tenantEntry, trial, maybeBilled);
  run.trials.push({
    provider,
    model,
    // Of one key there is nothing to tell apart.
    credential: trial.provider.credentials.length > 1 ? trial.credential : null,
    outcome: failure === null ? "ok" : failure.kind === "cancelled" ? "cancelled" : "failed",
    lane: trial.lane,
    status: failure?.upstreamStatus ?? trial.status,
    failure: failure?.kind ?? null,
    message: failure === null ? null : shortError(run, failure),
    startedAtMs: trial.startedAtMs,
    waitMs: Math.round(trial.turn.waitedMs),
    ...(trial.turn.position === null ? none : { queuePosition: trial.turn.position }),
    headersMs: trial.headersMs,
    firstTokenMs: trial.firstTokenMs,
    durationMs: Math.round(durationMs),
    maybeBilled,
    adapted: trial.adapted,
  });
}

/** Of many vendors' chats nothing follows for their other endpoints: who has none of these has lost no model. */
function hasNoSuchEndpoint({ door }: Run, { upstreamStatus }: Failure): boolean {
  return door.road !== "chat" && (upstreamStatus === 404 || upstreamStatus === 405 || upstreamStatus === 501);
}

/** It was under way, and nobody knows how far the upstream had got. */
const isEndedByUs = ({ kind }: Failure): boolean => kind === "cancelled" || kind === "shutting-down";

export function beginTrial(run: Run, fields: TrialFields): Trial {
  run.attempts += 1;
  run.live.provider = fields.provider.id;
  const trial = new Trial(fields, run.estate.clock, run.estate.ticker);
  if (run.dropped.length > 0) run.dropped.forEach(noteInto(trial.adapted));
  run.tenantEntry?.begin(trial);
  tellTry(run, trial);
  return trial;
}

/** The rule as it is shown: a diversion from the decision's first target is marked. */
export function shownRule(run: Run): string {
  const { decision, winner } = run;
  if (decision === null) return "none";
  const first = decision.targets[0];
  const isDiverted = winner !== null && winner.target.provider !== first?.provider;
  return isDiverted ? `${decision.rule}->fallback` : decision.rule;
}

const shortError = (run: Run, failure: Failure): string => run.estate.redact(failure.told).slice(0, 300);

/** Who was merely not let in is counted in the records; what broke off for want of something is the operator's to see. */
const isOurs = ({ kind }: Failure): boolean => kind === "internal" || kind === "at-capacity";

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
    door: run.door.name,
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
    attempts: run.trials,
    provider: winner?.target.provider ?? null,
    model: winner?.target.model ?? null,
    upstreamModel: winner?.observer.upstreamModel ?? null,
    queueWaitMs: Math.round(run.queueWaitMs),
    overheadMs: run.overheadMs === null ? null : thousandths(run.overheadMs),
    firstTokenMs: winner?.firstTokenMs ?? null,
    durationMs: Math.round(run.estate.clock.monotonicMs() - context.arrivedMs),
    usage: winner?.observer.usage ?? unknownUsage,
    costNanoUsd: nanoUsd(winner?.observer.costUsd ?? null),
    status: failure !== null && status === 200 && !run.stream ? consequences[failure.kind].status : status,
    finish: winner?.observer.finish ?? null,
    failure: failure?.kind ?? null,
    error: failure === null ? null : shortError(run, placed(failure, winner?.provider.backend.place)),
    ...(failure === null || failure.cause === undefined || !isOurs(failure)
      ? none
      : { cause: failure.cause }),
  };
}
