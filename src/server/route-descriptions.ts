// What the API description says about each route, as plain OpenAPI 3.0 data. It must contain no code that runs for a request.

import type { DocumentDecoration } from "elysia";
import type { Endpoint, EndpointName } from "../pipeline/endpoints.ts";

export type RouteDescription = DocumentDecoration;

type Responses = NonNullable<RouteDescription["responses"]>;

const reference = (name: string) => ({ $ref: `#/components/schemas/${name}` });
const json = (description: string, schema: string) => ({
  description,
  content: { "application/json": { schema: reference(schema) } },
});

/** Component name of an endpoint's request body. */
export function requestSchemaName(endpoint: EndpointName | string): string {
  return `${endpoint.replace(/(^|-)([a-z])/g, (_all, _dash: string, letter: string) => letter.toUpperCase())}Request`;
}

const clientKey: NonNullable<RouteDescription["security"]> = [
  { bearer: [] },
  { apiKey: [] },
  { googleKey: [] },
  { clawgateKey: [] },
];
const errorStatuses: readonly (readonly [string, string])[] = [
  ["400", "The request is malformed or asks for something that is not supported."],
  ["401", "No key, or a wrong one."],
  ["403", "Forbidden: not this machine, an undeclared proxy, or a foreign website."],
  ["404", "No such path or model."],
  ["408", "The body arrived too slowly."],
  ["413", "The body is too large."],
  ["415", "The body has a type that the endpoint does not accept, or is compressed."],
  ["429", "A limit of the gateway, or of every provider that could answer, is reached; see Retry-After."],
  ["500", "An error of the gateway."],
  ["502", "The upstream failed."],
  ["503", "Overloaded, shutting down, or too many request bodies in memory; see Retry-After."],
  ["504", "The upstream took too long."],
];

export function errors(schema: string, statuses: readonly string[]): Responses {
  const responses: Responses = {};
  for (const [status, description] of errorStatuses)
    if (statuses.includes(status)) responses[status] = json(description, schema);
  return responses;
}

export function operatorRoute(
  summary: string,
  description: string,
  detail: Partial<RouteDescription> = {},
): RouteDescription {
  return {
    tags: ["Operator"],
    summary,
    description,
    security: [{ adminKey: [] }],
    responses: {
      "200": { description: "JSON", content: { "application/json": { schema: { type: "object" } } } },
      ...errors("OpenAIError", ["401", "403", "404", "429"]),
    },
    ...detail,
  };
}

function bodyOf({ name, forwarding }: Endpoint) {
  const content = { schema: reference(requestSchemaName(name)) };
  const json = { "application/json": content };
  return forwarding?.takesForm === true ? { "multipart/form-data": content, ...json } : json;
}

const streamed: Partial<Record<EndpointName, string>> = {
  chat: "ChatReply",
  messages: "MessagesReply",
  gemini: "GenerateContentReply",
};

const openai = { tag: "OpenAI", errorSchema: "OpenAIError" };
const formats: Readonly<
  Partial<Record<Endpoint["dialect"], { readonly tag: string; readonly errorSchema: string }>>
> = {
  "openai-chat": openai,
  "openai-responses": openai,
  "anthropic-messages": { tag: "Anthropic", errorSchema: "AnthropicError" },
  "google-genai": { tag: "Google", errorSchema: "GoogleError" },
};

const budgetHeader = {
  name: "x-clawgate-budget",
  in: "header",
  required: false,
  description:
    "Caps what this session may cost, in US dollars; without a session what this request may cost.",
  schema: { type: "string" as const, pattern: "^\\d{1,9}(\\.\\d{1,9})?$", example: "5.00" },
};

/** Counting tokens is free. */
const budgetOf = ({ kind }: Endpoint) => (kind === "count-tokens" ? [] : [budgetHeader]);

export const routeDescriptions = {
  hidden: { hide: true } satisfies RouteDescription,
  health: {
    tags: ["Public"],
    summary: "Health of the gateway and of every provider",
    description:
      "Always 200, with the state in `status`; with `ready=1` it is 503 when the gateway is down. Callers that may read `/api/*` also get tenants, queue, config, stores, certificates and what does not work as configured (`problems`). With `server.compat` the answer has the shape of the program whose place is taken, unless `as=clawgate` asks for this one.",
    security: [],
    parameters: [
      { name: "ready", in: "query", required: false, schema: { type: "string", enum: ["1"] } },
      { name: "as", in: "query", required: false, schema: { type: "string", enum: ["clawgate"] } },
    ],
    responses: { "200": json("The state", "Health"), "503": json("Down (only with ready=1)", "Health") },
  } satisfies RouteDescription,
  models: {
    tags: ["Model list"],
    summary: "List the models that clients may name",
    description:
      "OpenAI's shape; Anthropic's when `anthropic-version` is sent, then in pages if the client asks for them.",
    security: clientKey,
    parameters: ["limit", "after_id", "before_id"].map((name) => ({
      name,
      in: "query" as const,
      required: false,
      description: "Only for Anthropic's shape, and with its meaning.",
      schema: name === "limit" ? { type: "integer", minimum: 1, maximum: 1000 } : { type: "string" },
    })),
    responses: {
      "200": {
        description: "The list",
        content: {
          "application/json": {
            schema: { oneOf: [reference("ModelList"), reference("AnthropicModelList")] },
          },
        },
      },
      ...errors("OpenAIError", ["401", "403"]),
    },
  } satisfies RouteDescription,
  /** Not part of a row: the plugin leaves out paths with a `*`. */
  model: {
    tags: ["Model list"],
    summary: "One model",
    description: "The id may contain a slash, plain or as %2F.",
    security: clientKey,
    parameters: [{ name: "model", in: "path", required: true, schema: { type: "string" } }],
    responses: {
      "200": {
        description: "The model",
        content: {
          "application/json": { schema: { oneOf: [reference("Model"), reference("AnthropicModel")] } },
        },
      },
      ...errors("OpenAIError", ["401", "403", "404"]),
    },
  } satisfies RouteDescription,
  googleModels: {
    tags: ["Model list"],
    summary: "List the models, Google's shape",
    security: clientKey,
    responses: {
      "200": json("The list", "GoogleModelList"),
      ...errors("GoogleError", ["401", "403"]),
    },
  } satisfies RouteDescription,
  googleModel: {
    tags: ["Model list"],
    summary: "One model, Google's shape",
    security: clientKey,
    parameters: [{ name: "model", in: "path", required: true, schema: { type: "string" } }],
    responses: {
      "200": json("The model", "GoogleModel"),
      ...errors("GoogleError", ["401", "403", "404"]),
    },
  } satisfies RouteDescription,
  /** Endpoints whose path names the model, as OpenAPI writes them: the plugin leaves out paths with a `*`. */
  pathEndpoints(all: readonly Endpoint[]): Record<string, { readonly post: RouteDescription }> {
    const named = all.filter((endpoint) => endpoint.stream !== undefined);
    return Object.fromEntries(
      named.map((endpoint) => {
        const model = { name: "model", in: "path", required: true, schema: { type: "string" as const } };
        const alt = {
          name: "alt",
          in: "query",
          required: true,
          schema: { type: "string" as const, enum: ["sse"] },
        };
        const parameters = [model, ...(endpoint.stream === true ? [alt] : []), ...budgetOf(endpoint)];
        return [
          endpoint.path.replace("*", "{model}"),
          { post: { ...routeDescriptions.endpoint(endpoint), parameters } },
        ];
      }),
    );
  },
  endpoint(endpoint: Endpoint): RouteDescription {
    const { tag, errorSchema } = formats[endpoint.dialect] ?? {
      tag: endpoint.dialect,
      errorSchema: "OpenAIError",
    };
    const reply = streamed[endpoint.name];
    const body = {
      "application/json": { schema: reply === undefined ? { type: "object" as const } : reference(reply) },
    };
    return {
      tags: [tag],
      summary: endpoint.summary,
      security: clientKey,
      parameters: budgetOf(endpoint),
      requestBody: {
        required: true,
        content: bodyOf(endpoint),
      },
      responses: {
        "200": {
          description:
            reply === undefined ? "The answer" : "The answer; as server-sent events if a stream is requested",
          content:
            reply === undefined
              ? body
              : { ...body, "text/event-stream": { schema: { type: "string" as const } } },
        },
        ...errors(
          errorSchema,
          errorStatuses.map(([status]) => status),
        ),
      },
    };
  },
  stats: operatorRoute(
    "Totals, by provider, by route and over time",
    "Requests are counted once, however many attempts they took.",
  ),
  recent: operatorRoute("The latest requests", "One row per request, with its attempts.", {
    parameters: [
      { name: "limit", in: "query", required: false, schema: { type: "integer", minimum: 1, default: 50 } },
    ],
  }),
  metrics: operatorRoute(
    "Counters, histograms and gauges for Prometheus",
    "Text format 0.0.4, or OpenMetrics 1.0 if the Accept header names it. Counters start at 0 with the process. The series are listed in /docs/operating.",
    {
      responses: {
        "200": {
          description: "The series",
          content: { "text/plain": { schema: { type: "string" } } },
        },
        ...errors("OpenAIError", ["401", "403", "429"]),
      },
    },
  ),
  config: operatorRoute(
    "The active config and the file it came from",
    "Secrets masked: file, since when, the flags and variables that override it, what takes effect only after a restart, and how the file on disk differs now.",
  ),
  live: operatorRoute(
    "Requests that are running now",
    "Stage, tenant, session, client, rule and what has come so far of every running request; the tokens are an estimate.",
  ),
  logs: operatorRoute(
    "The last lines of the gateway's log",
    "At most 2,000 are kept, in memory, oldest first, in the log's form: `time`, `level`, `message` and its fields. Send the `cursor` of the answer back to get the lines that came since.",
    {
      parameters: [
        {
          name: "limit",
          in: "query",
          required: false,
          schema: { type: "integer", minimum: 0, maximum: 2000, default: 100 },
        },
        { name: "cursor", in: "query", required: false, schema: { type: "integer", minimum: 0, default: 0 } },
      ],
    },
  ),
  providers: operatorRoute(
    "Every provider and its state",
    "State (healthy, half-open, open, cooling, rejected), when it is tried again, latency, last error, requests today (UTC).",
  ),
  tenants: operatorRoute(
    "Every tenant, its keys, limits and usage",
    "Keys by the first digits of their SHA-256, with their expiry; the last minute, the UTC day and month, and what is reserved for running requests.",
  ),
  route: operatorRoute(
    "Why a request would go where it would go",
    "Answers without calling anything. The body is a request in any of the supported formats: provider, model, layer, rule, confidence, reason, facts, candidates with why each was kept or dropped, estimated tokens and cost.",
    {
      parameters: [
        {
          name: "door",
          in: "query",
          required: false,
          description: "Absent: detected from the body.",
          schema: { type: "string", enum: ["chat", "messages", "responses", "gemini"] },
        },
        {
          name: "tenant",
          in: "query",
          required: false,
          description:
            "Explain as this tenant: with its models, provider, limits and budgets. A request that would be refused is answered with that refusal.",
          schema: { type: "string" },
        },
      ],
      requestBody: {
        required: true,
        content: { "application/json": { schema: { type: "object", additionalProperties: true } } },
      },
      responses: {
        "200": json("The decision", "RouteExplanation"),
        ...errors("OpenAIError", ["400", "401", "403", "404", "413", "415", "429"]),
      },
    },
  ),
  test: operatorRoute(
    "Send one small real request to a provider",
    "No other provider is tried; it may cost a fraction of a cent and is recorded like any request. `ok` says whether it worked, `error` why not and what to do. Needs the admin key or the state directory's token.",
    {
      parameters: [
        {
          name: "model",
          in: "query",
          required: false,
          description: "Absent: the provider's own model.",
          schema: { type: "string" },
        },
      ],
      responses: {
        "200": json("The result, success or failure", "ProviderTest"),
        ...errors("OpenAIError", ["401", "403", "404", "429"]),
      },
    },
  ),
  reload: operatorRoute(
    "Read the config again",
    "All of the new config or, when it is not valid, all of the old one: then 400, and `error.problems` has file, line, key and message of each problem. Running requests keep the config that they started with. Needs the admin key or the state directory's token.",
    {
      responses: {
        "200": json("What changed, and what takes effect only after a restart", "Reload"),
        "400": json("The new config is not valid; the old one stays", "Reload"),
        ...errors("OpenAIError", ["401", "403", "429", "500", "503"]),
      },
    },
  ),
  requestLog: operatorRoute(
    "Whether the texts of requests are kept",
    "`enabled`, `tenants`, `path`, `entries`, `bytes`, `oldest_ms`, and `dropped`: texts that could not be written in time. No text is in it.",
  ),
  loggedRequest: {
    tags: ["Operator"],
    summary: "The texts of one request",
    description:
      "What was sent and what was answered, a text for each message, masked and cut to request_log.max_kb. Needs the admin key or the state directory's token.",
    security: [{ adminKey: [] }],
    parameters: [{ name: "id", in: "path", required: true, schema: { type: "string" } }],
    responses: {
      "200": json("The texts", "LoggedRequest"),
      ...errors("OpenAIError", ["401", "403", "404", "429"]),
    },
  } satisfies RouteDescription,
  deleteLoggedRequests: operatorRoute(
    "Delete the texts of a tenant",
    "They are overwritten in the file. Needs the admin key or the state directory's token.",
    {
      parameters: [
        {
          name: "tenant",
          in: "query",
          required: true,
          description: "A tenant's name, or `*` for everybody.",
          schema: { type: "string" },
        },
      ],
    },
  ),
  alerts: operatorRoute(
    "The alerts that last, and those that ended lately",
    "`alerts`: kind, severity, subject, message, `since_ms`, `until_ms`, `value` and its `limit`. `recent`: the last 200 that ended, with `ended_ms`. Kept over a restart. `enabled`: false where the config switches them off.",
  ),
  testAlert: operatorRoute(
    "Send a test message by every configured way",
    "Once, without another attempt and in quiet hours too. `deliveries` has `channel`, `ok` and `error` of each; it is empty where neither a webhook nor ntfy nor a command is configured. Needs the admin key or the state directory's token.",
  ),
  reset: operatorRoute(
    "Forget a provider's failures",
    "Closes its circuit and ends its cooldown. Needs the admin key or the state directory's token.",
  ),
  cancel: operatorRoute(
    "Cancel a running request",
    "Its upstream call is aborted and the client gets an error. Needs the admin key or the state directory's token.",
  ),
} as const;
