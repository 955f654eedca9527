// What is made once and outlives every config: clock, log, health, records, prices, running requests.

import { createHealthBook } from "../backends/health.ts";
import { createReach, tcpConnect } from "../backends/http/reach.ts";
import { redactorFor } from "../canon/redact.ts";
import { createPriceBook } from "../catalog/prices.ts";
import type { LoadedConfig } from "../config/load.ts";
import { databasePaths } from "../metrics/path.ts";
import { createReports } from "../metrics/reports.ts";
import { disabledStore, openStore } from "../metrics/store.ts";
import { createLiveRegistry } from "../pipeline/live.ts";
import { createRetryBudget } from "../pipeline/retry-budget.ts";
import type { Clock } from "../system/clock.ts";
import type { Log } from "../system/log.ts";
import { createTicker } from "../system/ticker.ts";
import { createGuesses } from "../tenants/guesses.ts";
import type { RequestRecord } from "../canon/record.ts";
import { pricedTarget } from "./priced-target.ts";

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
};

/** What createEstate gives: the type that the rest of this room speaks of. */
export type HouseEstate = ReturnType<typeof createEstate>;

export function createEstate(options: EstateOptions) {
  const { clock, log } = options;
  const { config, environment } = options.loaded;
  const live = createLiveRegistry();
  let redactor = { secrets: "", redact: redactorFor([]) };
  const redact = (text: string): string => {
    const secrets = secretsOf(options.inForce());
    const key = secrets.join("\n");
    if (key !== redactor.secrets) redactor = { secrets: key, redact: redactorFor(secrets) };
    return redactor.redact(text);
  };
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
        retentionDays: config.metrics.retention_days,
        keepsDecisions: config.metrics.log_routing_decisions,
        log,
        clock,
      })
    : disabledStore();
  const prices = createPriceBook({
    onTableLost: (error) => log.error("the bundled price table could not be loaded", { error }),
  });

  const record = (finished: RequestRecord): void => {
    if (!keeps) return;
    const settings = options.inForce().config;
    const provider = finished.provider === null ? undefined : settings.providers[finished.provider];
    const tracked = settings.prompt_caching.track_metrics === false ? withoutCacheParts(finished) : finished;
    if (provider === undefined || finished.model === null) {
      store.record(tracked);
      return;
    }
    // The price is worked out of what was really used; only what is shown of the cache may be switched off.
    const target = pricedTarget(provider, finished.model);
    const keep = (): void => {
      const costNanoUsd = prices.costNow(target, finished.usage, finished.startedAtMs);
      store.record(costNanoUsd === null ? tracked : { ...tracked, costNanoUsd });
    };
    if (prices.isReady(target)) keep();
    else void prices.prepare(target).then(keep);
  };

  return {
    clock,
    ticker: createTicker(clock),
    log,
    live,
    store,
    prices,
    redact,
    record,
    fetch: options.fetch,
    reports: createReports(store),
    startedAtSeconds: Math.floor(clock.nowMs() / 1000),
    guesses: createGuesses({ nowMs: clock.monotonicMs }),
    retryBudget: createRetryBudget({ activeRequests: live.count, setTimer: clock.setTimer }),
    reach: createReach({ nowMs: clock.monotonicMs, setTimer: clock.setTimer, connect: tcpConnect }),
    health: createHealthBook({
      settings: () => {
        const { health } = options.inForce().config;
        return {
          ejectAfter: health.consecutive_failures_before_skip,
          openMs: health.recovery_check_interval_seconds * 1000,
        };
      },
      nowMs: clock.nowMs,
      redact,
      alarm: (provider, message) => log.warn(`provider ${provider} ${message}`, { provider }),
    }),
  };
}

function withoutCacheParts(record: RequestRecord): RequestRecord {
  return { ...record, usage: { ...record.usage, inputCached: null, inputCacheWrite: null } };
}

/** Every text of the config that must never be seen: keys, and headers that carry them. */
function secretsOf(loaded: LoadedConfig): string[] {
  const { config, environment } = loaded;
  const providers = Object.values(config.providers);
  return [
    ...config.auth.keys,
    ...(config.auth.admin_key === undefined ? [] : [config.auth.admin_key]),
    ...config.tenants.map((tenant) => tenant.api_key),
    ...providers.flatMap((each) => each.api_key ?? []),
    ...providers.flatMap((each) => Object.values(each.headers)),
    ...providers.flatMap(({ auth }) =>
      auth !== "api_key" && auth.type === "bearer-env" ? (environment[auth.variable] ?? []) : [],
    ),
  ].filter((text) => text.length >= 8);
}
