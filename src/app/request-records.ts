// Where finished requests go: their price (record-costs.ts), the database of records, and their line in the log.

import type { TrafficCounts } from "../alerts/traffic-counts.ts";
import type { ProviderSettings } from "../backends/settings.ts";
import type { Target } from "../canon/decision.ts";
import type { RequestRecord, UnpricedRecord } from "../canon/record.ts";
import type { Usage } from "../canon/usage.ts";
import { createPricedModels, type SoldModels } from "../catalog/priced-target.ts";
import type { LoadedTable, PriceBook, PricedTarget } from "../catalog/prices.ts";
import type { LoadedConfig } from "../config/load.ts";
import { databasePaths } from "../metrics/database-path.ts";
import { disabledMetricsStore } from "../metrics/disabled-metrics-store.ts";
import type { Exposition } from "../metrics/exposition/exposition.ts";
import type { MetricsStore } from "../metrics/metrics-store.ts";
import { SqliteMetricsStore } from "../metrics/sqlite-metrics-store.ts";
import type { Clock } from "../system/clock.ts";
import type { Log } from "../system/log.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { AccessLog } from "./access-log.ts";
import { soldModels } from "./providers/provider-price.ts";
import { RecordCosts } from "./record-costs.ts";

export type RecordsStore = {
  readonly store: MetricsStore;
  /** The preferred path of the database, and the variable or key that sets it. */
  readonly recordsLocation: { readonly path: string; readonly from: string };
};

export type RecordsStoreOptions = {
  readonly clock: Clock;
  readonly log: Log;
  /** This config's database settings hold until the process ends. */
  readonly loaded: LoadedConfig;
  readonly workingDirectory: string;
  readonly homeDirectory: string;
  /** Called before the store answers: hands in the records that are not complete yet. */
  completeRecords(): Promise<void>;
  /** Whether the operator named this model of the provider. */
  isListed(id: string, model: string): boolean;
};

/** Whether there is a database of records at all. */
export const keepsRecords = (metrics: LoadedConfig["config"]["metrics"]): boolean =>
  metrics.enabled && metrics.log_requests;

export function openRecords(options: RecordsStoreOptions): RecordsStore {
  const { clock, log, loaded, isListed } = options;
  const { metrics } = loaded.config;
  const isKept = keepsRecords(metrics);
  const databases = databasePaths({
    env: loaded.environment,
    configured: metrics.db_path ?? null,
    cwd: options.workingDirectory,
    home: options.homeDirectory,
  });
  if (isKept) for (const notice of databases.notices) log.warn(notice);
  const store: MetricsStore = isKept
    ? new SqliteMetricsStore({
        paths: databases.paths,
        from: databases.from,
        retentionDays: metrics.retention_days,
        maxFileBytes: metrics.max_mb * 1024 ** 2,
        keepsDecisions: metrics.log_routing_decisions,
        isListed,
        completeRecords: () => options.completeRecords(),
        log,
        clock,
      })
    : disabledMetricsStore();
  return {
    store,
    recordsLocation: { path: databases.paths[0] ?? "", from: databases.from },
  };
}

export type RecorderOptions = Pick<RecordsStore, "store"> & {
  readonly keepsRecords: boolean;
  readonly prices: PriceBook & LoadedTable;
  readonly accessLog: AccessLog;
  /** False: neither the database nor the exposition wants records. */
  readonly isCounted: boolean;
  readonly exposition: Pick<Exposition, "count">;
  /** Called after each record. */
  readonly recorded: () => void;
  readonly telemetry: Pick<Telemetry, "record" | "exportsSpans">;
  readonly alertTraffic: Pick<TrafficCounts, "count">;
  readonly currentConfig: () => LoadedConfig;
  /** A provider that a reload removed still has a price for the requests that it was answering. */
  readonly settingsOf: (id: string) => ProviderSettings | undefined;
  /** The target of a name in the active config; null: it means none. */
  readonly targetOf: (name: string) => Target | null;
};

export class RequestRecorder {
  private readonly modelsOf = createPricedModels();
  private readonly costs: RecordCosts;
  private readonly sold = new WeakMap<ProviderSettings, ProviderSettings>();
  /** Not null: another process keeps and counts the records from now on. */
  forwardTo: ((record: RequestRecord) => void) | null = null;
  /** Settles when the record that waits for the table of prices, and all before it, are written. */
  private priced: Promise<void> = Promise.resolve();

  constructor(private readonly options: RecorderOptions) {
    const pricedTarget = (settings: ProviderSettings, model: string): PricedTarget =>
      this.modelsOf(this.soldBy(settings)).of(model);
    this.costs = new RecordCosts({ ...options, pricedTarget });
  }

  /** Settles when no record waits for its price. */
  completed(): Promise<void> {
    return this.priced;
  }

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
    const { prompt } = finished;
    if (prompt === undefined) this.recordRead(finished);
    else prompt.whenRead(() => this.recordRead(finished));
  }

  private recordRead(finished: UnpricedRecord): void {
    const { currentConfig, settingsOf, prices } = this.options;
    const { config } = currentConfig();
    if (!this.isWanted(finished, config.alerts.enabled)) return;
    const { isCounted } = this.options;
    const showsCache = config.prompt_caching.track_metrics !== false;
    const tracked = showsCache ? finished : withoutCacheParts(finished);
    const provider = finished.provider === null ? undefined : settingsOf(finished.provider);
    const { model, usage } = finished;
    if (provider === undefined || model === null || (!isCounted && finished.costNanoUsd !== null)) {
      this.write(tracked);
      return;
    }
    const sold = this.soldBy(provider);
    const complete = (target: PricedTarget): void => {
      // The price follows from what was really used; only what is shown of the cache can be switched off.
      this.costs.fill(tracked, { target, usage, showsCache, isProgram: sold !== provider });
      this.write(tracked);
    };
    const target = this.billedTarget(sold, model, finished);
    if (target !== null && prices.isReady(target) && this.costs.isReady(finished)) complete(target);
    else
      this.priced = prices
        .load()
        .then(() => complete(this.billedTarget(sold, model, finished) ?? this.modelsOf(sold).of(model)));
  }

  /** Whether anything shows or counts it. */
  private isWanted(finished: UnpricedRecord, countsForAlerts: boolean): boolean {
    const { isCounted, telemetry, accessLog } = this.options;
    return isCounted || countsForAlerts || telemetry.exportsSpans || accessLog.levelOf(finished) !== null;
  }

  /** The same object for the same settings, so that the price book recognizes their models. */
  private soldBy(settings: ProviderSettings): ProviderSettings {
    let sold = this.sold.get(settings);
    if (sold === undefined) this.sold.set(settings, (sold = soldModels(settings)));
    return sold;
  }

  /** The model whose price counts: the one that answered. Null: the price table must be loaded first. */
  private billedTarget(
    provider: SoldModels,
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

  /** A record that another process of this gateway has completed, logged and exported. */
  take(finished: RequestRecord): void {
    if (this.forwardTo === null) this.keep(finished);
    else this.forwardTo(finished);
  }

  private keep(finished: RequestRecord): void {
    const { keepsRecords, store, exposition, recorded } = this.options;
    if (keepsRecords) store.record(finished);
    recorded();
    exposition.count(finished);
  }

  private write(finished: UnpricedRecord): void {
    const { accessLog, telemetry, alertTraffic, currentConfig } = this.options;
    this.take(finished);
    telemetry.record(finished);
    if (currentConfig().config.alerts.enabled) alertTraffic.count(finished);
    const level = accessLog.levelOf(finished);
    if (level !== null) accessLog.write(finished, level);
  }
}

function withoutCacheParts(record: UnpricedRecord): UnpricedRecord {
  return { ...record, usage: { ...record.usage, inputCached: null, inputCacheWrite: null } };
}
