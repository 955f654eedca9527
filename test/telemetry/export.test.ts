// OpenTelemetry of a whole gateway: what a collector gets for the requests that a client sends, in both encodings.

import { afterAll, afterEach, describe, expect, test } from "bun:test";
import type { CollectedSpan, Collector } from "../support/otel-collector.ts";
import { startCollector } from "../support/otel-collector.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { startUpstream } from "../support/upstream.ts";

const vendor = startUpstream();
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).toReversed()) await clean();
  vendor.reset();
});
afterAll(() => vendor.stop());

const aliceKey = "alice-key-0123456789";
const provider = (models: readonly string[], more: object = {}): object => ({
  base_url: vendor.url,
  api_key: "vendor-secret-key",
  models,
  pricing: { input: 3, output: 15 },
  ...more,
});
const config = {
  health: { check_interval_seconds: 0, consecutive_failures_before_skip: 1_000 },
  providers: {
    good: provider(["fake-large"]),
    told: provider(["fake-large"], { trace_context: true }),
    broken: provider(["fake-broken"]),
  },
  fallback_chain: ["good"],
  tenants: [{ name: "alice", keys: [{ key: aliceKey }] }],
};

type Opened = { readonly gateway: TestGateway; readonly collector: Collector };

async function open(environment: Readonly<Record<string, string>> = {}, more: object = {}): Promise<Opened> {
  const collector = startCollector();
  cleanups.push(() => collector.stop());
  const gateway = await startTestGateway({
    config: { ...config, ...more },
    environment: {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_BSP_SCHEDULE_DELAY: "20",
      OTEL_METRIC_EXPORT_INTERVAL: "50",
      ...environment,
    },
  });
  cleanups.push(() => gateway.stop());
  return { gateway, collector };
}

type Asked = {
  readonly model?: string;
  readonly text?: string;
  readonly headers?: Record<string, string>;
  readonly stream?: boolean;
};

async function ask(
  { gateway }: Opened,
  { model = "good", text = "Hello", headers = {}, stream = false }: Asked = {},
): Promise<Response> {
  const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${aliceKey}`, ...headers },
    body: JSON.stringify({ model, stream, messages: [{ role: "user", content: text }] }),
  });
  await answer.text();
  return answer;
}

async function spansOf(opened: Opened, asked: Asked, count = 2): Promise<readonly CollectedSpan[]> {
  await ask(opened, asked);
  await opened.collector.until(() => opened.collector.spans().length >= count, `${count} spans`);
  return opened.collector.spans();
}
const only = (spans: readonly CollectedSpan[], kind: number): CollectedSpan => {
  const [span, ...rest] = spans.filter((each) => each.kind === kind);
  if (span === undefined || rest.length > 0) throw new Error(`${rest.length + 1} spans of kind ${kind}`);
  return span;
};
const [server, client] = [2, 3];

describe.each(["http/protobuf", "http/json"])("spans as %s", (protocol) => {
  test("one of the request, one of its attempt, with the names of the conventions", async () => {
    const opened = await open({ OTEL_EXPORTER_OTLP_PROTOCOL: protocol, OTEL_SERVICE_NAME: "gate" });
    const spans = await spansOf(opened, {
      stream: true,
      text: "a secret prompt",
      headers: { "x-clawgate-tags": "one,two", "x-session-id": "talk-1" },
    });
    const [request, attempt] = [only(spans, server), only(spans, client)];
    expect(attempt).toMatchObject({
      traceId: request.traceId,
      parentSpanId: request.spanId,
      name: "chat fake-large",
    });
    expect(request.parentSpanId).toBeUndefined();
    expect(request.name).toBe("POST /v1/chat/completions");
    expect(request.attributes).toMatchObject({
      "http.request.method": "POST",
      "http.route": "/v1/chat/completions",
      "http.response.status_code": 200,
      "gen_ai.operation.name": "chat",
      "gen_ai.request.model": "good",
      "gen_ai.request.stream": true,
      "clawgate.tenant": "alice",
      "clawgate.provider": "good",
      "clawgate.tags": ["one", "two"],
    });
    const record = opened.gateway.records()[0];
    expect(request.attributes["clawgate.request.id"]).toBe(record?.id);
    expect(request.attributes["clawgate.cost_usd"]).toBeCloseTo(
      ((record?.usage.input ?? 0) * 3 + (record?.usage.output ?? 0) * 15) / 1e6,
      12,
    );
    expect(attempt.attributes).toMatchObject({
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "good",
      "gen_ai.request.model": "fake-large",
      "gen_ai.response.model": record?.upstreamModel,
      "gen_ai.response.finish_reasons": ["stop"],
      "gen_ai.usage.input_tokens": record?.usage.input,
      "gen_ai.usage.output_tokens": record?.usage.output,
      "server.address": "127.0.0.1",
      "server.port": vendor.port,
      "clawgate.outcome": "ok",
    });
    expect(attempt.attributes["gen_ai.response.time_to_first_chunk"]).toBeNumber();
    // Otherwise a sum over all spans would count tokens twice.
    expect(request.attributes["gen_ai.usage.input_tokens"]).toBeUndefined();
    expect(request.endMs).toBeGreaterThanOrEqual(request.startMs);
    expect(request.startMs).toBe(record?.startedAtMs ?? 0);
    const first = opened.collector.exports.find((each) => each.spans.length > 0);
    expect(first?.path).toBe("/v1/traces");
    expect(first?.resource).toMatchObject({ "service.name": "gate" });
    const everything = opened.collector.exports.map(({ text }) => text).join("\n");
    expect(everything).not.toContain("secret");
    expect(everything).not.toContain(aliceKey);
  });

  test("a failed attempt and the one that answered, siblings with their reasons", async () => {
    vendor.script([{ status: 500, body: { error: { message: "a secret failure" } } }]);
    const opened = await open(
      { OTEL_EXPORTER_OTLP_PROTOCOL: protocol },
      {
        fallback_chain: ["told", "good"],
        providers: { ...config.providers, told: provider(["fake-large"]) },
      },
    );
    const spans = await spansOf(opened, { model: "told" }, 3);
    const request = only(spans, server);
    const attempts = spans.filter(({ kind }) => kind === client);
    expect(attempts.map(({ parentSpanId }) => parentSpanId)).toEqual([request.spanId, request.spanId]);
    expect(attempts.map(({ status }) => status.code ?? 0)).toEqual([2, 0]);
    expect(attempts[0]?.attributes).toMatchObject({
      "http.response.status_code": 500,
      "clawgate.outcome": "failed",
    });
    expect(attempts[0]?.attributes["error.type"]).toBe("upstream_error");
    expect(attempts[0]?.status.message).toBe("upstream_error");
    expect(attempts[0]?.attributes["gen_ai.usage.input_tokens"]).toBeUndefined();
    expect(request.status.code ?? 0).toBe(0);
    expect(opened.collector.exports.map(({ text }) => text).join("\n")).not.toContain("secret failure");
  });

  test("metrics equal the records, under the names of /metrics and those of the conventions", async () => {
    const opened = await open({ OTEL_EXPORTER_OTLP_PROTOCOL: protocol });
    for (let at = 0; at < 3; at += 1) await ask(opened, { stream: at === 0 });
    const { collector, gateway } = opened;
    const total = (name: string): number =>
      collector.latest(name).reduce((sum, { value }) => sum + (value ?? 0), 0);
    await collector.until(() => total("clawgate_requests_total") === 3, "3 requests");
    const records = gateway.records();
    const input = records.reduce((sum, { usage }) => sum + (usage.input ?? 0), 0);
    const output = records.reduce((sum, { usage }) => sum + (usage.output ?? 0), 0);
    expect(total("clawgate_input_tokens_total")).toBe(input);
    expect(total("clawgate_cost_usd_total")).toBeCloseTo((input * 3 + output * 15) / 1e6, 12);
    const tokens = (type: string) =>
      collector
        .latest("gen_ai.client.token.usage")
        .filter(({ attributes }) => attributes["gen_ai.token.type"] === type);
    expect(tokens("input")).toMatchObject([
      {
        count: 3,
        sum: input,
        attributes: {
          "gen_ai.operation.name": "chat",
          "gen_ai.provider.name": "good",
          "gen_ai.request.model": "fake-large",
        },
      },
    ]);
    expect(tokens("output")).toMatchObject([{ count: 3, sum: output }]);
    const [duration] = collector.latest("gen_ai.client.operation.duration");
    expect(duration?.explicitBounds?.[0]).toBe(0.01);
    expect(duration?.bucketCounts?.reduce((sum, count) => sum + count, 0)).toBe(3);
    expect(collector.latest("gen_ai.client.operation.time_to_first_chunk")).toMatchObject([{ count: 1 }]);
    const up = collector.exports.findLast(({ path }) => path === "/v1/metrics")?.metrics;
    expect(up?.find(({ name }) => name === "process_resident_memory_bytes")).toMatchObject({
      type: "gauge",
      unit: "By",
    });
    expect(up?.find(({ name }) => name === "clawgate_requests_total")).toMatchObject({
      type: "sum",
      temporality: 2,
    });
  });
});

describe("trace context", () => {
  const traceId = "0af7651916cd43dd8448eb211c80319c";
  const parent = `00-${traceId}-b7ad6b7169203331-01`;

  test("the client's span is the parent, and the upstream that wants it gets the attempt's span", async () => {
    const opened = await open();
    const spans = await spansOf(opened, {
      model: "told",
      headers: { traceparent: parent, tracestate: "a=1,b=2", baggage: "user=me" },
    });
    const [request, attempt] = [only(spans, server), only(spans, client)];
    expect(request).toMatchObject({ traceId, parentSpanId: "b7ad6b7169203331", traceState: "a=1,b=2" });
    const { headers } = vendor.find("Hello");
    expect(headers["traceparent"]).toBe(`00-${traceId}-${attempt.spanId}-01`);
    expect(headers["tracestate"]).toBe("a=1,b=2");
    expect(headers["baggage"]).toBeUndefined();
    const line = opened.gateway.log.find((each) => each.includes(traceId));
    expect(JSON.parse(line ?? "{}")).toMatchObject({ trace: traceId });
  });

  test("no other upstream is told", async () => {
    const opened = await open();
    await spansOf(opened, { headers: { traceparent: parent } });
    expect(vendor.find("Hello").headers["traceparent"]).toBeUndefined();
  });

  test("an invalid one is ignored, and one that is not sampled gives no spans", async () => {
    const opened = await open();
    await ask(opened, { model: "told", headers: { traceparent: `00-${traceId}-b7ad6b7169203331-00` } });
    expect(vendor.find("Hello").headers["traceparent"]).toMatch(
      new RegExp(`^00-${traceId}-[0-9a-f]{16}-00$`),
    );
    const spans = await spansOf(opened, { headers: { traceparent: `00-${traceId}-0000000000000000-01` } });
    expect(only(spans, server).traceId).not.toBe(traceId);
    expect(only(spans, server).parentSpanId).toBeUndefined();
  });

  test("without a collector the upstream gets the client's span, and the record its trace", async () => {
    const opened = await open({ OTEL_SDK_DISABLED: "true" });
    const answer = await ask(opened, { model: "told", headers: { traceparent: parent } });
    expect(vendor.find("Hello").headers["traceparent"]).toBe(parent);
    expect((await opened.gateway.recordOf(answer)).trace).toMatchObject({ traceId, spanId: null });
    await ask(opened, { model: "told", text: "Nobody" });
    expect(vendor.find("Nobody").headers["traceparent"]).toBeUndefined();
    expect(opened.collector.exports).toEqual([]);
  });
});

test("a gateway that stops sends what it has", async () => {
  const opened = await open({ OTEL_BSP_SCHEDULE_DELAY: "600000", OTEL_METRIC_EXPORT_INTERVAL: "600000" });
  await ask(opened);
  expect(opened.collector.exports).toEqual([]);
  await opened.gateway.stop();
  expect(opened.collector.spans()).toHaveLength(2);
  expect(opened.collector.latest("clawgate_requests_total")).toMatchObject([{ value: 1 }]);
});

test("a collector that is away delays neither answers nor the stop, and is logged once", async () => {
  const opened = await open({
    OTEL_EXPORTER_OTLP_TIMEOUT: "200",
    OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9",
  });
  for (let at = 0; at < 5; at += 1) expect((await ask(opened)).status).toBe(200);
  const lines = (): readonly string[] =>
    opened.gateway.log.filter((line) => line.includes("spans could not be sent"));
  const endMs = performance.now() + 20_000;
  while (lines().length === 0 && performance.now() < endMs) await Bun.sleep(10);
  const startMs = performance.now();
  await opened.gateway.stop();
  expect(performance.now() - startMs).toBeLessThan(4_000);
  expect(lines()).toHaveLength(1);
});
