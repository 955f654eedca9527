// How a running app ends: requests first, then everything that must be written, then what it owned.

import { Failure } from "../canon/failure.ts";
import type { Server } from "../server/server.ts";
import type { Clock } from "../system/clock.ts";
import type { Log } from "../system/log.ts";
import type { AppServices } from "./app-services.ts";
import type { Predecessor } from "./handover/predecessor.ts";
import type { BackgroundWork } from "./background-work.ts";
import type { StateDirectoryClaim } from "./persistence/state-directory-claim.ts";
import { errorText, releaseStateLocation, type StateLocation } from "./persistence/state-location.ts";
import type { Readings } from "./reading-port.ts";
import type { Reloader } from "./reloader.ts";

/** After the drain, running requests get this long to answer their clients and write their records. */
const closingMs = 1_000;

type RunningParts = {
  readonly services: AppServices;
  readonly server: Server;
  readonly reloader: Reloader;
  readonly readings: Readings;
  readonly work: BackgroundWork;
};

export class RunningApp {
  private stopping: Promise<void> | null = null;

  constructor(
    private readonly options: {
      readonly clock: Clock;
      readonly log: Log;
      readonly predecessor?: Predecessor | null;
    },
    private readonly context: { readonly location: StateLocation; readonly claim: StateDirectoryClaim },
    private readonly parts: RunningParts,
  ) {}

  abortRequests(): void {
    this.parts.services.live.cancelAll(
      new Failure("shutting-down", "The gateway is shutting down. Try again in a moment."),
    );
    if (this.stopping !== null) this.options.predecessor?.tell({ kind: "cut-off" });
  }

  stop(drainMs: number): Promise<void> {
    return (this.stopping ??= this.stopOnce(drainMs));
  }

  /** With this process a supervisor ends every other one of the service, and a request that still runs there would be lost. */
  private predecessorGone(limitMs: number): Promise<void> {
    const { clock, predecessor = null } = this.options;
    if (predecessor === null || predecessor.isGone()) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = clock.setTimer(limitMs, resolve);
      void predecessor.gone.then(() => {
        cancel();
        resolve();
      });
    });
  }

  /** Answers that run without their clients hold no connection that the server would wait for. */
  private answersOver(limitMs: number): Promise<void> {
    const { clock } = this.options;
    return new Promise((resolve) => {
      const cancel = clock.setTimer(limitMs, resolve);
      void this.parts.services.runningAnswers.allEnded().then(() => {
        cancel();
        resolve();
      });
    });
  }

  private async stopOnce(drainMs: number): Promise<void> {
    const { clock, log } = this.options;
    const { services, server, reloader, readings, work } = this.parts;
    work.stop();
    readings.stop();
    reloader.stop();
    const stopTimer = clock.setTimer(drainMs, () => this.abortRequests());
    const limitMs = drainMs + closingMs;
    await Promise.all([server.stop(limitMs), this.predecessorGone(limitMs), this.answersOver(limitMs)]);
    stopTimer();
    this.abortRequests();
    try {
      await services.claudePrograms.stop();
      await services.completeRecords();
      await services.telemetry.stop();
      await services.store.close();
      await services.spending.close();
      await services.savedSessions.flush();
      await services.savedVendorIds.flush();
      await services.requestLog.close();
      await services.keptAnswers.close();
      await services.alerts.save();
      await services.savedHealth.flush();
      await services.state.close();
    } finally {
      // Even if something could not be closed, run.json must not outlive the gateway that it announces.
      const { location, claim } = this.context;
      await releaseStateLocation(location, claim).catch((error: unknown) =>
        log.warn("leftovers of this run could not be cleaned up", { detail: errorText(error) }),
      );
    }
    log.info("stopped");
  }
}
