// What a model can do, as sold at an address: read from the generated list, one line at a time, so that nothing is parsed before it
// is needed. A value that the list lacks is null; it must never guess from a model's name.

import { modelsByHost, modelsDate, modelsSource } from "./models.generated.ts";
import type { Seller } from "./seller.ts";

/** Null = unknown, which refuses nothing. */
export type Capabilities = {
  readonly tools: boolean | null;
  readonly vision: boolean | null;
  /** Supports a JSON schema. */
  readonly json: boolean | null;
  readonly thinking: boolean | null;
  /** Tokens, including the answer. */
  readonly contextWindow: number | null;
  readonly maxOutput: number | null;
};

/** USD per million tokens. */
export type ListedPrice = {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number | null;
  readonly cacheWrite: number | null;
};

/** The day of the model list, YYYY-MM-DD. */
export function tableDate(): string {
  return modelsDate;
}

/** The package and version that the model list comes from. */
export function tableSource(): string {
  return modelsSource;
}

const unknown: Capabilities = {
  tools: null,
  vision: null,
  json: null,
  thinking: null,
  contextWindow: null,
  maxOutput: null,
};

/** Kilo's gateway sells under OpenRouter's names (kilo.ai/docs/gateway). */
const sameListAs: Readonly<Record<string, string>> = { "api.kilo.ai": "openrouter.ai" };

/** Names that a vendor retired and still serves, or that quirks.ts translates (api-docs.deepseek.com, September 2026). */
const sameModelAs: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "api.deepseek.com": {
    "deepseek-chat": "deepseek-flash",
    "deepseek-reasoner": "deepseek-flash",
    "deepseek-v4-flash": "deepseek-flash",
    "deepseek-v4-flash-vision-exp": "deepseek-flash",
  },
};

/** The list lacks support for schemas; the vendors' references have it (DeepSeek's names json_object alone). */
const keepsToSchema: Readonly<Record<string, boolean>> = {
  "api.openai.com": true,
  "generativelanguage.googleapis.com": true,
  "api.mistral.ai": true,
  "api.x.ai": true,
  "api.cerebras.ai": true,
  "api.deepseek.com": false,
};

function hostOf({ baseUrl }: Seller): string | null {
  if (baseUrl === null || !URL.canParse(baseUrl)) return null;
  const { hostname } = new URL(baseUrl);
  if (hostname.endsWith(".githubcopilot.com")) return "api.githubcopilot.com";
  return sameListAs[hostname] ?? hostname;
}

/** A model without the date of its version (`-20260101`, `-2026-01-01`) and without a gateway's variant (`:free`). */
function undated(model: string): string {
  return model.replace(/:[a-z]+$/, "").replace(/-(?:\d{8}|\d{4}-\d{2}-\d{2})$/, "");
}

function lineIn(list: string, model: string): readonly string[] | null {
  const start = list.indexOf(`\n${model} `) + 1;
  return start === 0 ? null : list.slice(start, list.indexOf("\n", start)).split(" ");
}

function lineOf(host: string | null, model: string): readonly string[] | null {
  const list = host === null ? undefined : modelsByHost[host];
  // With a space, a client's text could reach the next column.
  if (host === null || list === undefined || /\s/.test(model)) return null;
  const name = sameModelAs[host]?.[model] ?? model;
  return lineIn(list, name) ?? lineIn(list, undated(name));
}

function count(text: string | undefined): number | null {
  return text === undefined || text === "-" ? null : Number(text);
}

/** A new object each time, which takes some microseconds: use `createModelFacts` on the request path. */
export function capabilitiesOf(seller: Seller, model: string): Capabilities {
  const host = hostOf(seller);
  const line = lineOf(host, model);
  if (host === null || line === null) return unknown;
  const [, flags = "", window, output] = line;
  return {
    tools: flags.includes("t"),
    vision: flags.includes("v"),
    json: keepsToSchema[host] ?? null,
    thinking: flags.includes("r"),
    contextWindow: count(window),
    maxOutput: count(output),
  };
}

/** For models that the price table does not contain yet. */
export function listedPrice(seller: Seller, model: string): ListedPrice | null {
  const line = lineOf(hostOf(seller), model);
  const input = count(line?.[4]);
  const output = count(line?.[5]);
  if (line === null || input === null || output === null) return null;
  return { input, output, cacheRead: count(line[6]), cacheWrite: count(line[7]) };
}
