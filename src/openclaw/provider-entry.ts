// The gateway in OpenClaw's config: the provider entry of each of our two providers. It must never contain another user's key, nor a
// model that the gateway does not accept.

import type { ModelOffer } from "../canon/model-offer.ts";
import type { ConfigShape } from "./version.ts";

/** `clawgate` is a provider of our own; `clawrouter` is OpenClaw's bundled plugin, which asks the gateway for models and budget. */
export const providerIds = ["clawgate", "clawrouter"] as const;
export type ProviderId = (typeof providerIds)[number];

export type Api = "openai-completions" | "anthropic-messages" | "openai-responses";

export const apis: readonly Api[] = ["openai-completions", "anthropic-messages", "openai-responses"];

/** The variable with the key, in the `.env` of the instance. */
export const keyVariable = "CLAWGATE_API_KEY";

/** OpenClaw's reference to a variable: the key itself is in no config. */
export const keyReference = { source: "env", provider: "default", id: keyVariable } as const;

export type ProviderInput = {
  /** Scheme, host and port. */
  readonly url: string;
  /** The key, or what stands for it. */
  readonly apiKey: string | typeof keyReference;
  readonly api: Api;
  /** In display order. */
  readonly models: readonly ModelOffer[];
  readonly shape: ConfigShape;
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

export function providerEntry({ url, apiKey, api, models, shape }: ProviderInput): object {
  return {
    baseUrl: baseUrl(url, api),
    apiKey,
    api,
    models: models.map((offer) => (shape === "older" ? olderModel(offer, api) : currentModel(offer, api))),
  };
}

/** The plugin adds /v1, and asks for the models itself. */
export function clawrouterEntry(url: string): object {
  return { baseUrl: url.replace(/\/+$/, ""), apiKey: keyReference };
}

const inputOf = ({ vision }: ModelOffer): readonly string[] =>
  vision === true ? ["text", "image"] : ["text"];

/** OpenClaw wants all four numbers. */
function costOf({ price }: ModelOffer): object {
  if (price === null) return {};
  const { input, output, cacheRead, cacheWrite } = price;
  return { cost: { input, output, cacheRead: cacheRead ?? input, cacheWrite: cacheWrite ?? input } };
}

function currentModel(offer: ModelOffer, api: Api): object {
  const { id, name, thinking, tools, json, contextWindow, maxOutput } = offer;
  return {
    id,
    name,
    reasoning: thinking === true,
    input: inputOf(offer),
    ...costOf(offer),
    // Unknown numbers are left to OpenClaw.
    ...(contextWindow === null ? {} : { contextWindow }),
    ...(maxOutput === null ? {} : { maxTokens: maxOutput }),
    compat: {
      ...(api === "anthropic-messages" ? {} : sessionFlags),
      // OpenClaw asks no remote host for the usage of a stream unless it is told that it may.
      supportsUsageInStreaming: true,
      supportsReasoningEffort: thinking === true,
      supportsTools: tools !== false,
      supportsJsonSchemaResponseFormat: json === true,
    },
  };
}

/**
 * Before 2026.9 a model had all numbers, and an unknown flag made the whole config invalid (2026.6.11). The conversation is then known
 * by its prompt cache key alone.
 */
function olderModel(offer: ModelOffer, api: Api): object {
  const { id, name, thinking, tools, contextWindow, maxOutput } = offer;
  return {
    id,
    name,
    reasoning: thinking === true,
    input: inputOf(offer),
    ...costOf(offer),
    contextWindow: contextWindow ?? 200_000,
    maxTokens: maxOutput ?? 8192,
    compat: {
      ...(api === "anthropic-messages" ? {} : { supportsPromptCacheKey: true }),
      supportsUsageInStreaming: true,
      supportsReasoningEffort: thinking === true,
      supportsTools: tools !== false,
    },
  };
}
