// What a request may need at most, told from its bytes. It may say too much, never too little:
// only when a model might lack something is the body decoded for a close look.

import type { Needs } from "../routing/capabilities.ts";
import { estimateTokensOfBytes } from "../canon/tokens.ts";
import type { Enrolled } from "./enrol.ts";

/** Words that stand in every body with an image. Each costs a search through the whole body. */
const imageWord = Buffer.from("image");
const googleImageWords = ["inlineData", "inline_data", "fileData", "file_data"].map((word) =>
  Buffer.from(word),
);

const toolMembers = new Set(["tools", "functions"]);
const formatMembers = new Set(["response_format", "output_config", "output_format", "text"]);
const thinkingMembers = new Set(["thinking", "reasoning"]);
const limitMembers = new Set(["max_tokens", "max_completion_tokens", "max_output_tokens"]);
/** Google's one member for limits, format and thinking. */
const configMembers = new Set(["generationConfig", "generation_config"]);

export function needsAtMost({ bytes, scan }: Enrolled): Needs {
  let tools = false;
  let jsonSchema = false;
  let thinking = false;
  let outputTokens: number | null = null;
  let isGoogle = false;
  for (const { key, kind, start, end } of scan.members) {
    if (kind === "null") continue;
    if (key === "contents") isGoogle = true;
    else if (toolMembers.has(key)) tools = true;
    else if (formatMembers.has(key)) jsonSchema = true;
    else if (thinkingMembers.has(key)) thinking = true;
    else if (configMembers.has(key)) {
      jsonSchema = true;
      thinking = true;
      outputTokens = Number.POSITIVE_INFINITY;
    } else if (limitMembers.has(key) && kind === "number") {
      const limit = Number(bytes.toString("latin1", start, end));
      outputTokens = Math.max(outputTokens ?? 0, limit);
    }
  }
  let hasImages: boolean | null = null;
  const find = (): boolean =>
    bytes.includes(imageWord) || (isGoogle && googleImageWords.some((word) => bytes.includes(word)));
  const images = (): boolean => (hasImages ??= find());
  return {
    // An image by URL is counted with more tokens than its bytes would be.
    get tokens() {
      return images() ? Number.POSITIVE_INFINITY : estimateTokensOfBytes(bytes.length);
    },
    tools,
    get images() {
      return images();
    },
    jsonSchema,
    thinking,
    outputTokens,
  };
}
