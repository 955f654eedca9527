// Where a request would go, why and how: the result of the pipeline's own preview, as words and numbers.
// No provider is called.

import { isUtf8 } from "node:buffer";
import type { RequestFacts, Target } from "../canon/decision.ts";
import { Failure } from "../canon/failure.ts";
import { nearest } from "../canon/nearest.ts";
import { estimateTokensOfBytes } from "../canon/tokens.ts";
import { isRecord } from "../dialects/decoding.ts";
import { type Endpoint, endpoints } from "../pipeline/endpoints.ts";
import { checkedModel, maxJsonDepth } from "../pipeline/body/envelope.ts";
import { type IncomingRequest, readIncoming, routeRequestOf } from "../pipeline/incoming-request.ts";
import { previewRequest, type RequestPreview } from "../pipeline/request-preview.ts";
import { keepingContext, type KeepingServices } from "../pipeline/responses/keeping-context.ts";
import type { TenantPolicy } from "../pipeline/tenants/tenant-policy.ts";
import type { RoutedDecision } from "../routing/decision-builder.ts";
import { estimateCostUsd, requirementsOf } from "../routing/eligibility.ts";
import { BrokenJson, scanObject } from "../wire/json.ts";
import type { Clock } from "../system/clock.ts";
import type { ActiveConfig } from "./active-config.ts";

export type RouteCandidate = {
  readonly provider: string;
  readonly model: string;
  readonly kept: boolean;
  readonly note: string;
  /** Null: the price is unknown. */
  readonly estimated_cost_usd: number | null;
};

export type RouteExplanation = {
  /** The tenant whose restrictions were applied; null: none were. */
  readonly tenant: string | null;
  readonly provider: string;
  readonly model: string;
  readonly layer: string;
  readonly rule: string;
  readonly confidence: number;
  readonly reason: string;
  readonly elapsed_ms: number;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly candidates: readonly RouteCandidate[];
  /** `provider/model` in the order in which they would be tried next. */
  readonly fallbacks: readonly string[];
  /** Whether the client's own bytes would be sent; otherwise the request would be translated. */
  readonly passes: boolean;
  /**
   * Why they would not pass unchanged (canon/translate-reason.ts); null: they would. With `passes` true the body would be
   * repaired in its own format.
   */
  readonly because: string | null;
  /** What would be changed or left out, in the words of `X-ClawGate-Adapted`. */
  readonly adapted: readonly string[];
  readonly estimated_tokens: number;
  readonly estimated_cost_usd: number | null;
};

export type ExplanationServices = {
  readonly clock: Pick<Clock, "nowMs" | "monotonicMs">;
  readonly prices: { load(): Promise<void> };
} & KeepingServices;

export type RouteQuestion = {
  /** JSON: a request of any chat endpoint. */
  readonly bytes: Buffer;
  /** chat, messages, responses or gemini; null: detected from the body. */
  readonly endpointName: string | null;
  readonly headers: Headers;
  /** Name of the tenant that would send it; null: a client without a tenant. */
  readonly tenant: string | null;
};

/** Throws Failure: the error that the client would get. */
export async function explainRoute(
  snapshot: ActiveConfig,
  services: ExplanationServices,
  question: RouteQuestion,
): Promise<RouteExplanation> {
  const { clock, prices } = services;
  const startedMs = clock.monotonicMs();
  const { pipeline } = snapshot;
  const { tenant } = question;
  const incoming = incomingOf(snapshot, services, question);
  await prices.load();
  const preview = await previewRequest(pipeline, incoming, policyOf(snapshot, tenant), clock.nowMs());
  const facts = factsOf(incoming);
  const { decision, first, passthrough } = preview;
  const costOf = ({ provider, model }: Target): number | null => {
    const known = pipeline.providers.get(provider)?.modelFacts(model) ?? null;
    const cost = estimateCostUsd(known, requirementsOf(facts));
    return cost === null ? null : Math.round(cost * 1e9) / 1e9;
  };
  return {
    tenant,
    ...first,
    layer: decision.layer,
    rule: decision.rule,
    confidence: decision.confidence,
    reason: decision.reason,
    elapsed_ms: Math.round((clock.monotonicMs() - startedMs) * 1000) / 1000,
    facts: factsShown(facts, incoming.envelope.model),
    candidates: candidatesOf(preview).map((each) => ({ ...each, estimated_cost_usd: costOf(each) })),
    fallbacks: preview.others.map((each) => `${each.provider}/${each.model}`),
    passes: passthrough.passes,
    because: passthrough.because,
    adapted: preview.adapted,
    estimated_tokens: facts.estimatedTokens,
    estimated_cost_usd: costOf(first),
  };
}

/** The request as the pipeline reads it; adds what clients of the format put in the path or leave to a default. */
function incomingOf(
  snapshot: ActiveConfig,
  services: ExplanationServices,
  question: RouteQuestion,
): IncomingRequest {
  const { headers, tenant } = question;
  const body = parsedBody(question.bytes);
  const { model, ...rest } = body;
  if (model !== undefined && typeof model !== "string")
    throw new Failure("invalid-request", "model must be a string.", { param: "model" });
  const endpoint = endpointOf(question.endpointName, body);
  const name = checkedModel(model ?? null) || "auto";
  const isInPath = endpoint.stream !== undefined;
  const isAsWritten = isInPath ? model === undefined : model === name;
  const bytes = isAsWritten
    ? question.bytes
    : Buffer.from(JSON.stringify(isInPath ? rest : { ...rest, model: name }));
  const call = isInPath ? { model: name, stream: endpoint.stream === true } : null;
  const dialect = snapshot.pipeline.dialects[endpoint.dialect];
  const keeping = keepingContext(endpoint, services, snapshot.pipeline, { requestId: "preview", tenant });
  return readIncoming(
    { endpoint, dialect, headers, bytes, call, tenant, keeping },
    policyOf(snapshot, tenant),
  );
}

function parsedBody(bytes: Buffer): Record<string, unknown> {
  if (!isUtf8(bytes)) throw new Failure("invalid-request", "The body is not valid UTF-8.");
  let body: unknown;
  try {
    // Parsing has no depth limit of its own; the scan has.
    scanObject(bytes, maxJsonDepth);
    body = JSON.parse(bytes.toString("utf8"));
  } catch (thrown) {
    const why = thrown instanceof BrokenJson ? `: ${thrown.message}` : "";
    throw new Failure("invalid-request", `The body is not usable JSON${why}.`);
  }
  if (isRecord(body)) return body;
  throw new Failure(
    "invalid-request",
    "The body must be a JSON object: a request in any of the supported formats.",
  );
}

/** What rules would see. A request that only its own vendor understands is described by its bytes. */
function factsOf(incoming: IncomingRequest): RequestFacts {
  const route = routeRequestOf(incoming, incoming.envelope.model, false);
  try {
    return route.read().facts;
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown;
    const { tools = false, images = false, jsonSchema = false, thinking = false } = route.requirements ?? {};
    const limit = route.requirements?.outputTokens ?? null;
    return {
      estimatedTokens: estimateTokensOfBytes(incoming.envelope.bytes.length),
      hasTools: tools,
      hasImages: images,
      hasCodeBlock: false,
      wantsJsonSchema: jsonSchema,
      wantsThinking: thinking,
      maxTokens: limit === null || !Number.isFinite(limit) ? null : limit,
      isHeartbeat: false,
    };
  }
}

function candidatesOf({ decision, first, refusals }: RequestPreview): RoutedDecision["candidates"] {
  return decision.candidates.map((each) => {
    for (const [target, refusal] of refusals)
      if (each.kept && sameTarget(target, each))
        return { ...each, kept: false, note: `dropped: ${refusal.message}` };
    return sameTarget(each, first) && each.note === "fallback" ? { ...each, note: "chosen" } : each;
  });
}

const sameTarget = (left: Target, right: Target): boolean =>
  left.provider === right.provider && left.model === right.model;

/** Undefined if the query names no tenant. Throws Failure for one that the config does not define. */
function policyOf({ loaded, pipeline }: ActiveConfig, tenant: string | null): TenantPolicy | undefined {
  if (tenant === null) return undefined;
  const names = loaded.config.tenants.map((each) => each.name);
  if (names.includes(tenant)) return pipeline.tenants.get(tenant);
  const near = nearest(tenant, names);
  throw new Failure(
    "invalid-request",
    `There is no tenant "${tenant.slice(0, 64)}".${near === null ? "" : ` Did you mean "${near}"?`}`,
    { param: "tenant" },
  );
}

function factsShown(facts: RequestFacts, model: string): Record<string, unknown> {
  return {
    requested_model: model,
    estimated_tokens: facts.estimatedTokens,
    has_tools: facts.hasTools,
    has_images: facts.hasImages,
    has_code_block: facts.hasCodeBlock,
    wants_json_schema: facts.wantsJsonSchema,
    wants_thinking: facts.wantsThinking,
    max_tokens: facts.maxTokens,
    is_heartbeat: facts.isHeartbeat,
  };
}

/** The values of `?door=`. Throws Failure for any other. */
function endpointOf(name: string | null, body: Record<string, unknown>): Endpoint {
  const wanted = name ?? endpointByShape(body);
  const endpoint = endpoints.find((each) => each.name === wanted && each.kind === "chat");
  if (endpoint !== undefined) return endpoint;
  const known = endpoints.flatMap((each) => (each.kind === "chat" ? [each.name] : []));
  throw new Failure("invalid-request", `door must be one of ${[...new Set(known)].join(", ")}.`, {
    param: "door",
  });
}

const anthropicBlocks = new Set(["tool_use", "tool_result", "document"]);

function endpointByShape(body: Record<string, unknown>): string {
  if (Array.isArray(body["contents"])) return "gemini";
  if (body["input"] !== undefined && body["messages"] === undefined) return "responses";
  const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
  const isAnthropic =
    body["system"] !== undefined ||
    list(body["tools"]).some((tool) => isRecord(tool) && tool["input_schema"] !== undefined) ||
    list(body["messages"]).some(
      (message) =>
        isRecord(message) &&
        list(message["content"]).some(
          (block) => isRecord(block) && anthropicBlocks.has(String(block["type"])),
        ),
    );
  return isAnthropic ? "messages" : "chat";
}
