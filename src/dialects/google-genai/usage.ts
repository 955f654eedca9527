// usageMetadata <-> canonical usage. Google counts thinking separately from the candidates; the canonical output
// includes it. Unknown stays unknown: it must never invent a 0.

import { tokenCount, type Usage, usageFromTotal } from "../../canon/usage.ts";
import { isRecord } from "../decoding.ts";

/** Null when the value is not a usage object. Google leaves out counts that are 0. */
export function decodeUsage(value: unknown): Usage | null {
  if (!isRecord(value)) return null;
  const prompt = tokenCount(value["promptTokenCount"]);
  const toolUse = tokenCount(value["toolUsePromptTokenCount"]);
  const candidates = tokenCount(value["candidatesTokenCount"]);
  const thought = tokenCount(value["thoughtsTokenCount"]);
  const total = tokenCount(value["totalTokenCount"]);
  const input = prompt === null && toolUse === null ? null : (prompt ?? 0) + (toolUse ?? 0);
  let output = candidates === null && thought === null ? null : (candidates ?? 0) + (thought ?? 0);
  // A chunk before any output has only the prompt and a total of the same size.
  if (output === null && total !== null && input !== null && total > input) output = total - input;
  return usageFromTotal({
    input,
    inputCached: tokenCount(value["cachedContentTokenCount"]),
    output,
    outputReasoning: thought,
  });
}

/** Null when nothing is known. */
export function encodeUsage(usage: Usage): Record<string, number> | null {
  const { input, inputCached, output, outputReasoning } = usage;
  if (input === null && output === null) return null;
  return {
    ...(input === null ? {} : { promptTokenCount: input }),
    ...(inputCached === null ? {} : { cachedContentTokenCount: inputCached }),
    ...(output === null ? {} : { candidatesTokenCount: Math.max(0, output - (outputReasoning ?? 0)) }),
    ...(outputReasoning === null ? {} : { thoughtsTokenCount: outputReasoning }),
    ...(input === null || output === null ? {} : { totalTokenCount: input + output }),
  };
}
