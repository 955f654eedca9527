// The vendors known by name: official address, key variable, initial models, deviations. Data only. A vendor that
// speaks a known format is one row here. Models: the vendors' own lists as of November 2026.

import type { BackendName, VendorRow } from "../settings.ts";
import type { QuirkName } from "./quirks.ts";

type Row = VendorRow<QuirkName>;

/** In the order in which discovery puts them into the chain. */
export const vendors: readonly Row[] = [
  {
    id: "openai",
    name: "OpenAI",
    backend: "openai-compat",
    baseUrl: "https://api.openai.com/v1",
    keyVariable: "OPENAI_API_KEY",
    baseUrlVariable: "OPENAI_BASE_URL",
    model: "gpt-6-luna",
    models: ["gpt-6.1-sol", "gpt-6-sol", "gpt-5.5", "gpt-5.4", "gpt-5.4-mini", "text-embedding-3-small"],
    quirks: ["max-completion-tokens", "openai-tools-without-effort", "openai-tool-ids", "openai-tool-names"],
    quirksOf: { "openai-responses": ["openai-call-ids", "openai-tool-names"] },
    note: "Models since gpt-5.4 do not think in a turn with tools here; with `backend: openai-responses` they do.",
  },
  {
    id: "anthropic",
    name: "Anthropic",
    backend: "anthropic",
    baseUrl: "https://api.anthropic.com/v1",
    keyVariable: "ANTHROPIC_API_KEY",
    baseUrlVariable: "ANTHROPIC_BASE_URL",
    model: "claude-sonnet-5-5",
    models: ["claude-opus-5-5", "claude-haiku-5-5", "claude-sonnet-5", "claude-opus-5", "claude-haiku-4-5"],
    quirks: [],
  },
  {
    id: "gemini",
    name: "Google Gemini",
    backend: "google-genai",
    baseUrl: "https://generativelanguage.googleapis.com/v1beta",
    keyVariable: "GEMINI_API_KEY",
    otherKeyVariables: ["GOOGLE_API_KEY"],
    baseUrlVariable: "GEMINI_BASE_URL",
    model: "gemini-3.8-flash",
    models: ["gemini-3.1-pro-preview", "gemini-3.5-flash-lite", "gemini-2.5-flash", "gemini-2.5-flash-lite"],
    quirks: [],
    quirksOf: { "openai-compat": ["google-call-signatures"] },
  },
  {
    id: "deepseek",
    name: "DeepSeek",
    backend: "openai-compat",
    baseUrl: "https://api.deepseek.com/v1",
    keyVariable: "DEEPSEEK_API_KEY",
    baseUrlVariable: "DEEPSEEK_BASE_URL",
    model: "deepseek-flash",
    models: ["deepseek-v4-pro", "deepseek-chat", "deepseek-reasoner"],
    quirks: ["deepseek-retired-names", "reasoning-content-returned"],
    quirksOf: { anthropic: ["deepseek-retired-names", "tool-thoughts-or-none"] },
    note: "The retired names deepseek-chat and deepseek-reasoner mean deepseek-flash without and with thinking.",
  },
  {
    id: "openrouter",
    name: "OpenRouter",
    backend: "openai-compat",
    baseUrl: "https://openrouter.ai/api/v1",
    keyVariable: "OPENROUTER_API_KEY",
    baseUrlVariable: "OPENROUTER_BASE_URL",
    model: "openrouter/auto",
    models: [
      "deepseek/deepseek-v4.1-flash",
      "anthropic/claude-sonnet-5.5",
      "openai/gpt-6-sol",
      "google/gemini-3.8-flash",
    ],
    quirks: ["openai-tool-ids", "openai-tool-names"],
    quirksOf: { "openai-responses": ["responses-not-kept"] },
    // OpenRouter's app attribution (openrouter.ai/docs/app-attribution), with ClawGate's own values.
    headers: { "http-referer": "https://clawgate.local", "x-title": "ClawGate" },
  },
  {
    id: "opencode",
    name: "OpenCode Zen",
    backend: "openai-compat",
    baseUrl: "https://opencode.ai/inference/openai/v1",
    keyVariable: "OPENCODE_API_KEY",
    otherKeyVariables: ["OPENCODE_ZEN_API_KEY"],
    model: "glm-5.3",
    models: ["kimi-k3", "deepseek-v4.1-flash", "qwen3.8-max", "minimax-m3"],
    quirks: [],
    note: "Zen's GPT models speak openai-responses, its Claude models anthropic at https://opencode.ai/inference/anthropic/v1.",
  },
  {
    id: "zai",
    name: "Z.AI",
    backend: "openai-compat",
    baseUrl: "https://api.z.ai/api/paas/v4",
    keyVariable: "ZAI_API_KEY",
    otherKeyVariables: ["Z_AI_API_KEY"],
    model: "glm-5.3",
    models: ["glm-5.3-flash", "glm-5-turbo", "glm-4.7"],
    quirks: [],
    note: "The GLM Coding Plan has an address of its own, https://api.z.ai/api/coding/paas/v4, for tools that Z.AI lists.",
  },
  {
    id: "vercel",
    name: "Vercel AI Gateway",
    backend: "openai-compat",
    baseUrl: "https://ai-gateway.vercel.sh/v1",
    keyVariable: "AI_GATEWAY_API_KEY",
    otherKeyVariables: ["VERCEL_AI_GATEWAY_API_KEY"],
    model: "deepseek/deepseek-v4.1-flash",
    models: ["anthropic/claude-sonnet-5.5", "openai/gpt-6-sol", "google/gemini-3.8-flash"],
    quirks: ["openai-tool-ids", "openai-tool-names"],
  },
  {
    id: "kilocode",
    name: "Kilo Gateway",
    backend: "openai-compat",
    baseUrl: "https://api.kilo.ai/api/gateway",
    keyVariable: "KILOCODE_API_KEY",
    otherKeyVariables: ["KILO_API_KEY"],
    model: "kilo/auto",
    models: ["anthropic/claude-sonnet-5.5", "openai/gpt-6-sol", "google/gemini-3.8-flash"],
    quirks: ["openai-tool-ids", "openai-tool-names"],
  },
  {
    id: "xai",
    name: "xAI",
    backend: "openai-compat",
    baseUrl: "https://api.x.ai/v1",
    keyVariable: "XAI_API_KEY",
    model: "grok-4.7",
    models: ["grok-4.5", "grok-4.3"],
    quirks: ["xai-reasoning-members"],
  },
  {
    id: "mistral",
    name: "Mistral",
    backend: "openai-compat",
    baseUrl: "https://api.mistral.ai/v1",
    keyVariable: "MISTRAL_API_KEY",
    model: "mistral-medium-latest",
    models: [
      "mistral-large-latest",
      "mistral-small-latest",
      "codestral-latest",
      "devstral-latest",
      "mistral-embed",
    ],
    quirks: ["mistral-members", "mistral-tool-ids"],
  },
  {
    id: "groq",
    name: "Groq",
    backend: "openai-compat",
    baseUrl: "https://api.groq.com/openai/v1",
    keyVariable: "GROQ_API_KEY",
    model: "openai/gpt-oss-120b",
    models: ["openai/gpt-oss-20b", "qwen/qwen3.8-27b", "llama-3.3-70b-versatile"],
    quirks: ["groq-members", "groq-thoughts"],
    quirksOf: { "openai-responses": ["responses-not-kept"] },
  },
  {
    id: "cerebras",
    name: "Cerebras",
    backend: "openai-compat",
    baseUrl: "https://api.cerebras.ai/v1",
    keyVariable: "CEREBRAS_API_KEY",
    model: "gpt-oss-120b",
    models: ["qwen-3.8-27b"],
    quirks: ["cerebras-members"],
  },
  {
    id: "huggingface",
    name: "Hugging Face",
    backend: "openai-compat",
    baseUrl: "https://router.huggingface.co/v1",
    keyVariable: "HUGGINGFACE_HUB_TOKEN",
    model: "openai/gpt-oss-120b",
    models: ["deepseek-ai/DeepSeek-V4.1-Flash", "zai-org/GLM-5.3", "moonshotai/Kimi-K3"],
    quirks: [],
  },
  {
    id: "moonshot",
    name: "Moonshot AI",
    backend: "openai-compat",
    baseUrl: "https://api.moonshot.ai/v1",
    keyVariable: "MOONSHOT_API_KEY",
    model: "kimi-k2.6",
    models: ["kimi-k3", "kimi-k3.1-pro", "kimi-k2.7-code"],
    quirks: ["kimi-fixed-sampling", "kimi-tool-names", "reasoning-content-returned"],
    note: "Keys of the Chinese platform belong to https://api.moonshot.cn/v1.",
  },
  {
    id: "kimi",
    name: "Kimi for Coding",
    backend: "openai-compat",
    baseUrl: "https://api.kimi.com/coding/v1",
    keyVariable: "KIMI_API_KEY",
    model: "kimi-for-coding",
    models: ["k3", "k3.1-pro"],
    quirks: ["kimi-fixed-sampling", "kimi-tool-names", "reasoning-content-returned"],
    needsHeaders: ["user-agent"],
    note: "The plan answers only coding agents that its vendor lists, by their user-agent, and 403 to others. ClawGate sends its own name; whether another may stand in `headers` is for the plan's terms to say.",
  },
  {
    id: "volcengine",
    name: "Volcano Engine",
    backend: "openai-compat",
    baseUrl: "https://ark.cn-beijing.volces.com/api/v3",
    keyVariable: "VOLCANO_ENGINE_API_KEY",
    otherKeyVariables: ["ARK_API_KEY"],
    model: "doubao-seed-2-0-pro-260215",
    models: ["doubao-seed-2-0-lite-260215", "doubao-seed-2-0-code-preview-260215"],
    quirks: [],
    note: "A model must be switched on in the Ark console first; an endpoint id (ep-…) is a model name as well.",
  },
  {
    id: "byteplus",
    name: "BytePlus",
    backend: "openai-compat",
    baseUrl: "https://ark.ap-southeast.bytepluses.com/api/v3",
    keyVariable: "BYTEPLUS_API_KEY",
    model: "seed-2-0-pro-260328",
    models: ["dola-seed-2-1-turbo-260628", "deepseek-v4-1-flash-261017"],
    quirks: [],
    note: "A key belongs to one region; Europe is https://ark.eu-west.bytepluses.com/api/v3.",
  },
  {
    id: "synthetic",
    name: "Synthetic",
    backend: "openai-compat",
    baseUrl: "https://api.synthetic.new/openai/v1",
    keyVariable: "SYNTHETIC_API_KEY",
    model: "syn:large:text",
    models: ["syn:small:text", "syn:large:vision", "syn:small:vision"],
    quirks: [],
    note: "The syn: names stand for the models that Synthetic recommends at the time.",
  },
  {
    id: "minimax",
    name: "MiniMax",
    // Its OpenAI-compatible address writes the thinking into the answer between <think> tags; this one separates them.
    backend: "anthropic",
    baseUrl: "https://api.minimax.io/anthropic/v1",
    keyVariable: "MINIMAX_API_KEY",
    model: "MiniMax-M3",
    models: ["MiniMax-M2.7", "MiniMax-M2.7-highspeed"],
    quirks: ["adaptive-thinking-only"],
    note: "Keys of the Chinese platform belong to https://api.minimaxi.com/anthropic.",
  },
  {
    id: "github-copilot",
    name: "GitHub Copilot",
    backend: "openai-compat",
    baseUrl: "https://api.githubcopilot.com",
    keyVariable: "COPILOT_GITHUB_TOKEN",
    model: "gemini-3.8-flash",
    models: ["gemini-4-argon", "kimi-k3"],
    quirks: ["openai-tool-ids", "openai-tool-names"],
    needsHeaders: ["editor-version", "copilot-integration-id"],
    note: "GitHub documents no such API for other programs and answers 400 without the headers of an editor. ClawGate never poses as one: set `headers` yourself, if your terms allow it.",
  },
];

/** Servers on this machine, at their programs' default ports; asked for their models without credentials. */
export const localServers: readonly Row[] = [
  {
    id: "ollama",
    name: "Ollama",
    backend: "openai-compat",
    baseUrl: "http://127.0.0.1:11434/v1",
    keyVariable: "OLLAMA_API_KEY",
    model: null,
    models: [],
    quirks: [],
    quirksOf: { "openai-responses": ["responses-not-kept"] },
  },
  {
    id: "lmstudio",
    name: "LM Studio",
    backend: "openai-compat",
    baseUrl: "http://127.0.0.1:1234/v1",
    keyVariable: "LMSTUDIO_API_KEY",
    model: null,
    models: [],
    quirks: [],
  },
  {
    id: "vllm",
    name: "vLLM",
    backend: "openai-compat",
    baseUrl: "http://127.0.0.1:8000/v1",
    keyVariable: "VLLM_API_KEY",
    model: null,
    models: [],
    quirks: [],
    quirksOf: { "openai-responses": ["responses-not-kept"] },
  },
  {
    id: "llamacpp",
    name: "llama.cpp",
    backend: "openai-compat",
    baseUrl: "http://127.0.0.1:8080/v1",
    keyVariable: null,
    model: null,
    models: [],
    quirks: [],
    quirksOf: { "openai-responses": ["responses-not-kept"] },
  },
  {
    id: "litellm",
    name: "LiteLLM",
    backend: "openai-compat",
    baseUrl: "http://127.0.0.1:4000/v1",
    keyVariable: "LITELLM_API_KEY",
    model: null,
    models: [],
    quirks: [],
    note: "With a master key it lists its models only to callers with that key: name the model in a config file.",
  },
];

function vendorAt(baseUrl: string): Row | null {
  const { host } = new URL(baseUrl);
  return vendors.find((row) => new URL(row.baseUrl).host === host) ?? null;
}

/** The Chinese counterparts of a vendor's address have the same deviations. */
const regionalHosts: Readonly<Record<string, string>> = { "api.moonshot.cn": "https://api.moonshot.ai" };

/** One name for a vendor's addresses; an unknown address is its own name. */
export function vendorNameOf(baseUrl: string): string {
  const { host, pathname } = new URL(baseUrl);
  return vendorAt(regionalHosts[host] ?? baseUrl)?.id ?? host + pathname;
}

const googlesOwn = "https://generativelanguage.googleapis.com";

/**
 * Deviations apply only to the format of the vendor's row: many vendors speak a second format at another path of the
 * same host.
 */
export function quirksAt(baseUrl: string, backend: BackendName): readonly QuirkName[] {
  const url = new URL(baseUrl);
  // A proxy at that path of Google's address behaves like Google.
  const isGoogles = url.pathname === "/v1beta/openai";
  const row = vendorAt(isGoogles ? googlesOwn : (regionalHosts[url.host] ?? baseUrl));
  return (row?.backend === backend ? row.quirks : row?.quirksOf?.[backend]) ?? [];
}

/** Headers that the vendor at this address gets with every request, by lower-case name. */
export function headersAt(baseUrl: string): Readonly<Record<string, string>> {
  return vendorAt(baseUrl)?.headers ?? {};
}

/** Anthropic's own servers, also where it runs them in another cloud: they get what Claude Code says about itself. */
export function isAnthropics(baseUrl: string): boolean {
  const host = URL.parse(baseUrl)?.hostname ?? "";
  return (
    host === "anthropic.com" ||
    host.endsWith(".anthropic.com") ||
    /^aws-external-anthropic\.[a-z0-9-]+\.api\.aws$/.test(host)
  );
}
