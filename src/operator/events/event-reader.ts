// One reader of GET /api/events: what waits for it, and the bytes that it pulls. It must never buffer without bound: a reader that
// does not keep up is cut off.

import { Failure } from "../../canon/failure.ts";
import type { Clock } from "../../system/clock.ts";

export const eventKinds = ["live", "request", "log", "health", "alert", "config"] as const;
export type EventKind = (typeof eventKinds)[number];

/** `only=live,log`; absent or empty: all kinds. Throws Failure. */
export function readEventKinds(only: string | null): ReadonlySet<EventKind> {
  if (only === null || only === "") return new Set(eventKinds);
  const kinds = only.split(",").map((word) => {
    const kind = eventKinds.find((each) => each === word.trim());
    if (kind === undefined)
      throw new Failure(
        "invalid-request",
        `only must be a list of ${eventKinds.join(", ")}, separated by commas, not ${JSON.stringify(word.slice(0, 80))}.`,
        { param: "only" },
      );
    return kind;
  });
  return new Set(kinds);
}

export type FeedEvent = {
  readonly kind: EventKind;
  readonly data: unknown;
  /** Its line of the log, for Last-Event-ID. */
  readonly id?: string;
};

export type EventReaderOptions = {
  readonly kinds: ReadonlySet<EventKind>;
  readonly clock: Pick<Clock, "monotonicMs">;
  /** Ends its connection, even if the client does not read. */
  readonly disconnect: () => void;
  /** Whether the key or cookie that it came with is still valid. */
  readonly isAllowed: () => boolean;
  readonly onEnd: () => void;
};

type Waiting = { readonly kind: EventKind | null; readonly text: string };

const maxWaitingCharacters = 1_000_000;
/** A browser that was put to sleep reads nothing, and nothing is lost by starting again. */
const maxStalledMs = 60_000;
const keepAlive = ": keep-alive\n\n";

export function eventFrame({ kind, data, id }: FeedEvent): string {
  const idLine = id === undefined ? "" : `id: ${id}\n`;
  return `event: ${kind}\n${idLine}data: ${JSON.stringify(data)}\n\n`;
}

export class EventReader {
  /** The newest log line that it has got. */
  logSeq = 0;
  private waiting: Waiting[] = [];
  private characters = 0;
  private wake: (() => void) | null = null;
  private isOver = false;
  private readAtMs: number;

  constructor(private readonly options: EventReaderOptions) {
    this.readAtMs = options.clock.monotonicMs();
  }

  wants(kind: EventKind): boolean {
    return this.options.kinds.has(kind);
  }

  push(kind: EventKind | null, text: string): void {
    if (this.isOver) return;
    // Only the latest picture of the running requests is worth reading.
    if (kind === "live") this.drop("live");
    if (this.waiting.length > 0 && this.characters + text.length > maxWaitingCharacters) {
      this.cutOff();
      return;
    }
    this.waiting.push({ kind, text });
    this.characters += text.length;
    this.wake?.();
  }

  /** Called from time to time: keeps the connection open, and ends it where nobody reads or may read any more. */
  keepAlive(): void {
    const { clock, isAllowed } = this.options;
    if (this.waiting.length > 0 && clock.monotonicMs() - this.readAtMs > maxStalledMs) this.cutOff();
    else if (isAllowed()) this.push(null, keepAlive);
    else this.end();
  }

  /** What was pushed is still sent. */
  end(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.options.onEnd();
    this.wake?.();
  }

  /** Pulled by the connection as fast as the client reads. */
  async *bytes(): AsyncGenerator<string, void, void> {
    try {
      for (;;) {
        this.readAtMs = this.options.clock.monotonicMs();
        if (this.waiting.length > 0) yield this.take();
        else if (this.isOver) return;
        else await this.something();
      }
    } finally {
      this.end();
    }
  }

  private cutOff(): void {
    this.waiting = [];
    this.characters = 0;
    this.end();
    this.options.disconnect();
  }

  private take(): string {
    const text = this.waiting.map((each) => each.text).join("");
    this.waiting = [];
    this.characters = 0;
    return text;
  }

  private drop(kind: EventKind): void {
    if (!this.waiting.some((each) => each.kind === kind)) return;
    this.waiting = this.waiting.filter((each) => each.kind !== kind);
    this.characters = this.waiting.reduce((sum, { text }) => sum + text.length, 0);
  }

  private something(): Promise<void> {
    return new Promise((resolve) => {
      this.wake = () => {
        this.wake = null;
        resolve();
      };
    });
  }
}
