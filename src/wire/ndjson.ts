// Splits bytes into lines of newline-delimited JSON. Bounded: a line over the limit is refused before it is complete.
// It must never know what a line means; the reader checks whether it is JSON.

export class LineTooLong extends Error {
  override readonly name = "LineTooLong";
}

/** A line larger than this is refused: an image of 32 MB in base64 still fits. */
export const maxLineBytes = 64 * 1024 * 1024;

export type LineSplitter = {
  /** Complete lines without their line breaks; blank ones are left out. Throws LineTooLong, after the lines before it. */
  push(chunk: Uint8Array): string[];
  /** What came after the last line break. */
  end(): string[];
};

/** `limit` counts UTF-16 units of text, which is never more than its bytes. */
export function lineSplitter(limit = maxLineBytes): LineSplitter {
  // A leading BOM is dropped, broken UTF-8 becomes U+FFFD: neither may lose its line.
  const text = new TextDecoder("utf-8");
  // Pieces of one line, joined once, so that a long line in small chunks takes linear time.
  let pieces: string[] = [];
  let held = 0;

  const keep = (piece: string): void => {
    held += piece.length;
    if (held > limit) throw new LineTooLong("A line is longer than the limit.");
    if (piece !== "") pieces.push(piece);
  };
  const finish = (lines: string[]): void => {
    const joined = pieces.length === 1 ? (pieces[0] ?? "") : pieces.join("");
    pieces = [];
    held = 0;
    const line = joined.endsWith("\r") ? joined.slice(0, -1) : joined;
    if (line.trim() !== "") lines.push(line);
  };
  const takeInto = (lines: string[], input: string): void => {
    let from = 0;
    for (;;) {
      const end = input.indexOf("\n", from);
      if (end < 0) break;
      keep(input.slice(from, end));
      finish(lines);
      from = end + 1;
    }
    keep(from === 0 ? input : input.slice(from));
  };
  let tooLong: LineTooLong | null = null;
  const take = (input: string): string[] => {
    if (tooLong !== null) throw tooLong;
    const lines: string[] = [];
    try {
      takeInto(lines, input);
    } catch (thrown) {
      // Complete lines before it are returned first; the error follows in the next step.
      if (!(thrown instanceof LineTooLong) || lines.length === 0) throw thrown;
      tooLong = thrown;
    }
    return lines;
  };

  return {
    push: (chunk) => take(text.decode(chunk, { stream: true })),
    end() {
      const lines = take(text.decode());
      finish(lines);
      return lines;
    },
  };
}

/** The object in a line, or null where it contains anything else. */
export function readObject(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

/** One object as a line with its line break. */
export function encodeLine(value: object): string {
  // JSON.stringify writes line breaks inside strings as escapes, so the line stays one.
  return `${JSON.stringify(value)}\n`;
}
