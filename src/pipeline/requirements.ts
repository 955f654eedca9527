// The most that a request may need, judged by its bytes. It may claim too much, never too little: the body is decoded
// for a closer look only when a model might lack something.

import type { Requirements } from "../routing/eligibility.ts";
import { estimateTokensOfBytes } from "../canon/tokens.ts";
import type { JsonMember } from "../wire/json.ts";
import type { Envelope } from "./body/envelope.ts";

/** Strings that every body with an image contains. Each costs a search through the whole body. */
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

/** A class, because every request has one: its getters are on the prototype. */
class UpperBoundRequirements implements Requirements {
  tools = false;
  jsonSchema = false;
  thinking = false;
  outputTokens: number | null = null;
  private isGoogle = false;
  private hasImages: boolean | null = null;

  constructor(private readonly bytes: Buffer) {}

  add({ key, kind, start, end }: JsonMember): void {
    if (kind === "null") return;
    if (key === "contents") this.isGoogle = true;
    else if (toolMembers.has(key)) this.tools = true;
    else if (formatMembers.has(key)) this.jsonSchema = true;
    else if (thinkingMembers.has(key)) this.thinking = true;
    else if (configMembers.has(key)) {
      this.jsonSchema = true;
      this.thinking = true;
      this.outputTokens = Number.POSITIVE_INFINITY;
    } else if (limitMembers.has(key) && kind === "number") {
      const limit = Number(this.bytes.toString("latin1", start, end));
      this.outputTokens = Math.max(this.outputTokens ?? 0, limit);
    }
  }

  /** Searched for on first use. */
  get images(): boolean {
    this.hasImages ??=
      this.bytes.includes(imageWord) ||
      (this.isGoogle && googleImageWords.some((word) => this.bytes.includes(word)));
    return this.hasImages;
  }

  // An image by URL counts more tokens than its bytes would.
  get tokens(): number {
    return this.images ? Number.POSITIVE_INFINITY : estimateTokensOfBytes(this.bytes.length);
  }
}

export function upperBoundRequirements({ bytes, scan }: Envelope): Requirements {
  const requirements = new UpperBoundRequirements(bytes);
  for (const member of scan.members) requirements.add(member);
  return requirements;
}
