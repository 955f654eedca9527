// What is made once and outlives every config: clock, log, health, records, prices, running requests.

import { join } from "node:path";
import { createHealthBook, type HealthBook } from "../backends/health.ts";
import { dialOut } from "../backends/http/dial.ts";
import { createReach } from "../backends/http/reach.ts";
import type { ProviderSettings } from "../backends/settings.ts";
import { createPriceBook, type PricedTarget } from "../catalog/prices.ts";
import type { LoadedConfig } from "../config/load.ts";
import { databasePaths } from "../metrics/path.ts";
import { createReports } from "../metrics/reports.ts";
import { disabledStore, openStore } from "../metrics/store.ts";
import { createBodyBook } from "../pipeline/body-book.ts";
import { createLiveRegistry } from "../pipeline/live.ts";
import { createRestsOfBodies } from "../pipeline/rest-of-body.ts";
import { createRetryBudget } from "../pipeline/retry-budget.ts";
import { createStickiness } from "../routing/stickiness.ts";
import { createMemoryStore } from "../state/memory.ts";
import { openSlots } from "../state/slots.ts";
import { openSqliteStore } from "../state/sqlite.ts";
import type { Clock } from "../system/clock.ts";
import { createDescriptors, descriptorLimit, descriptorsInUse } from "../system/descriptors.ts";
import type { Log } from "../system/log.ts";
import { openedConnections } from "../system/opened-connections.ts";
import { stateDirectoryFrom } from "../system/state-directory.ts";
import { createTicker } from "../system/ticker.ts";
import { createGuesses } from "../tenants/guesses.ts";
import { createQueueBook } from "../tenants/queue-book.ts";
import type { RequestRecord, UnpricedRecord } from "../canon/record.ts";
import type { Usage } from "../canon/usage.ts";
import { cliNames } from "../backends/cli/models.ts";
import { createCliBook } from "./cli-book.ts";
import { createCliRun } from "./cli-run.ts";
import { createConfigNames } from "./config-names.ts";
import { createHealthMemory } from "./health-memory.ts";
import { answeredTarget, createPricedTargets } from "./priced-target.ts";
import { createRefusalLines, createRequestLines, type RequestLineStyle } from "./request-line.ts";
import { createSecretBook, type SecretBook } from "./secrets.ts";
import { createSpendingMemory } from "./spending-memory.ts";

export type EstateOptions = {
  readonly clock: Clock;
  readonly log: Log;
  /** The first config: what it says of the database holds until the process ends. */
  readonly loaded: LoadedConfig;
  readonly workingDirectory: string;
  readonly homeDirectory: string;
  readonly fetch: typeof fetch;
  /** The config that is in force. Not the generation: that one is made of the estate. */
  readonly inForce: () => LoadedConfig;
  /** That one, and older ones that still have requests, newest first. Absent: there are no older ones. */
  readonly inUse?: () => readonly LoadedConfig[];
  /** Where `state.db` lies. Absent: nothing is kept beyond this process. */
  readonly stateDirectory?: string;
  /** False: the directory has gone over to another gateway, and its files are not to be opened again. Absent: it never does. */
  readonly mayKeepState?: () => boolean;
  /** Where programs get their folders when there is no `stateDirectory`. */
  readonly temporaryDirectory?: string;
  /** How requests are told in the log. Absent: nobody looks on. */
  readonly requestLines?: RequestLineStyle;
  /** Holds the secrets of all of them. Absent: those of `loaded` are masked. */
  readonly secrets?: SecretBook;
};

/** What createEstate gives: the type that the rest of this room speaks of. */
export type HouseEstate = ReturnType<typeof createEstate>;

export function createEstate(options: EstateOptions) {
  const { clock, log } = options;
  const { config, environment } = options.loaded;
  const live = createLiveRegistry();
  const { redact } = options.secrets ?? secretsOnlyOf(options.loaded);
  /** A provider that a reload took away is still priced for the requests that it was answering. */
  const settingsOf = (id: string): ProviderSettings | undefined => {
    const now = options.inForce().config.providers[id];
    if (now !== undefined) return now;
    const configs = options.inUse?.() ?? [];
    return configs.map((each) => each.config.providers[id]).find((each) => each !== undefined);
  };
  const targetOf = createPricedTargets();
  const namesModel = createConfigNames();
  const keeps = config.metrics.enabled && config.metrics.log_requests;
  const places = databasePaths({
    env: environment,
    configured: config.metrics.db_path ?? null,
    cwd: options.workingDirectory,
    home: options.homeDirectory,
  });
  if (keeps) for (const notice of places.notices) log.warn(notice);
  const store = keeps
    ? openStore({
        paths: places.paths,
        from: places.from,
        retentionDays: config.metrics.retention_days,
        keepsDecisions: config.metrics.log_routing_decisions,
        isListed: (id, model) =>
          namesModel(options.inForce().config, settingsOf(id), id, model) ||
          cliNames(clis.models(id)).includes(model),
        log,
        clock,
      })
    : disabledStore();
  const prices = createPriceBook({
    onTableLost: (error) => log.error("the bundled price table could not be loaded", { error }),
  });

  const state =
    options.stateDirectory === undefined
      ? createMemoryStore(clock.nowMs)
      : openSqliteStore({
          path: join(options.stateDirectory, "state.db"),
          from: stateDirectoryFrom(environment),
          clock,
          log,
          mayOpen: options.mayKeepState ?? (() => true),
        });
  const slots =
    options.stateDirectory === undefined
      ? null
      : openSlots(join(options.stateDirectory, "spent.slots"), options.mayKeepState);
  const spending = createSpendingMemory({ store: state, slots, records: store, clock, log });
  const healthMemory = createHealthMemory({ store: state, health: () => health, clock, log });
  const health = healthOf(options, redact, healthMemory.changed);
  // A command that only explains starts nothing, and makes no folder.
  const stateDirectory =
    options.stateDirectory ??
    options.temporaryDirectory ??
    join(options.homeDirectory, ".local", "state", "clawgate");
  const run = createCliRun({ stateDirectory, clock, log });
  const clis = createCliBook({ clock, log, redact, run, stateDirectory, state });

  /** By what was tried last when nobody answered: that may be billed as well. */
  const costOf = (finished: RequestRecord, usage: Usage): number | null | Promise<number | null> => {
    if (finished.costNanoUsd !== null) return finished.costNanoUsd;
    const last = finished.attempts.findLast(({ maybeBilled }) => maybeBilled);
    const [id, model] = [finished.provider ?? last?.provider, finished.model ?? last?.model];
    const provider = id === undefined ? undefined : settingsOf(id);
    if (provider === undefined || model === undefined) return null;
    const cost = (target: PricedTarget): number | null => prices.costNow(target, usage, finished.startedAtMs);
    const target = billedAt(provider, model, finished);
    if (target !== null && prices.isReady(target)) return cost(target);
    return prices.load().then(() => cost(billedAt(provider, model, finished) ?? targetOf(provider, model)));
  };

  /** Whose price it is: that of the model that answered. Null: the price table has to be loaded first. */
  const billedAt = (
    provider: ProviderSettings,
    model: string,
    { upstreamModel, startedAtMs }: UnpricedRecord,
  ): PricedTarget | null => {
    const asked = targetOf(provider, model);
    if (upstreamModel === null || upstreamModel === model) return asked;
    const isKnown = (target: PricedTarget): boolean => prices.priceOf(target, startedAtMs) !== null;
    return answeredTarget(asked, provider, upstreamModel, targetOf, prices.table() === null ? null : isKnown);
  };

  const lineStyle = options.requestLines ?? { isTerminal: false, isPretty: false };
  const lines = createRequestLines(log, lineStyle);
  const deliver = (finished: UnpricedRecord): void => {
    if (keeps) store.record(finished);
    const level = lines.levelOf(finished);
    if (level !== null) lines.tell(finished, level);
  };

  const record = (finished: UnpricedRecord): void => {
    if (!keeps && lines.levelOf(finished) === null) return;
    const settings = options.inForce().config;
    const provider = finished.provider === null ? undefined : settingsOf(finished.provider);
    const tracked = settings.prompt_caching.track_metrics === false ? withoutCacheParts(finished) : finished;
    if (provider === undefined || finished.model === null || finished.costNanoUsd !== null) {
      deliver(tracked);
      return;
    }
    // The price is worked out of what was really used; only what is shown of the cache may be switched off.
    const { model } = finished;
    const target = billedAt(provider, model, finished);
    if (target !== null && prices.isReady(target)) keep(tracked, target, finished.usage);
    else
      void prices.load().then(() => {
        keep(tracked, billedAt(provider, model, finished) ?? targetOf(provider, model), finished.usage);
      });
  };

  const keep = (tracked: UnpricedRecord, target: PricedTarget, usage: Usage): void => {
    // Written into the record itself: a copy of its 30 fields for each request is seen in the benchmark.
    tracked.costNanoUsd = prices.costNow(target, usage, tracked.startedAtMs);
    deliver(tracked);
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
    refused: createRefusalLines(log, lineStyle, clock.monotonicMs),
    live,
    bodies: createBodyBook(),
    restsOfBodies: createRestsOfBodies(ticker, descriptors.admits),
    store,
    /** The first choice for the records, and the variable or key that says so. */
    recordsPlace: { path: places.paths[0] ?? "", from: places.from },
    prices,
    redact,
    costOf,
    record,
    meters: spending.meters,
    spending,
    inForce: options.inForce,
    queues: createQueueBook(clock),
    fetch: options.fetch,
    reports: createReports(store),
    startedAtSeconds: Math.floor(clock.nowMs() / 1000),
    guesses: createGuesses({
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
      ttlMs: () => options.inForce().config.session.ttl * 1000,
    }),
    retryBudget: createRetryBudget({ activeRequests: live.count, setTimer: clock.setTimer }),
    reach: createReach({
      ticker,
      dial: dialOut,
      lookups: () => Bun.dns.getCacheStats().totalCount,
      opened: openedConnections(clock.monotonicMs),
      lacksRoom: descriptors.wereShort,
    }),
    state,
    healthMemory,
    health,
    stateDirectory,
    clis,
  };
}

function healthOf(
  options: EstateOptions,
  redact: (text: string) => string,
  changed: (provider: string) => void,
): HealthBook {
  return createHealthBook({
    settings: () => {
      const { health } = options.inForce().config;
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

function secretsOnlyOf(loaded: LoadedConfig): SecretBook {
  const secrets = createSecretBook();
  secrets.hold(loaded);
  return secrets;
}

function withoutCacheParts(record: UnpricedRecord): UnpricedRecord {
  return { ...record, usage: { ...record.usage, inputCached: null, inputCacheWrite: null } };
}
