// The operator's own patterns, run on RE2: the time grows only with the text's length, whatever the pattern. JavaScript's
// own RegExp must never run one of them.

import type { RE2JS } from "re2js";

export const maxPatternLength = 500;

/** Limit of RE2 instructions; each may be visited for every character of the text. */
const maxProgramSize = 2_000;

/** How many characters of a text are searched, so that a pasted book does not delay other requests. */
export const maxTextLength = 16_384;

export type TextPattern = {
  readonly written: string;
  occursIn(text: string): boolean;
  /** With every occurrence replaced; the text is searched as a whole. */
  masked(text: string, mask: string): string;
};

function compile(written: string): RE2JS {
  // Loaded with the first pattern: its tables cost 20 ms at start, and most configs have no pattern.
  const engine: typeof import("re2js") = require("re2js");
  return engine.RE2JS.compile(written);
}

/** Features of other engines that RE2 lacks, by the fragment that its error message quotes. */
const unsupported: readonly (readonly [RegExp, string])[] = [
  [/invalid escape sequence: `\\[1-9]/, "backreferences are not supported"],
  [/`\(\?<?[=!]/, "looking ahead or behind is not supported"],
];

/** Why this pattern cannot be used, or null. */
export function problemOfPattern(written: string): string | null {
  if (written.length > maxPatternLength) return `it is longer than ${maxPatternLength} characters`;
  try {
    const size = compile(written).programSize();
    return size > maxProgramSize ? "its repetitions make it too large" : null;
  } catch (error) {
    const complaint =
      error instanceof Error ? error.message.replace("error parsing regexp: ", "") : String(error);
    const known = unsupported.find(([pattern]) => pattern.test(complaint));
    return known === undefined ? complaint : `${known[1]} (${complaint})`;
  }
}

/** Throws on a pattern that `problemOfPattern` rejects. */
export function compilePattern(written: string): TextPattern {
  const pattern = compile(written);
  return {
    written,
    occursIn: (text) => pattern.test(text.length > maxTextLength ? text.slice(0, maxTextLength) : text),
    masked: (text, mask) => pattern.matcher(text).replaceAll(mask),
  };
}
