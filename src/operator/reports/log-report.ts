// GET /api/logs: the last lines of the log. It must never show a secret, not even one that became known after its line was written.

import { type LogTail, maxLines } from "../../system/log-tail.ts";

const usualLines = 100;

export function logReport(
  tail: LogTail,
  redact: (text: string) => string,
  limit: number | undefined,
  cursor: number | undefined,
): { readonly lines: readonly unknown[]; readonly cursor: number } {
  const found = tail.read(Math.min(limit ?? usualLines, maxLines), cursor ?? 0);
  return { lines: found.lines.map((line) => lineOf(redact(line))), cursor: found.cursor };
}

/** If masking cut across the end of a member, the line is not JSON any more; then its text is shown. */
function lineOf(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    return { level: "info", message: line };
  }
}
