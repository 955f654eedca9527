// Matches model names against patterns of rules: the whole name, ignoring case, `*` for any run of characters.
// Its time must never grow faster than name length times pattern length: no backtracking over stars.

import { foldText } from "./word-matcher.ts";

/** Whether a folded name (`foldText`) matches. */
export type NamePattern = { readonly written: string; fits(foldedName: string): boolean };

export function compileNamePattern(written: string): NamePattern {
  return compiled(written, foldText(written.trim()));
}

/** The same for unfolded names, case-sensitive. */
export function compileExactPattern(written: string): NamePattern {
  return compiled(written, written.trim());
}

function compiled(written: string, pattern: string): NamePattern {
  const [head = "", ...rest] = pattern.split("*");
  const tail = rest.pop();
  if (tail === undefined) return { written, fits: (name) => name === head };
  const middle = rest.filter((part) => part !== "");
  return {
    written,
    fits(name) {
      if (name.length < head.length + tail.length) return false;
      if (!name.startsWith(head) || !name.endsWith(tail)) return false;
      const end = name.length - tail.length;
      let at = head.length;
      // The leftmost match of each part leaves the most room for the next one.
      for (const part of middle) {
        const found = name.indexOf(part, at);
        if (found < 0 || found + part.length > end) return false;
        at = found + part.length;
      }
      return true;
    },
  };
}
