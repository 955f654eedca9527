// Finished requests wait here for their spans: a bounded queue, emptied in batches. A request costs one entry of a list; everything
// else happens batch by batch, and not at all while the collector is away.

import type { RequestRecord } from "../canon/record.ts";
import type { RequestTrace } from "../canon/trace-context.ts";
import type { Clock } from "../system/clock.ts";
import type { TracesSettings } from "./otel-variables.ts";
import type { Scope } from "./otlp-common.ts";
import type { OtlpSender } from "./otlp-sender.ts";
import { type Span, tracesToJson, tracesToProtobuf } from "./otlp-traces.ts";
import { ProtobufWriter } from "./protobuf-writer.ts";
import { type SpanFacts, spansOf } from "./request-spans.ts";

export type SpanExportOptions = {
  readonly settings: TracesSettings;
  readonly scope: Scope;
  readonly facts: SpanFacts;
  readonly sender: OtlpSender;
  readonly clock: Clock;
};

type Waiting = { readonly record: RequestRecord; readonly trace: RequestTrace };

export class SpanExport {
  private waiting: Waiting[] = [];
  private spans = 0;
  private timer: (() => void) | null = null;
  private exporting: Promise<void> | null = null;
  private readonly abort = new AbortController();
  private readonly writer = new ProtobufWriter();

  constructor(private readonly options: SpanExportOptions) {}

  /** Never throws, never waits. */
  add(record: RequestRecord, trace: RequestTrace): void {
    const { settings, sender, clock } = this.options;
    const count = spanCount(record);
    if (this.spans + count > settings.queueSize) {
      sender.noteLost(count);
      return;
    }
    this.waiting.push({ record, trace });
    this.spans += count;
    if (this.spans >= settings.batchSize && this.exporting === null && !sender.isResting()) this.exportNow();
    else this.timer ??= clock.setTimer(settings.delayMs, () => this.exportNow());
  }

  /** Sends what waits, or gives it up after the time. */
  async stop(limitMs: number): Promise<void> {
    const { clock } = this.options;
    const stopTimer = clock.setTimer(limitMs, () => this.abort.abort());
    try {
      await this.exporting;
      while (this.waiting.length > 0 && !this.abort.signal.aborted) await this.exportBatch();
    } finally {
      stopTimer();
      this.timer?.();
      this.timer = null;
    }
  }

  private exportNow(): void {
    const { sender, clock, settings } = this.options;
    this.timer?.();
    this.timer = null;
    if (this.exporting !== null || this.waiting.length === 0) return;
    if (sender.isResting()) {
      this.timer = clock.setTimer(settings.delayMs, () => this.exportNow());
      return;
    }
    this.exporting = this.exportBatch().finally(() => {
      this.exporting = null;
      if (this.spans >= settings.batchSize) this.exportNow();
      else if (this.waiting.length > 0)
        this.timer ??= clock.setTimer(settings.delayMs, () => this.exportNow());
    });
  }

  private async exportBatch(): Promise<void> {
    const { sender } = this.options;
    const spans = this.nextBatch();
    await sender.send(this.encode(spans), spans.length, this.abort.signal);
  }

  private nextBatch(): readonly Span[] {
    const { settings, facts } = this.options;
    const spans: Span[] = [];
    let taken = 0;
    for (const { record, trace } of this.waiting) {
      const count = spanCount(record);
      if (taken > 0 && spans.length + count > settings.batchSize) break;
      spans.push(...spansOf(record, trace, facts));
      this.spans -= count;
      taken += 1;
    }
    this.waiting = this.waiting.slice(taken);
    return spans;
  }

  private encode(spans: readonly Span[]): Uint8Array<ArrayBuffer> {
    const { settings, scope } = this.options;
    return settings.protocol === "http/json"
      ? new TextEncoder().encode(JSON.stringify(tracesToJson(spans, scope)))
      : tracesToProtobuf(this.writer, spans, scope);
  }
}

const spanCount = ({ attempts }: RequestRecord): number => 1 + attempts.length;
