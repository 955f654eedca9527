// What each format loses of an answer, by its name: the oracles beside the tests of each format.

import type { StreamEvent } from "../../src/canon/event.ts";
import type { DialectName } from "../../src/canon/request.ts";
import { lose as loseOfAnthropic } from "./anthropic-messages/loss.ts";
import { lose as loseOfGoogle } from "./google-genai/loss.ts";
import { lose as loseOfChat } from "./openai-chat/loss.ts";
import { lose as loseOfResponses } from "./openai-responses/loss.ts";

/** What is left of events after a trip through the format. */
export const losses: Readonly<Record<DialectName, (events: readonly StreamEvent[]) => StreamEvent[]>> = {
  "openai-chat": loseOfChat,
  "anthropic-messages": loseOfAnthropic,
  "openai-responses": loseOfResponses,
  "google-genai": loseOfGoogle,
};
