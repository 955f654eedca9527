// What runs alongside the requests: checks, sweeps and watches. All of it is stopped together, before the server is.

import type { HealthProblem } from "../operator/reports/health-report.ts";
import type { Server } from "../server/server.ts";
import type { Clock } from "../system/clock.ts";
import type { Log } from "../system/log.ts";
import { sweepSessions } from "../tenants/sessions.ts";
import { alertFacts, type AlertFactsServices } from "./alert-facts.ts";
import type { AppServices } from "./app-services.ts";
import type { ConfigSource } from "./config-source.ts";
import type { MachineChecks } from "./machine-checks.ts";
import { startProviderChecks } from "./provider-checks.ts";
import type { Reloader } from "./reloader.ts";
import type { Snapshots } from "./snapshots.ts";
import type { StateDirectoryClaim } from "./persistence/state-directory-claim.ts";

export type BackgroundWork = {
  readonly clock: Clock;
  readonly log: Log;
  readonly services: AlertFactsServices &
    Pick<
      AppServices,
      | "clock"
      | "health"
      | "state"
      | "spending"
      | "descriptors"
      | "stickiness"
      | "alerts"
      | "requestLog"
      | "keptAnswers"
    >;
  readonly snapshots: Snapshots;
  readonly claim: StateDirectoryClaim;
  readonly server: Pick<Server, "closeIdle">;
  readonly machineChecks: Pick<MachineChecks, "watch" | "latest">;
  readonly reloader: Pick<Reloader, "reload" | "diskState">;
  /** What was wrong at the start and has not changed. */
  readonly startProblems: () => readonly HealthProblem[];
  readonly source: Pick<ConfigSource, "watch">;
};

/** The returned function stops all of it. */
export function startBackgroundWork(work: BackgroundWork): () => void {
  const { services, snapshots, reloader } = work;
  const stops = [
    work.claim.watch(() => {
      services.state.checkFile();
      services.spending.checkSlots();
    }),
    watchDescriptors(services.descriptors, work),
    startProviderChecks(services, snapshots.current),
    work.machineChecks.watch(),
    services.requestLog.watch(),
    services.keptAnswers.watch(),
    services.alerts.watch(() =>
      alertFacts(services, snapshots.current(), {
        machine: work.machineChecks.latest(),
        disk: reloader.diskState(),
        startProblems: work.startProblems(),
      }),
    ),
    sweepSessions(
      work.clock,
      () => snapshots.currentConfig().config.session.cleanup_interval * 1000,
      services.stickiness.sweep,
    ),
    work.source.watch(() => void reloader.reload("file")),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

function watchDescriptors(
  descriptors: AppServices["descriptors"],
  { server, log }: Pick<BackgroundWork, "server" | "log">,
): () => void {
  return descriptors.watch(server.closeIdle, (isShort, inUse) =>
    isShort
      ? log.warn("low on file descriptors: new requests are refused until some are free", {
          inUse,
          limit: descriptors.limit,
        })
      : log.info("file descriptors are available again", { inUse, limit: descriptors.limit }),
  );
}
