// The named schemas of the API description: requests from our zod schemas, responses and errors written by hand.
// The dialects produce the real responses; this must never be used to check or shape them.

import { z } from "zod";
import { endpoints } from "../pipeline/endpoints.ts";
import { type RouteDescription, requestSchemaName } from "./route-descriptions.ts";

type Content = NonNullable<
  NonNullable<Exclude<NonNullable<RouteDescription["requestBody"]>, { $ref: string }>["content"]>[string]
>;
type Schema = NonNullable<Content["schema"]>;

const text = { type: "string" } as const;
const textOrNull = { type: "string", nullable: true } as const;
const number = { type: "integer" } as const;
const numberOrNull = { type: "number", nullable: true } as const;
const anything = { type: "object", additionalProperties: true } as const;
const object = (properties: Record<string, Schema>, required = Object.keys(properties)): Schema => ({
  type: "object",
  properties,
  required,
  additionalProperties: true,
});
const list = (items: Schema): Schema => ({ type: "array", items });
const reference = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });

const answers: Readonly<Record<string, Schema>> = {
  OpenAIError: object({ error: object({ message: text, type: text, param: textOrNull, code: textOrNull }) }),
  AnthropicError: object({
    type: { type: "string", enum: ["error"] },
    error: object({ type: text, message: text }),
    request_id: text,
  }),
  Health: object({
    status: { type: "string", enum: ["ok", "degraded", "down"] },
    providers: { type: "object", additionalProperties: anything },
  }),
  Model: object({ id: text, object: text, created: number, owned_by: text }),
  ModelList: object({ object: text, data: list(reference("Model")) }),
  AnthropicModel: object({ type: text, id: text, display_name: text, created_at: text }),
  AnthropicModelList: object({
    data: list(reference("AnthropicModel")),
    has_more: { type: "boolean" },
    first_id: textOrNull,
    last_id: textOrNull,
  }),
  RouteExplanation: object({
    tenant: textOrNull,
    provider: text,
    model: text,
    layer: { type: "string", enum: ["direct", "static", "heuristic", "llm-classify", "fallback"] },
    rule: text,
    confidence: { type: "number" },
    reason: text,
    elapsed_ms: { type: "number" },
    facts: anything,
    candidates: list(
      object({
        provider: text,
        model: text,
        kept: { type: "boolean" },
        note: text,
        estimated_cost_usd: numberOrNull,
      }),
    ),
    fallbacks: list(text),
    passes: { type: "boolean" },
    because: textOrNull,
    adapted: list(text),
    estimated_tokens: number,
    estimated_cost_usd: numberOrNull,
  }),
  LoggedRequest: object({
    id: text,
    at_ms: number,
    tenant: textOrNull,
    door: text,
    provider: textOrNull,
    model: textOrNull,
    status: number,
    failure: textOrNull,
    request: { type: "array", items: object({ role: text, text }) },
    request_cut: { type: "boolean" },
    response: { type: "array", items: object({ role: text, text }) },
    response_cut: { type: "boolean" },
  }),
  ProviderTest: object({
    request_id: text,
    provider: text,
    model: text,
    ok: { type: "boolean" },
    latency_ms: number,
    first_token_ms: numberOrNull,
    text: textOrNull,
    upstream_model: textOrNull,
    input_tokens: numberOrNull,
    output_tokens: numberOrNull,
    cost_usd: numberOrNull,
    error: { ...object({ kind: text, message: text, hint: text }), nullable: true },
  }),
  Reload: object({
    ok: { type: "boolean" },
    reason: text,
    config: textOrNull,
    changed: object({
      providers: object({ added: list(text), removed: list(text), changed: list(text) }),
      sections: list(text),
    }),
    needs_restart: list(text),
    notices: list(text),
    error: {
      ...object({
        code: text,
        message: text,
        problems: list(
          object({
            path: textOrNull,
            line: { ...number, nullable: true },
            key: text,
            message: text,
            hint: textOrNull,
          }),
        ),
      }),
      nullable: true,
    },
  }),
  ChatReply: object({
    id: text,
    object: text,
    created: number,
    model: text,
    choices: list(anything),
    usage: anything,
  }),
  MessagesReply: object({
    id: text,
    type: text,
    role: text,
    model: text,
    content: list(anything),
    stop_reason: textOrNull,
    usage: anything,
  }),
  GoogleError: object({
    error: object({ code: number, message: text, status: text, details: list(anything) }),
  }),
  GoogleModel: object({ name: text, displayName: text, supportedGenerationMethods: list(text) }),
  GoogleModelList: object({ models: list(reference("GoogleModel")) }),
  GenerateContentReply: object(
    {
      candidates: list(anything),
      promptFeedback: anything,
      usageMetadata: anything,
      modelVersion: text,
      responseId: text,
    },
    ["modelVersion", "responseId"],
  ),
};

/** `requests`: request schemas by endpoint name; an endpoint without one is described as any object. */
export function components(requests: Readonly<Record<string, z.ZodType>>): Record<string, Schema> {
  const named: Record<string, Schema> = { ...answers };
  for (const endpoint of endpoints) named[requestSchemaName(endpoint.name)] = anything;
  for (const [endpoint, schema] of Object.entries(requests)) {
    const name = requestSchemaName(endpoint);
    for (const [inner, definition] of Object.entries(openApiSchemas(schema, name))) named[inner] = definition;
  }
  return named;
}

/** zod's own definitions become separate components, named after their owner; references are adjusted. */
function openApiSchemas(schema: z.ZodType, name: string): Record<string, Schema> {
  const made = z.toJSONSchema(schema, { target: "openapi-3.0", io: "input", unrepresentable: "any" });
  const moved = JSON.stringify(made).replaceAll(
    /"\$ref":"#(?:\/(?:definitions|\$defs|components\/schemas)\/([^"]*))?"/g,
    (_all, inner: string | undefined) =>
      `"$ref":"#/components/schemas/${name}${inner === undefined ? "" : `.${inner}`}"`,
  );
  const {
    definitions,
    $schema: _draft,
    ...own
  } = JSON.parse(moved) as Schema & {
    definitions?: Record<string, Schema>;
    $schema?: string;
  };
  const schemas: Record<string, Schema> = { [name]: own };
  for (const [inner, definition] of Object.entries(definitions ?? {}))
    schemas[`${name}.${inner}`] = definition;
  return schemas;
}
