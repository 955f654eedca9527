// The operator's own patterns, run on RE2: time grows with the text only, whatever the pattern and whoever writes the text.
// The language's own RegExp must never see one of them.

import type { RE2JS } from "re2js";

export const maxPatternLength = 500;

/** RE2's instructions; each of them may be looked at for every character of the text. */
const maxProgramSize = 2_000;

/** Characters of a text that are looked at, so that a pasted book does not hold up everybody else. */
export const maxTextLength = 16_384;

export type TextPattern = { readonly written: string; occursIn(text: string): boolean };

function compile(written: string): RE2JS {
  // Loaded with the first pattern: its tables cost 20 ms at start, and most configs have no pattern.
  const engine: typeof import("re2js") = require("re2js");
  return engine.RE2JS.compile(written);
}

/** What RE2 lacks although other engines have it, by the way its complaint quotes it. */
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

/** Throws on a pattern that `problemOfPattern` complains about. */
export function compilePattern(written: string): TextPattern {
  const pattern = compile(written);
  return {
    written,
    occursIn: (text) => pattern.test(text.length > maxTextLength ? text.slice(0, maxTextLength) : text),
  };
}
