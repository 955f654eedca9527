// Masks secrets and what the operator's patterns fit, in pieces with a turn of the loop in between, so that no long text delays a
// request. A piece ends at a line's end or between words: a secret has neither inside.

import { compilePattern, type TextPattern } from "../routing/text-pattern.ts";
import type { LoggedMessage } from "./logged-text.ts";

const mask = "***";
const pieceLength = 16_384;
/** How far back from its longest length a piece may end. */
const searched = 4_096;

export class Redaction {
  private patterns: readonly TextPattern[] = [];
  private written: readonly string[] = [];

  constructor(private readonly redact: (text: string) => string) {}

  async messages(
    messages: readonly LoggedMessage[],
    patterns: readonly string[],
    turn: () => Promise<void>,
  ): Promise<readonly LoggedMessage[]> {
    if (patterns !== this.written) {
      this.patterns = patterns.map(compilePattern);
      this.written = patterns;
    }
    const masked: LoggedMessage[] = [];
    let sinceTurn = 0;
    for (const { role, text } of messages) {
      let whole = "";
      for (const piece of piecesOf(text)) {
        whole += this.piece(piece);
        sinceTurn += piece.length;
        if (sinceTurn < pieceLength) continue;
        sinceTurn = 0;
        await turn();
      }
      masked.push({ role: this.piece(role.slice(0, 100)), text: whole });
    }
    return masked;
  }

  private piece(text: string): string {
    return this.patterns.reduce((shown, pattern) => pattern.masked(shown, mask), this.redact(text));
  }
}

function* piecesOf(text: string): Generator<string> {
  let at = 0;
  while (text.length - at > pieceLength) {
    const end = at + pieceLength;
    const window = text.slice(end - searched, end);
    const line = window.lastIndexOf("\n");
    const word = line >= 0 ? line : Math.max(window.lastIndexOf(" "), window.lastIndexOf(","));
    const cut = word < 0 ? end : end - searched + word + 1;
    yield text.slice(at, cut);
    at = cut;
  }
  yield text.slice(at);
}
