// Where finished requests go: the database of records, their price, and their line in the log.

import type { TrafficCounts } from "../alerts/traffic-counts.ts";
import type { ProviderSettings } from "../backends/settings.ts";
import type { RequestRecord, UnpricedRecord } from "../canon/record.ts";
import type { Usage } from "../canon/usage.ts";
import { createPricedModels } from "../catalog/priced-target.ts";
import type { LoadedTable, PriceBook, PricedTarget } from "../catalog/prices.ts";
import type { LoadedConfig } from "../config/load.ts";
import { databasePaths } from "../metrics/database-path.ts";
import { disabledMetricsStore } from "../metrics/disabled-metrics-store.ts";
import type { Exposition } from "../metrics/exposition/exposition.ts";
import type { MetricsStore } from "../metrics/metrics-store.ts";
import { SqliteMetricsStore } from "../metrics/sqlite-metrics-store.ts";
import type { Clock } from "../system/clock.ts";
import type { Log } from "../system/log.ts";
import type { AccessLog } from "./access-log.ts";

export type RecordsStore = {
  readonly store: MetricsStore;
  /** The preferred path of the database, and the variable or key that sets it. */
  readonly recordsLocation: { readonly path: string; readonly from: string };
  readonly keepsRecords: boolean;
};

export type RecordsStoreOptions = {
  readonly clock: Clock;
  readonly log: Log;
  /** This config's database settings hold until the process ends. */
  readonly loaded: LoadedConfig;
  readonly workingDirectory: string;
  readonly homeDirectory: string;
  /** Whether the operator named this model of the provider. */
  isListed(id: string, model: string): boolean;
};

export function openRecords(options: RecordsStoreOptions): RecordsStore {
  const { clock, log, loaded, isListed } = options;
  const { metrics } = loaded.config;
  const keepsRecords = metrics.enabled && metrics.log_requests;
  const databases = databasePaths({
    env: loaded.environment,
    configured: metrics.db_path ?? null,
    cwd: options.workingDirectory,
    home: options.homeDirectory,
  });
  if (keepsRecords) for (const notice of databases.notices) log.warn(notice);
  const store: MetricsStore = keepsRecords
    ? new SqliteMetricsStore({
        paths: databases.paths,
        from: databases.from,
        retentionDays: metrics.retention_days,
        keepsDecisions: metrics.log_routing_decisions,
        isListed,
        log,
        clock,
      })
    : disabledMetricsStore();
  return {
    store,
    recordsLocation: { path: databases.paths[0] ?? "", from: databases.from },
    keepsRecords,
  };
}

export type RecorderOptions = Pick<RecordsStore, "store" | "keepsRecords"> & {
  readonly prices: PriceBook & LoadedTable;
  readonly accessLog: AccessLog;
  /** False: neither the database nor the exposition wants records. */
  readonly isCounted: boolean;
  readonly exposition: Pick<Exposition, "count">;
  readonly alertTraffic: Pick<TrafficCounts, "count">;
  readonly currentConfig: () => LoadedConfig;
  /** A provider that a reload removed still has a price for the requests that it was answering. */
  readonly settingsOf: (id: string) => ProviderSettings | undefined;
};

export class RequestRecorder {
  private readonly modelsOf = createPricedModels();

  constructor(private readonly options: RecorderOptions) {}

  /** By the last attempt if no target answered: that may be billed as well. */
  costOf(finished: RequestRecord, usage: Usage): number | null | Promise<number | null> {
    if (finished.costNanoUsd !== null) return finished.costNanoUsd;
    const { prices, settingsOf } = this.options;
    const last = finished.attempts.findLast(({ maybeBilled }) => maybeBilled);
    const [id, model] = [finished.provider ?? last?.provider, finished.model ?? last?.model];
    const provider = id === undefined ? undefined : settingsOf(id);
    if (provider === undefined || model === undefined) return null;
    const cost = (target: PricedTarget): number | null => prices.costNow(target, usage, finished.startedAtMs);
    const target = this.billedTarget(provider, model, finished);
    if (target !== null && prices.isReady(target)) return cost(target);
    return prices
      .load()
      .then(() => cost(this.billedTarget(provider, model, finished) ?? this.modelsOf(provider).of(model)));
  }

  record(finished: UnpricedRecord): void {
    const { isCounted, accessLog, currentConfig, settingsOf, prices } = this.options;
    const settings = currentConfig().config;
    if (!isCounted && !settings.alerts.enabled && accessLog.levelOf(finished) === null) return;
    const provider = finished.provider === null ? undefined : settingsOf(finished.provider);
    const tracked = settings.prompt_caching.track_metrics === false ? withoutCacheParts(finished) : finished;
    if (provider === undefined || finished.model === null || finished.costNanoUsd !== null) {
      this.write(tracked);
      return;
    }
    // The price follows from what was really used; only what is shown of the cache can be switched off.
    const { model } = finished;
    const target = this.billedTarget(provider, model, finished);
    if (target !== null && prices.isReady(target)) this.recordWithCost(tracked, target, finished.usage);
    else
      void prices.load().then(() => {
        this.recordWithCost(
          tracked,
          this.billedTarget(provider, model, finished) ?? this.modelsOf(provider).of(model),
          finished.usage,
        );
      });
  }

  /** The model whose price counts: the one that answered. Null: the price table must be loaded first. */
  private billedTarget(
    provider: ProviderSettings,
    model: string,
    { upstreamModel, startedAtMs }: UnpricedRecord,
  ): PricedTarget | null {
    const { prices } = this.options;
    const models = this.modelsOf(provider);
    const asked = models.of(model);
    if (upstreamModel === null || upstreamModel === model) return asked;
    const isKnown = (target: PricedTarget): boolean => prices.priceOf(target, startedAtMs) !== null;
    return models.answered(asked, upstreamModel, prices.table() === null ? null : isKnown);
  }

  private recordWithCost(tracked: UnpricedRecord, target: PricedTarget, usage: Usage): void {
    // Written into the record itself: copying its 30 fields for each request is visible in the benchmark.
    tracked.costNanoUsd = this.options.prices.costNow(target, usage, tracked.startedAtMs);
    this.write(tracked);
  }

  private write(finished: UnpricedRecord): void {
    const { keepsRecords, store, exposition, accessLog, alertTraffic, currentConfig } = this.options;
    if (keepsRecords) store.record(finished);
    exposition.count(finished);
    if (currentConfig().config.alerts.enabled) alertTraffic.count(finished);
    const level = accessLog.levelOf(finished);
    if (level !== null) accessLog.write(finished, level);
  }
}

function withoutCacheParts(record: UnpricedRecord): UnpricedRecord {
  return { ...record, usage: { ...record.usage, inputCached: null, inputCacheWrite: null } };
}
