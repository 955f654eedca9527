// What the standard variables of OpenTelemetry (OTEL_*) say: whether and where to export, as whom, how often. A value that means
// nothing here is named in a notice and its default holds; values that may hold keys (headers) never appear in one.

import { type Sampler, samplerOf } from "./sampler.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

export type Protocol = "http/protobuf" | "http/json";

/** Where and how the spans, or the metrics, go. */
export type Destination = {
  readonly url: string;
  readonly protocol: Protocol;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly isCompressed: boolean;
  /** Paths of PEM files; null: those that the system trusts, and no certificate of our own. */
  readonly certificate: string | null;
  readonly clientKey: string | null;
  readonly clientCertificate: string | null;
};

export type Temporality = "cumulative" | "delta" | "lowmemory";

export type TracesSettings = Destination & {
  readonly sampler: Sampler;
  readonly queueSize: number;
  readonly batchSize: number;
  readonly delayMs: number;
};

export type MetricsSettings = Destination & {
  readonly intervalMs: number;
  readonly temporality: Temporality;
};

export type TelemetrySettings = {
  /** Null: not exported. */
  readonly traces: TracesSettings | null;
  readonly metrics: MetricsSettings | null;
  /** Of the resource, besides what the gateway says of itself. */
  readonly attributes: Readonly<Record<string, string>>;
  /** A sentence each, for the operator. */
  readonly notices: readonly string[];
};

export const off: TelemetrySettings = { traces: null, metrics: null, attributes: {}, notices: [] };

export function readTelemetrySettings(environment: Environment): TelemetrySettings {
  const variables = new Variables(environment);
  if (variables.isTrue("OTEL_SDK_DISABLED")) return off;
  const traces = variables.destination("TRACES");
  const metrics = variables.destination("METRICS");
  if (traces === null && metrics === null) return { ...off, notices: variables.notices };
  const queueSize = variables.count("OTEL_BSP_MAX_QUEUE_SIZE", 2_048, 1_000_000);
  return {
    traces: traces && {
      ...traces,
      sampler: samplerOf(
        variables.text("OTEL_TRACES_SAMPLER"),
        variables.text("OTEL_TRACES_SAMPLER_ARG"),
        variables.notices,
      ),
      queueSize,
      batchSize: Math.min(queueSize, variables.count("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 512, 100_000)),
      delayMs: variables.count("OTEL_BSP_SCHEDULE_DELAY", 5_000),
      timeoutMs: Math.min(traces.timeoutMs, variables.count("OTEL_BSP_EXPORT_TIMEOUT", 30_000)),
    },
    metrics: metrics && {
      ...metrics,
      intervalMs: variables.count("OTEL_METRIC_EXPORT_INTERVAL", 60_000),
      timeoutMs: Math.min(metrics.timeoutMs, variables.count("OTEL_METRIC_EXPORT_TIMEOUT", 30_000)),
      temporality: variables.oneOf(
        "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
        ["cumulative", "delta", "lowmemory"],
        "cumulative",
      ),
    },
    attributes: variables.resource(),
    notices: variables.notices,
  };
}

const longestTimerMs = 86_400_000;

class Variables {
  readonly notices: string[] = [];

  constructor(private readonly environment: Environment) {}

  /** Null: unset. The specification treats an empty value the same. */
  text(name: string): string | null {
    const value = this.environment[name]?.trim() ?? "";
    return value === "" ? null : value;
  }

  isTrue(name: string): boolean {
    const value = this.text(name)?.toLowerCase() ?? "false";
    if (value !== "true" && value !== "false")
      this.notice(`${name} is neither true nor false and counts as false`);
    return value === "true";
  }

  count(name: string, fallback: number, most = longestTimerMs): number {
    const text = this.text(name);
    if (text === null) return fallback;
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= 1 && value <= most) return value;
    this.notice(`${name} is not a whole number from 1 to ${most}; ${fallback} is used`);
    return fallback;
  }

  oneOf<Word extends string>(name: string, words: readonly Word[], fallback: Word): Word {
    const text = this.text(name)?.toLowerCase();
    const word = words.find((each) => each === text);
    if (word === undefined && text !== undefined)
      this.notice(`${name} is none of ${words.join(", ")}; ${fallback} is used`);
    return word ?? fallback;
  }

  /** Null: nothing of the kind is exported. */
  destination(signal: "TRACES" | "METRICS"): Destination | null {
    const url = this.address(signal);
    if (url === null || !this.isWanted(signal)) return null;
    const of = (name: string): string | null =>
      this.text(`OTEL_EXPORTER_OTLP_${signal}_${name}`) ?? this.text(`OTEL_EXPORTER_OTLP_${name}`);
    const named = (name: string): string =>
      this.text(`OTEL_EXPORTER_OTLP_${signal}_${name}`) === null
        ? `OTEL_EXPORTER_OTLP_${name}`
        : `OTEL_EXPORTER_OTLP_${signal}_${name}`;
    const protocol = of("PROTOCOL") ?? "http/protobuf";
    if (protocol !== "http/protobuf" && protocol !== "http/json") {
      const what = protocol === "grpc" ? "grpc, which this gateway does not speak" : "not a known protocol";
      this.notice(
        `${named("PROTOCOL")} is ${what}: no ${signal.toLowerCase()} are exported; set it to http/protobuf (port 4318 of most collectors) or http/json`,
      );
      return null;
    }
    return {
      url,
      protocol,
      headers: this.headers(named("HEADERS"), of("HEADERS")),
      timeoutMs: this.count(named("TIMEOUT"), 10_000),
      isCompressed: this.oneOf(named("COMPRESSION"), ["gzip", "none"], "none") === "gzip",
      certificate: of("CERTIFICATE"),
      clientKey: of("CLIENT_KEY"),
      clientCertificate: of("CLIENT_CERTIFICATE"),
    };
  }

  /** An address for one signal is used as it is; the common one is a base for both. */
  private address(signal: "TRACES" | "METRICS"): string | null {
    const own = `OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`;
    const name = this.text(own) === null ? "OTEL_EXPORTER_OTLP_ENDPOINT" : own;
    const text = this.text(name);
    if (text === null) return null;
    const url = URL.canParse(text) ? new URL(text) : null;
    if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) {
      this.notice(`${name} is not an http:// or https:// address: no ${signal.toLowerCase()} are exported`);
      return null;
    }
    if (name === own) return url.href;
    return `${url.origin}${url.pathname.replace(/\/$/, "")}/v1/${signal.toLowerCase()}${url.search}`;
  }

  private isWanted(signal: "TRACES" | "METRICS"): boolean {
    const name = `OTEL_${signal}_EXPORTER`;
    const words = (this.text(name) ?? "otlp").split(",").map((word) => word.trim().toLowerCase());
    const foreign = words.filter((word) => word !== "otlp" && word !== "none" && word !== "prometheus");
    if (foreign.length > 0)
      this.notice(`${name} names an exporter that this gateway does not have; it knows otlp and none`);
    return words.includes("otlp");
  }

  private headers(name: string, text: string | null): Readonly<Record<string, string>> {
    return this.pairs(name, text, /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, /^[\t\x20-\x7e]*$/);
  }

  resource(): Readonly<Record<string, string>> {
    const name = "OTEL_RESOURCE_ATTRIBUTES";
    const attributes = this.pairs(name, this.text(name), /^[\x21-\x7e]{1,255}$/, /^\P{Cc}*$/u);
    const service = this.text("OTEL_SERVICE_NAME");
    return service === null ? attributes : { ...attributes, "service.name": service };
  }

  /** `key=value,key=value`, percent-encoded. */
  private pairs(
    name: string,
    text: string | null,
    key: RegExp,
    value: RegExp,
  ): Readonly<Record<string, string>> {
    const pairs: Record<string, string> = {};
    for (const part of (text ?? "").split(",")) {
      if (part.trim() === "") continue;
      const [left, right] = part.includes("=")
        ? [decoded(part.slice(0, part.indexOf("="))), decoded(part.slice(part.indexOf("=") + 1))]
        : [null, null];
      if (left === null || right === null || !key.test(left) || !value.test(right))
        this.notice(`an entry of ${name} is not key=value and was left out`);
      else pairs[left] = right;
    }
    return pairs;
  }

  private notice(sentence: string): void {
    if (!this.notices.includes(sentence)) this.notices.push(sentence);
  }
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text.trim());
  } catch {
    return null;
  }
}
