// How many tokens a known context window leaves for the answer: many vendors refuse a larger limit, however short the answer.
// It must never cut a limit to almost nothing: the vendor judges a request that hardly fits.

import { estimateTokens, estimateTokensOfBytes } from "../../canon/tokens.ts";
import type { Provider } from "../dependencies.ts";
import type { IncomingRequest } from "../incoming-request.ts";

/** Below it nothing is cut. */
const minRemaining = 1_024;
/** No client sets a larger limit. */
const maxAnswerTokens = 131_072;
/** Margin, because the prompt is only estimated. */
const estimateMargin = 1.1;

/** Null: the window is unknown, far from full, or almost full. */
export function remainingWindow(
  { backend, modelFacts }: Provider,
  model: string,
  incoming: IncomingRequest,
): number | null {
  // Google counts prompts and answers separately.
  if (backend.dialect === null || backend.dialect === "google-genai") return null;
  const { contextWindow } = modelFacts(model);
  if (contextWindow === null) return null;
  let prompt = estimateTokensOfBytes(incoming.envelope.bytes.length) * estimateMargin;
  if (contextWindow - prompt >= maxAnswerTokens) return null;
  // Images take more bytes than tokens, so a long body is decoded to count; a short one is not worth it.
  if (prompt * 2 > contextWindow) {
    const read = estimatedPrompt(incoming);
    if (read === null) return null;
    prompt = read * estimateMargin;
  }
  const remaining = Math.floor(contextWindow - prompt);
  return remaining < minRemaining ? null : remaining;
}

/** Null for a request that only its own format can express. */
function estimatedPrompt(incoming: IncomingRequest): number | null {
  try {
    return estimateTokens(incoming.decode());
  } catch {
    return null;
  }
}
