// One attempt at one target with one credential: its call, its limits, and the wait for the first word, which opens the
// gate. It must never decide what follows a failure; fallback.ts does.

import type { Call } from "../../backends/backend.ts";
import type { Target } from "../../canon/decision.ts";
import { Failure, failureFrom } from "../../canon/failure.ts";
import { traceHeaders } from "../../canon/trace-context.ts";
import type { Note } from "../../dialects/dialect.ts";
import { noteInto } from "../adaptations.ts";
import type { Provider } from "../dependencies.ts";
import type { AnswerSource, Piece } from "../answer/answer-source.ts";
import type { Attempt } from "./attempt.ts";
import type { Run } from "../run.ts";

export type OpenSource = (provider: Provider, target: Target, attempt: Attempt, call: Call) => AnswerSource;

/** How to ask a provider, or why the request cannot go there at all. */
export type TargetPlan =
  | {
      readonly lane: Attempt["lane"];
      readonly open: OpenSource;
      /** Whether the request continues a process that is waiting for it. */
      readonly continues?: (call: Call) => Promise<boolean>;
    }
  | { readonly refusal: Failure };

/**
 * Whether one of the provider's processes is waiting for this request. Asked when no turn is free: such a request goes
 * first, because its process would otherwise sit idle behind the queue.
 */
export async function continuesProcess(run: Run, target: Target, plan: TargetPlan): Promise<boolean> {
  if ("refusal" in plan || plan.continues === undefined) return false;
  const { context, sessionKey, requestOptions } = run;
  try {
    return await plan.continues({
      requestId: context.id,
      model: target.model,
      signal: context.signal,
      abort: () => undefined,
      passHeaders: {},
      onHeaders: () => undefined,
      tenant: context.tenant,
      session: sessionKey,
      requestOptions,
    });
  } catch (thrown) {
    // An error is reported when the request has its turn.
    if (thrown instanceof Failure) return false;
    throw thrown;
  }
}

export type Opened = {
  readonly attempt: Attempt;
  readonly source: AnswerSource;
  /** Everything up to and including the piece that opened the gate. */
  readonly pieces: readonly Piece[];
};

const noPieces: readonly Piece[] = [];

/** What the backend learns about the attempt, and what it reports. */
class AttemptCall implements Call {
  readonly requestId: string;
  readonly model: string;
  readonly credential: string | null;
  readonly signal: AbortSignal;
  readonly tenant: string | null;
  readonly session: string | null;
  readonly requestOptions: Run["requestOptions"];
  readonly traceHeaders: Readonly<Record<string, string>> | null;
  readonly redact: (text: string) => string;
  remainingWindow: number | null = null;
  private noteFunction: Note | null = null;
  private unsupportedFunction: Note | null = null;

  constructor(
    private readonly run: Run,
    private readonly attempt: Attempt,
    readonly passHeaders: Readonly<Record<string, string>>,
    private readonly onAccepted: () => void,
  ) {
    this.requestId = run.context.id;
    this.model = attempt.target.model;
    this.credential = attempt.credential;
    this.signal = attempt.abort.signal;
    this.tenant = run.context.tenant;
    this.session = run.sessionKey;
    this.requestOptions = run.requestOptions;
    this.traceHeaders = traceHeadersOf(run, attempt);
    this.redact = run.redact;
  }

  // These functions are passed on without this object; they are created only when first used.
  get note(): Note {
    return (this.noteFunction ??= noteInto(this.attempt.adapted));
  }

  get unsupported(): Note {
    return (this.unsupportedFunction ??= noteInto(this.attempt.unsupported));
  }

  abort(reason: Failure): void {
    this.attempt.abort.abort(reason);
  }

  onAllowance(event: Readonly<Record<string, unknown>>): void {
    this.reportLimits(event, true);
  }

  onFlatRate(): void {
    this.attempt.observer.isFlatRate = true;
  }

  private reportLimits(limits: Headers | Readonly<Record<string, unknown>>, isGood: boolean): void {
    const { provider, credential } = this.attempt;
    if (provider.isCurrent())
      this.run.services.health.recordAllowance(provider.id, credential, limits, isGood);
  }

  onHeaders(status: number, headers?: Headers): void {
    const { attempt } = this;
    if (headers !== undefined) {
      attempt.vendorHeaders = headers;
      this.reportLimits(headers, status < 300);
    }
    attempt.status = status;
    attempt.headersMs = Math.round(this.run.services.clock.monotonicMs() - attempt.startedMs);
    this.onAccepted();
  }
}

/**
 * Where no spans are exported, nobody could find one of ours: the upstream gets the client's own span as its parent.
 */
function traceHeadersOf(
  { context, services }: Run,
  attempt: Attempt,
): Readonly<Record<string, string>> | null {
  const { trace } = context;
  if (trace === null || attempt.provider.takesTraceContext !== true) return null;
  if (trace.spanId !== null) attempt.spanId = services.telemetry.newSpanId();
  const spanId = attempt.spanId ?? trace.parent?.spanId;
  return spanId === undefined ? null : traceHeaders(trace, spanId);
}

/** Runs one attempt until its gate opens or it fails. Reports its start and its first word to the health tracker. */
export async function attemptTarget(
  run: Run,
  attempt: Attempt,
  open: OpenSource,
  passHeaders: Readonly<Record<string, string>>,
  onAccepted: () => void,
): Promise<Opened | Failure> {
  const { services, context } = run;
  const { provider, target, abort } = attempt;
  const { clock } = services;
  attempt.isProbe = services.health.attemptStarted(target.provider, target.model, attempt.credential);
  run.live.stage = "asking";
  if (context.abortReason !== null) return failureFrom(context.abortReason);
  context.onAbort(attempt);
  const { firstTokenMs, wholeMs } = provider.limits;
  const isWhole = run.endpoint.forwarding?.isSlow ?? attempt.lane === "relay";
  attempt.limitFirstWord(isWhole && !run.stream ? wholeMs : firstTokenMs);
  const call = new AttemptCall(run, attempt, passHeaders, onAccepted);
  try {
    const source = open(provider, target, attempt, call);
    run.overheadMs ??= clock.monotonicMs() - context.arrivedMs;
    attempt.isSent = true;
    let pieces: Piece[] | null = null;
    for (;;) {
      const piece = await source.next();
      // A word that came together with the failure still counts: it is sent, and the failure follows in the stream.
      if (piece.failure !== null && !piece.opens) return piece.failure;
      if (piece.bytes.length > 0 || piece.isLast || piece.failure !== null) (pieces ??= []).push(piece);
      if (!piece.opens && !piece.isLast) continue;
      // The attempt was ended from outside while its first word was arriving: it has nothing more to report to the
      // health tracker.
      if (attempt.isSettled) return failureFrom(abort.signal.reason);
      const openedMs = clock.monotonicMs() - attempt.startedMs;
      attempt.firstTokenMs ??= Math.round(openedMs);
      if (provider.isCurrent()) services.health.firstWord(target.provider, attempt.firstTokenMs);
      if (attempt.isProbe && piece.failure === null) {
        // A long stream must not keep other requests away from a provider that answers.
        attempt.isProbe = false;
        services.health.answerStarted(target.provider, openedMs, target.model, attempt.credential);
      }
      return { attempt, source, pieces: pieces ?? noPieces };
    }
  } catch (thrown) {
    return failureFrom(thrown);
  } finally {
    attempt.stopTimer();
  }
}
