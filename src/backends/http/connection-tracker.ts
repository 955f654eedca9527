// Tracks what fetch does not report about connections to an origin: whether one can be made at all, and whether a broken request
// used a kept-alive one. It must never delay a request, and never guess where a wrong guess could cost money.

import { isIP } from "node:net";
import { atCapacity, Failure } from "../../canon/failure.ts";
import type { OpenedConnections } from "../../system/opened-connections.ts";
import type { TimerListener, Ticker, TickerTimer } from "../../system/ticker.ts";
import type { Dial, DialStage, Route } from "./dial.ts";

/** A request that waits for an answer. */
export type Abortable = { abort(reason: Failure): void };

export type ConnectionTracker = {
  /** The same object for the same route: all requests share what one learns. */
  origin(route: Route): OriginConnections;
};

export type ConnectionTrackerOptions = {
  readonly ticker: Pick<Ticker, "monotonicMs" | "after">;
  readonly dial: Dial;
  /** How often this process has asked the resolver's cache, which it does once with each new connection to a name. */
  readonly lookups: () => number;
  /** How many connections the machine has opened, for hosts that are not looked up. */
  readonly opened: OpenedConnections;
  /** Whether this machine lacks a resource for connections. Then a failed connection is not the other end's failure. */
  readonly lacksRoom: () => boolean;
};

export const noConnectionLeft = "The gateway has no room left for a connection to the upstream just now.";

/** A kept-alive connection is not relied on for longer than this. */
const keptMs = 300_000;
/**
 * A connection closed by the vendor fails within one round trip. If it breaks later, the vendor was already working: fetch
 * does not report whether part of an answer had arrived (Bun 1.4.5).
 */
const staleMs = 1_000;
const staleNearMs = 250;
/** How long a failed request may be delayed to learn where it failed. */
const longestLookMs = 1_000;
const certainlyNew = -1;
const nothing = (): void => undefined;

export function createConnectionTracker(options: ConnectionTrackerOptions): ConnectionTracker {
  const origins = new Map<string, OriginConnections>();
  return {
    origin(route) {
      const key = `${route.connectMs} ${route.proxy ?? ""} ${route.origin}`;
      let known = origins.get(key);
      if (known === undefined) origins.set(key, (known = new OriginConnections(route, options)));
      return known;
    },
  };
}

/** A request passed to fetch and not answered yet. */
class SentRequest {
  previous: SentRequest | null = null;
  next: SentRequest | null = null;
  isWaiting = true;

  constructor(
    readonly call: Abortable,
    readonly sinceMs: number,
    /** `certainlyNew`, or the count of lookups (of connections opened, for a host in numbers) when it was sent. */
    readonly mark: number,
  ) {}
}

class OriginConnections implements TimerListener {
  private first: SentRequest | null = null;
  private last: SentRequest | null = null;
  /** When a connection to it was last known to be open. */
  private provenMs = Number.NEGATIVE_INFINITY;
  private hasAnswered = false;
  /** Upper bound of idle connections in fetch's pool, and since when one was silent. */
  private kept = 0;
  private keptAtMs = Number.NEGATIVE_INFINITY;
  private timer: TickerTimer | null = null;
  private stopDial: (() => void) | null = null;
  private dialledMs = Number.NEGATIVE_INFINITY;
  /** How far our own test connection got; null: nowhere. */
  private dialStage: DialStage | null = null;
  /** An IP address is not looked up. */
  private readonly isNamed: boolean;
  private readonly isNear: boolean;
  private readonly staleMs: number;

  constructor(
    private readonly route: Route,
    private readonly options: ConnectionTrackerOptions,
  ) {
    const { hostname } = new URL(route.proxy ?? route.origin);
    this.isNamed = isIP(hostname.replace(/^\[|\]$/g, "")) === 0;
    this.isNear = isNear(route.origin);
    this.staleMs = this.isNear && route.proxy === null ? staleNearMs : staleMs;
  }

  /** Just before fetch. Until `over`, `call` is aborted when the origin turns out to be out of reach. */
  requestSent(call: Abortable): SentRequest {
    const nowMs = this.options.ticker.monotonicMs();
    const sent = new SentRequest(call, nowMs, this.markOf(nowMs));
    sent.previous = this.last;
    if (this.last === null) this.first = sent;
    else this.last.next = sent;
    this.last = sent;
    if (this.timer === null) this.arm(this.route.connectMs / 2);
    return sent;
  }

  /** The request has been answered or has failed. Idempotent. */
  requestOver(sent: SentRequest): void {
    if (!sent.isWaiting) return;
    sent.isWaiting = false;
    const { previous, next } = sent;
    if (previous === null) this.first = next;
    else previous.next = next;
    if (next === null) this.last = previous;
    else next.previous = previous;
    if (this.first !== null) return;
    this.timer?.stop();
    this.timer = null;
    this.stopDialling();
  }

  /** A POST was answered; `keeps` unless the vendor announced that it closes the connection. */
  answered(keeps: boolean): void {
    this.sawConnection();
    this.hasAnswered = true;
    if (!keeps) return;
    this.kept += 1;
    this.keptAtMs = this.provenMs;
  }

  /** The origin answers. */
  sawConnection(): void {
    this.provenMs = this.options.ticker.monotonicMs();
  }

  /** A connection was lost; it is unknown which. */
  connectionLost(): void {
    this.kept = 0;
  }

  /**
   * The request's connection broke before an answer: whether the vendor had closed it before the request arrived, that is,
   * it was kept alive and broke immediately. The pool's other connections are no longer relied on.
   */
  wasStale({ mark, sinceMs }: SentRequest): boolean {
    this.kept = 0;
    if (mark === certainlyNew || this.options.ticker.monotonicMs() - sinceMs > this.staleMs) return false;
    // Since it was sent this process has made no new connection to any name, or the machine none at all: so it used an old one.
    return (this.isNamed ? this.options.lookups() : this.options.opened.freshCount()) === mark;
  }

  /**
   * A request broke before an answer: whether during the TLS handshake, before anything was sent. fetch does not report it
   * (Bun 1.4.5). It was if no connection was ever open and our test connection fails in its handshake too.
   */
  brokeInHandshake(signal: AbortSignal): Promise<boolean> | false {
    if (this.provenMs !== Number.NEGATIVE_INFINITY || !this.route.origin.startsWith("https:")) return false;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const giveUp = (): void => resolve(false);
    let isReached = false;
    const stop = this.options.dial(
      this.route,
      true,
      () => {
        this.sawConnection();
        resolve(false);
      },
      () => resolve(isReached),
      () => {
        isReached = true;
      },
    );
    const timer = this.options.ticker.after(Math.min(this.route.connectMs, longestLookMs), { onDue: giveUp });
    signal.addEventListener("abort", giveUp, { once: true });
    return promise.finally(() => {
      timer.stop();
      signal.removeEventListener("abort", giveUp);
      stop();
    });
  }

  private markOf(nowMs: number): number {
    if (this.kept === 0) return certainlyNew;
    if (nowMs - this.keptAtMs >= keptMs) {
      this.kept = 0;
      return certainlyNew;
    }
    this.kept -= 1;
    if (!this.isNamed) return this.options.opened.cachedCount(this.first !== null) ?? certainlyNew;
    const lookups = this.options.lookups();
    // The kept-alive connection itself was made with a lookup: a count of zero means nothing here.
    return lookups === 0 ? certainlyNew : lookups;
  }

  private arm(inMs: number): void {
    this.timer?.stop();
    this.timer = this.options.ticker.after(Math.max(1, inMs), this);
  }

  /** The ticker's. */
  onDue(): void {
    this.timer = null;
    this.checkWaiting();
  }

  /** One timer for all that wait: it checks again as long as any request does. */
  private checkWaiting(): void {
    const { connectMs } = this.route;
    const { dialStage } = this;
    const nowMs = this.options.ticker.monotonicMs();
    // A check that began late, because this process was busy, still gets its full time.
    const isLookedFor = this.stopDial !== null && nowMs - this.dialledMs < connectMs / 2;
    for (let sent = this.first; sent !== null; sent = this.first) {
      const isProven = this.provenMs >= sent.sinceMs;
      if (!isProven && (isLookedFor || nowMs - sent.sinceMs < connectMs)) break;
      this.requestOver(sent);
      if (!isProven)
        sent.call.abort(
          this.options.lacksRoom() ? atCapacity(noConnectionLeft) : timedOutConnecting(this.route, dialStage),
        );
    }
    const oldest = this.first;
    if (oldest === null) return;
    const waitedMs = nowMs - oldest.sinceMs;
    if (waitedMs < connectMs / 2) {
      this.arm(connectMs / 2 - waitedMs);
      return;
    }
    if (nowMs - this.dialledMs >= connectMs / 2) this.dialNow(nowMs);
    this.arm(Math.max(connectMs - waitedMs, this.dialledMs + connectMs / 2 - nowMs));
  }

  private dialNow(nowMs: number): void {
    this.stopDialling();
    this.dialledMs = nowMs;
    this.dialStage = null;
    const stop = this.options.dial(
      this.route,
      !(this.hasAnswered && this.isNear),
      () => {
        this.sawConnection();
        this.stopDialling();
      },
      // fetch reports why it cannot connect.
      nothing,
      (reached) => {
        this.dialStage = reached;
      },
    );
    this.stopDial = stop;
  }

  private stopDialling(): void {
    this.stopDial?.();
    this.stopDial = null;
    this.dialledMs = Number.NEGATIVE_INFINITY;
  }
}

/**
 * A local server may be single-threaded: while it works on an answer, its kernel accepts connections but it does no
 * handshake. Once it has answered, an open connection is enough.
 */
function isNear(origin: string): boolean {
  const host = new URL(origin).hostname.replace(/^\[|\]$/g, "");
  if (isIP(host) === 0) return !host.includes(".") || /\.(?:local|localhost|internal|lan|home)$/.test(host);
  return /^(?:127\.|10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|::1$|f[cd]|fe80:)/i.test(host);
}

function timedOutConnecting({ origin, proxy, connectMs }: Route, reached: DialStage | null): Failure {
  const within = `within ${connectMs / 1_000} s (timeout.connect_s)`;
  const isTunnelled = proxy !== null && origin.startsWith("https:");
  const stage =
    reached === null
      ? `no connection ${within}`
      : isTunnelled && reached === "nearest"
        ? `the proxy was reached and opened no tunnel ${within}`
        : `the TLS handshake was not over ${within}${proxy === null ? "; the server may speak plain HTTP, then base_url must begin with http://" : ""}`;
  return new Failure("unreachable", "Timed out connecting to the upstream.", {
    why: `timed out while connecting: ${stage}`,
  });
}
