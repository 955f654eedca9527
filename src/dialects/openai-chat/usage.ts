// Token counts as this format writes them <-> canonical usage. Unknown stays unknown: it must never invent a 0.

import { tokenCount, unknownUsage, type Usage, usageFromTotal } from "../../canon/usage.ts";
import { isRecord } from "../decoding.ts";

/** Null when the value is no usage object. DeepSeek counts cached tokens in `prompt_cache_hit_tokens`. */
export function readUsage(value: unknown): Usage | null {
  if (!isRecord(value)) return null;
  const input = isRecord(value.prompt_tokens_details) ? value.prompt_tokens_details : {};
  const output = isRecord(value.completion_tokens_details) ? value.completion_tokens_details : {};
  return usageFromTotal({
    input: tokenCount(value.prompt_tokens),
    inputCached: tokenCount(input.cached_tokens) ?? tokenCount(value.prompt_cache_hit_tokens),
    output: tokenCount(value.completion_tokens),
    outputReasoning: tokenCount(output.reasoning_tokens),
  });
}

/** Null when a total is unknown: the format has no word for that. */
export function renderUsage(usage: Usage): Record<string, unknown> | null {
  const { input, inputCached, output, outputReasoning } = usage;
  if (input === null || output === null) return null;
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    ...(inputCached === null ? {} : { prompt_tokens_details: { cached_tokens: inputCached } }),
    ...(outputReasoning === null ? {} : { completion_tokens_details: { reasoning_tokens: outputReasoning } }),
  };
}

/** What is left of usage after a trip through this format. */
export function loseUsage(usage: Usage): Usage {
  return readUsage(renderUsage(usage)) ?? unknownUsage;
}
