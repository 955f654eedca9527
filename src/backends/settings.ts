// The `providers` section of the config: which providers there are, how to reach them, how long to wait. It must never
// know a vendor by name; vendors.ts does.

import { z } from "zod";
import { nearestNames } from "../canon/nearest.ts";
import { samplings, thinkings } from "../canon/takes.ts";
import { cliKeysIn, wireKeysIn } from "./claude-code/provider-settings.ts";
import { cliKeys } from "./claude-code/settings.ts";
import { isQuirkName, quirkNames } from "./http/quirks.ts";
import { isUnversioned } from "./http/unversioned.ts";

export const backendNames = [
  "openai-compat",
  "openai-responses",
  "anthropic",
  "google-genai",
  "claude-cli",
  "demo",
] as const;
export type BackendName = (typeof backendNames)[number];

export type BaseUrl = { readonly url: string } | { readonly problem: string };

/**
 * The base URL to which paths such as `/chat/completions` are appended, without a trailing slash. A path whose last
 * part is a version is kept, and so is a version followed by `/openai`, which is how Google and Cloudflare publish
 * their OpenAI-compatible endpoints, and an address that its vendor publishes without any version; anything else gets
 * `/v1` (`/v1beta` for google-genai).
 */
export function resolveBaseUrl(raw: string, backend: BackendName): BaseUrl {
  const url = URL.canParse(raw) ? new URL(raw) : null;
  if (url === null) return { problem: "not a URL; write it with http:// or https://" };
  if (url.protocol !== "http:" && url.protocol !== "https:") return { problem: "only http and https work" };
  if (url.username !== "" || url.password !== "")
    return { problem: "no credentials in a URL; use `api_key` or `headers`" };
  if (raw.includes("?") || raw.includes("#")) return { problem: "no query and no fragment in a base URL" };
  const path = url.pathname.replaceAll(/\/{2,}/g, "/").replace(/\/$/, "");
  const isVersioned = /\/v\d[^/]*(\/openai)?$/.test(path) || isUnversioned(url.host + path);
  const version = backend === "google-genai" ? "/v1beta" : "/v1";
  return { url: url.origin + path + (isVersioned ? "" : version) };
}

const price = z.number().min(0).max(1_000_000);

const pricing = z.strictObject({
  input: price.describe("USD per million input tokens."),
  output: price.describe("USD per million output tokens."),
  cache_read: price.optional().describe("USD per million cached input tokens. Absent: the input price."),
  cache_write: price
    .optional()
    .describe("USD per million tokens written to the cache. Absent: the input price."),
});

const tokenCount = z.number().int().min(1).max(100_000_000);

const modelName = z
  .string()
  .min(1)
  .max(300)
  .regex(/^[^\s\p{C}]+$/u, "a model name without spaces");

const listedModel = z
  .strictObject({
    id: modelName.describe("The model's name at the vendor."),
    name: z.string().min(1).optional().describe("A name for people."),
    context_window: tokenCount.optional().describe("Tokens that fit, answer included."),
    max_output: tokenCount.optional().describe("Maximum tokens of one answer."),
    capabilities: z
      .strictObject({
        tools: z.boolean().optional().describe("Takes tools."),
        vision: z.boolean().optional().describe("Takes images."),
        json: z.boolean().optional().describe("Keeps to a JSON schema."),
        thinking: z.boolean().optional().describe("Can think before it answers."),
      })
      .optional()
      .describe("What the model can do; absent = unknown, which refuses nothing."),
    takes: z
      .strictObject({
        sampling: z
          .enum(samplings)
          .optional()
          .describe("`temperature`, `top_p`, `top_k`: all, one (temperature or top_p), or none."),
        thinking: z
          .enum(thinkings)
          .optional()
          .describe("Asked for by a budget of tokens, adaptive (by a level), or none."),
        forced_tools: z.boolean().optional().describe("Takes a `tool_choice` that demands a call."),
        prefill: z.boolean().optional().describe("Continues a final assistant message (prefill)."),
        thinking_off: z.boolean().optional().describe("Thinking can be switched off."),
      })
      .optional()
      .describe(
        "What the model takes of a request; absent = the built-in table. What it does not take is left out or changed and named in X-ClawGate-Adapted.",
      ),
    price: pricing.optional().describe("Same as `pricing`."),
    pricing: pricing.optional().describe("Prices of this model; they win over the provider's."),
  })
  .transform(({ price: otherName, ...model }) =>
    otherName === undefined ? model : { ...model, pricing: model.pricing ?? otherName },
  );

export type ModelSettings = z.infer<typeof listedModel>;

const modelEntry = z.union([modelName.transform((id): ModelSettings => ({ id })), listedModel]);

const seconds = z.number().min(0.001).max(86_400);

const timeout = z
  .strictObject({
    connect_s: seconds
      .default(10)
      .describe("Seconds to connect: name, TCP, the proxy's CONNECT and the TLS handshake."),
    first_token_s: seconds
      .optional()
      .describe(
        "Seconds until the first word (default 120). A whole answer that passes unchanged shows no first word: where this is written, it must have begun by then, or be complete if its length is told with it; where not, it may take the larger of 120 and `idle_s`.",
      ),
    idle_s: seconds
      .optional()
      .describe(
        "Seconds between two parts of an answer (default 300); comments and pings count. A whole answer that passes unchanged may take as long if `first_token_s` is not written.",
      ),
    total_s: seconds
      .optional()
      .describe("Seconds for one attempt. Absent: `server.request_timeout_s` alone."),
    read_s: seconds.optional().describe("Sets `first_token_s` and `idle_s` where they are absent."),
  })
  .prefault({})
  .transform(({ read_s, ...rest }) => ({
    ...rest,
    first_token_s: rest.first_token_s ?? read_s,
    idle_s: rest.idle_s ?? read_s,
    isFirstTokenWritten: rest.first_token_s !== undefined,
  }));

export type TimeoutSettings = {
  readonly connect_s: number;
  readonly first_token_s: number;
  readonly idle_s: number;
  readonly total_s?: number | undefined;
  /** `first_token_s` itself, and not `read_s` in its place. */
  readonly isFirstTokenWritten: boolean;
};

const auth = z.union([
  z.literal("api_key"),
  z.literal("client"),
  z.discriminatedUnion("type", [
    z.strictObject({
      type: z.literal("bearer-env").describe("Where the token comes from."),
      variable: z
        .string()
        .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "a variable name")
        .describe("Variable with the token."),
    }),
    z.strictObject({
      type: z.literal("bearer-file").describe("Where the token comes from."),
      path: z.string().min(1).describe("File with the token."),
      pointer: z
        .string()
        .regex(/^(\/.*)?$/, "a JSON pointer such as /auth/token")
        .optional()
        .describe("JSON pointer to the token in the file. Absent: the whole file is the token."),
    }),
    z.strictObject({
      type: z.literal("bearer-command").describe("Where the token comes from."),
      command: z.array(z.string().min(1)).min(1).describe("Program and arguments; its output is the token."),
    }),
  ]),
]);

/** Headers that belong to the connection or to the body, not to the operator. */
const ownHeaders = new Set([
  "host",
  "content-length",
  "connection",
  "transfer-encoding",
  "content-type",
  "te",
]);

const headers = z
  .record(
    z
      .string()
      .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, "a header name")
      .refine((name) => !ownHeaders.has(name.toLowerCase()), "this header is set by the gateway itself"),
    z.string().regex(/^[\t\x20-\x7e\x80-\xff]*$/, "a header value on one line"),
  )
  .default({});

const proxyUrl = z
  .string()
  .refine(
    (text) => /^https?:\/\/[^/]/.test(text) && URL.canParse(text),
    "must be an http:// or https:// URL",
  );

/** `name` or `!name`. */
const quirkWord = z.string().superRefine((word, context) => {
  const name = word.replace(/^!/, "");
  if (isQuirkName(name)) return;
  const near = nearestNames(name, quirkNames, 3);
  const hint = near.length > 0 ? `did you mean ${near.join(", ")}?` : `there are ${quirkNames.join(", ")}`;
  context.addIssue({ code: "custom", message: `no quirk is called "${name.slice(0, 60)}"; ${hint}` });
});

const vendorKey = z.string().regex(/^[\x21-\x7e]*$/, "a key holds printable ASCII without spaces");

const providerShape = z.strictObject({
  backend: z
    .enum([...backendNames, "anthropic-compat"])
    .default("openai-compat")
    .describe(
      "Wire format: openai-compat, openai-responses, anthropic (= anthropic-compat), google-genai, claude-cli or demo.",
    ),
  base_url: z
    .string()
    .optional()
    .describe(
      "The vendor's address, with or without `/v1`. Absent: the official one for anthropic and google-genai.",
    ),
  api_key: vendorKey
    .optional()
    .describe(
      "The vendor's key. Absent: no key is sent. An empty value or unset variable: the provider is skipped, unless it is a model server on this machine (Ollama, LM Studio, vLLM, llama.cpp, LiteLLM) that answers at the start or a reload.",
    ),
  api_keys: z
    .array(vendorKey)
    .min(1)
    .max(100)
    .optional()
    .describe(
      "More keys of the same vendor, beside `api_key`; each cools down separately. Empty entries and unset variables are left out; when none is left, the provider is skipped.",
    ),
  model: modelName
    .optional()
    .describe("The model used when a client names only the provider. Absent: first of `models`."),
  models: z
    .array(modelEntry)
    .prefault([])
    .describe("More models of this provider: names, or objects with details."),
  max_tokens: tokenCount
    .optional()
    .describe("Answer length where the wire format demands one and the client gave none."),
  tier: z
    .string()
    .min(1)
    .max(50)
    .optional()
    .describe("A word for people: default, reasoning, cheap, mid, fallback, local."),
  weight: z
    .number()
    .min(0.01)
    .max(1_000_000)
    .default(1)
    .describe("Share of the traffic of its tier with `routing.strategy: weighted`."),
  timeout: timeout.describe("How long to wait for this provider."),
  pricing: pricing.optional().describe("Prices for all models of this provider."),
  headers: headers.describe("More headers for every request to this provider."),
  trace_context: z.boolean().optional().describe("Whether it is sent `traceparent`. Absent: no."),
  proxy: proxyUrl
    .optional()
    .describe("Proxy for this provider. Absent: HTTP_PROXY, HTTPS_PROXY and NO_PROXY."),
  max_concurrent: z
    .number()
    .int()
    .min(1)
    .max(100_000)
    .optional()
    .describe("Requests at a time; more wait in the queue. Absent: no limit."),
  max_per_tenant: z
    .number()
    .int()
    .min(1)
    .max(100_000)
    .optional()
    .describe(
      "Of them for one tenant; requests without a tenant count as one. Absent: 1 for the CLI, else no limit.",
    ),
  fallback: z
    .boolean()
    .default(true)
    .describe("Whether the chain is tried after this provider was asked for directly."),
  quirks: z
    .array(quirkWord)
    .max(100)
    .default([])
    .describe(
      `Deviations of this vendor from its format, beside those that its address implies; \`!name\` takes one away. Names: ${quirkNames.join(", ")}.`,
    ),
  auth: auth
    .default("api_key")
    .describe(
      "`api_key`; `client`: Anthropic is asked with Claude Code's own sign-in, only on a person's own loopback gateway without tenants; or a bearer token: bearer-env {variable}, bearer-file {path, pointer}, bearer-command {command}.",
    ),
  ...cliKeys,
});

const officialBaseUrls: Partial<Record<z.infer<typeof providerShape>["backend"], string>> = {
  anthropic: "https://api.anthropic.com",
  "google-genai": "https://generativelanguage.googleapis.com",
};

const modelsOfBackendsWithoutWire: Partial<Record<BackendName, string>> = {
  demo: "demo",
  "claude-cli": "sonnet",
};

/**
 * One provider, settled: `base_url` is resolved (null for backends without a wire), `model` is always there and is
 * one of `models`, every timeout has its value, `api_keys` are all keys that are there and `api_key` is the first of them.
 * The keys of a claude-cli provider stay as they are written: claude-code/provider-settings.ts merges the `cli` section around them.
 */
export const providerSettings = providerShape.transform((raw, context) => {
  const backend: BackendName = raw.backend === "anthropic-compat" ? "anthropic" : raw.backend;
  const isCli = backend === "claude-cli";
  const misplaced = isCli ? wireKeysIn(raw) : cliKeysIn(raw);
  for (const key of misplaced) {
    const message = isCli
      ? `${key} has no effect for backend claude-cli; its variables (ANTHROPIC_API_KEY, ANTHROPIC_BASE_URL) go into \`env\``
      : `${key} is a key of backend claude-cli, and this provider has backend ${raw.backend}`;
    context.addIssue({ code: "custom", path: [key], message });
  }
  const modelWithoutWire = modelsOfBackendsWithoutWire[backend];
  const model = raw.model ?? raw.models[0]?.id ?? (isCli ? raw.default_model : undefined) ?? modelWithoutWire;
  let baseUrl: string | null = null;
  if (modelWithoutWire === undefined) {
    const written = raw.base_url ?? officialBaseUrls[raw.backend];
    const resolved =
      written === undefined
        ? { problem: `backend ${raw.backend} needs a base_url` }
        : resolveBaseUrl(written, backend);
    if ("url" in resolved) baseUrl = resolved.url;
    else context.addIssue({ code: "custom", path: ["base_url"], message: resolved.problem });
  }
  if (model === undefined) {
    context.addIssue({ code: "custom", path: ["model"], message: "the provider needs `model` or `models`" });
    return z.NEVER;
  }
  const api_keys: readonly string[] = [raw.api_key ?? "", ...(raw.api_keys ?? [])].filter(
    (key) => key !== "",
  );
  const models: readonly ModelSettings[] = raw.models.some((listed) => listed.id === model)
    ? raw.models
    : [{ id: model }, ...raw.models];
  // The CLI's limits depend on the rest of its config; unlimited here means not set.
  const timeout: TimeoutSettings = {
    ...raw.timeout,
    first_token_s: raw.timeout.first_token_s ?? (isCli ? Infinity : 120),
    idle_s: raw.timeout.idle_s ?? (isCli ? Infinity : 300),
  };
  return { ...raw, api_key: api_keys[0], api_keys, backend, base_url: baseUrl, model, models, timeout };
});

export type ProviderSettings = z.infer<typeof providerSettings>;

export const providersSettings = z
  .record(
    z
      .string()
      .regex(
        /^(?=.*[a-z])[a-z0-9][a-z0-9._-]{0,63}$/i,
        "letters, digits, dot, dash and underscore, at most 64",
      )
      .refine((id) => id.toLowerCase() !== "auto", "`auto` is the router's own name"),
    providerSettings,
  )
  .prefault({});

/** A vendor as discovery and the catalogue know it: the settings a person would write to use it. */
export type VendorRow<Quirk extends string = string> = {
  /** The provider id when there is no config. */
  readonly id: string;
  readonly name: string;
  readonly backend: BackendName;
  readonly baseUrl: string;
  /** The variable that holds the key; null for a local server that is never given one. */
  readonly keyVariable: string | null;
  /** Other variables in use for the same key; the first that is set counts. */
  readonly otherKeyVariables?: readonly string[];
  /** The variable that points to another server of this API; if it is set, the key belongs to that server. */
  readonly baseUrlVariable?: string;
  /** The model when a client names only the provider; null: whatever the server lists first. */
  readonly model: string | null;
  /** More models that a client may name. */
  readonly models: readonly string[];
  readonly quirks: readonly Quirk[];
  /** The same for the other formats that it speaks at this host. */
  readonly quirksOf?: Readonly<Partial<Record<BackendName, readonly Quirk[]>>>;
  /** Sent with every request; the operator's `headers` win. */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * Headers that the vendor requires and that only the operator can choose. Such a provider does not join a chain automatically.
   */
  readonly needsHeaders?: readonly string[];
  /** A hint for its users. */
  readonly note?: string;
};
