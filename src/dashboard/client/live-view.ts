// What the live page makes of events: the requests that run, and a bounded list of log lines.

import type { LiveRow, LogEntry } from "./api-shapes.ts";

const keptLines = 1_000;
export const logLevels = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof logLevels)[number];

/** Lines at the level or above it. */
export function linesFrom(lines: readonly LogEntry[], level: LogLevel): readonly LogEntry[] {
  const least = logLevels.indexOf(level);
  return lines.filter((line) => {
    const at = logLevels.indexOf(line.level as LogLevel);
    // A level that we do not know is not hidden.
    return at < 0 || at >= least;
  });
}

/** The newest at the end; the oldest go. */
export function withLines(lines: readonly LogEntry[], added: readonly LogEntry[]): readonly LogEntry[] {
  const last = lines.at(-1)?.seq ?? Number.NEGATIVE_INFINITY;
  // After a reconnect lines may come again.
  const fresh = added.filter(({ seq }) => seq > last);
  return fresh.length === 0 ? lines : [...lines, ...fresh].slice(-keptLines);
}

const stageTexts: Readonly<Record<string, string>> = {
  reading: "reading the body",
  waiting: "waiting for a turn",
  asking: "asking",
  streaming: "streaming",
};

export const stageText = (stage: string): string => stageTexts[stage] ?? stage;

/** "place 3 at ollama", of whatever the gateway says of a queue. */
export function queueText(queue: unknown): string | null {
  if (typeof queue !== "object" || queue === null) return null;
  const { position, place, provider, of, length } = queue as Readonly<Record<string, unknown>>;
  const number = typeof position === "number" ? position : typeof place === "number" ? place : null;
  const whole = typeof of === "number" ? of : typeof length === "number" ? length : null;
  const parts = [
    number === null ? null : `place ${number}${whole === null ? "" : ` of ${whole}`}`,
    typeof provider === "string" ? `at ${provider}` : null,
  ].filter((part) => part !== null);
  return parts.length === 0 ? null : parts.join(" ");
}

/** Running first by age, then those that wait. */
export function liveOrder(rows: readonly LiveRow[]): readonly LiveRow[] {
  const rank = ({ stage }: LiveRow): number => (stage === "waiting" ? 1 : 0);
  return [...rows].sort((one, other) => rank(one) - rank(other) || one.started_at_ms - other.started_at_ms);
}
