// The table of endpoints: which path speaks which dialect, and how its requests are planned (chat-plan.ts, count-tokens.ts,
// embeddings.ts, forward.ts). An endpoint is data.

import type { ClientDialectName } from "../dialects/dialect-table.ts";

export type EndpointName =
  | "chat"
  | "messages"
  | "responses"
  | "count-tokens"
  | "responses-count-tokens"
  | "completions"
  | "embeddings"
  | "images"
  | "speech"
  | "transcriptions"
  | "rerank"
  | "moderations"
  | "gemini"
  | "gemini-count-tokens"
  | "gemini-embeddings";

/** An endpoint whose requests go up as they are, to the same model and nowhere else. */
export type Forwarding = {
  /** Below the provider's base URL. */
  readonly path: string;
  /** Members of which one must be there. */
  readonly needs?: readonly string[];
  /** Form data is taken as well. */
  readonly takesForm?: boolean;
  /** The answer may be something else than JSON. */
  readonly answersAnything?: boolean;
  /** It takes as long as a whole chat answer may take, and not as long as a first word. */
  readonly isSlow?: boolean;
  /** What it costs does not follow from tokens and their price: in dollars it is unknown beforehand. */
  readonly hasOwnPrice?: boolean;
  /** The answer is text that a model writes. */
  readonly writes?: boolean;
};

export type Endpoint = {
  readonly name: EndpointName;
  /** Exact path; a trailing slash or another case is another path and not found. A `*` stands for the model's name. */
  readonly path: string;
  /** Where the path names the model: whether it asks for a stream as well. Absent: the body says both. */
  readonly stream?: boolean;
  /** The dialect of its requests, answers and errors. */
  readonly dialect: ClientDialectName;
  /** A `chat` is translated through the canonical form or passes as bytes; the others never become a ChatRequest. */
  readonly kind: "chat" | "count-tokens" | "embeddings" | "forward";
  /** Only of the kind `forward`. */
  readonly forwarding?: Forwarding;
  readonly summary: string;
};

export const endpoints: readonly Endpoint[] = [
  {
    name: "chat",
    path: "/v1/chat/completions",
    dialect: "openai-chat",
    kind: "chat",
    summary: "Chat completions, OpenAI format",
  },
  {
    name: "messages",
    path: "/v1/messages",
    dialect: "anthropic-messages",
    kind: "chat",
    summary: "Messages, Anthropic format",
  },
  {
    name: "responses",
    path: "/v1/responses",
    dialect: "openai-responses",
    kind: "chat",
    summary: "Responses, OpenAI format",
  },
  {
    name: "count-tokens",
    path: "/v1/messages/count_tokens",
    dialect: "anthropic-messages",
    kind: "count-tokens",
    summary: "Count the input tokens of a message request",
  },
  {
    name: "embeddings",
    path: "/v1/embeddings",
    dialect: "openai-chat",
    kind: "embeddings",
    summary: "Embeddings, OpenAI format",
  },
  {
    name: "responses-count-tokens",
    path: "/v1/responses/input_tokens",
    dialect: "openai-responses",
    kind: "count-tokens",
    summary: "Count the input tokens of a Responses request",
  },
  ...forwardedEndpoint("completions", "Text completions, OpenAI format", {
    path: "/completions",
    needs: ["prompt"],
    isSlow: true,
    writes: true,
  }),
  ...["generations", "edits", "variations"].flatMap((verb) =>
    forwardedEndpoint("images", `Images (${verb}), OpenAI format`, {
      path: `/images/${verb}`,
      takesForm: verb !== "generations",
      answersAnything: true,
      isSlow: true,
      hasOwnPrice: true,
    }),
  ),
  ...forwardedEndpoint("speech", "Text to speech, OpenAI format", {
    path: "/audio/speech",
    needs: ["input"],
    answersAnything: true,
    isSlow: true,
    hasOwnPrice: true,
  }),
  ...["transcriptions", "translations"].flatMap((verb) =>
    forwardedEndpoint("transcriptions", `Speech to text (${verb}), OpenAI format`, {
      path: `/audio/${verb}`,
      takesForm: true,
      answersAnything: true,
      isSlow: true,
      hasOwnPrice: true,
    }),
  ),
  ...forwardedEndpoint("rerank", "Documents in the order of their relevance", {
    path: "/rerank",
    needs: ["query"],
  }),
  ...forwardedEndpoint("moderations", "Moderations, OpenAI format", {
    path: "/moderations",
    needs: ["input"],
  }),
  // @google/genai 3.1 asks for v1 by default; gemini-cli, the AI SDK and older packages for v1beta.
  ...["/v1beta", "/v1"].flatMap(googleEndpoints),
];

function forwardedEndpoint(name: EndpointName, summary: string, forwarding: Forwarding): readonly Endpoint[] {
  return [
    { name, path: `/v1${forwarding.path}`, dialect: "openai-chat", kind: "forward", summary, forwarding },
  ];
}

function googleEndpoints(version: string): readonly Endpoint[] {
  const dialect = "google-genai";
  return [
    {
      name: "gemini",
      path: `${version}/models/*:generateContent`,
      dialect,
      kind: "chat",
      stream: false,
      summary: "Generate content, Google format",
    },
    {
      name: "gemini",
      path: `${version}/models/*:streamGenerateContent`,
      dialect,
      kind: "chat",
      stream: true,
      summary: "Generate content as server-sent events (alt=sse), Google format",
    },
    {
      name: "gemini-count-tokens",
      path: `${version}/models/*:countTokens`,
      dialect,
      kind: "count-tokens",
      stream: false,
      summary: "Count the input tokens of a generateContent request",
    },
    ...["embedContent", "batchEmbedContents"].map((verb): Endpoint => ({
      name: "gemini-embeddings",
      path: `${version}/models/*:${verb}`,
      dialect,
      kind: "embeddings",
      stream: false,
      summary: `Embeddings (${verb}), Google format`,
    })),
  ];
}
