// Converts this format's token counts to canonical usage and back.

import { tokenCount, type Usage, usageFromTotal } from "../../canon/usage.ts";
import { isRecord } from "../decoding.ts";
import type { Wire } from "./extras.ts";

/** Null when the value is not a usage object. */
export function decodeUsage(value: unknown): Usage | null {
  if (!isRecord(value)) return null;
  // Compatible servers use the names of the chat format.
  const input = [value.input_tokens_details, value.prompt_tokens_details].find(isRecord) ?? {};
  const output = [value.output_tokens_details, value.completion_tokens_details].find(isRecord) ?? {};
  return usageFromTotal({
    input: tokenCount(value.input_tokens) ?? tokenCount(value.prompt_tokens),
    inputCached: tokenCount(input.cached_tokens) ?? tokenCount(value.cached_tokens),
    inputCacheWrite: tokenCount(input.cache_write_tokens),
    output: tokenCount(value.output_tokens) ?? tokenCount(value.completion_tokens),
    outputReasoning: tokenCount(output.reasoning_tokens),
  });
}

/** Null when a total is unknown. The format requires the details, so an unknown detail is 0 here. */
export function encodeUsage(usage: Usage): Wire | null {
  const { input, output, inputCacheWrite } = usage;
  if (input === null || output === null) return null;
  return {
    input_tokens: input,
    input_tokens_details: {
      cached_tokens: usage.inputCached ?? 0,
      ...(inputCacheWrite === null ? {} : { cache_write_tokens: inputCacheWrite }),
    },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: usage.outputReasoning ?? 0 },
    total_tokens: input + output,
  };
}
