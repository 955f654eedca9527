// A new config replaces the old one: it is read, built as a whole and made active; or it is invalid, and nothing changes.
// One reload at a time: a call during a reload gets the next one, which reads the files again.

import type { ConfigDiskState, ReloadErrorCode, ReloadReport } from "../config/changes.ts";
import { changesBetween, needsRestart, noChanges } from "../config/changes.ts";
import type { LoadedConfig } from "../config/load.ts";
import { ConfigProblem, problemText } from "../config/problems.ts";
import { isScarcity } from "../system/descriptors.ts";
import type { AppServices } from "./app-services.ts";
import type { ConfigSnapshot, RequestCounter } from "./config-snapshot.ts";
import { queueLimits } from "./providers/loaded-provider.ts";
import { isSameUpstream, upstreamIn } from "./providers/same-upstream.ts";
import type { Snapshots } from "./snapshots.ts";
import { warnOfUnpricedModels } from "./tenants/unpriced-models.ts";

export type Reloader = {
  /** Never rejects: errors are in the report and in the log. */
  reload(reason: string): Promise<ReloadReport>;
  /** What is wrong with the config on disk, where it differs from the active one. */
  diskState(): ConfigDiskState;
  /** From now on every reload is refused, including a running one. */
  stop(): void;
};

export type ReloaderOptions = {
  readonly load: () => Promise<LoadedConfig>;
  /** The config that the process was started with. */
  readonly started: LoadedConfig;
  readonly snapshots: Snapshots;
  readonly services: Pick<
    AppServices,
    | "clock"
    | "log"
    | "redact"
    | "health"
    | "queues"
    | "claudePrograms"
    | "spending"
    | "prices"
    | "events"
    | "operatorSessions"
  >;
  /** Called after a reload that was applied or refused, not after one that will be tried again. */
  readonly onReloaded?: (report: ReloadReport) => void;
  readonly build: (loaded: LoadedConfig, counter: RequestCounter) => ConfigSnapshot;
};

/** In a file that is not a config at all, every line is a problem: more of them would be noise. */
const maxProblemsLogged = 200;
const retryMs = 1_000;

export function createReloader(options: ReloaderOptions): Reloader {
  const reloads = new Reloads(options);
  return {
    reload: (reason) => reloads.reload(reason),
    diskState: () => reloads.diskState(),
    stop: () => reloads.stop(),
  };
}

class Reloads {
  private isStopped = false;
  private isPostponed = false;
  private disk: Omit<ConfigDiskState, "needsRestart">;
  private cancelRetry = (): void => undefined;
  private running: Promise<unknown> | null = null;
  private next: Promise<ReloadReport> | null = null;

  constructor(private readonly options: ReloaderOptions) {
    this.disk = this.validNow();
  }

  reload(reason: string): Promise<ReloadReport> {
    if (this.isStopped) return Promise.resolve(this.shuttingDown(reason));
    if (this.running === null) return this.start(reason);
    this.next ??= this.running.then(() => {
      this.next = null;
      return this.start(reason);
    });
    return this.next;
  }

  diskState(): ConfigDiskState {
    const { started, snapshots } = this.options;
    return { ...this.disk, needsRestart: needsRestart(started, snapshots.currentConfig()) };
  }

  stop(): void {
    this.isStopped = true;
    this.cancelRetry();
  }

  private start(reason: string): Promise<ReloadReport> {
    const reloading = this.reloadOnce(reason).finally(() => {
      if (this.running === reloading) this.running = null;
    });
    this.running = reloading;
    void reloading.then((report) => this.tell(report));
    return reloading;
  }

  /** For whoever follows the events; the problems of a config that is not valid are only for the operator. */
  private tell({ ok, reason, config, changed, needsRestart: restart, error }: ReloadReport): void {
    const { events, redact } = this.options.services;
    const why = error === null ? null : { code: error.code, message: redact(error.message) };
    events.publish("config", { ok, reason, config, changed, needs_restart: restart, error: why });
  }

  private async reloadOnce(reason: string): Promise<ReloadReport> {
    try {
      const loaded = await this.options.load();
      if (this.isStopped) return this.shuttingDown(reason);
      const report = this.activate(reason, loaded);
      this.disk = this.validNow();
      this.isPostponed = false;
      return this.noted(report);
    } catch (thrown) {
      if (isScarcity(thrown)) return this.postpone(reason, thrown);
      this.isPostponed = false;
      return this.noted(
        thrown instanceof ConfigProblem ? this.invalid(reason, thrown) : this.failed(reason, thrown),
      );
    }
  }

  private noted(report: ReloadReport): ReloadReport {
    this.options.onReloaded?.(report);
    return report;
  }

  private activate(reason: string, loaded: LoadedConfig): ReloadReport {
    const { services, snapshots, started, build } = this.options;
    const before = snapshots.currentConfig();
    try {
      snapshots.activate(loaded, (counter) => build(loaded, counter));
    } finally {
      // A failed build may have created queues for providers that were never used.
      dropUnusedProviders(services, snapshots);
    }
    for (const [id, settings] of Object.entries(loaded.config.providers))
      services.queues.adjust(id, queueLimits(settings, loaded.config));
    for (const id of Object.keys(before.config.providers)) {
      const upstream = upstreamIn(before, id);
      if (upstream !== null && !isSameUpstream(upstream, upstreamIn(loaded, id))) services.health.reset(id);
    }
    services.operatorSessions.endStale();
    void services.spending.follow(loaded.config.tenants);
    void warnOfUnpricedModels(loaded.config, snapshots.current().pipeline, services);
    const changed = changesBetween(before, loaded);
    const restart = needsRestart(started, loaded);
    const { providers, sections } = changed;
    services.log.info("config reloaded", { reason, config: loaded.path, ...providers, sections });
    this.logNews(before, loaded);
    if (restart.length > 0) services.log.warn(`takes effect only after a restart: ${restart.join(", ")}`);
    return {
      ok: true,
      reason,
      config: loaded.path,
      changed,
      needsRestart: restart,
      notices: loaded.notices,
      error: null,
    };
  }

  /** What the new config reports and the previous one did not. */
  private logNews(before: LoadedConfig, loaded: LoadedConfig): void {
    const { log } = this.options.services;
    for (const notice of loaded.notices) if (!before.notices.includes(notice)) log.warn(notice);
    for (const source of loaded.sources) if (!before.sources.includes(source)) log.info(source);
    const knownReasons = new Map(before.skippedProviders.map((each) => [each.id, each.reason]));
    for (const { id, reason: why } of loaded.skippedProviders)
      if (knownReasons.get(id) !== why) log.info(`provider ${id} is not loaded: ${why}`, { provider: id });
  }

  private failed(reason: string, error: unknown): ReloadReport {
    this.options.services.log.error("the reload failed because of a bug; the current config stays active", {
      reason,
      error,
    });
    this.noteInvalid(["the config could not be applied: see the log"]);
    return this.refusedReport(
      reason,
      "internal_error",
      "The reload failed with an internal error; see the log.",
    );
  }

  private invalid(reason: string, thrown: ConfigProblem): ReloadReport {
    const { log, redact } = this.options.services;
    const { problems } = thrown;
    const logged = problems.slice(0, maxProblemsLogged);
    this.noteInvalid(logged.map((problem) => redact(problemText(problem))));
    log.error("the new config is not valid; the current one stays active", {
      reason,
      problems: problems.length,
    });
    for (const problem of logged) log.error(problemText(problem));
    if (problems.length > maxProblemsLogged) log.error(`and ${problems.length - maxProblemsLogged} more`);
    return this.refusedReport(reason, "config_invalid", thrown.message, problems);
  }

  /** The files could not be opened, so their content is unknown: the current config stays active, and the reload is retried. */
  private postpone(reason: string, error: unknown): ReloadReport {
    const { log, clock } = this.options.services;
    this.noteInvalid(["it cannot be read because no file descriptors are free"]);
    if (!this.isPostponed)
      log.warn(
        "the config cannot be read because no file descriptors are free; the current one stays active, and the reload is retried",
        { reason, error },
      );
    this.isPostponed = true;
    this.cancelRetry();
    this.cancelRetry = clock.setTimer(retryMs, () => void this.reload(reason));
    const message = "The config could not be read: too many files are open. It is retried every second.";
    return this.refusedReport(reason, "at_capacity", message);
  }

  private shuttingDown(reason: string): ReloadReport {
    return this.refusedReport(reason, "shutting_down", "The gateway is shutting down.");
  }

  private refusedReport(
    reason: string,
    code: ReloadErrorCode,
    message: string,
    problems: ConfigProblem["problems"] = [],
  ): ReloadReport {
    const active = this.options.snapshots.currentConfig();
    return {
      ok: false,
      reason,
      config: active.path,
      changed: noChanges,
      needsRestart: needsRestart(this.options.started, active),
      notices: [],
      error: { code, message, problems },
    };
  }

  private validNow(): Omit<ConfigDiskState, "needsRestart"> {
    return { loadedAtMs: this.options.services.clock.nowMs(), invalidSinceMs: null, problems: [] };
  }

  private noteInvalid(problems: readonly string[]): void {
    const invalidSinceMs = this.disk.invalidSinceMs ?? this.options.services.clock.nowMs();
    this.disk = { ...this.disk, invalidSinceMs, problems };
  }
}

/** Keeps the queues and processes of the providers in use, and drops all others. */
export function dropUnusedProviders(
  services: Pick<AppServices, "queues" | "claudePrograms">,
  snapshots: Snapshots,
): void {
  const ids = new Set(snapshots.inUse().flatMap(({ pipeline }) => [...pipeline.providers.keys()]));
  services.queues.retain(ids);
  services.claudePrograms.keep(ids);
}
