// How many tokens a known window leaves for the answer: a limit beyond it is refused by many vendors, however short the answer.
// It must never cut a limit to next to nothing: a request that hardly fits is the vendor's to judge.

import { estimateTokens, estimateTokensOfBytes } from "../canon/tokens.ts";
import type { Provider } from "./dependencies.ts";
import type { IncomingRequest } from "./incoming-request.ts";

/** Below it nothing is cut. */
const minRemaining = 1_024;
/** Beyond it no client's limit goes. */
const maxAnswerTokens = 131_072;
/** The prompt is only estimated. */
const estimateMargin = 1.1;

/** Null: the window is not known, is far away, or is as good as full. */
export function remainingWindow(
  { backend, modelFacts }: Provider,
  model: string,
  incoming: IncomingRequest,
): number | null {
  // Google counts prompts and answers apart.
  if (backend.dialect === null || backend.dialect === "google-genai") return null;
  const { contextWindow } = modelFacts(model);
  if (contextWindow === null) return null;
  let prompt = estimateTokensOfBytes(incoming.envelope.bytes.length) * estimateMargin;
  if (contextWindow - prompt >= maxAnswerTokens) return null;
  // Pictures weigh more in bytes than in tokens; a long body is read for it, a short one is not worth it.
  if (prompt * 2 > contextWindow) {
    const read = estimatedPrompt(incoming);
    if (read === null) return null;
    prompt = read * estimateMargin;
  }
  const remaining = Math.floor(contextWindow - prompt);
  return remaining < minRemaining ? null : remaining;
}

/** Null for a request that only its own format can say. */
function estimatedPrompt(incoming: IncomingRequest): number | null {
  try {
    return estimateTokens(incoming.decode());
  } catch {
    return null;
  }
}
