// Tells the readers of GET /api/events what happens: it looks at its sources while somebody reads, and passes on what is published.
// Without a reader it must cost a request nothing.

import { atCapacity, Failure } from "../../canon/failure.ts";
import type { Clock } from "../../system/clock.ts";
import { eventFrame, type EventKind, EventReader, type FeedEvent } from "./event-reader.ts";

/** Something that is looked at twice a second while one of its readers is there. */
export type EventSource = {
  readonly kind: EventKind;
  /** What a new reader gets first. `lastEventId`: the last line of the log that it had. */
  first(lastEventId: string | null): readonly FeedEvent[];
  /** What is new since the last look. Must not reject. */
  look(): readonly FeedEvent[] | Promise<readonly FeedEvent[]>;
};

export type ReaderRequest = {
  readonly kinds: ReadonlySet<EventKind>;
  readonly lastEventId: string | null;
  readonly signal: AbortSignal;
  readonly disconnect: () => void;
  readonly isAllowed: () => boolean;
};

const maxReaders = 32;
const lookMs = 500;
const keepAliveMs = 15_000;
/** A browser waits this long before it connects again. */
const retryMs = 2_000;

export class EventFeed {
  /** A request ended since the last look. */
  hasNewRecords = false;
  private readonly readers = new Set<EventReader>();
  private sources: readonly EventSource[] = [];
  private stopTimer: (() => void) | null = null;
  private keepAliveAtMs = 0;
  private isClosed = false;

  constructor(private readonly clock: Clock) {}

  /** Called once, when everything that it looks at exists. */
  follow(sources: readonly EventSource[]): void {
    this.sources = sources;
  }

  readonly recorded = (): void => {
    this.hasNewRecords = true;
  };

  publish(kind: EventKind, data: unknown): void {
    this.send({ kind, data });
  }

  /** Throws Failure where no more readers are taken. */
  open(request: ReaderRequest): AsyncGenerator<string, void, void> {
    if (this.isClosed)
      throw new Failure("shutting-down", "The gateway is shutting down. Try again in a moment.");
    if (this.readers.size >= maxReaders)
      throw atCapacity(`${maxReaders} readers follow the events already, and no more are taken.`);
    const { clock } = this;
    const reader: EventReader = new EventReader({
      ...request,
      clock,
      onEnd: () => this.left(reader),
    });
    this.readers.add(reader);
    reader.push(null, `retry: ${retryMs}\n\n`);
    for (const source of this.sources) {
      if (!reader.wants(source.kind)) continue;
      for (const event of source.first(request.lastEventId)) deliver(reader, event);
    }
    const onGone = (): void => reader.end();
    if (request.signal.aborted) onGone();
    else request.signal.addEventListener("abort", onGone, { once: true });
    this.start();
    return reader.bytes();
  }

  readerCount(): number {
    return this.readers.size;
  }

  /** Ends every reader; a shutdown must not wait for them. */
  close(): void {
    this.isClosed = true;
    for (const reader of this.readers) reader.end();
  }

  private left(reader: EventReader): void {
    this.readers.delete(reader);
    if (this.readers.size > 0) return;
    this.stopTimer?.();
    this.stopTimer = null;
  }

  private start(): void {
    if (this.stopTimer !== null || this.readers.size === 0) return;
    this.keepAliveAtMs = this.clock.monotonicMs() + keepAliveMs;
    this.schedule();
  }

  private schedule(): void {
    this.stopTimer = this.clock.setTimer(lookMs, () => void this.lookOnce());
  }

  private async lookOnce(): Promise<void> {
    for (const source of this.sources) {
      if (![...this.readers].some((reader) => reader.wants(source.kind))) continue;
      const events = source.look();
      for (const event of events instanceof Promise ? await events : events) this.send(event);
    }
    const nowMs = this.clock.monotonicMs();
    if (nowMs >= this.keepAliveAtMs) {
      this.keepAliveAtMs = nowMs + keepAliveMs;
      for (const reader of this.readers) reader.keepAlive();
    }
    // The last reader may have left, and another one come, while this waited.
    this.stopTimer?.();
    this.stopTimer = null;
    if (this.readers.size > 0) this.schedule();
  }

  private send(event: FeedEvent): void {
    if (this.readers.size === 0) return;
    const text = eventFrame(event);
    for (const reader of this.readers) deliver(reader, event, text);
  }
}

function deliver(reader: EventReader, event: FeedEvent, text = eventFrame(event)): void {
  if (!reader.wants(event.kind)) return;
  if (event.kind === "log") {
    const { seq } = event.data as { readonly seq: number };
    // It came with the first lines already.
    if (seq <= reader.logSeq) return;
    reader.logSeq = seq;
  }
  reader.push(event.kind, text);
}
