// OpenTelemetry of one gateway: the trace of each request, its spans, and the metrics, as the OTEL_* variables say. Switched off it
// only reads the trace that a client sends along.

import type { RequestRecord } from "../canon/record.ts";
import { type RequestTrace, TraceIds, type TraceParent } from "../canon/trace-context.ts";
import type { ExpositionSnapshot } from "../metrics/exposition/exposition.ts";
import type { RequestRow } from "../metrics/exposition/series-row.ts";
import type { Clock } from "../system/clock.ts";
import type { Log } from "../system/log.ts";
import { Attributes } from "./attributes.ts";
import type { ProviderFacts } from "./conventions.ts";
import { genAiRows } from "./gen-ai-series.ts";
import { MetricExport } from "./metric-export.ts";
import type { Destination, TelemetrySettings } from "./otel-variables.ts";
import type { Scope } from "./otlp-common.ts";
import { type ExportState, OtlpSender, shownAddress } from "./otlp-sender.ts";
import { SharedAttributes } from "./shared-attributes.ts";
import { SpanExport } from "./span-export.ts";

export type TelemetryOptions = {
  readonly settings: TelemetrySettings;
  readonly version: string;
  /** Of this process, for `service.instance.id`. */
  readonly instanceId: string;
  readonly userAgent: string;
  readonly startedAtMs: number;
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  readonly log: Pick<Log, "warn" | "info">;
  readonly proxyOf: (url: URL) => string | null;
  readonly factsOf: (provider: string) => ProviderFacts;
  readonly routeOf: (endpoint: string) => string | undefined;
};

export type SignalStatus = ExportState & { readonly collector: string; readonly protocol: string };
export type TelemetryStatus = {
  readonly traces: SignalStatus | null;
  readonly metrics: SignalStatus | null;
  readonly notices: readonly string[];
};

/** A stop waits this long for the collector. */
const stopMs = 3_000;
const schemaUrl = "https://opentelemetry.io/schemas/1.42.0";

export class Telemetry {
  private readonly ids = new TraceIds();
  private readonly spans: SpanExport | null = null;
  private readonly senders: { traces: OtlpSender | null; metrics: OtlpSender | null };
  private readonly scope: Scope;
  private metrics: MetricExport | null = null;

  constructor(private readonly options: TelemetryOptions) {
    const { settings, clock, factsOf, routeOf } = options;
    this.scope = { resource: resourceOf(options), name: "clawgate", version: options.version, schemaUrl };
    this.senders = {
      traces: this.senderOf(settings.traces, "spans"),
      metrics: this.senderOf(settings.metrics, "metrics"),
    };
    if (settings.traces !== null && this.senders.traces !== null)
      this.spans = new SpanExport({
        settings: settings.traces,
        scope: this.scope,
        sender: this.senders.traces,
        clock,
        facts: {
          factsOf,
          routeOf,
          newSpanId: () => this.ids.newSpanId(),
          shared: { requests: new SharedAttributes(), attempts: new SharedAttributes() },
        },
      });
  }

  get exportsSpans(): boolean {
    return this.spans !== null;
  }

  /** What must be counted beside the series of `/metrics`. */
  get moreSeries(): readonly RequestRow[] {
    return this.senders.metrics === null ? [] : genAiRows;
  }

  /** The trace of a request that begins; null: it has none. */
  readonly begin = (parent: TraceParent | null): RequestTrace | null => {
    const { traces } = this.options.settings;
    if (traces === null)
      return parent && { traceId: parent.traceId, spanId: null, parent, isSampled: parent.isSampled };
    const traceId = parent?.traceId ?? this.ids.newTraceId();
    return { traceId, spanId: this.ids.newSpanId(), parent, isSampled: traces.sampler(traceId, parent) };
  };

  readonly newSpanId = (): string => this.ids.newSpanId();

  /** Never throws, never waits. */
  record(record: RequestRecord): void {
    const { trace } = record;
    if (this.spans !== null && trace?.isSampled === true) this.spans.add(record, trace);
  }

  startMetrics(read: () => Promise<ExpositionSnapshot>): void {
    const { settings, clock, factsOf, startedAtMs } = this.options;
    if (settings.metrics === null || this.senders.metrics === null) return;
    this.metrics = new MetricExport({
      settings: settings.metrics,
      scope: this.scope,
      sender: this.senders.metrics,
      clock,
      factsOf,
      processStartMs: startedAtMs,
      read,
    });
  }

  /** Sends what is left, for a few seconds at most. */
  async stop(): Promise<void> {
    const { settings } = this.options;
    await Promise.all([
      this.spans?.stop(Math.min(stopMs, settings.traces?.timeoutMs ?? 0)),
      this.metrics?.stop(Math.min(stopMs, settings.metrics?.timeoutMs ?? 0)),
    ]);
  }

  /** Null: nothing is exported, and nothing was asked for in vain. */
  status(): TelemetryStatus | null {
    const { traces, metrics, notices } = this.options.settings;
    if (traces === null && metrics === null && notices.length === 0) return null;
    return {
      traces: signalStatus(traces, this.senders.traces),
      metrics: signalStatus(metrics, this.senders.metrics),
      notices,
    };
  }

  private senderOf(destination: Destination | null, what: string): OtlpSender | null {
    const { userAgent, clock, log, proxyOf } = this.options;
    if (destination === null) return null;
    const proxy = proxyOf(new URL(destination.url));
    return new OtlpSender({ destination, what, proxy, userAgent, fetch: this.options.fetch, clock, log });
  }
}

function signalStatus(destination: Destination | null, sender: OtlpSender | null): SignalStatus | null {
  if (destination === null || sender === null) return null;
  return { collector: shownAddress(destination.url), protocol: destination.protocol, ...sender.state() };
}

function resourceOf({ settings, version, instanceId }: TelemetryOptions): Attributes {
  const said: Readonly<Record<string, string>> = {
    "service.name": "clawgate",
    "service.version": version,
    "service.instance.id": instanceId,
    ...settings.attributes,
    "telemetry.sdk.name": "clawgate",
    "telemetry.sdk.language": "nodejs",
    "telemetry.sdk.version": version,
  };
  const attributes = new Attributes();
  for (const [key, value] of Object.entries(said)) attributes.text(key, value);
  return attributes;
}
