// Model names as rules write them: the whole name, without case, `*` for any run of characters.
// It must never take time that grows faster than name times pattern: no backtracking over stars.

import { foldText } from "./word-matcher.ts";

/** Tells whether a folded name (`foldText`) fits. */
export type NamePattern = { readonly written: string; fits(foldedName: string): boolean };

export function compileNamePattern(written: string): NamePattern {
  return compiled(written, foldText(written.trim()));
}

/** The same for names as they are written, letter by letter. */
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
      // The leftmost place of each part leaves the most room for the next one.
      for (const part of middle) {
        const found = name.indexOf(part, at);
        if (found < 0 || found + part.length > end) return false;
        at = found + part.length;
      }
      return true;
    },
  };
}
