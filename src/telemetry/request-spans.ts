// The spans of one finished request, from its record: one for the request (server), one for each attempt (client). They never contain
// what was asked or answered, nor a key; and tokens are on one span only, so that no sum over spans counts them twice.

import { consequences } from "../canon/failure.ts";
import type { AttemptRecord, RequestRecord } from "../canon/record.ts";
import type { RequestTrace } from "../canon/trace-context.ts";
import { Attributes } from "./attributes.ts";
import { operationOf, type ProviderFacts } from "./conventions.ts";
import type { Span } from "./otlp-traces.ts";
import type { SharedAttributes } from "./shared-attributes.ts";

export type SpanFacts = {
  readonly newSpanId: () => string;
  readonly factsOf: (provider: string) => ProviderFacts;
  /** The path of an endpoint; undefined where it has several. */
  readonly routeOf: (endpoint: string) => string | undefined;
  readonly shared: { readonly requests: SharedAttributes; readonly attempts: SharedAttributes };
};

/** The words of the label `failure` of `/metrics`. */
const errorType = (kind: RequestRecord["failure"]): string | null =>
  kind === null ? null : consequences[kind].metric;

const nanoPerUsd = 1e9;
const usd = (nano: number | null | undefined): number | null =>
  nano === null || nano === undefined ? null : nano / nanoPerUsd;

/** `trace.spanId` must be there: the request is sampled. */
export function spansOf(record: RequestRecord, trace: RequestTrace, facts: SpanFacts): readonly Span[] {
  const server = serverSpan(record, trace, facts);
  const spans = [server];
  const answering = answeringAttempt(record) ?? billedAttempt(record);
  for (const attempt of record.attempts)
    if (attempt.outcome !== "skipped") {
      const span = attemptSpan(record, attempt, server, facts);
      if (attempt === answering) addAnswer(span.attributes, record);
      spans.push(span);
    }
  return spans;
}

/** The attempt whose answer the client got. */
export function answeringAttempt({ attempts, provider, model }: RequestRecord): AttemptRecord | undefined {
  if (provider === null) return undefined;
  const isTarget = (each: AttemptRecord): boolean => each.provider === provider && each.model === model;
  return attempts.findLast((each) => each.outcome === "ok" && isTarget(each)) ?? attempts.findLast(isTarget);
}

/** Nothing was answered: what was used nevertheless was used by the attempt that may be billed. */
const billedAttempt = ({ attempts }: RequestRecord): AttemptRecord | undefined =>
  attempts.findLast(({ maybeBilled }) => maybeBilled) ?? attempts.at(-1);

function serverSpan(
  record: RequestRecord,
  trace: RequestTrace,
  { routeOf, shared, newSpanId }: SpanFacts,
): Span {
  const { door, status, failure } = record;
  const route = routeOf(door);
  const operation = operationOf(door);
  const { client, requestedModel, agent, tenant, layer, rule, provider, model, stream } = record;
  const seen = [
    door,
    status,
    failure,
    client,
    requestedModel,
    agent,
    tenant,
    layer,
    rule,
    provider,
    model,
    stream,
  ];
  const common = shared.requests.of(seen, (attributes) => {
    attributes
      .text("http.request.method", "POST")
      .text("http.route", route)
      .text("url.path", route?.includes("*") === true ? null : route)
      .text("url.scheme", "http")
      .whole("http.response.status_code", status)
      .text("error.type", errorType(failure))
      .text("user_agent.original", client)
      .text("gen_ai.operation.name", operation)
      .text("gen_ai.request.model", requestedModel)
      .text("gen_ai.agent.id", agent)
      .text("clawgate.endpoint", door)
      .text("clawgate.tenant", tenant)
      .text("clawgate.layer", layer)
      .text("clawgate.rule", rule)
      .text("clawgate.provider", provider)
      .text("clawgate.model", model);
    if (stream) attributes.flag("gen_ai.request.stream", true);
  });
  const attributes = new Attributes(common)
    .text("gen_ai.conversation.id", record.session)
    .text("clawgate.request.id", record.id)
    .whole("clawgate.attempts", record.attempts.length)
    .decimal("clawgate.cost_usd", usd(record.costNanoUsd))
    .decimal("clawgate.list_cost_usd", usd(record.listNanoUsd))
    .decimal("clawgate.queue_wait_ms", record.queueWaitMs === 0 ? null : record.queueWaitMs)
    .decimal("clawgate.overhead_ms", record.overheadMs)
    .texts("clawgate.tags", record.tags);
  // As HTTP's conventions say: for a server, what the client did wrong is no error of its own.
  const isError = failure !== null && failure !== "cancelled" && (status >= 500 || status < 400);
  return {
    traceId: trace.traceId,
    spanId: trace.spanId ?? newSpanId(),
    parentSpanId: trace.parent?.spanId ?? null,
    hasRemoteParent: trace.parent !== null,
    traceState: trace.parent?.state ?? "",
    name: route === undefined ? operation : `POST ${route}`,
    kind: "server",
    startMs: record.startedAtMs,
    endMs: record.startedAtMs + record.durationMs,
    attributes,
    error: isError ? errorType(failure) : null,
  };
}

function attemptSpan(record: RequestRecord, attempt: AttemptRecord, server: Span, facts: SpanFacts): Span {
  const { provider, model, failure, startedAtMs } = attempt;
  const who = facts.factsOf(provider);
  const operation = operationOf(record.door);
  const { status, outcome, lane, adapted } = attempt;
  const seen = [who, operation, provider, model, status, failure, outcome, lane, record.stream];
  const common = facts.shared.attempts.of(seen, (attributes) => {
    attributes
      .text("gen_ai.operation.name", operation)
      .text("gen_ai.provider.name", who.name)
      .text("gen_ai.request.model", model)
      .text("server.address", who.address)
      .whole("server.port", who.port)
      .whole("http.response.status_code", status)
      .text("error.type", errorType(failure))
      .text("clawgate.provider", provider)
      .text("clawgate.outcome", outcome)
      .text("clawgate.lane", lane);
    if (record.stream) attributes.flag("gen_ai.request.stream", true);
  });
  const attributes = new Attributes(common)
    .text("gen_ai.conversation.id", record.session)
    .texts("clawgate.adapted", adapted)
    .decimal("clawgate.queue_wait_ms", attempt.waitMs === 0 ? null : attempt.waitMs);
  if (attempt.maybeBilled) attributes.flag("clawgate.maybe_billed", true);
  if (record.stream && attempt.firstTokenMs !== null)
    attributes.decimal("gen_ai.response.time_to_first_chunk", attempt.firstTokenMs / 1000);
  return {
    traceId: server.traceId,
    spanId: attempt.spanId ?? facts.newSpanId(),
    parentSpanId: server.spanId,
    hasRemoteParent: false,
    traceState: server.traceState,
    name: `${operation} ${model.slice(0, 100)}`,
    kind: "client",
    startMs: startedAtMs,
    endMs: startedAtMs + attempt.durationMs,
    attributes,
    error: attempt.outcome === "failed" ? (errorType(failure) ?? "failed") : null,
  };
}

function addAnswer(attributes: Attributes, { usage, upstreamModel, finish }: RequestRecord): void {
  attributes
    .text("gen_ai.response.model", upstreamModel)
    .texts("gen_ai.response.finish_reasons", finish === null ? [] : [finish])
    .whole("gen_ai.usage.input_tokens", usage.input)
    .whole("gen_ai.usage.output_tokens", usage.output)
    .whole("gen_ai.usage.cache_read.input_tokens", usage.inputCached)
    .whole("gen_ai.usage.cache_creation.input_tokens", usage.inputCacheWrite)
    .whole("gen_ai.usage.reasoning.output_tokens", usage.outputReasoning);
}
