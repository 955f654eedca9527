// Adds up the tokens of an answer that took several messages. A count is unknown only where it is unknown in all of them.

import type { Usage } from "../../canon/usage.ts";

const sum = (left: number | null, right: number | null): number | null =>
  left === null && right === null ? null : (left ?? 0) + (right ?? 0);

export function sumUsage(before: Usage | null, more: Usage): Usage {
  if (before === null) return more;
  return {
    input: sum(before.input, more.input),
    inputUncached: sum(before.inputUncached, more.inputUncached),
    inputCached: sum(before.inputCached, more.inputCached),
    inputCacheWrite: sum(before.inputCacheWrite, more.inputCacheWrite),
    output: sum(before.output, more.output),
    outputReasoning: sum(before.outputReasoning, more.outputReasoning),
  };
}
