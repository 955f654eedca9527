// Sends the metrics at a fixed interval, and once more when the gateway stops.

import type { ExpositionSnapshot } from "../metrics/exposition/exposition.ts";
import type { Clock } from "../system/clock.ts";
import type { ProviderFacts } from "./conventions.ts";
import { MetricPoints } from "./metric-points.ts";
import type { MetricsSettings } from "./otel-variables.ts";
import type { Scope } from "./otlp-common.ts";
import { type Metric, metricsToJson, metricsToProtobuf } from "./otlp-metrics.ts";
import type { OtlpSender } from "./otlp-sender.ts";
import { ProtobufWriter } from "./protobuf-writer.ts";

export type MetricExportOptions = {
  readonly settings: MetricsSettings;
  readonly scope: Scope;
  readonly factsOf: (provider: string) => ProviderFacts;
  readonly processStartMs: number;
  readonly sender: OtlpSender;
  readonly clock: Clock;
  readonly read: () => Promise<ExpositionSnapshot>;
};

export class MetricExport {
  private readonly points: MetricPoints;
  private readonly writer = new ProtobufWriter();
  private readonly abort = new AbortController();
  private stopTimer = (): void => undefined;
  private exporting: Promise<void> | null = null;

  constructor(private readonly options: MetricExportOptions) {
    this.points = new MetricPoints(options.settings.temporality, options.processStartMs, options.factsOf);
    this.schedule();
  }

  async stop(limitMs: number): Promise<void> {
    const { clock } = this.options;
    this.stopTimer();
    const stopLimit = clock.setTimer(limitMs, () => this.abort.abort());
    try {
      await this.exporting;
      if (!this.abort.signal.aborted) await this.exportNow();
    } finally {
      stopLimit();
      this.stopTimer();
    }
  }

  private schedule(): void {
    const { clock, settings } = this.options;
    this.stopTimer = clock.setTimer(settings.intervalMs, () => {
      this.exporting ??= this.exportNow().finally(() => {
        this.exporting = null;
      });
      this.schedule();
    });
  }

  private async exportNow(): Promise<void> {
    const { sender, clock, read, settings } = this.options;
    const snapshot = await read();
    const atMs = clock.nowMs();
    const { metrics, arrived } = this.points.read(snapshot, atMs);
    const count = metrics.reduce((sum, { points }) => sum + points.length, 0);
    if (count === 0) return;
    const isJson = settings.protocol === "http/json";
    if (await sender.send(this.encode(metrics, atMs, isJson), count, this.abort.signal)) arrived();
  }

  private encode(metrics: readonly Metric[], atMs: number, isJson: boolean): Uint8Array<ArrayBuffer> {
    const { scope } = this.options;
    return isJson
      ? new TextEncoder().encode(JSON.stringify(metricsToJson(metrics, scope, atMs)))
      : metricsToProtobuf(this.writer, metrics, scope, atMs);
  }
}
