// A stand-in for an OpenTelemetry collector: it takes OTLP over HTTP, as protobuf and as JSON, compressed or not, and keeps what it
// got in one form. It can refuse, as collectors do.

import { gunzipSync } from "node:zlib";
import { decodeProtobuf, exportMetrics, exportTraces, type Message } from "./protobuf-reader.ts";

export type CollectedSpan = {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly traceState?: string;
  readonly name: string;
  /** 2 = server, 3 = client. */
  readonly kind: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly flags: number;
  readonly status: { readonly code?: number; readonly message?: string };
  readonly attributes: Readonly<Record<string, unknown>>;
};

export type CollectedPoint = {
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly value?: number;
  readonly count?: number;
  readonly sum?: number;
  readonly bucketCounts?: readonly number[];
  readonly explicitBounds?: readonly number[];
  readonly startMs: number;
  readonly atMs: number;
};

export type CollectedMetric = {
  readonly name: string;
  readonly unit: string;
  readonly type: "gauge" | "sum" | "histogram";
  readonly temporality: number;
  readonly points: readonly CollectedPoint[];
};

export type CollectedExport = {
  readonly path: string;
  readonly headers: Headers;
  readonly bytes: number;
  readonly resource: Readonly<Record<string, unknown>>;
  readonly spans: readonly CollectedSpan[];
  readonly metrics: readonly CollectedMetric[];
  /** Everything as text, to search it. */
  readonly text: string;
};

export type Collector = {
  readonly url: string;
  readonly exports: CollectedExport[];
  spans(): readonly CollectedSpan[];
  /** Points of the newest export that has this metric. */
  latest(name: string): readonly CollectedPoint[];
  /** Settles when `holds` does; throws after 5 s. */
  until(holds: () => boolean, what: string): Promise<void>;
  /** How the next requests are answered; null: well. */
  answer: ((request: Request) => Response | Promise<Response>) | null;
  stop(): Promise<void>;
};

export function startCollector(tls?: { readonly key: string; readonly cert: string }): Collector {
  const exports: CollectedExport[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    ...(tls === undefined ? {} : { tls }),
    async fetch(request) {
      const raw = new Uint8Array(await request.arrayBuffer());
      const refusal = await collector.answer?.(request);
      if (refusal !== undefined && !refusal.ok) return refusal;
      const type = request.headers.get("content-type") ?? "";
      const body = request.headers.get("content-encoding") === "gzip" ? gunzipSync(raw) : raw;
      exports.push(collected(new URL(request.url).pathname, request.headers, type, body));
      return (
        refusal ??
        new Response(type.includes("json") ? "{}" : new Uint8Array(), { headers: { "content-type": type } })
      );
    },
  });
  const collector: Collector = {
    url: `${tls === undefined ? "http" : "https"}://127.0.0.1:${server.port}`,
    exports,
    answer: null,
    spans: () => exports.flatMap(({ spans }) => spans),
    latest: (name) =>
      exports
        .findLast(({ metrics }) => metrics.some((each) => each.name === name))
        ?.metrics.find((each) => each.name === name)?.points ?? [],
    async until(holds, what) {
      const endMs = performance.now() + 20_000;
      while (!holds()) {
        if (performance.now() > endMs) throw new Error(`the collector did not see it within 20 s: ${what}`);
        await Bun.sleep(5);
      }
    },
    stop: () => server.stop(true),
  };
  return collector;
}

function collected(path: string, headers: Headers, type: string, body: Uint8Array): CollectedExport {
  const isMetrics = path.endsWith("/metrics");
  const message: Message = type.includes("json")
    ? (JSON.parse(new TextDecoder().decode(body)) as Message)
    : decodeProtobuf(body, isMetrics ? exportMetrics : exportTraces);
  const outer = list(message[isMetrics ? "resourceMetrics" : "resourceSpans"]);
  const scopes = outer.flatMap((each) => list(each[isMetrics ? "scopeMetrics" : "scopeSpans"]));
  return {
    path,
    headers,
    bytes: body.length,
    resource: attributesIn((outer[0]?.["resource"] as Message | undefined) ?? {}),
    spans: scopes.flatMap((each) => list(each["spans"])).map(spanIn),
    metrics: scopes.flatMap((each) => list(each["metrics"])).map(metricIn),
    text: JSON.stringify(message),
  };
}

const list = (value: unknown): readonly Message[] =>
  value === undefined ? [] : (value as readonly Message[]);
const textIn = (message: Message, name: string): string => message[name] as string;
const msOf = (nanos: unknown): number => Number(BigInt(nanos as string) / 1_000n) / 1_000;

function attributesIn(message: Message): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    list(message["attributes"]).map((each) => [each["key"] as string, valueIn(each["value"] as Message)]),
  );
}

function valueIn(value: Message): unknown {
  if ("intValue" in value) return Number(value["intValue"]);
  if ("arrayValue" in value) return list((value["arrayValue"] as Message)["values"]).map(valueIn);
  return Object.values(value)[0];
}

function spanIn(message: Message): CollectedSpan {
  return {
    traceId: textIn(message, "traceId"),
    spanId: textIn(message, "spanId"),
    ...("parentSpanId" in message ? { parentSpanId: textIn(message, "parentSpanId") } : {}),
    ...("traceState" in message ? { traceState: textIn(message, "traceState") } : {}),
    name: textIn(message, "name"),
    kind: Number(message["kind"]),
    flags: Number(message["flags"]),
    startMs: msOf(message["startTimeUnixNano"]),
    endMs: msOf(message["endTimeUnixNano"]),
    status: (message["status"] as CollectedSpan["status"] | undefined) ?? {},
    attributes: attributesIn(message),
  };
}

function metricIn(message: Message): CollectedMetric {
  const type = (["gauge", "sum", "histogram"] as const).find((each) => each in message);
  if (type === undefined) throw new Error("a metric without data");
  const data = message[type] as Message;
  return {
    name: message["name"] as string,
    unit: (message["unit"] as string | undefined) ?? "",
    type,
    temporality: (data["aggregationTemporality"] as number | undefined) ?? 0,
    points: list(data["dataPoints"]).map((point) => ({
      attributes: attributesIn(point),
      startMs: msOf(point["startTimeUnixNano"]),
      atMs: msOf(point["timeUnixNano"]),
      ...("asDouble" in point ? { value: point["asDouble"] as number } : {}),
      ...("count" in point ? { count: Number(point["count"]), sum: point["sum"] as number } : {}),
      ...("bucketCounts" in point
        ? {
            bucketCounts: (point["bucketCounts"] as readonly string[]).map(Number),
            explicitBounds: point["explicitBounds"] as readonly number[],
          }
        : {}),
    })),
  };
}
