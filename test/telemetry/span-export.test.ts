// The queue of finished requests in front of the collector: bounded, in batches, indifferent to what clients call things.

import { expect, test } from "bun:test";
import type { RequestRecord } from "../../src/canon/record.ts";
import { Attributes } from "../../src/telemetry/attributes.ts";
import { providerFacts } from "../../src/telemetry/conventions.ts";
import { readTelemetrySettings } from "../../src/telemetry/otel-variables.ts";
import { OtlpSender } from "../../src/telemetry/otlp-sender.ts";
import { SharedAttributes } from "../../src/telemetry/shared-attributes.ts";
import { SpanExport } from "../../src/telemetry/span-export.ts";
import { fakeClock, settleQueues } from "../support/clock.ts";
import { decodeProtobuf, exportTraces, type Message } from "../support/protobuf-reader.ts";
import { sampleAttempt, sampleRecord } from "../metrics/samples.ts";

const trace = {
  traceId: "0af7651916cd43dd8448eb211c80319c",
  spanId: "b7ad6b7169203331",
  parent: null,
  isSampled: true,
};

type Answer = () => Response | Promise<Response>;

function open(variables: Readonly<Record<string, string>>, answer: Answer = () => new Response()) {
  const clock = fakeClock();
  const bodies: Uint8Array[] = [];
  const settings = readTelemetrySettings({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://c", ...variables }).traces;
  if (settings === null) throw new Error("no settings");
  const lines: string[] = [];
  const say = (message: string): void => void lines.push(message);
  const sender = new OtlpSender({
    destination: settings,
    what: "spans",
    proxy: null,
    userAgent: "clawgate/test",
    fetch: ((_url: string, init: RequestInit) => {
      bodies.push(init.body as Uint8Array);
      const left = Promise.withResolvers<Response>();
      init.signal?.addEventListener("abort", () => left.reject(new Error("aborted")));
      return Promise.race([Promise.resolve(answer()), left.promise]);
    }) as typeof fetch,
    clock,
    log: { warn: say, info: say },
  });
  const scope = { resource: new Attributes(), name: "clawgate", version: "1", schemaUrl: "https://x" };
  const facts = {
    newSpanId: () => "00f067aa0ba902b7",
    factsOf: (id: string) => providerFacts(id, null, null),
    routeOf: () => undefined,
    shared: { requests: new SharedAttributes(), attempts: new SharedAttributes() },
  };
  const spans = new SpanExport({ settings, scope, facts, sender, clock });
  const decoded = (): readonly Message[][] =>
    bodies.map((body) => {
      const [resource] = decodeProtobuf(body, exportTraces)["resourceSpans"] as Message[];
      const [scopes] = (resource?.["scopeSpans"] ?? []) as Message[];
      return scopes?.["spans"] as Message[];
    });
  const add = (count: number, change: Partial<RequestRecord> = {}): void => {
    for (let at = 0; at < count; at += 1) spans.add(sampleRecord(`r${at}`, change), trace);
  };
  return { spans, sender, clock, decoded, add, lines };
}

test("a full batch goes at once, the rest when its time has come", async () => {
  const { add, clock, decoded } = open({ OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "10" });
  add(6);
  await clock.advance(0);
  expect(decoded().map((spans) => spans.length)).toEqual([10]);
  await clock.advance(4_900);
  expect(decoded()).toHaveLength(1);
  await clock.advance(200);
  expect(decoded().map((spans) => spans.length)).toEqual([10, 2]);
  expect(clock.waiting()).toBe(0);
});

test("a queue that is full loses what comes, says how much, and never grows", async () => {
  const answer = Promise.withResolvers<Response>();
  const { add, sender, clock, decoded, spans } = open(
    { OTEL_BSP_MAX_QUEUE_SIZE: "20", OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "4" },
    () => answer.promise,
  );
  add(100);
  await clock.advance(0);
  // One batch of 4 is on its way, 20 spans wait.
  expect(decoded().map((each) => each.length)).toEqual([4]);
  expect(sender.state().lost).toBe(200 - 24);
  answer.resolve(new Response());
  const stopping = spans.stop(1_000);
  for (let turn = 0; turn < 20; turn += 1) await settleQueues();
  await stopping;
  expect(decoded().flat()).toHaveLength(24);
});

test("while the collector is away nothing is encoded, and what is too much is lost", async () => {
  const { add, sender, clock, decoded, lines } = open(
    { OTEL_BSP_MAX_QUEUE_SIZE: "8", OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "4" },
    () => new Response("", { status: 500 }),
  );
  add(2);
  await clock.advance(0);
  expect(decoded()).toHaveLength(1);
  add(1_000);
  await clock.advance(4_000);
  expect(decoded()).toHaveLength(1);
  expect(sender.state().lost).toBe(4 + 2_000 - 8);
  expect(lines).toHaveLength(1);
});

test("a stop ends in time, whatever the collector does", async () => {
  const { add, spans, clock } = open({}, () => new Promise<Response>(() => undefined));
  add(3);
  const stopping = spans.stop(500);
  await clock.advance(600);
  await stopping;
  expect(clock.waiting()).toBe(0);
});

test.each(["http/protobuf", "http/json"])("hostile and huge names are only text, as %s", async (protocol) => {
  const hostile = `<script>\u001b[31m\ud800 'x' "y" \u0000${"é".repeat(5_000)}`;
  const { add, decoded, clock, spans } = open({ OTEL_EXPORTER_OTLP_PROTOCOL: protocol });
  add(1, {
    requestedModel: hostile,
    tenant: hostile,
    session: hostile,
    client: hostile,
    tags: Array.from({ length: 100 }, () => hostile),
    error: "a secret of the prompt",
    attempts: [sampleAttempt({ model: hostile, message: "a secret of the prompt", adapted: [hostile] })],
  });
  if (protocol === "http/json") return void (await spans.stop(100));
  await clock.advance(6_000);
  const all = decoded().flat();
  expect(all).toHaveLength(2);
  const texts = JSON.stringify(all);
  expect(texts.isWellFormed()).toBe(true);
  expect(texts.length).toBeLessThan(30_000);
  expect(texts).not.toContain("secret");
});

test.each([
  ["https://api.openai.com/v1", "openai", "api.openai.com", 443],
  ["https://me.openai.azure.com/openai/v1", "azure.ai.openai", "me.openai.azure.com", 443],
  [
    "https://bedrock-runtime.eu-west-1.amazonaws.com/v1",
    "aws.bedrock",
    "bedrock-runtime.eu-west-1.amazonaws.com",
    443,
  ],
  ["http://127.0.0.1:11434/v1", "mine", "127.0.0.1", 11_434],
  ["http://[::1]:8080/v1", "mine", "::1", 8_080],
  ["https://api.openai.com.evil.example/v1", "mine", "api.openai.com.evil.example", 443],
])("%s is %s in the words of the conventions", (url, name, address, port) => {
  expect(providerFacts("mine", "openai-compat", url)).toEqual({ name, address, port });
});

test("the program of Claude Code is Anthropic's", () => {
  expect(providerFacts("cli", "claude-cli", null)).toEqual({ name: "anthropic", address: null, port: null });
});

test("spans that follow each other keep their own attributes", async () => {
  const { add, decoded, clock } = open({});
  add(2, { tenant: "alice" });
  add(1, { tenant: "bob", status: 503, failure: "overloaded" });
  add(1, { tenant: "alice" });
  await clock.advance(6_000);
  const texts = decoded()
    .flat()
    .filter(({ kind }) => kind === 2)
    .map((span) => JSON.stringify(span));
  expect(texts.map((text) => /"(alice|bob)"/.exec(text)?.[1])).toEqual(["alice", "alice", "bob", "alice"]);
  expect(texts.map((text) => text.includes("error.type"))).toEqual([false, false, true, false]);
  expect(texts.map((text) => text.split("clawgate.tenant").length)).toEqual([2, 2, 2, 2]);
});
