// One try at one target with one credential: its call, its limits, and the wait for the first word that opens the gate.
// It must never decide what comes after a failure; attempt.ts does.

import type { Call } from "../backends/backend.ts";
import type { Target } from "../canon/decision.ts";
import { Failure, failureFrom } from "../canon/failure.ts";
import type { Note } from "../dialects/dialect.ts";
import { noteInto } from "./adapted.ts";
import type { Provider } from "./generation.ts";
import type { Lane, Piece } from "./lane.ts";
import type { Run, Trial } from "./run.ts";

export type LaneFactory = (provider: Provider, target: Target, trial: Trial, call: Call) => Lane;

/** Which lane a provider would get, or why this request cannot go there at all. */
export type LaneChoice =
  | {
      readonly lane: Trial["lane"];
      readonly open: LaneFactory;
      /** Will it go on with a process that waits for it? */
      readonly continues?: (call: Call) => Promise<boolean>;
    }
  | { readonly refusal: Failure };

/**
 * Does a process of the provider's wait for this request? Asked when there is no turn left: then it goes first, because
 * behind the others it would wait while its process does.
 */
export async function goesOn(run: Run, target: Target, choice: LaneChoice): Promise<boolean> {
  if ("refusal" in choice || choice.continues === undefined) return false;
  const { context, sessionKey, wishes } = run;
  try {
    return await choice.continues({
      requestId: context.id,
      model: target.model,
      signal: context.signal,
      abort: () => undefined,
      passHeaders: {},
      onHeaders: () => undefined,
      tenant: context.tenant,
      session: sessionKey,
      wishes,
    });
  } catch (thrown) {
    // What is wrong with it is told when its turn has come.
    if (thrown instanceof Failure) return false;
    throw thrown;
  }
}

export type Opened = {
  readonly trial: Trial;
  readonly lane: Lane;
  /** Everything up to and including the piece that opened the gate. */
  readonly pieces: readonly Piece[];
};

const noPieces: readonly Piece[] = [];

/** What the backend is told of the try, and what it tells. */
class TrialCall implements Call {
  readonly requestId: string;
  readonly model: string;
  readonly credential: string | null;
  readonly signal: AbortSignal;
  readonly tenant: string | null;
  readonly session: string | null;
  readonly wishes: Run["wishes"];
  answerRoom: number | null = null;
  private noted: Note | null = null;
  private told: Note | null = null;

  constructor(
    private readonly run: Run,
    private readonly trial: Trial,
    readonly passHeaders: Readonly<Record<string, string>>,
    private readonly onAccepted: () => void,
  ) {
    this.requestId = run.context.id;
    this.model = trial.target.model;
    this.credential = trial.credential;
    this.signal = trial.abort.signal;
    this.tenant = run.context.tenant;
    this.session = run.sessionKey;
    this.wishes = run.wishes;
  }

  // Handed on without this object, so they are functions of their own; but only where somebody has something to note.
  get note(): Note {
    return (this.noted ??= noteInto(this.trial.adapted));
  }

  get unsupported(): Note {
    return (this.told ??= noteInto(this.trial.unsupported));
  }

  abort(reason: Failure): void {
    this.trial.abort.abort(reason);
  }

  onAllowance(event: Readonly<Record<string, unknown>>): void {
    this.keep(event, true);
  }

  private keep(said: Headers | Readonly<Record<string, unknown>>, isGood: boolean): void {
    const { provider, credential } = this.trial;
    if (provider.isInForce()) this.run.estate.health.told(provider.id, credential, said, isGood);
  }

  onHeaders(status: number, headers?: Headers): void {
    const { trial } = this;
    if (headers !== undefined) this.keep(headers, status < 300);
    trial.status = status;
    trial.headersMs = Math.round(this.run.estate.clock.monotonicMs() - trial.startedMs);
    this.onAccepted();
  }
}

/** One try; ends with an open lane or with why there is none. Tells the health book of its beginning and its first word. */
export async function tryOne(
  run: Run,
  trial: Trial,
  open: LaneFactory,
  passHeaders: Readonly<Record<string, string>>,
  onAccepted: () => void,
): Promise<Opened | Failure> {
  const { estate, context } = run;
  const { provider, target, abort } = trial;
  const { clock } = estate;
  trial.isProbe = estate.health.begin(target.provider, target.model, trial.credential);
  run.live.stage = "asking";
  if (context.abortReason !== null) return failureFrom(context.abortReason);
  context.onAbort(trial);
  const { firstTokenMs, wholeMs } = provider.limits;
  const isWhole = run.door.forwarding?.isSlow ?? trial.lane === "relay";
  trial.waitAtMost(isWhole && !run.stream ? wholeMs : firstTokenMs);
  const call = new TrialCall(run, trial, passHeaders, onAccepted);
  try {
    const lane = open(provider, target, trial, call);
    run.overheadMs ??= clock.monotonicMs() - context.arrivedMs;
    trial.isSent = true;
    let pieces: Piece[] | null = null;
    for (;;) {
      const piece = await lane.next();
      // A word that came together with the failure was a word: it is shown, and the failure is told in-band.
      if (piece.failure !== null && !piece.opens) return piece.failure;
      if (piece.bytes.length > 0 || piece.isLast || piece.failure !== null) (pieces ??= []).push(piece);
      if (!piece.opens && !piece.isLast) continue;
      // Ended from outside while its word was on the way: it has nothing more to tell the health book.
      if (trial.isSettled) return failureFrom(abort.signal.reason);
      const openedMs = clock.monotonicMs() - trial.startedMs;
      trial.firstTokenMs ??= Math.round(openedMs);
      if (provider.isInForce()) estate.health.firstWord(target.provider, trial.firstTokenMs);
      if (trial.isProbe && piece.failure === null) {
        // A long stream must not keep everybody else away from a provider that answers.
        trial.isProbe = false;
        estate.health.opened(target.provider, openedMs, target.model, trial.credential);
      }
      return { trial, lane, pieces: pieces ?? noPieces };
    }
  } catch (thrown) {
    return failureFrom(thrown);
  } finally {
    trial.unwatch();
  }
}
