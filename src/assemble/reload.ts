// A new config takes the place of the old one: read, built whole, swapped; or it is not valid, and then nothing changes.
// One at a time: who asks while one is under way gets the next, which reads what stands in the file by then.

import type { LoadedConfig } from "../config/load.ts";
import { ConfigProblem, problemText } from "../config/problems.ts";
import { isScarcity } from "../system/descriptors.ts";
import type { HouseEstate } from "./estate.ts";
import type { Assembled, Occupancy } from "./generation.ts";
import { queueLimits } from "./providers.ts";
import {
  changesBetween,
  needsRestart,
  noChanges,
  type ReloadErrorCode,
  type ReloadReport,
} from "./reload-report.ts";
import { isSameUpstream, upstreamIn } from "./same-upstream.ts";
import type { Succession } from "./succession.ts";
import { tellUnknownPrices } from "./unknown-prices.ts";

export type Reloader = {
  /** Never rejects: what went wrong is in the report and in the log. */
  reload(reason: string): Promise<ReloadReport>;
  /** What is wrong with the config on the disk, where it is another one than that in force. */
  standing(): DiskStanding;
  /** From here on every reload is refused, one under way included. */
  stop(): void;
};

/** `invalidSinceMs` null: it is the one in force, as far as anybody has looked. */
export type DiskStanding = {
  readonly loadedAtMs: number;
  readonly invalidSinceMs: number | null;
  readonly problems: readonly string[];
  /** Keys and variables that differ from what the process was started with, and count only then. */
  readonly needsRestart: readonly string[];
};

/** Of a file that is something else altogether the rest would be noise. */
const mostProblemsLogged = 200;
const againMs = 1_000;

export function createReloader(options: {
  readonly load: () => Promise<LoadedConfig>;
  /** The config that the process was started with. */
  readonly started: LoadedConfig;
  readonly succession: Succession;
  readonly estate: HouseEstate;
  readonly build: (loaded: LoadedConfig, occupancy: Occupancy) => Assembled;
}): Reloader {
  const { estate, succession, started } = options;
  const { log } = estate;
  let isStopped = false;
  let isPutOff = false;
  let standing: Omit<DiskStanding, "needsRestart"> = {
    loadedAtMs: estate.clock.nowMs(),
    invalidSinceMs: null,
    problems: [],
  };
  const notTaken = (problems: readonly string[]): void => {
    const invalidSinceMs = standing.invalidSinceMs ?? estate.clock.nowMs();
    standing = { ...standing, invalidSinceMs, problems };
  };
  let cancelAgain = (): void => undefined;

  const refusal = (
    reason: string,
    code: ReloadErrorCode,
    message: string,
    problems: ConfigProblem["problems"] = [],
  ): ReloadReport => ({
    ok: false,
    reason,
    config: succession.inForce().path,
    changed: noChanges,
    needsRestart: needsRestart(started, succession.inForce()),
    notices: [],
    error: { code, message, problems },
  });

  const once = async (reason: string): Promise<ReloadReport> => {
    try {
      const loaded = await options.load();
      if (isStopped) return refusal(reason, "shutting_down", "The gateway is shutting down.");
      const report = takeOver(reason, loaded);
      standing = { loadedAtMs: estate.clock.nowMs(), invalidSinceMs: null, problems: [] };
      isPutOff = false;
      return report;
    } catch (thrown) {
      if (isScarcity(thrown)) return putOff(reason, thrown);
      isPutOff = false;
      if (!(thrown instanceof ConfigProblem)) {
        log.error("the reload met a bug; the config in force stays", { reason, error: thrown });
        notTaken(["it could not be taken over: the log says why"]);
        return refusal(reason, "internal_error", "The reload met an internal error; the log says which.");
      }
      const { problems } = thrown;
      notTaken(problems.slice(0, mostProblemsLogged).map((problem) => estate.redact(problemText(problem))));
      log.error("the new config is not valid; the one in force stays", { reason, problems: problems.length });
      for (const problem of problems.slice(0, mostProblemsLogged)) log.error(problemText(problem));
      if (problems.length > mostProblemsLogged) log.error(`and ${problems.length - mostProblemsLogged} more`);
      return refusal(reason, "config_invalid", thrown.message, problems);
    }
  };

  /** The files could not be opened: what stands in them is not known, and the config in force stays until it is. */
  const putOff = (reason: string, error: unknown): ReloadReport => {
    notTaken(["it cannot be read for want of file descriptors"]);
    if (!isPutOff)
      log.warn(
        "the config cannot be read for want of file descriptors; the one in force stays, and it is tried again",
        {
          reason,
          error,
        },
      );
    isPutOff = true;
    cancelAgain();
    cancelAgain = estate.clock.setTimer(againMs, () => void reload(reason));
    const message = "The config could not be read: too many files are open. It is tried again every second.";
    return refusal(reason, "at_capacity", message);
  };

  const takeOver = (reason: string, loaded: LoadedConfig): ReloadReport => {
    const before = succession.inForce();
    try {
      succession.succeed(loaded, (occupancy) => options.build(loaded, occupancy));
    } finally {
      // A build that failed may have made queues for providers that never came.
      keepQueues(estate, succession);
    }
    for (const [id, settings] of Object.entries(loaded.config.providers))
      estate.queues.adjust(id, queueLimits(settings, loaded.config));
    for (const id of Object.keys(before.config.providers)) {
      const upstream = upstreamIn(before, id);
      if (upstream !== null && !isSameUpstream(upstream, upstreamIn(loaded, id))) estate.health.reset(id);
    }
    void estate.spending.follow(loaded.config.tenants);
    void tellUnknownPrices(loaded.config, succession.current().road, estate);
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
    const reloading = once(reason).finally(() => {
      if (running === reloading) running = null;
    });
    running = reloading;
    return reloading;
  };
  const reload = (reason: string): Promise<ReloadReport> => {
    if (isStopped) return Promise.resolve(refusal(reason, "shutting_down", "The gateway is shutting down."));
    if (running === null) return start(reason);
    next ??= running.then(() => {
      next = null;
      return start(reason);
    });
    return next;
  };
  return {
    reload,
    standing: () => ({ ...standing, needsRestart: needsRestart(started, succession.inForce()) }),
    stop() {
      isStopped = true;
      cancelAgain();
    },
  };
}

/** The queues and processes of every provider that somebody can still ask. */
export function keepQueues(estate: HouseEstate, succession: Succession): void {
  const ids = new Set(succession.living().flatMap(({ road }) => [...road.providers.keys()]));
  estate.queues.keep(ids);
  estate.clis.keep(ids);
}
