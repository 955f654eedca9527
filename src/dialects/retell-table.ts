// The table of the functions that describe each format's own blocks for other formats. It must never contain a rule: each kind of
// block has its row in its format's folder.

import type { DialectName, OpaqueBlock } from "../canon/request.ts";
import { retell as retellMessages } from "./anthropic-messages/retell.ts";
import { retell as retellGoogle } from "./google-genai/retell.ts";
import { retell as retellChat } from "./openai-chat/retell.ts";
import { retell as retellResponses } from "./openai-responses/retell.ts";
import type { RetoldBlock } from "./retold.ts";

const retellByDialect: Readonly<Record<DialectName, (value: unknown) => RetoldBlock>> = {
  "anthropic-messages": retellMessages,
  "openai-chat": retellChat,
  "openai-responses": retellResponses,
  "google-genai": retellGoogle,
};

export const retellBlock = (block: OpaqueBlock): RetoldBlock => retellByDialect[block.dialect](block.value);
