// The last lines of the log, kept in memory for later requests. It must never grow beyond its bounds, however much is logged.

export type LogTail = {
  /** One line as JSON, without its line break. */
  keep(line: string): void;
  /** The newest `limit` lines after `cursor` (0: all that are kept), oldest first, and the cursor to continue from. */
  read(limit: number, cursor: number): { readonly lines: readonly string[]; readonly cursor: number };
};

export const maxLines = 2_000;
const maxCharacters = 8 * 1024 * 1024;
/** Far more than one line of ours needs; a line with hundreds of fields is shortened. */
const longestLine = 64 * 1024;

export function createLogTail(): LogTail {
  // A ring: line number n is at n modulo its size.
  const ring: string[] = [];
  let first = 0;
  let next = 0;
  let characters = 0;

  const dropFirst = (): void => {
    characters -= ring[first % maxLines]?.length ?? 0;
    ring[first % maxLines] = "";
    first += 1;
  };

  return {
    keep(line) {
      const kept = line.length <= longestLine ? line : shortened(line);
      while (next - first >= maxLines || (next > first && characters + kept.length > maxCharacters))
        dropFirst();
      ring[next % maxLines] = kept;
      characters += kept.length;
      next += 1;
    },
    read(limit, cursor) {
      // A cursor of another run is past the end: there is nothing new for it.
      const from = Math.max(first, Math.min(cursor, next), next - Math.max(0, limit));
      const lines = Array.from({ length: next - from }, (_, at) => ring[(from + at) % maxLines] ?? "");
      return { lines, cursor: next };
    },
  };
}

/** The line's own time, level and message come first. */
function shortened(line: string): string {
  const { time, level, message } = JSON.parse(line) as Readonly<Record<string, unknown>>;
  return JSON.stringify({ time, level, message, shortened: true });
}
