// The bytes of a stream, pulled by the client: piece after piece, keep-alives in long silences, and its end. Its limits are
// stream-timeouts.ts. It must never buffer ahead.

import type { AbortListener } from "../../canon/context.ts";
import { Failure, failureFrom } from "../../canon/failure.ts";
import type { ClientHalf } from "../../dialects/dialect.ts";
import type { Opened } from "../attempts/attempt-target.ts";
import { hedgedRemark } from "../attempts/hedge.ts";
import type { Run } from "../run.ts";
import { silence, StreamTimeouts } from "./stream-timeouts.ts";

export type StreamBody = AsyncGenerator<Uint8Array | string, void, void>;

/** `opening` is a promise when headers had to be sent before any target opened its gate. */
export function streamBody(run: Run, client: ClientHalf, opening: Opened | Promise<Opened>): StreamBody {
  const answer = new StreamedAnswer(run, client);
  run.context.onAbort(answer);
  return answer.bytes(opening);
}

class StreamedAnswer implements AbortListener {
  private readonly timeouts: StreamTimeouts;
  private readonly keepAlive: string;
  private isEnded = false;

  constructor(
    private readonly run: Run,
    private readonly client: ClientHalf,
  ) {
    const { framing } = client;
    this.keepAlive = run.snapshot.streaming.keepalive === "event" ? framing.heartbeat : framing.quiet;
    this.timeouts = new StreamTimeouts(run);
  }

  /** A generator that was never started, or that waits for a client that has gone, may never reach its `finally`. */
  aborted(reason: Error): void {
    if (this.timeouts.isWithUpstream) return;
    this.end(failureFrom(reason));
    // A client that reads now still gets the end; one that does not would keep the connection and its full buffers for ever.
    this.run.connection?.close();
  }

  private end(failure: Failure | null): void {
    this.isEnded = true;
    this.timeouts.stop();
    this.run.context.offAbort(this);
    this.run.settle(200, failure);
  }

  /** Does not wait for a client that has gone. */
  private beforeYield(): void {
    const { abortReason } = this.run.context;
    if (abortReason !== null) throw abortReason;
    this.timeouts.beforeYield();
  }

  async *bytes(opening: Opened | Promise<Opened>): StreamBody {
    const { run, client, timeouts, keepAlive } = this;
    let failure: Failure | null = null;
    let isOver = false;
    try {
      let opened: Opened;
      if (opening instanceof Promise) {
        // The client must learn at once that its request was accepted.
        let result: Opened | typeof silence = silence;
        do {
          this.beforeYield();
          yield keepAlive;
          timeouts.afterYield();
          result = await timeouts.wait(opening);
        } while (result === silence);
        opened = result;
        // The headers were sent before this was known.
        const { remark } = client.framing;
        if (run.hedged.length > 0 && remark !== null) {
          this.beforeYield();
          yield remark(hedgedRemark(run));
          timeouts.afterYield();
        }
      } else opened = opening;
      timeouts.upstreamBegan(opened);
      let isLast = false;
      for (const piece of opened.pieces) {
        isLast = piece.isLast;
        if (piece.bytes.length > 0) {
          this.beforeYield();
          run.content?.answer(piece.bytes);
          yield piece.bytes;
          timeouts.afterYield();
        }
        if (piece.failure !== null) throw piece.failure;
      }
      while (!isLast) {
        const next = opened.source.next();
        let piece = await timeouts.wait(next);
        while (piece === silence) {
          this.beforeYield();
          yield keepAlive;
          timeouts.afterYield();
          piece = await timeouts.wait(next);
        }
        timeouts.upstreamProgressed();
        if (piece.bytes.length > 0) {
          this.beforeYield();
          run.content?.answer(piece.bytes);
          yield piece.bytes;
          timeouts.afterYield();
          // Time that the client took to read does not count as the upstream's silence.
          timeouts.upstreamProgressed();
        }
        if (piece.failure !== null) throw piece.failure;
        isLast = piece.isLast;
      }
      isOver = true;
    } catch (thrown) {
      failure = failureFrom(thrown);
      isOver = true;
      // Settled before the last bytes are sent: the client may never read them.
      const frame = client.encodeFailureFrame(failure, run.context.id);
      run.content?.answer(frame);
      this.end(failure);
      yield frame;
    } finally {
      // The generator was left at a yield: the client has gone.
      if (!isOver) failure = goneFailure(run.context.abortReason);
      if (!this.isEnded) this.end(failure);
    }
  }
}

function goneFailure(reason: Error | null): Failure {
  return reason !== null ? failureFrom(reason) : new Failure("cancelled", "The client went away.");
}
