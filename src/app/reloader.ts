// A new config takes the place of the old one: read, built whole, swapped; or it is not valid, and then nothing changes.
// One at a time: who asks while one is under way gets the next, which reads what stands in the file by then.

import type { LoadedConfig } from "../config/load.ts";
import { ConfigProblem, problemText } from "../config/problems.ts";
import { isScarcity } from "../system/descriptors.ts";
import type { AppServices } from "./app-services.ts";
import type { ConfigSnapshot, RequestCounter } from "./config-snapshot.ts";
import { queueLimits } from "./providers/loaded-provider.ts";
import {
  changesBetween,
  needsRestart,
  noChanges,
  type ReloadErrorCode,
  type ReloadReport,
} from "./config-changes.ts";
import { isSameUpstream, upstreamIn } from "./providers/same-upstream.ts";
import type { Snapshots } from "./snapshots.ts";
import { warnOfUnpricedModels } from "./tenants/unpriced-models.ts";

export type Reloader = {
  /** Never rejects: what went wrong is in the report and in the log. */
  reload(reason: string): Promise<ReloadReport>;
  /** What is wrong with the config on the disk, where it is another one than that in force. */
  diskState(): ConfigDiskState;
  /** From here on every reload is refused, one under way included. */
  stop(): void;
};

/** `invalidSinceMs` null: it is the one in force, as far as anybody has looked. */
export type ConfigDiskState = {
  readonly loadedAtMs: number;
  readonly invalidSinceMs: number | null;
  readonly problems: readonly string[];
  /** Keys and variables that differ from what the process was started with, and count only then. */
  readonly needsRestart: readonly string[];
};

/** Of a file that is something else altogether the rest would be noise. */
const maxProblemsLogged = 200;
const retryMs = 1_000;

export function createReloader(options: {
  readonly load: () => Promise<LoadedConfig>;
  /** The config that the process was started with. */
  readonly started: LoadedConfig;
  readonly snapshots: Snapshots;
  readonly services: AppServices;
  readonly build: (loaded: LoadedConfig, counter: RequestCounter) => ConfigSnapshot;
}): Reloader {
  const { services, snapshots, started } = options;
  const { log } = services;
  let isStopped = false;
  let isPostponed = false;
  let diskState: Omit<ConfigDiskState, "needsRestart"> = {
    loadedAtMs: services.clock.nowMs(),
    invalidSinceMs: null,
    problems: [],
  };
  const noteInvalid = (problems: readonly string[]): void => {
    const invalidSinceMs = diskState.invalidSinceMs ?? services.clock.nowMs();
    diskState = { ...diskState, invalidSinceMs, problems };
  };
  let cancelRetry = (): void => undefined;

  const refusedReport = (
    reason: string,
    code: ReloadErrorCode,
    message: string,
    problems: ConfigProblem["problems"] = [],
  ): ReloadReport => ({
    ok: false,
    reason,
    config: snapshots.currentConfig().path,
    changed: noChanges,
    needsRestart: needsRestart(started, snapshots.currentConfig()),
    notices: [],
    error: { code, message, problems },
  });

  const reloadOnce = async (reason: string): Promise<ReloadReport> => {
    try {
      const loaded = await options.load();
      if (isStopped) return refusedReport(reason, "shutting_down", "The gateway is shutting down.");
      const report = activate(reason, loaded);
      diskState = { loadedAtMs: services.clock.nowMs(), invalidSinceMs: null, problems: [] };
      isPostponed = false;
      return report;
    } catch (thrown) {
      if (isScarcity(thrown)) return postpone(reason, thrown);
      isPostponed = false;
      if (!(thrown instanceof ConfigProblem)) {
        log.error("the reload met a bug; the config in force stays", { reason, error: thrown });
        noteInvalid(["it could not be taken over: the log says why"]);
        return refusedReport(
          reason,
          "internal_error",
          "The reload met an internal error; the log says which.",
        );
      }
      const { problems } = thrown;
      noteInvalid(
        problems.slice(0, maxProblemsLogged).map((problem) => services.redact(problemText(problem))),
      );
      log.error("the new config is not valid; the one in force stays", { reason, problems: problems.length });
      for (const problem of problems.slice(0, maxProblemsLogged)) log.error(problemText(problem));
      if (problems.length > maxProblemsLogged) log.error(`and ${problems.length - maxProblemsLogged} more`);
      return refusedReport(reason, "config_invalid", thrown.message, problems);
    }
  };

  /** The files could not be opened: what stands in them is not known, and the config in force stays until it is. */
  const postpone = (reason: string, error: unknown): ReloadReport => {
    noteInvalid(["it cannot be read for want of file descriptors"]);
    if (!isPostponed)
      log.warn(
        "the config cannot be read for want of file descriptors; the one in force stays, and it is tried again",
        {
          reason,
          error,
        },
      );
    isPostponed = true;
    cancelRetry();
    cancelRetry = services.clock.setTimer(retryMs, () => void reload(reason));
    const message = "The config could not be read: too many files are open. It is tried again every second.";
    return refusedReport(reason, "at_capacity", message);
  };

  const activate = (reason: string, loaded: LoadedConfig): ReloadReport => {
    const before = snapshots.currentConfig();
    try {
      snapshots.activate(loaded, (counter) => options.build(loaded, counter));
    } finally {
      // A build that failed may have made queues for providers that never came.
      dropUnusedProviders(services, snapshots);
    }
    for (const [id, settings] of Object.entries(loaded.config.providers))
      services.queues.adjust(id, queueLimits(settings, loaded.config));
    for (const id of Object.keys(before.config.providers)) {
      const upstream = upstreamIn(before, id);
      if (upstream !== null && !isSameUpstream(upstream, upstreamIn(loaded, id))) services.health.reset(id);
    }
    void services.spending.follow(loaded.config.tenants);
    void warnOfUnpricedModels(loaded.config, snapshots.current().pipeline, services);
    const changed = changesBetween(before, loaded);
    const restart = needsRestart(started, loaded);
    const { providers, sections } = changed;
    log.info("config reloaded", { reason, config: loaded.path, ...providers, sections });
    for (const notice of loaded.notices) if (!before.notices.includes(notice)) log.warn(notice);
    for (const source of loaded.sources) if (!before.sources.includes(source)) log.info(source);
    const knownReasons = new Map(before.skippedProviders.map((each) => [each.id, each.reason]));
    for (const { id, reason: why } of loaded.skippedProviders)
      if (knownReasons.get(id) !== why) log.info(`provider ${id} is not loaded: ${why}`, { provider: id });
    if (restart.length > 0) log.warn(`this counts only after a restart: ${restart.join(", ")}`);
    return {
      ok: true,
      reason,
      config: loaded.path,
      changed,
      needsRestart: restart,
      notices: loaded.notices,
      error: null,
    };
  };

  let running: Promise<unknown> | null = null;
  let next: Promise<ReloadReport> | null = null;
  const start = (reason: string): Promise<ReloadReport> => {
    const reloading = reloadOnce(reason).finally(() => {
      if (running === reloading) running = null;
    });
    running = reloading;
    return reloading;
  };
  const reload = (reason: string): Promise<ReloadReport> => {
    if (isStopped)
      return Promise.resolve(refusedReport(reason, "shutting_down", "The gateway is shutting down."));
    if (running === null) return start(reason);
    next ??= running.then(() => {
      next = null;
      return start(reason);
    });
    return next;
  };
  return {
    reload,
    diskState: () => ({ ...diskState, needsRestart: needsRestart(started, snapshots.currentConfig()) }),
    stop() {
      isStopped = true;
      cancelRetry();
    },
  };
}

/** The queues and processes of every provider that somebody can still ask. */
export function dropUnusedProviders(services: AppServices, snapshots: Snapshots): void {
  const ids = new Set(snapshots.inUse().flatMap(({ pipeline }) => [...pipeline.providers.keys()]));
  services.queues.retain(ids);
  services.claudePrograms.keep(ids);
}
