// The table of doors: which path speaks which dialect, and which road a request takes from there.
// A door is data; the roads live in pipeline.ts and forward.ts.

import type { DialectName } from "../canon/request.ts";

export type DoorName = "chat" | "messages" | "count-tokens" | "embeddings";

export type Door = {
  readonly name: DoorName;
  /** Exact path; a trailing slash or another case is another path and not found. */
  readonly path: string;
  /** The dialect of requests, answers and errors at this door. */
  readonly dialect: DialectName;
  /** `chat` goes through the canonical form (or the express lane); the others never become a ChatRequest. */
  readonly road: "chat" | "count-tokens" | "embeddings";
  readonly summary: string;
};

export const doors: readonly Door[] = [
  {
    name: "chat",
    path: "/v1/chat/completions",
    dialect: "openai-chat",
    road: "chat",
    summary: "Chat completions, OpenAI format",
  },
  {
    name: "messages",
    path: "/v1/messages",
    dialect: "anthropic-messages",
    road: "chat",
    summary: "Messages, Anthropic format",
  },
  {
    name: "count-tokens",
    path: "/v1/messages/count_tokens",
    dialect: "anthropic-messages",
    road: "count-tokens",
    summary: "Count the input tokens of a message request",
  },
  {
    name: "embeddings",
    path: "/v1/embeddings",
    dialect: "openai-chat",
    road: "embeddings",
    summary: "Embeddings, OpenAI format",
  },
];
