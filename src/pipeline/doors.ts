// The table of doors: which path speaks which dialect, and which road a request takes from there.
// A door is data; the roads live in pipeline.ts and forward.ts.

import type { DialectName } from "../canon/request.ts";

export type DoorName =
  "chat" | "messages" | "responses" | "count-tokens" | "embeddings" | "gemini" | "gemini-count-tokens";

export type Door = {
  readonly name: DoorName;
  /** Exact path; a trailing slash or another case is another path and not found. A `*` stands for the model's name. */
  readonly path: string;
  /** Where the path names the model: whether it asks for a stream as well. Absent: the body says both. */
  readonly stream?: boolean;
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
    name: "responses",
    path: "/v1/responses",
    dialect: "openai-responses",
    road: "chat",
    summary: "Responses, OpenAI format",
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
  // @google/genai 3.1 asks for v1 by default; gemini-cli, the AI SDK and older packages for v1beta.
  ...["/v1beta", "/v1"].flatMap(googleDoors),
];

function googleDoors(version: string): readonly Door[] {
  const dialect = "google-genai";
  return [
    {
      name: "gemini",
      path: `${version}/models/*:generateContent`,
      dialect,
      road: "chat",
      stream: false,
      summary: "Generate content, Google format",
    },
    {
      name: "gemini",
      path: `${version}/models/*:streamGenerateContent`,
      dialect,
      road: "chat",
      stream: true,
      summary: "Generate content as server-sent events (alt=sse), Google format",
    },
    {
      name: "gemini-count-tokens",
      path: `${version}/models/*:countTokens`,
      dialect,
      road: "count-tokens",
      stream: false,
      summary: "Count the input tokens of a generateContent request",
    },
  ];
}
