// How connections are shown: the diff of each file with secrets masked, and the list of clients.

import { mask, redact } from "../../canon/redact.ts";
import type { FileChange } from "../../connect/connection.ts";
import { unifiedDiff } from "../../connect/unified-diff.ts";
import { cut, type TerminalStyle } from "../terminal.ts";

/** Stands for a key that is made when it is written. */
export const keyToCome = "<its-own-key>";

/** In a list of variables the name is on another line: the value alone must be enough. */
const bareValue = /("value"\s*:\s*")[^"\s:/]{20,}(?=")/g;
/** A key that this program makes. */
const madeKey = /(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])/g;

const withoutSecrets = (text: string): string =>
  redact(text).replace(bareValue, `$1${mask}`).replace(madeKey, mask);

/** Our own word is no secret and is shown; everything else that looks like one is masked. */
function masked(line: string, shownKey: string): string {
  const parts = line.split(shownKey).map(withoutSecrets);
  // Control characters of the file must not reach the terminal.
  return parts.join(shownKey).replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (each) => (each === "\t" ? each : ""));
}

/** A list of models for a program, with a system prompt each, is nothing to read: it would hide what is. */
const mostLines = 200;
const shownLines = 20;
const widestLine = 300;

export function diffLines({ file, after }: FileChange, shownKey: string): readonly string[] {
  const lines = unifiedDiff(file.path, file.text, after).map((line) =>
    cut(masked(line, shownKey), widestLine),
  );
  if (lines.length <= mostLines) return lines;
  return [...lines.slice(0, shownLines), ` … and ${lines.length - shownLines} more lines`];
}

export function paintedDiff(lines: readonly string[], style: TerminalStyle): string {
  return lines
    .map((line) => {
      if (line.startsWith("+++") || line.startsWith("---")) return style.bold(line);
      if (line.startsWith("@@")) return style.dim(line);
      if (line.startsWith("+")) return style.green(line);
      return line.startsWith("-") ? style.red(line) : line;
    })
    .map((line) => `${line}\n`)
    .join("");
}
