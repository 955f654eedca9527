// Token counts as inclusive totals and disjoint parts, so that no reader ever subtracts. Unknown is null, never 0.

/**
 * `input` includes `inputCached` and `inputCacheWrite`; `inputUncached` is the rest. `output` includes
 * `outputReasoning`.
 */
export type Usage = {
  readonly input: number | null;
  readonly inputUncached: number | null;
  readonly inputCached: number | null;
  readonly inputCacheWrite: number | null;
  readonly output: number | null;
  readonly outputReasoning: number | null;
};

export const unknownUsage: Usage = {
  input: null,
  inputUncached: null,
  inputCached: null,
  inputCacheWrite: null,
  output: null,
  outputReasoning: null,
};

/** A count from outside: a whole number of at least 0, else unknown. Vendors have sent negative and fractional ones. */
export function tokenCount(value: unknown): number | null {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : null;
}

/** OpenAI's convention: the input total includes the cached part. */
export function usageFromTotal(parts: {
  input: number | null;
  inputCached: number | null;
  inputCacheWrite?: number | null;
  output: number | null;
  outputReasoning?: number | null;
}): Usage {
  const { input, inputCached, output } = parts;
  const inputCacheWrite = parts.inputCacheWrite ?? null;
  return {
    input,
    inputUncached: input === null ? null : Math.max(0, input - (inputCached ?? 0) - (inputCacheWrite ?? 0)),
    inputCached,
    inputCacheWrite,
    output,
    outputReasoning: parts.outputReasoning ?? null,
  };
}

/** Anthropic's convention: `input_tokens` excludes both the cached and the cache-write part. */
export function usageFromParts(parts: {
  inputUncached: number | null;
  inputCached: number | null;
  inputCacheWrite: number | null;
  output: number | null;
  outputReasoning?: number | null;
}): Usage {
  const { inputUncached, inputCached, inputCacheWrite, output } = parts;
  return {
    input: inputUncached === null ? null : inputUncached + (inputCached ?? 0) + (inputCacheWrite ?? 0),
    inputUncached,
    inputCached,
    inputCacheWrite,
    output,
    outputReasoning: parts.outputReasoning ?? null,
  };
}

/** The sum of two answers' usage; where only one is known, that one. */
export function addUsage(one: Usage, other: Usage): Usage {
  const sum = (key: keyof Usage): number | null =>
    one[key] === null && other[key] === null ? null : (one[key] ?? 0) + (other[key] ?? 0);
  return {
    input: sum("input"),
    inputUncached: sum("inputUncached"),
    inputCached: sum("inputCached"),
    inputCacheWrite: sum("inputCacheWrite"),
    output: sum("output"),
    outputReasoning: sum("outputReasoning"),
  };
}

/** The later count wins where it is known; a null never erases a number, nor does a final count of zeros (no prompt is empty). */
export function mergeUsage(older: Usage, newer: Usage): Usage {
  if (newer.input === 0 && (older.input ?? 0) > 0 && (newer.output ?? 0) === 0) return older;
  return {
    input: newer.input ?? older.input,
    inputUncached: newer.inputUncached ?? older.inputUncached,
    inputCached: newer.inputCached ?? older.inputCached,
    inputCacheWrite: newer.inputCacheWrite ?? older.inputCacheWrite,
    output: newer.output ?? older.output,
    outputReasoning: newer.outputReasoning ?? older.outputReasoning,
  };
}
