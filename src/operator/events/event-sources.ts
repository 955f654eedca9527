// What GET /api/events looks at: running requests, ended ones, the log, the health of providers. Each tells only what is new.

import type { HealthTracker } from "../../backends/health/health-tracker.ts";
import type { RecordQueries } from "../../metrics/query-shapes.ts";
import type { LiveRegistry } from "../../pipeline/live-requests.ts";
import type { Clock } from "../../system/clock.ts";
import type { LogTail } from "../../system/log-tail.ts";
import { liveReport } from "../reports/live-report.ts";
import type { EventFeed, EventSource } from "./event-feed.ts";
import type { FeedEvent } from "./event-reader.ts";

export type EventSourceOptions = {
  readonly feed: Pick<EventFeed, "hasNewRecords">;
  readonly clock: Clock;
  readonly live: Pick<LiveRegistry, "list">;
  readonly reports: Pick<RecordQueries, "requests">;
  readonly health: Pick<HealthTracker, "view">;
  readonly logTail: Pick<LogTail, "read">;
  readonly redact: (text: string) => string;
  readonly providerIds: () => Iterable<string>;
};

export function eventSources(options: EventSourceOptions): readonly EventSource[] {
  return [liveSource(options), requestSource(options), logSource(options), healthSource(options)];
}

/** Running requests and health are shown once a second. */
function everySecond(clock: Clock): () => boolean {
  let dueMs = 0;
  return () => {
    const nowMs = clock.monotonicMs();
    if (nowMs < dueMs) return false;
    // A timer may come a little early.
    dueMs = nowMs + 990;
    return true;
  };
}

function liveSource({ clock, live }: EventSourceOptions): EventSource {
  const isDue = everySecond(clock);
  let shown = "";
  return {
    kind: "live",
    first: () => [{ kind: "live", data: liveReport(live) }],
    look() {
      if (!isDue()) return [];
      const data = liveReport(live);
      const text = JSON.stringify(data);
      if (text === shown) return [];
      shown = text;
      return [{ kind: "live", data }];
    },
  };
}

const maxRows = 200;
/** With more of them a second nobody reads each: a few of them now and then show as much, and every reader costs less. */
const busyPerSecond = 300;
const busyRows = 100;
const busyLookMs = 1_990;
/** Clocks of records are whole milliseconds. */
const slackMs = 5;

function requestSource({ feed, clock, reports }: EventSourceOptions): EventSource {
  let sinceMs = 0;
  let lastId: number | null = null;
  let lookedAtMs = Number.NEGATIVE_INFINITY;
  let readAtMs = Number.NEGATIVE_INFINITY;
  let isBusy = false;
  return {
    kind: "request",
    first() {
      const nowMs = clock.monotonicMs();
      // Nobody looked for a while: what ended meanwhile is in /api/requests.
      if (nowMs - lookedAtMs > 5_000) {
        sinceMs = clock.nowMs() - slackMs;
        lastId = null;
        isBusy = false;
        feed.hasNewRecords = false;
      }
      lookedAtMs = nowMs;
      return [];
    },
    async look() {
      lookedAtMs = clock.monotonicMs();
      const passedMs = lookedAtMs - readAtMs;
      if (!feed.hasNewRecords || (isBusy && passedMs < busyLookMs)) return [];
      feed.hasNewRecords = false;
      readAtMs = lookedAtMs;
      const { requests } = await reports.requests({ limit: isBusy ? busyRows : maxRows });
      const known = lastId;
      const news = requests.filter(({ id, timestamp, latency_ms: ms }) =>
        known === null ? timestamp * 1000 + ms >= sinceMs : id > known,
      );
      lastId = news[0]?.id ?? lastId;
      // Their numbers are consecutive.
      isBusy = known !== null && ((lastId ?? known) - known) * 1_000 > busyPerSecond * passedMs;
      return news.toReversed().map((data) => ({ kind: "request", data }));
    },
  };
}

const firstLines = 100;
const maxLinesALook = 500;

function logSource({ logTail, redact, clock }: EventSourceOptions): EventSource {
  // Line numbers begin again with the process: an id of another one must not hide lines of this one.
  const run = Math.floor(clock.nowMs()).toString(36);
  let cursor = 0;
  const read = (limit: number, after: number): { events: FeedEvent[]; cursor: number } => {
    const found = logTail.read(limit, after);
    const firstSeq = found.cursor - found.lines.length + 1;
    const events = found.lines.map((line, at): FeedEvent => {
      const seq = firstSeq + at;
      return { kind: "log", id: `${run}-${seq}`, data: logLine(seq, redact(line)) };
    });
    return { events, cursor: found.cursor };
  };
  return {
    kind: "log",
    first(lastEventId) {
      const [lastRun, seq = ""] = lastEventId?.split("-") ?? [];
      const isResumed = lastRun === run && /^\d{1,15}$/.test(seq);
      return read(isResumed ? maxLinesALook : firstLines, isResumed ? Number(seq) : 0).events;
    },
    look() {
      const found = read(maxLinesALook, cursor);
      cursor = found.cursor;
      return found.events;
    },
  };
}

function logLine(seq: number, line: string) {
  try {
    const { time, level, message, ...fields } = JSON.parse(line) as Readonly<Record<string, unknown>>;
    const atMs = typeof time === "string" ? Date.parse(time) : Number.NaN;
    return {
      seq,
      at_ms: Number.isNaN(atMs) ? null : atMs,
      level: String(level),
      message: String(message),
      fields,
    };
  } catch {
    // Masking cut across the end of a member, so the line is not JSON any more.
    return { seq, at_ms: null, level: "info", message: line, fields: {} };
  }
}

function healthSource({ clock, health, providerIds }: EventSourceOptions): EventSource {
  const isDue = everySecond(clock);
  const shown = new Map<string, string>();
  const viewOf = (provider: string) => {
    const { healthy, circuit, retryAtMs } = health.view(provider);
    return { provider, healthy, circuit, until_ms: retryAtMs };
  };
  return {
    kind: "health",
    first: () => Array.from(providerIds(), (id): FeedEvent => ({ kind: "health", data: viewOf(id) })),
    look() {
      if (!isDue()) return [];
      const ids = [...providerIds()];
      for (const id of shown.keys()) if (!ids.includes(id)) shown.delete(id);
      return ids.flatMap((id): FeedEvent[] => {
        const data = viewOf(id);
        const text = JSON.stringify(data);
        if (shown.get(id) === text) return [];
        shown.set(id, text);
        return [{ kind: "health", data }];
      });
    },
  };
}
