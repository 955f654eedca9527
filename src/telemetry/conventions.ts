// The words of OpenTelemetry's GenAI semantic conventions for our endpoints and for the vendors behind an address.

/** The `gen_ai.operation.name` of an endpoint; a word of our own where the conventions have none. */
const operations: Readonly<Record<string, string>> = {
  chat: "chat",
  messages: "chat",
  responses: "chat",
  gemini: "generate_content",
  completions: "text_completion",
  embeddings: "embeddings",
  "gemini-embeddings": "embeddings",
  "count-tokens": "count_tokens",
  "responses-count-tokens": "count_tokens",
  "gemini-count-tokens": "count_tokens",
  images: "image_generation",
  speech: "speech",
  transcriptions: "transcription",
  rerank: "rerank",
  moderations: "moderation",
};

export const operationOf = (endpoint: string): string => operations[endpoint] ?? endpoint;

/** The well-known `gen_ai.provider.name` of a host. */
const providerNames: readonly (readonly [host: RegExp, name: string])[] = [
  [/(?:^|\.)openai\.azure\.com$|\.cognitiveservices\.azure\.com$/, "azure.ai.openai"],
  [/\.(?:services|inference)\.ai\.azure\.com$/, "azure.ai.inference"],
  [/^api\.openai\.com$/, "openai"],
  [/(?:^|\.)anthropic\.com$/, "anthropic"],
  [/^generativelanguage\.googleapis\.com$/, "gcp.gemini"],
  [/aiplatform\.googleapis\.com$/, "gcp.vertex_ai"],
  [/^bedrock[a-z-]*\..*\.amazonaws\.com$/, "aws.bedrock"],
  [/(?:^|\.)cohere\.(?:com|ai)$/, "cohere"],
  [/(?:^|\.)deepseek\.com$/, "deepseek"],
  [/(?:^|\.)groq\.com$/, "groq"],
  [/\.ml\.cloud\.ibm\.com$/, "ibm.watsonx.ai"],
  [/(?:^|\.)mistral\.ai$/, "mistral_ai"],
  [/(?:^|\.)moonshot\.(?:ai|cn)$/, "moonshot_ai"],
  [/(?:^|\.)perplexity\.ai$/, "perplexity"],
  [/(?:^|\.)x\.ai$/, "x_ai"],
];

/** Who answers for a provider of the config. */
export type ProviderFacts = {
  /** `gen_ai.provider.name`. */
  readonly name: string;
  readonly address: string | null;
  readonly port: number | null;
};

/** `id`: the provider's own name, where its host is nobody's that the conventions know. */
export function providerFacts(id: string, backend: string | null, baseUrl: string | null): ProviderFacts {
  if (baseUrl === null || !URL.canParse(baseUrl))
    return { name: backend === "claude-cli" ? "anthropic" : id, address: null, port: null };
  const { hostname, port, protocol } = new URL(baseUrl);
  const known = providerNames.find(([host]) => host.test(hostname));
  return {
    name: known?.[1] ?? id,
    address: hostname.replace(/^\[|\]$/g, ""),
    port: port === "" ? (protocol === "https:" ? 443 : 80) : Number(port),
  };
}
