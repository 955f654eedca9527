// The rest of a body that nobody reads, taken off the line and dropped before its request is refused and the connection closed:
// one that is closed with bytes unread is reset, and most clients then say "broken pipe" and never look at the answer.
// It must never keep what it reads, nor let anybody wait for a client that hardly sends.

import type { Due, Ticker, TickerTimer } from "../system/ticker.ts";
import { giveBack } from "../wire/body.ts";

export type RestsOfBodies = {
  /** Settles when the rest has come, when the sender pauses, or when it is too much. Never rejects. */
  drop(request: Request): Promise<void>;
};

/** Each holds a connection; further ones are not waited for. */
const mostAtOnce = 64;
const mostBytes = 67_108_864;
const longestMs = 10_000;
const lookMs = 250;
/** Who sends less between two looks has stopped, or is too slow to be waited for. */
const leastBytes = 16_384;

/** `hasRoom`: there are connections to spare. */
export function createRestsOfBodies(ticker: Ticker, hasRoom: () => boolean): RestsOfBodies {
  let underWay = 0;
  return {
    async drop({ body }) {
      if (body === null || body.locked || underWay >= mostAtOnce || !hasRoom()) return;
      underWay += 1;
      const rest = new Rest(body.getReader(), ticker);
      try {
        await rest.drop();
      } finally {
        rest.stop();
        underWay -= 1;
      }
    },
  };
}

class Rest implements Due {
  private readonly endMs: number;
  private timer: TickerTimer;
  private received = 0;
  private receivedBefore = 0;

  constructor(
    private readonly reader: ReadableStreamDefaultReader<Uint8Array>,
    private readonly ticker: Ticker,
  ) {
    this.endMs = ticker.monotonicMs() + longestMs;
    this.timer = ticker.after(lookMs, this);
  }

  async drop(): Promise<void> {
    try {
      while (this.received < mostBytes) {
        const { done, value } = await this.reader.read();
        if (done) return;
        this.received += value.byteLength;
        giveBack(value);
      }
    } catch {
      // The client has gone: there is nobody left to answer.
    }
  }

  ring(): void {
    const hasPaused = this.received - this.receivedBefore < leastBytes;
    this.receivedBefore = this.received;
    if (hasPaused || this.ticker.monotonicMs() >= this.endMs) this.stop();
    else this.timer = this.ticker.after(lookMs, this);
  }

  stop(): void {
    this.timer.stop();
    // A read that waits is over then.
    this.reader.cancel().catch(() => undefined);
  }
}
