import { describe, expect, test } from "bun:test";
import { readTelemetrySettings } from "../../src/telemetry/otel-variables.ts";

const url = "http://collector:4318";
const read = (more: Readonly<Record<string, string>> = {}) =>
  readTelemetrySettings({ OTEL_EXPORTER_OTLP_ENDPOINT: url, ...more });

describe("where to", () => {
  test("nothing is exported without an address", () => {
    expect(readTelemetrySettings({})).toMatchObject({ traces: null, metrics: null, notices: [] });
    expect(readTelemetrySettings({ OTEL_TRACES_EXPORTER: "otlp", OTEL_SERVICE_NAME: "x" })).toMatchObject({
      traces: null,
      metrics: null,
    });
    expect(read({ OTEL_EXPORTER_OTLP_ENDPOINT: " " })).toMatchObject({ traces: null, metrics: null });
  });

  test("the common address is a base, that of a signal is the whole one", () => {
    expect([read().traces?.url, read().metrics?.url]).toEqual([`${url}/v1/traces`, `${url}/v1/metrics`]);
    const other = read({
      OTEL_EXPORTER_OTLP_ENDPOINT: "https://host/otlp/?x=1",
      OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: "https://metrics.example/in",
    });
    expect(other.traces?.url).toBe("https://host/otlp/v1/traces?x=1");
    expect(other.metrics?.url).toBe("https://metrics.example/in");
  });

  test("one signal alone", () => {
    const only = readTelemetrySettings({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${url}/v1/traces` });
    expect([only.traces?.url, only.metrics]).toEqual([`${url}/v1/traces`, null]);
    expect(read({ OTEL_METRICS_EXPORTER: "none" })).toMatchObject({ metrics: null, notices: [] });
    expect(read({ OTEL_TRACES_EXPORTER: "none" }).traces).toBeNull();
  });

  test.each(["true", "TRUE", " true "])("OTEL_SDK_DISABLED=%s switches everything off", (value) => {
    expect(read({ OTEL_SDK_DISABLED: value })).toMatchObject({ traces: null, metrics: null, notices: [] });
  });

  test.each([
    ["grpc", { OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" }, /OTEL_EXPORTER_OTLP_PROTOCOL is grpc.*http\/protobuf/],
    ["another protocol", { OTEL_EXPORTER_OTLP_PROTOCOL: "thrift" }, /not a known protocol/],
    ["no address", { OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4317" }, /not an http/],
    [
      "another exporter",
      { OTEL_TRACES_EXPORTER: "zipkin", OTEL_METRICS_EXPORTER: "console" },
      /it knows otlp and none/,
    ],
  ])("a notice instead of an export: %s", (_, variables, notice) => {
    const settings = read(variables);
    expect(settings).toMatchObject({ traces: null, metrics: null });
    expect(settings.notices.length).toBeGreaterThan(0);
    for (const each of settings.notices) expect(each).toMatch(notice);
  });
});

describe("how", () => {
  test("the defaults of the specification", () => {
    expect(read()).toMatchObject({
      traces: {
        protocol: "http/protobuf",
        timeoutMs: 10_000,
        isCompressed: false,
        headers: {},
        queueSize: 2_048,
        batchSize: 512,
        delayMs: 5_000,
      },
      metrics: { intervalMs: 60_000, timeoutMs: 10_000, temporality: "cumulative" },
      notices: [],
    });
  });

  test("an export ends at the shorter of its two times, and shows a certificate of its own", () => {
    const settings = read({
      OTEL_BSP_EXPORT_TIMEOUT: "700",
      OTEL_METRIC_EXPORT_TIMEOUT: "900",
      OTEL_EXPORTER_OTLP_CLIENT_KEY: "/key.pem",
      OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: "/own.pem",
      OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE: "/metrics.pem",
    });
    expect(settings.traces).toMatchObject({
      timeoutMs: 700,
      clientKey: "/key.pem",
      clientCertificate: "/own.pem",
    });
    expect(settings.metrics).toMatchObject({ timeoutMs: 900, clientCertificate: "/metrics.pem" });
  });

  test("what is set, for one signal before for both", () => {
    const settings = read({
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: "http/protobuf",
      OTEL_EXPORTER_OTLP_COMPRESSION: "gzip",
      OTEL_EXPORTER_OTLP_TIMEOUT: "3000",
      OTEL_EXPORTER_OTLP_METRICS_TIMEOUT: "500",
      OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20a%2Cb, x-scope = me ",
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: "x-own=1",
      OTEL_EXPORTER_OTLP_CERTIFICATE: "/ca.pem",
      OTEL_BSP_MAX_QUEUE_SIZE: "100",
      OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "400",
      OTEL_BSP_SCHEDULE_DELAY: "10",
      OTEL_METRIC_EXPORT_INTERVAL: "1000",
      OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: "DELTA",
    });
    expect(settings.traces).toMatchObject({
      protocol: "http/json",
      isCompressed: true,
      timeoutMs: 3_000,
      headers: { "x-own": "1" },
      certificate: "/ca.pem",
      queueSize: 100,
      batchSize: 100,
      delayMs: 10,
    });
    expect(settings.metrics).toMatchObject({
      protocol: "http/protobuf",
      timeoutMs: 500,
      headers: { authorization: "Bearer a,b", "x-scope": "me" },
      intervalMs: 1_000,
      temporality: "delta",
    });
  });

  test("what means nothing is named, without its value, and its default holds", () => {
    const settings = read({
      OTEL_EXPORTER_OTLP_TIMEOUT: "soon",
      OTEL_EXPORTER_OTLP_COMPRESSION: "zstd",
      OTEL_EXPORTER_OTLP_HEADERS: "authorization,x y=top-secret,ok=1,bad=%zz,line=a%0Ab",
      OTEL_BSP_MAX_QUEUE_SIZE: "-1",
      OTEL_TRACES_SAMPLER: "jaeger_remote",
    });
    expect(settings.traces).toMatchObject({
      timeoutMs: 10_000,
      isCompressed: false,
      headers: { ok: "1" },
      queueSize: 2_048,
    });
    const notices = settings.notices.join("\n");
    for (const name of ["_TIMEOUT", "_COMPRESSION", "_HEADERS", "_MAX_QUEUE_SIZE", "_SAMPLER"])
      expect(notices).toContain(name);
    expect(notices).not.toMatch(/secret|soon/);
  });

  test("the resource: the service's own variable wins", () => {
    const { attributes } = read({
      OTEL_RESOURCE_ATTRIBUTES: "service.name=a,deployment.environment.name=pro%20d",
      OTEL_SERVICE_NAME: "b",
    });
    expect(attributes).toEqual({ "service.name": "b", "deployment.environment.name": "pro d" });
  });
});

describe("sampling", () => {
  const low = "0af7651916cd43dd8400000000000001";
  const high = "0af7651916cd43dd84ffffffffffffff";
  const parent = (isSampled: boolean) => ({ traceId: low, spanId: "b7ad6b7169203331", isSampled, state: "" });
  const sampler = (name: string, argument = "") => {
    const found = read({ OTEL_TRACES_SAMPLER: name, OTEL_TRACES_SAMPLER_ARG: argument }).traces?.sampler;
    if (found === undefined) throw new Error("no sampler");
    return found;
  };

  test("all, none, as the client says", () => {
    expect(sampler("always_on")(low, parent(false))).toBe(true);
    expect(sampler("always_off")(low, parent(true))).toBe(false);
    expect([sampler("")(low, null), sampler("")(low, parent(false)), sampler("")(low, parent(true))]).toEqual(
      [true, false, true],
    );
    expect([
      sampler("parentbased_always_off")(low, null),
      sampler("parentbased_always_off")(low, parent(true)),
    ]).toEqual([false, true]);
  });

  test("a share follows from the trace alone", () => {
    const half = sampler("parentbased_traceidratio", "0.5");
    expect([half(low, null), half(high, null), half(low, parent(true))]).toEqual([false, true, true]);
    expect(sampler("traceidratio", "0.5")(low, parent(true))).toBe(false);
    expect([sampler("traceidratio", "0")(high, null), sampler("traceidratio", "1")(low, null)]).toEqual([
      false,
      true,
    ]);
    const tenth = sampler("traceidratio", "0.1");
    const ids = Array.from({ length: 5_000 }, () => crypto.randomUUID().replaceAll("-", ""));
    const share = ids.filter((id) => tenth(id, null)).length / ids.length;
    expect(share).toBeGreaterThan(0.07);
    expect(share).toBeLessThan(0.13);
  });
});
