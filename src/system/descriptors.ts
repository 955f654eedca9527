// How many files, sockets and pipes this process may hold open, and how near it is to that. At the limit nothing can be
// accepted, dialled, started or read any more, so whoever takes on work asks here first. It must never throw.

import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";
import { errorCode } from "./files.ts";

export type Descriptors = {
  /** Null where it is not known; then everybody is admitted. */
  readonly limit: number | null;
  /** Few enough that an ordinary day can use them up. */
  readonly isTight: boolean;
  /** Before it listens: will there be room for a single request? */
  canServe(): boolean;
  /** Is there room for one more request? Counts it in. */
  admits(): boolean;
  /** Are they short now, or were they within the last second? Then a connection that could not be made says nothing of its other end. */
  wereShort(): boolean;
  /** Looks from time to time and calls `relieve`, which gives up what nobody uses, when there is little room. The answer ends it. */
  watch(relieve: () => void, onChange: (isShort: boolean, used: number) => void): () => void;
};

const scarcityCodes: ReadonlySet<string> = new Set(["EMFILE", "ENFILE", "ENOMEM", "ENOBUFS", "EAGAIN"]);

/** The machine had nothing left to do it with: that says nothing of what was to be read or started. */
export function isScarcity(error: unknown): boolean {
  return scarcityCodes.has(errorCode(error) ?? "");
}

/** Why something could not be looked at that may well be there. */
export class Scarcity extends Error {
  override readonly name = "Scarcity";
  readonly code: string;

  constructor(cause: unknown) {
    super("too many files and connections are open at the moment", { cause });
    this.code = isScarcity(cause) ? (errorCode(cause) ?? "EMFILE") : "EMFILE";
  }
}

/** Bun raises the soft limit to the hard one when it starts, so this is what the operator allowed. Linux only. */
export function descriptorLimit(): number | null {
  try {
    const words = /^Max open files\s+(\d+)\s/m.exec(readFileSync("/proc/self/limits", "utf8"));
    return words === null ? null : Number(words[1]);
  } catch {
    return null;
  }
}

/** Null: it cannot be counted, not even one more can be opened for that. */
export function descriptorsInUse(): number | null {
  try {
    // The one that reads the folder counts itself.
    return readdirSync("/proc/self/fd").length - 1;
  } catch {
    return null;
  }
}

/**
 * Bun's HTTP client opens what it lives on with its first request, and ends the process where it cannot (Bun 1.4.5); root
 * certificates that it cannot open are missing for good. So both are opened ahead, while there is room.
 */
export async function openHttpClient(withCertificates: boolean): Promise<void> {
  const nobody = { unix: "/nonexistent/clawgate" } as RequestInit;
  for (const scheme of withCertificates ? ["http", "https"] : ["http"])
    await fetch(`${scheme}://localhost/`, nobody).catch(() => undefined);
}

/** Tried, because a library that opens files often does not say why it could not. */
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

/** What to do about a low limit, in a line; null for one that is high enough or not known. */
export function lowLimitNotice(limit: number | null): string | null {
  if (limit === null || limit >= comfortableLimit) return null;
  const streams = Math.max(1, Math.floor((limit - reserveOf(limit) - ownDescriptors) / 2));
  return (
    `this process may hold only ${limit} files and connections open, which is about ${streams} requests at once; ` +
    "more are refused with 503. Raise the limit: `ulimit -n 65536` before the start, or LimitNOFILE=65536 in its service"
  );
}

/** About what a gateway holds open that answers nobody: databases, watches, its own pipes. */
const ownDescriptors = 26;
/** The listening socket, a watch, and the client of the first request. */
const stillToOpen = 3;
/** A request's client, its upstream and what finding that takes for a moment. */
const perRequest = 3;
/** For as long as this a request that was let in may not yet have opened what it needs. */
const openingMs = 100;
/** When there is no room, a look holds for this long: refusing must stay cheap. */
const countHoldsMs = 10;
const rememberMs = 1_000;
/** A look at ten thousand connections holds everything up for some milliseconds; where so many may be open there is time. */
const watchMs = { tight: 1_000, ample: 5_000 };

/** Kept for databases, log, reload and the start of a program. */
function reserveOf(limit: number): number {
  return Math.min(64, Math.max(4, limit >> 3));
}

export type DescriptorOptions = {
  readonly limit: number | null;
  readonly inUse: () => number | null;
  /** Requests that are under way. */
  readonly running: () => number;
  readonly nowMs: () => number;
  readonly setTimer: (ms: number, run: () => void) => () => void;
};

/** What is open, as of the last look, and what has been let in since. */
class DescriptorCount {
  readonly limit: number;
  private readonly reserve: number;
  used = 0;
  relieve = (): void => undefined;
  private room = Number.NEGATIVE_INFINITY;
  private countedMs = Number.NEGATIVE_INFINITY;
  private shortMs = Number.NEGATIVE_INFINITY;
  /** Let in since the last look, in this span of `openingMs` and in the one before. */
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
    return used + stillToOpen + perRequest <= this.limit - this.reserve;
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
