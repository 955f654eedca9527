// A refusal that is told while the body of its request is still on its way. The rest is taken off the line and dropped, and then
// the connection is closed: one that is closed with bytes unread is reset, and most clients then say "broken pipe" and never look
// at the answer. It must never keep what it reads, nor hold a connection for a client that hardly sends.

import type { Due, Ticker, TickerTimer } from "../system/ticker.ts";
import { giveBack } from "../wire/body.ts";

export type RestsOfBodies = {
  /** The same answer, given at once; it ends when the rest has come, when the sender pauses, or when it is too much. */
  beside(response: Response, request: Request): Response;
};

/** Each holds a connection; for further ones it is closed at once. */
const mostAtOnce = 64;
const mostBytes = 67_108_864;
const longestMs = 30_000;
/** Who looks for an answer while sending stops by then, as long as nobody takes more. */
const firstMs = 100;
const lookMs = 250;
/** Who sends less between two looks has stopped, or is too slow to be waited for. */
const leastBytes = 16_384;

/** `hasRoom`: there are connections to spare. */
export function createRestsOfBodies(ticker: Ticker, hasRoom: () => boolean): RestsOfBodies {
  let underWay = 0;
  return {
    beside(response, { body }) {
      if (body === null || body.locked || response.body === null) return response;
      if (underWay >= mostAtOnce || !hasRoom()) return response;
      underWay += 1;
      const rest = new Rest(body.getReader(), ticker, () => void (underWay -= 1));
      const { status, headers } = response;
      return new Response(rest.behind(response.body), { status, headers });
    },
  };
}

class Rest implements Due {
  private readonly endMs: number;
  private timer: TickerTimer;
  private received = 0;
  private receivedBefore = 0;
  /** Nobody hears the answer any more. */
  private isLeft = false;
  private readonly first = Promise.withResolvers<void>();
  private isFirst = true;

  constructor(
    private readonly reader: ReadableStreamDefaultReader<Uint8Array>,
    private readonly ticker: Ticker,
    private readonly onEnd: () => void,
  ) {
    this.endMs = ticker.monotonicMs() + longestMs;
    this.timer = ticker.after(firstMs, this);
  }

  behind(answer: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>({
      start: async (controller) => {
        try {
          for await (const part of answer) controller.enqueue(part);
          await this.first.promise;
          await this.drop();
          if (!this.isLeft) controller.close();
        } finally {
          this.stop();
          this.onEnd();
        }
      },
      cancel: () => {
        this.isLeft = true;
        this.stop();
      },
    });
  }

  ring(): void {
    if (this.isFirst) {
      this.isFirst = false;
      this.first.resolve();
      this.timer = this.ticker.after(lookMs, this);
      return;
    }
    const hasPaused = this.received - this.receivedBefore < leastBytes;
    this.receivedBefore = this.received;
    if (hasPaused || this.ticker.monotonicMs() >= this.endMs) this.stop();
    else this.timer = this.ticker.after(lookMs, this);
  }

  private async drop(): Promise<void> {
    try {
      while (this.received < mostBytes) {
        const { done, value } = await this.reader.read();
        if (done) return;
        this.received += value.byteLength;
        giveBack(value);
      }
    } catch {
      // The client has gone: it has read what it wanted to.
    }
  }

  private stop(): void {
    this.timer.stop();
    this.first.resolve();
    // A read that waits is over then.
    this.reader.cancel().catch(() => undefined);
  }
}
