// The config files that the routing tests ask, loaded as the gateway loads them, with every key variable set.

import { readFileSync } from "node:fs";
import type { Config } from "../../src/config/schema.ts";
import { load } from "../config/loading.ts";
import type { RoutingCase } from "./cases.ts";

const keys = { DEEPSEEK_API_KEY: "key-d", GEMINI_API_KEY: "key-g", OPENROUTER_API_KEY: "key-o" };

export function configNamed(name: RoutingCase["config"]): Config {
  const text = readFileSync(new URL(`./fixtures/${name}.yaml`, import.meta.url), "utf8");
  const backends = new Set(["openai-compat", "anthropic", "google-genai"] as const);
  return load(text, { environment: keys, backends }).config;
}
