// One request in progress: what admission opened, what every stage adds, and the single place that ends it with one
// record.

import { noRequestOptions, type RequestOptions } from "../backends/backend.ts";
import { consequences, Failure } from "../canon/failure.ts";
import type { AttemptRecord } from "../canon/record.ts";
import type { Context } from "../canon/context.ts";
import type { RoutedDecision } from "../routing/decision-builder.ts";
import type { Endpoint } from "./endpoints.ts";
import type { ContentCapture, Services, PipelineSnapshot } from "./dependencies.ts";
import type { LiveRequest } from "./live-requests.ts";
import { noteInto } from "./adaptations.ts";
import { Attempt, type AttemptFields } from "./attempts/attempt.ts";
import { withPlace } from "./attempts/failure-place.ts";
import type { PromptReading } from "./prompt/prompt-reading.ts";
import { recordOf, shortError } from "./run-record.ts";
import { endBilledAttempt, chargeTenant } from "./tenants/tenant-bill.ts";
import { logAnswer, logEnd, logAttempt } from "./debug-log.ts";
import { releaseMemory } from "../wire/body.ts";
import type { TenantUsage } from "./tenants/tenant-usage.ts";

const noFields = {};

const notHedged: readonly string[] = [];
const nothingDropped: readonly string[] = [];

export type RunFields = {
  readonly context: Context;
  readonly endpoint: Endpoint;
  readonly services: Services;
  readonly snapshot: PipelineSnapshot;
  /** What admission holds; `leave` releases it. */
  readonly admitted: LiveRequest & { leave(): void; detach(): void };
  /** The client's connection; null for an internal request. */
  readonly connection: { close(): void } | null;
  /** Null for an internal request, which has no body. */
  readonly upload: { release(): void } | null;
};

export class Run {
  readonly context: Context;
  readonly endpoint: Endpoint;
  readonly services: Services;
  readonly snapshot: PipelineSnapshot;
  /** Its entry in the live registry. */
  readonly live: RunFields["admitted"];
  readonly connection: RunFields["connection"];
  private readonly upload: RunFields["upload"];
  readonly attemptRecords: AttemptRecord[] = [];
  decision: RoutedDecision | null = null;
  requestedModel = "";
  /** The client's id of the conversation. */
  session: string | null = null;
  /** The same with its tenant (tenants/sessions.ts): the key under which anything is remembered. */
  sessionKey: string | null = null;
  requestOptions: RequestOptions = noRequestOptions;
  /** What it holds of its tenant's limits; null for most requests. */
  tenantUsage: TenantUsage | null = null;
  stream = false;
  /** The gateway's own time until the first dispatch; null until then. */
  overheadMs: number | null = null;
  queueWaitMs = 0;
  /** Targets that were tried, failed or not. */
  attemptCount = 0;
  /** The providers that were asked in parallel (hedge.ts); empty for most requests. */
  hedged = notHedged;
  /** The client's body; unused once an answer has begun. */
  body: Buffer | null = null;
  /** Reads the prompt for the record once the answer has begun; null for most requests. */
  prompt: PromptReading | null = null;
  /** Of a chat whose prompt is not read. */
  bodyHash: string | null = null;
  /** What was removed from the body before any target saw it. */
  dropped = nothingDropped;
  /** The caller's own sign-in at the vendor pays for it, and no other target may see the request. */
  usesClientSignIn = false;
  /** Masks secrets in what an upstream said. */
  redact: (text: string) => string;
  /** Keeps what the client sends and gets; null for most requests. */
  content: ContentCapture | null = null;
  /** Its vendor may keep the answer, and other tenants must not continue it. */
  notesVendorId = false;
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
    this.redact = fields.services.redact;
  }

  /** The attempt whose answer the client gets. */
  get winner(): Attempt | null {
    return this.winningAttempt;
  }

  /** From here on `settle` ends this attempt as well; immediately when the client has already gone. */
  win(attempt: Attempt): void {
    if (this.isSettled) endAttempt(this, attempt, new Failure("cancelled", "The client went away."));
    else {
      this.winningAttempt = attempt;
      logAnswer(this, attempt);
      if (this.notesVendorId && attempt.provider.keepsAnswers) this.noteVendorId(attempt.observer);
      // Every attempt that needs the body has sent it, and no other attempt will follow.
      if (this.prompt === null) this.releaseBody();
      else this.prompt.readSoon(() => this.releaseBody());
      rememberProvider(this, attempt.target.provider);
    }
  }

  /** No further target needs the body. */
  private releaseBody(): void {
    if (this.body !== null) releaseMemory(this.body);
    this.body = null;
    this.upload?.release();
  }

  /** As soon as it is known: a client may continue an answer before its connection has ended. */
  private noteVendorId(observer: Attempt["observer"]): void {
    const note = (id: string): void => this.services.vendorIds.given(id, this.context.tenant);
    if (observer.upstreamId === null) observer.onIdentified = note;
    else note(observer.upstreamId);
  }

  /** Writes the record and releases everything. Idempotent. */
  settle(status: number, failure: Failure | null): void {
    if (this.isSettled) return;
    this.isSettled = true;
    this.live.leave();
    if (this.prompt?.isUnderWay !== true) this.releaseBody();
    if (this.winningAttempt !== null) endAttempt(this, this.winningAttempt, failure);
    const { services } = this;
    const record = recordOf(this, status, failure);
    this.content?.end(record);
    if (this.tenantUsage === null) services.record(record);
    else chargeTenant(this, this.tenantUsage, record);
  }
}

/** The session's next turn goes to the target that has this prompt in its cache. */
function rememberProvider(run: Run, provider: string): void {
  const pool = run.decision?.pool ?? null;
  if (pool !== null && run.sessionKey !== null)
    run.services.stickiness.remember(pool, run.sessionKey, provider);
}

/** Ends an attempt: frees its turn, reports its outcome to the health tracker and adds its row to the record. Idempotent. */
export function endAttempt(run: Run, attempt: Attempt, reason: Failure | null): void {
  if (attempt.isSettled) return;
  const failure = reason === null ? null : withPlace(reason, attempt.provider.backend.address);
  attempt.isSettled = true;
  attempt.turn.release();
  const { health, clock } = run.services;
  // A caller's own sign-in that is refused says nothing about the provider.
  const isCallers =
    run.usesClientSignIn && failure !== null && consequences[failure.kind].penalizes === "credential";
  health.attemptEnded(attempt.target.provider);
  if (attempt.isProbe) health.endProbe(attempt.target.provider, attempt.target.model, attempt.credential);
  const durationMs = clock.monotonicMs() - attempt.startedMs;
  const { provider, model } = attempt.target;
  if (attempt.provider.isCurrent()) {
    if (failure === null) health.succeeded(provider, model, durationMs, attempt.credential);
    else if (
      failure.kind !== "cancelled" &&
      failure.kind !== "shutting-down" &&
      !isCallers &&
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
    // A provider with a single key needs no fingerprint.
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
    ...(attempt.spanId === null ? noFields : { spanId: attempt.spanId }),
  });
}

/** Many vendors have only the chat endpoint: a missing endpoint is not a missing model. */
function hasNoSuchEndpoint({ endpoint }: Run, { upstreamStatus }: Failure): boolean {
  return (
    endpoint.kind !== "chat" && (upstreamStatus === 404 || upstreamStatus === 405 || upstreamStatus === 501)
  );
}

/** The attempt was running, and how far the upstream got is unknown. */
const isEndedByUs = ({ kind }: Failure): boolean => kind === "cancelled" || kind === "shutting-down";

export function beginAttempt(run: Run, fields: AttemptFields): Attempt {
  run.attemptCount += 1;
  run.live.provider = fields.provider.id;
  const attempt = new Attempt(fields, run.services.clock, run.services.ticker);
  // A plan's own limits and billing apply.
  if (run.usesClientSignIn) attempt.observer.isFlatRate = true;
  if (run.dropped.length > 0) run.dropped.forEach(noteInto(attempt.adapted));
  run.tenantUsage?.begin(attempt);
  logAttempt(run, attempt);
  return attempt;
}
