// The vendors we know by name: official address, key variable, models to begin with, deviations. Data only.
// A vendor that speaks a known format is one row here. Models: vendors' own lists as of November 2026.

import type { VendorRow } from "../settings.ts";
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
    model: "gpt-5.4-mini",
    models: ["gpt-5.5", "gpt-5.4", "gpt-5.4-nano", "gpt-5", "gpt-5-mini", "text-embedding-3-small"],
    quirks: ["max-completion-tokens"],
  },
  {
    id: "anthropic",
    name: "Anthropic",
    backend: "anthropic",
    baseUrl: "https://api.anthropic.com/v1",
    keyVariable: "ANTHROPIC_API_KEY",
    model: "claude-sonnet-5",
    models: ["claude-opus-5", "claude-sonnet-4-6", "claude-haiku-4-5"],
    quirks: [],
  },
  {
    id: "deepseek",
    name: "DeepSeek",
    backend: "openai-compat",
    baseUrl: "https://api.deepseek.com/v1",
    keyVariable: "DEEPSEEK_API_KEY",
    model: "deepseek-chat",
    models: ["deepseek-reasoner"],
    quirks: [],
  },
  {
    id: "openrouter",
    name: "OpenRouter",
    backend: "openai-compat",
    baseUrl: "https://openrouter.ai/api/v1",
    keyVariable: "OPENROUTER_API_KEY",
    model: "openrouter/auto",
    models: ["deepseek/deepseek-chat"],
    quirks: [],
  },
  {
    id: "mistral",
    name: "Mistral",
    backend: "openai-compat",
    baseUrl: "https://api.mistral.ai/v1",
    keyVariable: "MISTRAL_API_KEY",
    model: "mistral-medium-latest",
    models: ["mistral-large-latest", "mistral-small-latest", "mistral-embed"],
    quirks: [],
  },
  {
    id: "groq",
    name: "Groq",
    backend: "openai-compat",
    baseUrl: "https://api.groq.com/openai/v1",
    keyVariable: "GROQ_API_KEY",
    model: "llama-3.3-70b-versatile",
    models: ["openai/gpt-oss-120b"],
    quirks: [],
  },
  {
    id: "xai",
    name: "xAI",
    backend: "openai-compat",
    baseUrl: "https://api.x.ai/v1",
    keyVariable: "XAI_API_KEY",
    model: "grok-4.5",
    models: [],
    quirks: [],
  },
  {
    id: "cerebras",
    name: "Cerebras",
    backend: "openai-compat",
    baseUrl: "https://api.cerebras.ai/v1",
    keyVariable: "CEREBRAS_API_KEY",
    model: "gpt-oss-120b",
    models: [],
    quirks: [],
  },
  {
    id: "moonshot",
    name: "Moonshot AI",
    backend: "openai-compat",
    baseUrl: "https://api.moonshot.ai/v1",
    keyVariable: "MOONSHOT_API_KEY",
    model: "kimi-k2.6",
    models: [],
    quirks: [],
  },
  {
    id: "zai",
    name: "Z.AI",
    backend: "openai-compat",
    baseUrl: "https://api.z.ai/api/paas/v4",
    keyVariable: "ZAI_API_KEY",
    model: "glm-4.6",
    models: [],
    quirks: [],
  },
  {
    id: "gemini",
    name: "Google Gemini",
    backend: "openai-compat",
    baseUrl: "https://generativelanguage.googleapis.com/v1beta/openai",
    keyVariable: "GEMINI_API_KEY",
    model: "gemini-2.5-flash",
    models: ["gemini-2.5-pro", "gemini-2.5-flash-lite"],
    quirks: [],
  },
];

/** Servers on this machine, at their programs' default ports; asked for their models without credentials. */
export const localServers: readonly Row[] = [
  {
    id: "ollama",
    name: "Ollama",
    backend: "openai-compat",
    baseUrl: "http://127.0.0.1:11434/v1",
    keyVariable: null,
    model: null,
    models: [],
    quirks: [],
  },
  {
    id: "lmstudio",
    name: "LM Studio",
    backend: "openai-compat",
    baseUrl: "http://127.0.0.1:1234/v1",
    keyVariable: null,
    model: null,
    models: [],
    quirks: [],
  },
  {
    id: "vllm",
    name: "vLLM",
    backend: "openai-compat",
    baseUrl: "http://127.0.0.1:8000/v1",
    keyVariable: null,
    model: null,
    models: [],
    quirks: [],
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
  },
];

/** The quirks of whoever lives at this base URL: a provider of the config may have any id. */
export function quirksAt(baseUrl: string): readonly QuirkName[] {
  const host = new URL(baseUrl).host;
  return vendors.find((row) => new URL(row.baseUrl).host === host)?.quirks ?? [];
}
