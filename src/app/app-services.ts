// What is made once and outlives every config: clock, log, health, records, prices, running requests.

import { join } from "node:path";
import { createHealthTracker, type HealthTracker } from "../backends/health/health-tracker.ts";
import { dialOut } from "../backends/http/dial.ts";
import { createConnectionTracker } from "../backends/http/connection-tracker.ts";
import type { ProviderSettings } from "../backends/settings.ts";
import { createPriceBook, type PricedTarget } from "../catalog/prices.ts";
import type { LoadedConfig } from "../config/load.ts";
import { databasePaths } from "../metrics/database-path.ts";
import { disabledMetricsStore } from "../metrics/disabled-metrics-store.ts";
import type { MetricsStore } from "../metrics/metrics-store.ts";
import { SqliteMetricsStore } from "../metrics/sqlite-metrics-store.ts";
import { createBodyMemory } from "../pipeline/body-memory.ts";
import { createLiveRegistry } from "../pipeline/live-registry.ts";
import { createUnreadBodies } from "../pipeline/unread-body.ts";
import { createRetryBudget } from "../pipeline/retry-budget.ts";
import { createStickiness } from "../routing/stickiness.ts";
import { createMemoryStore } from "../state/memory-store.ts";
import { openSlots } from "../state/slots.ts";
import { SqliteStateStore } from "../state/sqlite-state-store.ts";
import type { Clock } from "../system/clock.ts";
import { createDescriptors, descriptorLimit, descriptorsInUse } from "../system/descriptors.ts";
import type { Log } from "../system/log.ts";
import { openedConnections } from "../system/opened-connections.ts";
import { stateDirectoryFrom } from "../system/state-directory.ts";
import { createTicker } from "../system/ticker.ts";
import { createGuessLimiter } from "../tenants/guess-limiter.ts";
import { createQueueRegistry } from "../tenants/queue-registry.ts";
import type { RequestRecord, UnpricedRecord } from "../canon/record.ts";
import type { Usage } from "../canon/usage.ts";
import { cliNames } from "../backends/claude-code/models/cli-models.ts";
import { createProgramRegistry } from "./claude-code/program-registry.ts";
import { createGatewayRun } from "../backends/agent-process/gateway-run.ts";
import { createConfiguredModels } from "./providers/configured-models.ts";
import { createSavedHealth } from "./saved-health.ts";
import { answeredTarget, createPricedTargets } from "./providers/priced-target.ts";
import { createRefusalLog, createAccessLog, type AccessLogStyle } from "./access-log.ts";
import { createSecretRegistry, type SecretRegistry } from "./secret-registry.ts";
import { createSavedSpending } from "./saved-spending.ts";

export type ServicesOptions = {
  readonly clock: Clock;
  readonly log: Log;
  /** The first config: what it says of the database holds until the process ends. */
  readonly loaded: LoadedConfig;
  readonly workingDirectory: string;
  readonly homeDirectory: string;
  readonly fetch: typeof fetch;
  /** The config that is in force. Not the generation: that one is made of the estate. */
  readonly currentConfig: () => LoadedConfig;
  /** That one, and older ones that still have requests, newest first. Absent: there are no older ones. */
  readonly configsInUse?: () => readonly LoadedConfig[];
  /** Where `state.db` lies. Absent: nothing is kept beyond this process. */
  readonly stateDirectory?: string;
  /** False: the directory has gone over to another gateway, and its files are not to be opened again. Absent: it never does. */
  readonly mayOpenState?: () => boolean;
  /** Where programs get their folders when there is no `stateDirectory`. */
  readonly temporaryDirectory?: string;
  /** How requests are told in the log. Absent: nobody looks on. */
  readonly accessLog?: AccessLogStyle;
  /** Holds the secrets of all of them. Absent: those of `loaded` are masked. */
  readonly secrets?: SecretRegistry;
};

/** What createServices gives: the type that the rest of this room speaks of. */
export type AppServices = ReturnType<typeof createServices>;

export function createServices(options: ServicesOptions) {
  const { clock, log } = options;
  const { config, environment } = options.loaded;
  const live = createLiveRegistry();
  const { redact } = options.secrets ?? secretsOf(options.loaded);
  /** A provider that a reload took away is still priced for the requests that it was answering. */
  const settingsOf = (id: string): ProviderSettings | undefined => {
    const now = options.currentConfig().config.providers[id];
    if (now !== undefined) return now;
    const configs = options.configsInUse?.() ?? [];
    return configs.map((each) => each.config.providers[id]).find((each) => each !== undefined);
  };
  const targetOf = createPricedTargets();
  const namesModel = createConfiguredModels();
  const keepsRecords = config.metrics.enabled && config.metrics.log_requests;
  const databases = databasePaths({
    env: environment,
    configured: config.metrics.db_path ?? null,
    cwd: options.workingDirectory,
    home: options.homeDirectory,
  });
  if (keepsRecords) for (const notice of databases.notices) log.warn(notice);
  const store: MetricsStore = keepsRecords
    ? new SqliteMetricsStore({
        paths: databases.paths,
        from: databases.from,
        retentionDays: config.metrics.retention_days,
        keepsDecisions: config.metrics.log_routing_decisions,
        isListed: (id, model) =>
          namesModel(options.currentConfig().config, settingsOf(id), id, model) ||
          cliNames(claudePrograms.models(id)).includes(model),
        log,
        clock,
      })
    : disabledMetricsStore();
  const prices = createPriceBook({
    onTableLost: (error) => log.error("the bundled price table could not be loaded", { error }),
  });

  const state =
    options.stateDirectory === undefined
      ? createMemoryStore(clock.nowMs)
      : new SqliteStateStore({
          path: join(options.stateDirectory, "state.db"),
          from: stateDirectoryFrom(environment),
          clock,
          log,
          mayOpen: options.mayOpenState ?? (() => true),
        });
  const slots =
    options.stateDirectory === undefined
      ? null
      : openSlots(join(options.stateDirectory, "spent.slots"), options.mayOpenState);
  const spending = createSavedSpending({ store: state, slots, records: store, clock, log });
  const savedHealth = createSavedHealth({ store: state, health: () => health, clock, log });
  const health = healthOf(options, redact, savedHealth.changed);
  // A command that only explains starts nothing, and makes no folder.
  const stateDirectory =
    options.stateDirectory ??
    options.temporaryDirectory ??
    join(options.homeDirectory, ".local", "state", "clawgate");
  const run = createGatewayRun({ stateDirectory, clock, log });
  const claudePrograms = createProgramRegistry({ clock, log, redact, run, stateDirectory, state });

  /** By what was tried last when nobody answered: that may be billed as well. */
  const costOf = (finished: RequestRecord, usage: Usage): number | null | Promise<number | null> => {
    if (finished.costNanoUsd !== null) return finished.costNanoUsd;
    const last = finished.attempts.findLast(({ maybeBilled }) => maybeBilled);
    const [id, model] = [finished.provider ?? last?.provider, finished.model ?? last?.model];
    const provider = id === undefined ? undefined : settingsOf(id);
    if (provider === undefined || model === undefined) return null;
    const cost = (target: PricedTarget): number | null => prices.costNow(target, usage, finished.startedAtMs);
    const target = billedTarget(provider, model, finished);
    if (target !== null && prices.isReady(target)) return cost(target);
    return prices
      .load()
      .then(() => cost(billedTarget(provider, model, finished) ?? targetOf(provider, model)));
  };

  /** Whose price it is: that of the model that answered. Null: the price table has to be loaded first. */
  const billedTarget = (
    provider: ProviderSettings,
    model: string,
    { upstreamModel, startedAtMs }: UnpricedRecord,
  ): PricedTarget | null => {
    const asked = targetOf(provider, model);
    if (upstreamModel === null || upstreamModel === model) return asked;
    const isKnown = (target: PricedTarget): boolean => prices.priceOf(target, startedAtMs) !== null;
    return answeredTarget(asked, provider, upstreamModel, targetOf, prices.table() === null ? null : isKnown);
  };

  const accessLogStyle = options.accessLog ?? { isTerminal: false, isPretty: false };
  const accessLog = createAccessLog(log, accessLogStyle);
  const writeRecord = (finished: UnpricedRecord): void => {
    if (keepsRecords) store.record(finished);
    const level = accessLog.levelOf(finished);
    if (level !== null) accessLog.write(finished, level);
  };

  const record = (finished: UnpricedRecord): void => {
    if (!keepsRecords && accessLog.levelOf(finished) === null) return;
    const settings = options.currentConfig().config;
    const provider = finished.provider === null ? undefined : settingsOf(finished.provider);
    const tracked = settings.prompt_caching.track_metrics === false ? withoutCacheParts(finished) : finished;
    if (provider === undefined || finished.model === null || finished.costNanoUsd !== null) {
      writeRecord(tracked);
      return;
    }
    // The price is worked out of what was really used; only what is shown of the cache may be switched off.
    const { model } = finished;
    const target = billedTarget(provider, model, finished);
    if (target !== null && prices.isReady(target)) recordWithCost(tracked, target, finished.usage);
    else
      void prices.load().then(() => {
        recordWithCost(
          tracked,
          billedTarget(provider, model, finished) ?? targetOf(provider, model),
          finished.usage,
        );
      });
  };

  const recordWithCost = (tracked: UnpricedRecord, target: PricedTarget, usage: Usage): void => {
    // Written into the record itself: a copy of its 30 fields for each request is seen in the benchmark.
    tracked.costNanoUsd = prices.costNow(target, usage, tracked.startedAtMs);
    writeRecord(tracked);
  };

  const ticker = createTicker(clock);
  const descriptors = createDescriptors({
    limit: descriptorLimit(),
    inUse: descriptorsInUse,
    running: live.count,
    nowMs: clock.monotonicMs,
    setTimer: clock.setTimer,
  });
  return {
    clock,
    ticker,
    descriptors,
    log,
    refused: createRefusalLog(log, accessLogStyle, clock.monotonicMs),
    live,
    bodies: createBodyMemory(),
    unreadBodies: createUnreadBodies(ticker, descriptors.admits),
    store,
    /** The first choice for the records, and the variable or key that says so. */
    recordsLocation: { path: databases.paths[0] ?? "", from: databases.from },
    prices,
    redact,
    costOf,
    record,
    meters: spending.meters,
    spending,
    currentConfig: options.currentConfig,
    queues: createQueueRegistry(clock),
    fetch: options.fetch,
    reports: store,
    startedAtSeconds: Math.floor(clock.nowMs() / 1000),
    guessLimiter: createGuessLimiter({
      nowMs: clock.monotonicMs,
      onHeldBack(address, more) {
        const rest = more ? "; more addresses do the same, and are not told one by one" : "";
        log.warn(
          `too many wrong keys from ${address}: wrong keys from there are answered a second later for a minute${rest}`,
          {
            address,
          },
        );
      },
    }),
    stickiness: createStickiness({
      nowMs: clock.monotonicMs,
      ttlMs: () => options.currentConfig().config.session.ttl * 1000,
    }),
    retryBudget: createRetryBudget({ activeRequests: live.count, setTimer: clock.setTimer }),
    reach: createConnectionTracker({
      ticker,
      dial: dialOut,
      lookups: () => Bun.dns.getCacheStats().totalCount,
      opened: openedConnections(clock.monotonicMs),
      lacksRoom: descriptors.wereShort,
    }),
    state,
    savedHealth,
    health,
    stateDirectory,
    claudePrograms,
  };
}

function healthOf(
  options: ServicesOptions,
  redact: (text: string) => string,
  changed: (provider: string) => void,
): HealthTracker {
  return createHealthTracker({
    settings: () => {
      const { health } = options.currentConfig().config;
      return {
        ejectAfter: health.consecutive_failures_before_skip,
        openMs: health.recovery_check_interval_seconds * 1000,
      };
    },
    nowMs: options.clock.nowMs,
    redact,
    alarm: (provider, message) => options.log.warn(`provider ${provider} ${message}`, { provider }),
    changed,
  });
}

function secretsOf(loaded: LoadedConfig): SecretRegistry {
  const secrets = createSecretRegistry();
  secrets.add(loaded);
  return secrets;
}

function withoutCacheParts(record: UnpricedRecord): UnpricedRecord {
  return { ...record, usage: { ...record.usage, inputCached: null, inputCacheWrite: null } };
}
