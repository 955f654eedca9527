// Why a request would go where it would go: the router's decision in words and numbers, without calling anything.

import type { RequestFacts, Target } from "../canon/decision.ts";
import { Failure } from "../canon/failure.ts";
import { nearest } from "../canon/nearest.ts";
import type { ChatRequest } from "../canon/request.ts";
import { estimateTokensOfBytes } from "../canon/tokens.ts";
import { refuseAsked } from "../dialects/asked-content.ts";
import { isRecord } from "../dialects/decoding.ts";
import type { ClientHalf } from "../dialects/dialect.ts";
import { isResponsesBody, responsesAtChat } from "../dialects/responses-at-chat.ts";
import { type Door, doors } from "../pipeline/doors.ts";
import { checkedModel, sessionHeader, sessionInBody } from "../pipeline/enrol.ts";
import { previewForTenant } from "../pipeline/tenant-limits.ts";
import type { TenantPolicy } from "../pipeline/tenant-policy.ts";
import { type Appetite, ceilingAt } from "../pipeline/tenant-price.ts";
import { sessionKey } from "../tenants/sessions.ts";
import { estimateCostUsd, type ModelFacts, needsOf } from "../routing/capabilities.ts";
import { questionOf } from "../routing/question.ts";
import type { HouseEstate } from "./estate.ts";
import type { Assembled } from "./generation.ts";

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

export type RouteQuestion = {
  /** Parsed JSON: a request of any door. */
  readonly body: unknown;
  /** chat, messages, responses or gemini; null: told by the body's shape. */
  readonly doorName: string | null;
  readonly headers: Headers;
  /** Name of the tenant that would send it; null: somebody without a tenant. */
  readonly tenant: string | null;
};

function clientOf({ dialects }: Assembled["road"], { dialect, name }: Door, body: object): ClientHalf {
  const kinds = body as Readonly<Record<string, unknown>>;
  const kindOf = (key: string): string | null =>
    Array.isArray(kinds[key]) ? "array" : kinds[key] == null ? null : typeof kinds[key];
  return name === "chat" && isResponsesBody(kindOf) ? responsesAtChat : dialects[dialect].client;
}

/** Throws Failure. */
export async function explainRoute(
  assembled: Assembled,
  estate: HouseEstate,
  question: RouteQuestion,
): Promise<RouteExplanation> {
  const startedMs = estate.clock.monotonicMs();
  const { road } = assembled;
  const { headers, body } = question;
  if (!isRecord(body))
    throw new Failure("invalid-request", "The body must be a JSON object: a request of any door.");
  const { model, ...rest } = body;
  if (model !== undefined && typeof model !== "string")
    throw new Failure("invalid-request", "model must be a string.", { param: "model" });
  const door = doorOf(question.doorName, body);
  const name = checkedModel(model ?? null) || "auto";
  const request: ChatRequest = {
    ...clientOf(road, door, body).decodeRequest({ ...rest, model: name }),
    model: name,
  };
  const asked = questionOf(request, (header) => headers.get(header));
  const needs = needsOf(asked.facts);
  await estate.prices.load();
  // As a client would send it: limits count the body's bytes.
  const bytes = Buffer.byteLength(JSON.stringify(body));
  const policy = policyOf(assembled, question.tenant);
  const ask = (model: string, isAlone: boolean) =>
    road.router.decide(
      {
        model,
        isFallbackOff: isAlone || headers.get("x-clawgate-fallback")?.toLowerCase() === "off",
        session: sessionKey(question.tenant, sessionHeader(headers) ?? sessionInBody(body)),
        needs,
        read: () => asked,
      },
      true,
    );
  const factsOf = ({ provider, model }: Target): ModelFacts | null =>
    road.providers.get(provider)?.modelFacts(model) ?? null;
  const appetite: Appetite = {
    input: needs.images ? asked.facts.estimatedTokens : estimateTokensOfBytes(bytes),
    limit: needs.outputTokens,
    answers: 1,
    mayThink: needs.thinking,
    dialect: door.dialect,
    writes: true,
  };
  const decision =
    question.tenant === null || policy === undefined
      ? await ask(name, false)
      : await previewForTenant({
          tenant: question.tenant,
          router: road.router,
          policy,
          model: name,
          ask,
          ceilingFor({ provider, model }) {
            const at = road.providers.get(provider);
            return at === undefined ? null : ceilingAt(appetite, at, model, estate.clock.nowMs());
          },
        });
  const refused = road.dialects[door.dialect].client.refuseTranslation(request);
  const refusalAt = ({ provider }: Target): Failure | null => {
    const backend = road.providers.get(provider)?.backend;
    const native = backend?.dialect ?? backend?.kin ?? null;
    return native === null || native === door.dialect ? null : (refused ?? refuseAsked(request, native));
  };
  const atClients = decision.clientsTarget === null ? null : refusalAt(decision.clientsTarget);
  if (atClients !== null) throw atClients;
  const [first, ...others] = decision.targets.filter((target) => refusalAt(target) === null);
  const [named] = decision.targets;
  const refusal = named === undefined ? null : refusalAt(named);
  if (first === undefined && refusal !== null) throw refusal;
  if (first === undefined) throw new Failure("unknown-model", "There is no target.", { param: "model" });
  const costOf = (target: Target): number | null => {
    const cost = estimateCostUsd(factsOf(target), needs);
    return cost === null ? null : Math.round(cost * 1e9) / 1e9;
  };
  return {
    tenant: question.tenant,
    ...first,
    layer: decision.layer,
    rule: decision.rule,
    confidence: decision.confidence,
    reason: decision.reason,
    elapsed_ms: Math.round((estate.clock.monotonicMs() - startedMs) * 1000) / 1000,
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
function policyOf({ loaded, road }: Assembled, tenant: string | null): TenantPolicy | undefined {
  if (tenant === null) return undefined;
  const names = loaded.config.tenants.map((each) => each.name);
  if (names.includes(tenant)) return road.tenants.get(tenant);
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
function doorOf(name: string | null, body: Record<string, unknown>): Door {
  const wanted = name ?? doorByShape(body);
  const door = doors.find((each) => each.name === wanted && each.road === "chat");
  if (door !== undefined) return door;
  const known = doors.flatMap((each) => (each.road === "chat" ? [each.name] : []));
  throw new Failure("invalid-request", `door must be one of ${[...new Set(known)].join(", ")}.`, {
    param: "door",
  });
}

const anthropicBlocks = new Set(["tool_use", "tool_result", "document"]);

function doorByShape(body: Record<string, unknown>): string {
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
