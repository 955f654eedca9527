// Sends a refusal while the request's body is still arriving. The rest is read and dropped before the connection is closed:
// closing with unread bytes resets the connection, and most clients then report "broken pipe" and never read the answer. It must
// never keep what it reads, nor hold a connection for a client that hardly sends.

import type { TimerListener, Ticker, TickerTimer } from "../../system/ticker.ts";
import { releaseMemory } from "../../wire/body.ts";

export type UnreadBodies = {
  /**
   * The same answer, sent at once; it ends when the rest has arrived, when the sender pauses, or when it is too much.
   */
  respondAndDrain(response: Response, request: Request): Response;
};

/** Each one holds a connection; beyond this number connections are closed at once. */
const maxAtOnce = 64;
const maxBytes = 67_108_864;
const maxMs = 30_000;
/** A client that reads answers while sending has stopped by then, as long as no more is read. */
const firstCheckMs = 100;
const checkEveryMs = 250;
/** A client that sends less between two checks has stopped, or is too slow to wait for. */
const minBytes = 16_384;

/** `hasRoom`: another connection may be held. */
export function createUnreadBodies(ticker: Ticker, hasRoom: () => boolean): UnreadBodies {
  let underWay = 0;
  return {
    respondAndDrain(response, { body }) {
      if (body === null || body.locked || response.body === null) return response;
      if (underWay >= maxAtOnce || !hasRoom()) return response;
      underWay += 1;
      const drain = new BodyDrain(body.getReader(), ticker, () => void (underWay -= 1));
      const { status, headers } = response;
      return new Response(drain.afterAnswer(response.body), { status, headers });
    },
  };
}

class BodyDrain implements TimerListener {
  private readonly endMs: number;
  private timer: TickerTimer;
  private received = 0;
  private receivedBefore = 0;
  /** The client has gone. */
  private isAbandoned = false;
  private readonly first = Promise.withResolvers<void>();
  private isFirst = true;

  constructor(
    private readonly reader: ReadableStreamDefaultReader<Uint8Array>,
    private readonly ticker: Ticker,
    private readonly onEnd: () => void,
  ) {
    this.endMs = ticker.monotonicMs() + maxMs;
    this.timer = ticker.after(firstCheckMs, this);
  }

  afterAnswer(answer: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>({
      start: async (controller) => {
        try {
          for await (const part of answer) controller.enqueue(part);
          await this.first.promise;
          await this.drop();
          if (!this.isAbandoned) controller.close();
        } finally {
          this.stop();
          this.onEnd();
        }
      },
      cancel: () => {
        this.isAbandoned = true;
        this.stop();
      },
    });
  }

  onDue(): void {
    if (this.isFirst) {
      this.isFirst = false;
      this.first.resolve();
      this.timer = this.ticker.after(checkEveryMs, this);
      return;
    }
    const hasPaused = this.received - this.receivedBefore < minBytes;
    this.receivedBefore = this.received;
    if (hasPaused || this.ticker.monotonicMs() >= this.endMs) this.stop();
    else this.timer = this.ticker.after(checkEveryMs, this);
  }

  private async drop(): Promise<void> {
    try {
      while (this.received < maxBytes) {
        const { done, value } = await this.reader.read();
        if (done) return;
        this.received += value.byteLength;
        releaseMemory(value);
      }
    } catch {
      // The client has gone: it has read what it wanted.
    }
  }

  private stop(): void {
    this.timer.stop();
    this.first.resolve();
    // Ends a pending read.
    this.reader.cancel().catch(() => undefined);
  }
}
