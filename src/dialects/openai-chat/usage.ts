// Converts this format's token counts to canonical usage and back. Unknown stays unknown: it must never invent a 0.

import { tokenCount, type Usage, usageFromTotal } from "../../canon/usage.ts";
import { isRecord } from "../decoding.ts";

type Counts = Readonly<Record<string, unknown>>;

/** The first of these members that contains a count. */
function countIn(value: Counts, ...names: readonly string[]): number | null {
  for (const name of names) {
    const count = tokenCount(value[name]);
    if (count !== null) return count;
  }
  return null;
}

const detailsIn = (value: Counts, ...names: readonly string[]): Counts =>
  names.map((name) => value[name]).find(isRecord) ?? {};

/**
 * Null when the value is not a usage object. Names: OpenAI; DeepSeek `prompt_cache_hit_tokens`; Moonshot `cached_tokens`;
 * LiteLLM and OpenRouter those of Anthropic; some servers those of the Responses API.
 */
export function decodeUsage(value: unknown): Usage | null {
  if (!isRecord(value)) return null;
  const details = detailsIn(value, "prompt_tokens_details", "input_tokens_details");
  const outputDetails = detailsIn(value, "completion_tokens_details", "output_tokens_details");
  const input = countIn(value, "prompt_tokens", "input_tokens");
  const reasoning = countIn(outputDetails, "reasoning_tokens") ?? countIn(value, "reasoning_tokens");
  return usageFromTotal({
    input,
    inputCached:
      countIn(details, "cached_tokens", "cache_read_tokens", "cache_read_input_tokens") ??
      countIn(value, "prompt_cache_hit_tokens", "cached_tokens", "cache_read_input_tokens"),
    inputCacheWrite:
      countIn(details, "cache_write_tokens", "cache_creation_tokens", "cache_creation_input_tokens") ??
      countIn(value, "cache_creation_input_tokens"),
    output: wholeOutput(value, input, reasoning),
    outputReasoning: reasoning,
  });
}

/** xAI counts thinking separately from the completion; its total shows that. Others report only the total. */
function wholeOutput(value: Counts, input: number | null, reasoning: number | null): number | null {
  const output = countIn(value, "completion_tokens", "output_tokens");
  const total = tokenCount(value.total_tokens);
  if (output === null && input !== null && total !== null && total >= input) return total - input;
  if (output === null || input === null || total === null || !reasoning) return output;
  return total === input + output + reasoning ? output + reasoning : output;
}

/**
 * Where vendors put usage: at the top; Moonshot in the choice; others in its delta or message; Groq in its own member;
 * llama.cpp, if usage was not requested, in its timings.
 */
export function usageIn(chunk: Counts, choice: Counts | null): Usage | null {
  const top = decodeUsage(chunk.usage);
  if (top !== null && isCounted(top)) return top;
  const own = choice?.delta ?? choice?.message;
  return (
    decodeUsage(choice?.usage) ??
    (isRecord(own) ? decodeUsage(own.usage) : null) ??
    (isRecord(chunk.x_groq) ? decodeUsage(chunk.x_groq.usage) : null) ??
    top ??
    timedUsage(chunk.timings)
  );
}

/** Vendors that report usage elsewhere may leave zeros or nothing at the top. */
const isCounted = ({ input, output }: Usage): boolean => (input ?? 0) > 0 || (output ?? 0) > 0;

/** llama.cpp counts newly read tokens (`prompt_n`) separately from cached ones (`cache_n`). */
function timedUsage(timings: unknown): Usage | null {
  if (!isRecord(timings)) return null;
  const read = tokenCount(timings.prompt_n);
  const inputCached = tokenCount(timings.cache_n);
  const output = tokenCount(timings.predicted_n);
  if (read === null || output === null) return null;
  return usageFromTotal({ input: read + (inputCached ?? 0), inputCached, output });
}

/** Null when a total is unknown: the format cannot express that. */
export function encodeUsage(usage: Usage): Record<string, unknown> | null {
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
