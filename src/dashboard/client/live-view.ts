// What the live page makes of events: the requests that run, and a bounded list of log lines.

import type { LiveRow, LogEntry } from "./api-shapes.ts";
import { duration } from "./formatting.ts";

const keptLines = 1_000;
export const logLevels = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof logLevels)[number];

/** Lines at the level or above it. */
export function linesFrom(lines: readonly LogLine[], level: LogLevel): readonly LogLine[] {
  const least = logLevels.indexOf(level);
  return lines.filter((line) => {
    const at = logLevels.indexOf(line.level as LogLevel);
    // A level that we do not know is not hidden.
    return at < 0 || at >= least;
  });
}

/** A line as it arrived. The numbers of lines begin again when the gateway does, its ids do not. */
export type LogLine = LogEntry & { readonly id: string };

/** The newest at the end; the oldest go. Lines that come again after a reconnect are not added. */
export function withLines(lines: readonly LogLine[], added: readonly LogLine[]): readonly LogLine[] {
  const known = new Set(lines.map(({ id }) => id));
  const fresh = added.filter(({ id }) => !known.has(id));
  return fresh.length === 0 ? lines : [...lines, ...fresh].slice(-keptLines);
}

/** The lines that arrived after the last one of `before`. */
export function linesAfter(lines: readonly LogLine[], before: readonly LogLine[]): readonly LogLine[] {
  const last = before.at(-1)?.id;
  return lines.slice(lines.findLastIndex(({ id }) => id === last) + 1);
}

const stageTexts: Readonly<Record<string, string>> = {
  reading: "reading the body",
  waiting: "waiting for a turn",
  asking: "asking",
  streaming: "streaming",
};

export const stageText = (stage: string): string => stageTexts[stage] ?? stage;

/** In whole seconds: it changes once in a second. */
export const ageText = (ms: number): string =>
  ms < 1_000 ? "< 1 s" : duration(Math.floor(ms / 1_000) * 1_000).replace(/\.0+ s$/, " s");

/** "place 3 at ollama" */
export function queueText(queue: LiveRow["queue"]): string | null {
  return queue ? `place ${queue.position} at ${queue.provider}` : null;
}

/** Running first by age, then those that wait. */
export function liveOrder(rows: readonly LiveRow[]): readonly LiveRow[] {
  const rank = ({ stage }: LiveRow): number => (stage === "waiting" ? 1 : 0);
  return [...rows].sort((one, other) => rank(one) - rank(other) || one.started_at_ms - other.started_at_ms);
}
