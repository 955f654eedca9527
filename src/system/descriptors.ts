// How many files, sockets and pipes this process may have open, and how close it is to that limit. At the limit nothing can be
// accepted, dialled, started or read, so code that takes on work checks here first. It must never throw.

import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";
import { errorCode } from "./files.ts";

export type Descriptors = {
  /** Null if unknown; then everything is admitted. */
  readonly limit: number | null;
  /** So low that normal use can exhaust it. */
  readonly isTight: boolean;
  /** Before the process listens: will there be enough for a single request? */
  canServe(): boolean;
  /** Are there enough for one more request? Counts it. */
  admits(): boolean;
  /** Are they short now, or were they within the last second? Then a failed connection says nothing about the other end. */
  wereShort(): boolean;
  /** Checks periodically and calls `relieve`, which releases unused ones, when few are left. The returned function stops it. */
  watch(relieve: () => void, onChange: (isShort: boolean, used: number) => void): () => void;
};

const scarcityCodes: ReadonlySet<string> = new Set(["EMFILE", "ENFILE", "ENOMEM", "ENOBUFS", "EAGAIN"]);

/** The machine lacked resources: the error says nothing about the file or program itself. */
export function isScarcity(error: unknown): boolean {
  return scarcityCodes.has(errorCode(error) ?? "");
}

/** Why something could not be read that may well exist. */
export class Scarcity extends Error {
  override readonly name = "Scarcity";
  readonly code: string;

  constructor(cause: unknown) {
    super("too many files and connections are open at the moment", { cause });
    this.code = isScarcity(cause) ? (errorCode(cause) ?? "EMFILE") : "EMFILE";
  }
}

/** Bun raises the soft limit to the hard one at its start, so this is the limit that the operator set. Linux only. */
export function descriptorLimit(): number | null {
  try {
    const words = /^Max open files\s+(\d+)\s/m.exec(readFileSync("/proc/self/limits", "utf8"));
    return words === null ? null : Number(words[1]);
  } catch {
    return null;
  }
}

/** Null: they cannot be counted, because not even one more can be opened for that. */
export function descriptorsInUse(): number | null {
  try {
    // The descriptor that reads the folder counts itself.
    return readdirSync("/proc/self/fd").length - 1;
  } catch {
    return null;
  }
}

/**
 * Bun's HTTP client opens its own descriptors on its first request and ends the process if it cannot (Bun 1.4.5); root
 * certificates that it cannot open stay missing. So both are opened in advance, while there are enough.
 */
export async function openHttpClient(withCertificates: boolean): Promise<void> {
  const unusedSocket = { unix: "/nonexistent/clawgate" } as RequestInit;
  for (const scheme of withCertificates ? ["http", "https"] : ["http"])
    await fetch(`${scheme}://localhost/`, unusedSocket).catch(() => undefined);
}

/** Tried, because a library that opens files often does not report why it failed. */
export function canOpen(files: number): boolean {
  const opened: number[] = [];
  try {
    while (opened.length < files) opened.push(openSync("/dev/null", "r"));
    return true;
  } catch (error) {
    return !isScarcity(error);
  } finally {
    for (const each of opened) closeSync(each);
  }
}

const comfortableLimit = 4_096;

/** Advice for a low limit, in a line; null for a limit that is high enough or unknown. */
export function lowLimitNotice(limit: number | null): string | null {
  if (limit === null || limit >= comfortableLimit) return null;
  const streams = Math.max(1, Math.floor((limit - reserveOf(limit) - ownDescriptors) / 2));
  return (
    `this process may hold only ${limit} files and connections open, which is about ${streams} requests at once; ` +
    "more are refused with 503. Raise the limit: `ulimit -n 65536` before the start, or LimitNOFILE=65536 in its service"
  );
}

/** Roughly what a gateway without requests has open: databases, watches, its own pipes. */
const ownDescriptors = 26;
/** The listening socket, a watch, and the client of the first request. */
const startReserve = 3;
/** A request's client, its upstream, and what resolving that takes briefly. */
const perRequest = 3;
/** For this long an admitted request may not yet have opened what it needs. */
const openingMs = 100;
/** At the limit a count is reused for this long: refusing must stay cheap. */
const countHoldsMs = 10;
const rememberMs = 1_000;
/** Counting ten thousand connections blocks the process for some milliseconds; with such a high limit it need not be often. */
const watchMs = { tight: 1_000, ample: 5_000 };

/** Reserved for databases, log, reload and the start of a program. */
function reserveOf(limit: number): number {
  return Math.min(64, Math.max(4, limit >> 3));
}

export type DescriptorOptions = {
  readonly limit: number | null;
  readonly inUse: () => number | null;
  /** Running requests. */
  readonly running: () => number;
  readonly nowMs: () => number;
  readonly setTimer: (ms: number, run: () => void) => () => void;
};

/** The number open at the last count, and the number admitted since. */
class DescriptorCount {
  readonly limit: number;
  private readonly reserve: number;
  used = 0;
  relieve = (): void => undefined;
  private room = Number.NEGATIVE_INFINITY;
  private countedMs = Number.NEGATIVE_INFINITY;
  private shortMs = Number.NEGATIVE_INFINITY;
  /** Admitted since the last count, in this span of `openingMs` and in the previous one. */
  private sinceCount = 0;
  private thisSpan = 0;
  private lastSpan = 0;
  private spanMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly options: DescriptorOptions) {
    this.limit = options.limit ?? Number.POSITIVE_INFINITY;
    this.reserve = options.limit === null ? 0 : reserveOf(options.limit);
  }

  get isShort(): boolean {
    return this.used >= this.limit - this.reserve;
  }

  canServe(): boolean {
    const used = this.options.inUse() ?? this.limit;
    return used + startReserve + perRequest <= this.limit - this.reserve;
  }

  admit(): boolean {
    const { nowMs } = this.options;
    if ((this.sinceCount + 1) * perRequest > this.room) {
      if (nowMs() - this.countedMs < countHoldsMs && this.room < perRequest) return false;
      this.check();
      if (this.room < perRequest) return false;
    }
    this.rotateSpan(nowMs());
    this.sinceCount += 1;
    this.thisSpan += 1;
    return true;
  }

  wasShort(): boolean {
    const { nowMs } = this.options;
    if (nowMs() - this.countedMs >= countHoldsMs) this.count();
    return nowMs() - this.shortMs < rememberMs;
  }

  check(): void {
    this.count();
    if (this.room >= perRequest) return;
    this.relieve();
    this.count();
  }

  private count(): void {
    const now = this.options.nowMs();
    this.rotateSpan(now);
    this.used = this.options.inUse() ?? this.limit;
    this.countedMs = now;
    this.sinceCount = 0;
    if (this.isShort) this.shortMs = now;
    const opening = Math.min(this.thisSpan + this.lastSpan, this.options.running());
    this.room = this.limit - this.reserve - this.used - opening * perRequest;
  }

  private rotateSpan(now: number): void {
    if (now - this.spanMs < openingMs) return;
    this.lastSpan = now - this.spanMs < 2 * openingMs ? this.thisSpan : 0;
    this.thisSpan = 0;
    this.spanMs = now;
  }
}

export function createDescriptors(options: DescriptorOptions): Descriptors {
  const count = new DescriptorCount(options);
  const isUnlimited = count.limit === Number.POSITIVE_INFINITY;
  const isTight = count.limit < comfortableLimit;
  return {
    limit: options.limit,
    isTight,
    canServe: () => count.canServe(),
    admits: () => isUnlimited || count.admit(),
    wereShort: () => !isUnlimited && count.wasShort(),
    watch(giveUp, onChange) {
      if (isUnlimited) return () => undefined;
      count.relieve = giveUp;
      const everyMs = isTight ? watchMs.tight : watchMs.ample;
      let isShort = false;
      let cancel = (): void => undefined;
      const round = (): void => {
        count.check();
        if (count.isShort !== isShort) onChange(count.isShort, count.used);
        isShort = count.isShort;
        cancel = options.setTimer(everyMs, round);
      };
      cancel = options.setTimer(everyMs, round);
      return () => {
        count.relieve = () => undefined;
        cancel();
      };
    },
  };
}
