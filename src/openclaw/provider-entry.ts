// The gateway in OpenClaw's config: the provider entry under our name, and the whole integration file to read.
// It must never contain another user's key, nor a model that the gateway does not accept.

/** The only id under `models.providers` that is ours. */
export const providerId = "clawgate";

export type Api = "openai-completions" | "anthropic-messages" | "openai-responses";

export const apis: readonly Api[] = ["openai-completions", "anthropic-messages", "openai-responses"];

export type ProviderInput = {
  /** Scheme, host and port. */
  readonly url: string;
  readonly apiKey: string;
  readonly api: Api;
  /** Ids of the gateway's models, in display order. */
  readonly models: readonly string[];
};

/** OpenClaw's Anthropic transport appends /v1 itself; the OpenAI ones want it in the address. */
export function baseUrl(url: string, api: Api): string {
  const bare = url.replace(/\/+$/, "");
  return api === "anthropic-messages" ? bare : `${bare}/v1`;
}

/** Without these, OpenClaw sends nothing that identifies the conversation. */
const sessionFlags = {
  sendSessionAffinityHeaders: true,
  sendSessionIdHeader: true,
  supportsPromptCacheKey: true,
} as const;

export function providerEntry({ url, apiKey, api, models }: ProviderInput): object {
  const ids = [...new Set(models)];
  return {
    baseUrl: baseUrl(url, api),
    apiKey,
    api,
    models: ids.map((id) => ({
      id,
      name: id === "auto" ? "ClawGate auto" : id,
      reasoning: false,
      input: ["text", "image"],
      contextWindow: 200_000,
      maxTokens: 8192,
      ...(api === "anthropic-messages" ? {} : { compat: sessionFlags }),
    })),
  };
}

/** The stock names of config.example.yaml, by the short names that people type. */
const shortNames: readonly (readonly [string, string])[] = [
  ["auto", "auto"],
  ["ds", "deepseek-chat"],
  ["r1", "deepseek-reasoner"],
  ["lite", "gemini-flash-lite"],
  ["flash", "gemini-flash"],
  ["or", "openrouter-fallback"],
];

/** JSON with comments, to be merged into openclaw.json by hand. `known`: models that the gateway accepts. */
export function integrationText(input: ProviderInput, known: readonly string[]): string {
  const aliases = shortNames.filter(([, model]) => model === "auto" || known.includes(model));
  const cheap = known.includes("gemini-flash-lite") ? "gemini-flash-lite" : "auto";
  const entry = providerEntry({
    ...input,
    models: [...new Set([...aliases.map(([, id]) => id), ...input.models])],
  });
  const named = aliases.map(([alias, id]) => [`${providerId}/${id}`, { alias }] as const);
  const lines = (value: unknown, indent: string): string =>
    JSON.stringify(value, null, 2).split("\n").join(`\n${indent}`);
  return `// The ClawGate part of OpenClaw's config: merge it into openclaw.json, or let \`clawgate setup\` write the provider.
{
  "models": {
    "mode": "merge",
    "providers": {
      // compat: with these flags OpenClaw sends the conversation that a request belongs to.
      "${providerId}": ${lines(entry, "      ")}
    }
  },
  "agents": {
    "defaults": {
      "model": { "primary": "${providerId}/auto", "fallbacks": [] },
      // /model ds and so on.
      "models": ${lines(Object.fromEntries(named), "      ")},
      // Images and heartbeats need no expensive model.
      "imageModel": { "primary": "${providerId}/${cheap}" },
      "heartbeat": { "every": "12h", "model": "${providerId}/${cheap}" },
      "subagents": { "model": "${providerId}/auto", "maxConcurrent": 10 }
    }
  }
}
`;
}
