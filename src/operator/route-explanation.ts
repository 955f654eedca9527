// Why a request would go where it would go: the router's decision in words and numbers, without calling anything.

import type { RequestFacts, Target } from "../canon/decision.ts";
import { Failure } from "../canon/failure.ts";
import { nearest } from "../canon/nearest.ts";
import type { ChatRequest } from "../canon/request.ts";
import { estimateTokensOfBytes } from "../canon/tokens.ts";
import { refuseUnsupportedContent } from "../dialects/unsupported-content.ts";
import { isRecord } from "../dialects/decoding.ts";
import type { ClientHalf } from "../dialects/dialect.ts";
import { isResponsesBody, responsesOnChat } from "../dialects/responses-on-chat.ts";
import { type Endpoint, endpoints } from "../pipeline/endpoints.ts";
import { checkedModel, sessionHeader, sessionInBody } from "../pipeline/envelope.ts";
import { previewForTenant } from "../pipeline/tenant-limits.ts";
import type { TenantPolicy } from "../pipeline/tenant-policy.ts";
import { type RequestSize, ceilingAt } from "../pipeline/tenant-price.ts";
import { sessionKey } from "../tenants/sessions.ts";
import { estimateCostUsd, type ModelFacts, requirementsOf } from "../routing/eligibility.ts";
import { ruleInputOf } from "../routing/rule-input.ts";
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
  /** The tenant whose restrictions were applied; null: nobody's. */
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
  readonly estimated_tokens: number;
  readonly estimated_cost_usd: number | null;
};

export type ExplanationServices = {
  readonly clock: Pick<Clock, "nowMs" | "monotonicMs">;
  readonly prices: { load(): Promise<void> };
};

export type RouteQuestion = {
  /** Parsed JSON: a request of any door. */
  readonly body: unknown;
  /** chat, messages, responses or gemini; null: told by the body's shape. */
  readonly endpointName: string | null;
  readonly headers: Headers;
  /** Name of the tenant that would send it; null: somebody without a tenant. */
  readonly tenant: string | null;
};

function clientOf(
  { dialects }: ActiveConfig["pipeline"],
  { dialect, name }: Endpoint,
  body: object,
): ClientHalf {
  const kinds = body as Readonly<Record<string, unknown>>;
  const kindOf = (key: string): string | null =>
    Array.isArray(kinds[key]) ? "array" : kinds[key] == null ? null : typeof kinds[key];
  return name === "chat" && isResponsesBody(kindOf) ? responsesOnChat : dialects[dialect].client;
}

/** Throws Failure. */
export async function explainRoute(
  snapshot: ActiveConfig,
  services: ExplanationServices,
  question: RouteQuestion,
): Promise<RouteExplanation> {
  const startedMs = services.clock.monotonicMs();
  const { pipeline } = snapshot;
  const { headers, body } = question;
  if (!isRecord(body))
    throw new Failure(
      "invalid-request",
      "The body must be a JSON object: a request in any of the supported formats.",
    );
  const { model, ...rest } = body;
  if (model !== undefined && typeof model !== "string")
    throw new Failure("invalid-request", "model must be a string.", { param: "model" });
  const endpoint = endpointOf(question.endpointName, body);
  const name = checkedModel(model ?? null) || "auto";
  const request: ChatRequest = {
    ...clientOf(pipeline, endpoint, body).decodeRequest({ ...rest, model: name }),
    model: name,
  };
  const asked = ruleInputOf(request, (header) => headers.get(header));
  const requirements = requirementsOf(asked.facts);
  await services.prices.load();
  // As a client would send it: limits count the body's bytes.
  const bytes = Buffer.byteLength(JSON.stringify(body));
  const policy = policyOf(snapshot, question.tenant);
  const ask = (model: string, isAlone: boolean) =>
    pipeline.router.decide(
      {
        model,
        isFallbackOff: isAlone || headers.get("x-clawgate-fallback")?.toLowerCase() === "off",
        session: sessionKey(question.tenant, sessionHeader(headers) ?? sessionInBody(body)),
        requirements,
        read: () => asked,
      },
      true,
    );
  const factsOf = ({ provider, model }: Target): ModelFacts | null =>
    pipeline.providers.get(provider)?.modelFacts(model) ?? null;
  const requestSize: RequestSize = {
    input: requirements.images ? asked.facts.estimatedTokens : estimateTokensOfBytes(bytes),
    limit: requirements.outputTokens,
    answers: 1,
    mayThink: requirements.thinking,
    dialect: endpoint.dialect,
    writes: true,
  };
  const decision =
    question.tenant === null || policy === undefined
      ? await ask(name, false)
      : await previewForTenant({
          tenant: question.tenant,
          router: pipeline.router,
          policy,
          model: name,
          ask,
          ceilingFor({ provider, model }) {
            const at = pipeline.providers.get(provider);
            return at === undefined ? null : ceilingAt(requestSize, at, model, services.clock.nowMs());
          },
        });
  const refused = pipeline.dialects[endpoint.dialect].client.refuseTranslation(request);
  const refusalAt = ({ provider }: Target): Failure | null => {
    const backend = pipeline.providers.get(provider)?.backend;
    const native = backend?.dialect ?? backend?.nativeDialect ?? null;
    return native === null || native === endpoint.dialect
      ? null
      : (refused ?? refuseUnsupportedContent(request, native));
  };
  const atClients = decision.clientsTarget === null ? null : refusalAt(decision.clientsTarget);
  if (atClients !== null) throw atClients;
  const [first, ...others] = decision.targets.filter((target) => refusalAt(target) === null);
  const [named] = decision.targets;
  const refusal = named === undefined ? null : refusalAt(named);
  if (first === undefined && refusal !== null) throw refusal;
  if (first === undefined) throw new Failure("unknown-model", "There is no target.", { param: "model" });
  const costOf = (target: Target): number | null => {
    const cost = estimateCostUsd(factsOf(target), requirements);
    return cost === null ? null : Math.round(cost * 1e9) / 1e9;
  };
  return {
    tenant: question.tenant,
    ...first,
    layer: decision.layer,
    rule: decision.rule,
    confidence: decision.confidence,
    reason: decision.reason,
    elapsed_ms: Math.round((services.clock.monotonicMs() - startedMs) * 1000) / 1000,
    facts: factsShown(asked.facts, name),
    candidates: decision.candidates.map((each) => ({
      ...each,
      ...(each.kept && refusalAt(each) !== null
        ? { kept: false, note: `dropped: ${refusalAt(each)?.message}` }
        : sameTarget(each, first) && each.note === "fallback"
          ? { note: "chosen" }
          : {}),
      estimated_cost_usd: costOf(each),
    })),
    fallbacks: others.map((each) => `${each.provider}/${each.model}`),
    estimated_tokens: asked.facts.estimatedTokens,
    estimated_cost_usd: costOf(first),
  };
}

const sameTarget = (left: Target, right: Target): boolean =>
  left.provider === right.provider && left.model === right.model;

/** Does a request of this format have to be translated for that backend? */
/** Undefined where nothing is said of the tenant. Throws Failure for one that the config does not know. */
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

/** Names of `?door=` (contract section 1). Throws Failure for another one. */
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
