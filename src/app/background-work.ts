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

type BackgroundParts = {
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

/** Runs from its creation. A gateway that hands over pauses what only one process may do, and goes on with it if it stays. */
export class BackgroundWork {
  private readonly stopRest: () => void;
  private stopClaim: () => void;
  private isStopped = false;
  /** Settles when no pause is on. */
  private running: Promise<void> = Promise.resolve();
  private goOn: (() => void) | null = null;

  constructor(private readonly work: BackgroundParts) {
    this.stopClaim = this.watchClaim();
    this.stopRest = startWork(work, () => this.running);
  }

  pause(): void {
    if (this.goOn !== null) return;
    this.stopClaim();
    this.running = new Promise((resolve) => {
      this.goOn = resolve;
    });
  }

  resume(): void {
    if (this.goOn === null || this.isStopped) return;
    this.stopClaim = this.watchClaim();
    this.goOn();
    this.goOn = null;
  }

  stop(): void {
    if (this.isStopped) return;
    this.isStopped = true;
    this.stopClaim();
    this.stopRest();
  }

  private watchClaim(): () => void {
    const { claim, services } = this.work;
    return claim.watch(() => {
      services.state.checkFile();
      services.spending.checkSlots();
    });
  }
}

/** `running`: settles when no other process does the same. The returned function stops all of it. */
function startWork(work: BackgroundParts, running: () => Promise<void>): () => void {
  const { services, snapshots, reloader } = work;
  const stops = [
    watchDescriptors(services.descriptors, work),
    startProviderChecks(services, snapshots.current),
    work.machineChecks.watch(),
    services.requestLog.watch(),
    services.keptAnswers.watch(),
    services.alerts.watch(async () => {
      // Both would find the same, and tell it twice.
      await running();
      return alertFacts(services, snapshots.current(), {
        machine: work.machineChecks.latest(),
        disk: reloader.diskState(),
        startProblems: work.startProblems(),
      });
    }),
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
  { server, log }: Pick<BackgroundParts, "server" | "log">,
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
