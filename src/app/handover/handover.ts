// A running gateway hands over to a successor: no request is lost, and there is always one that serves. Until the successor answers on its
// own, everything can be taken back; what goes wrong by then leaves this gateway as it was.

import { join } from "node:path";
import { type Clock, pause } from "../../system/clock.ts";
import type { Log } from "../../system/log.ts";
import { type ListeningSocket, listeningSocket } from "../../system/shared-port.ts";
import { errorCode, replaceFile } from "../../system/files.ts";
import { rm } from "node:fs/promises";
import type { Server } from "../../server/server.ts";
import type { AppServices } from "../app-services.ts";
import type { BackgroundWork } from "../background-work.ts";
import { GivenState, type GivenServices } from "./given-state.ts";
import { NoSuccessor, Successor, type SuccessorCommand } from "./successor.ts";

export type HandoverParts = {
  readonly clock: Clock;
  readonly log: Log;
  readonly services: GivenServices & Pick<AppServices, "live" | "runningAnswers">;
  readonly server: Pick<Server, "port" | "setClosing" | "pendingRequests">;
  readonly lockDescriptor: () => number | null;
  /** The folder for the words of a failure; null: there is none. */
  readonly stateDirectory: string | null;
  /** Settles when the port is this process's alone: it may be a successor itself. */
  readonly isAlone: Promise<void>;
  /** Whether a process before this one still tells what its last requests cost. */
  readonly isTold: () => boolean;
  /** Checks, sweeps and watches; in a pause, what only one process may do rests. */
  readonly work: Pick<BackgroundWork, "pause" | "resume" | "stop">;
  readonly abortRequests: () => void;
  /** Ends what never ends by itself: the feeds of dashboards, which then connect to the successor. */
  readonly endFeeds: () => void;
  /** Writes run.json again. */
  readonly announce: () => void;
  readonly stop: (drainMs: number) => Promise<void>;
};

export type HandoverOptions = {
  /** How long running requests may take afterwards. */
  readonly drainMs: number;
  /** Called with the successor's process number when nothing is taken back any more, before it knows that it is alone. */
  readonly onSettled: (pid: number) => void;
  /** Called when the successor ended although nobody had stopped it, and this process has requests to end. */
  readonly onOrphaned: () => void;
};

/**
 * ended: the successor serves, and nothing of this process is left to do. orphaned: neither serves any more. failed: this process serves
 * as before.
 */
export type HandoverResult = "ended" | "orphaned" | "failed";

const startLimitMs = 30_000;
const lookMs = 50;
/** On its way to this process may be a connection that was begun before the successor listened. */
const quietMs = 1_000;
const settleLimitMs = 10_000;
/** How long an idle connection may wait for its next request, which is then told to go elsewhere. */
const idleGraceMs = 5_000;
const lastWordsMs = 5_000;

/** Where a restart that failed says why, for the command that asked for it. */
export const restartFile = (directory: string): string => join(directory, "restart.json");

export class Handover {
  private successor: Successor | null = null;
  private given: GivenState | null = null;
  private socket: ListeningSocket | null = null;
  private isUnderWay = false;
  /** The successor serves: it ends by itself. */
  private isListening = false;
  /** Nothing is taken back any more. */
  private isSettled = false;
  private wasAbandoned = false;
  private isCutOff = false;
  private isOrphaned = false;
  private options: HandoverOptions | null = null;
  private wakeAbandoned = (): void => undefined;
  private readonly abandoned = new Promise<void>((resolve) => {
    this.wakeAbandoned = resolve;
  });
  private wakeSettled = (): void => undefined;
  private readonly settled = new Promise<void>((resolve) => {
    this.wakeSettled = resolve;
  });
  private keeping: Promise<void> = Promise.resolve();
  private attempt: Promise<HandoverResult> = Promise.resolve("failed");

  constructor(private readonly parts: HandoverParts) {}

  /** Never rejects. */
  run(command: SuccessorCommand, options: HandoverOptions): Promise<HandoverResult> {
    if (this.isUnderWay) {
      this.parts.log.warn("a restart is under way already");
      return Promise.resolve("failed");
    }
    this.isUnderWay = true;
    this.options = options;
    this.attempt = this.runOnce(command, options.drainMs);
    return this.attempt;
  }

  /** This gateway is to stop: a successor that does not serve yet ends too. */
  async abandon(): Promise<void> {
    if (!this.isUnderWay || this.isSettled) return;
    if (!this.isListening) {
      this.wasAbandoned = true;
      this.wakeAbandoned();
      this.successor?.kill();
    }
    // What was given up is taken back first: only a process that writes can stop cleanly.
    if ((await Promise.race([this.attempt, this.settled])) === "failed") this.isUnderWay = false;
  }

  private async runOnce(command: SuccessorCommand, drainMs: number): Promise<HandoverResult> {
    const { log } = this.parts;
    try {
      await this.forgetFailure();
      await Promise.race([this.parts.isAlone, this.abandoned]);
      if (this.wasAbandoned) throw new NoSuccessor("the gateway was asked to stop");
      log.info("restarting: a successor is started, and this process serves until it can");
      await this.begin(command);
      await this.settle();
    } catch (error) {
      await this.giveUp(error);
      return "failed";
    }
    await this.end(drainMs);
    return this.isOrphaned ? "orphaned" : "ended";
  }

  private async begin(command: SuccessorCommand): Promise<void> {
    const { clock, log, server, services } = this.parts;
    this.socket = listeningSocket(server.port);
    if (this.socket === null)
      throw new NoSuccessor("this system does not let two processes share a port for the hand-over");
    const successor = new Successor(command, {
      clock,
      port: server.port,
      lockDescriptor: this.parts.lockDescriptor(),
      onKept: (count) => this.given?.areKept(count),
      onCutOff: () => this.cutOff(),
      onCancelled: (id, tenant) => services.runningAnswers.find(id, tenant)?.cancel(),
      onExit: () => this.successorEnded(),
    });
    this.successor = successor;
    const startedMs = clock.monotonicMs();
    const leftMs = (): number => Math.max(0, startLimitMs - (clock.monotonicMs() - startedMs));
    await successor.until("loaded", leftMs());
    this.parts.work.pause();
    this.given = new GivenState(services, (message) => successor.tell(message), log);
    await this.given.give();
    if (!this.socket.setShared(true)) throw new NoSuccessor("the port could not be shared");
    successor.tell({ kind: "go" });
    await successor.until("listening", leftMs());
    this.isListening = true;
  }

  /** Both listen: new connections go to the successor, and those that came here before are accepted. */
  private async settle(): Promise<void> {
    const { clock, server } = this.parts;
    this.given?.tellHeld();
    this.socket?.steerToSecond();
    server.setClosing(true);
    const startMs = clock.monotonicMs();
    for (let quietSinceMs = startMs; ; await pause(clock, lookMs)) {
      if (this.successor?.hasStopped === true) {
        await this.stopToo();
        break;
      }
      if (this.successor?.isGone === true) throw new NoSuccessor("the new process ended again");
      this.given?.tellHeld();
      const nowMs = clock.monotonicMs();
      if ((this.socket?.waiting() ?? 0) > 0) quietSinceMs = nowMs;
      if (nowMs - quietSinceMs >= quietMs || nowMs - startMs >= settleLimitMs) break;
    }
    this.isSettled = true;
    this.wakeSettled();
    this.socket?.leave();
    if (this.successor?.isGone === false) this.options?.onSettled(this.successor.pid);
    this.successor?.tell({ kind: "released" });
    if (this.successor?.isGone === true) return;
    this.parts.log.info("handed over: this process ends with its last requests", {
      successor: this.successor?.pid,
      running: this.parts.services.live.count(),
    });
  }

  private async end(drainMs: number): Promise<void> {
    const { clock, server, services, log } = this.parts;
    this.parts.work.stop();
    this.parts.endFeeds();
    const startMs = clock.monotonicMs();
    const sinceMs = (): number => clock.monotonicMs() - startMs;
    for (; sinceMs() < drainMs; await pause(clock, lookMs)) {
      this.given?.tellHeld();
      if (services.live.count() > 0 || server.pendingRequests() > 0 || this.parts.isTold()) continue;
      if (this.isCutOff || sinceMs() >= idleGraceMs || this.socket?.openConnections() === 0) break;
    }
    try {
      await this.keeping;
      await this.parts.stop(Math.max(0, drainMs - sinceMs()));
      if (this.successor?.isGone === true) return;
      this.successor?.tell({ kind: "end" });
      await this.successor?.until("ended", lastWordsMs);
    } catch (error) {
      log.warn("the end of the hand-over was not confirmed", { error });
    }
  }

  /** Whoever stopped the successor meant the gateway: this process must not come back in its place. */
  private async stopToo(): Promise<void> {
    this.parts.log.info("the new process was stopped: this one ends with its last requests", {
      running: this.parts.services.live.count(),
    });
    await this.given?.takeBack();
    this.given = null;
  }

  private async giveUp(error: unknown): Promise<void> {
    const wasTried = this.successor !== null;
    await this.takeBack();
    if (this.wasAbandoned) return;
    this.isUnderWay = false;
    await this.refuse(error instanceof Error ? error.message : String(error), wasTried);
  }

  /** Says why there is no restart. `wasTried`: a new process was started, and did not get as far as serving. Never rejects. */
  async refuse(why: string, wasTried = false): Promise<void> {
    const { log, stateDirectory } = this.parts;
    log.error("the restart failed: this process goes on as before", { detail: why });
    if (stateDirectory === null) return;
    const at = new Date(this.parts.clock.nowMs()).toISOString();
    const text = `${JSON.stringify({ pid: process.pid, at, why, tried: wasTried })}\n`;
    await replaceFile(restartFile(stateDirectory), text, { mode: 0o600 }).catch((second: unknown) =>
      log.warn("why the restart failed could not be written down", { error: second }),
    );
  }

  private async takeBack(): Promise<void> {
    const { socket, given, successor } = this;
    this.isListening = false;
    this.successor = null;
    this.given = null;
    this.socket = null;
    successor?.kill();
    if (given === null) return;
    socket?.stopSteering();
    socket?.setShared(false);
    this.parts.server.setClosing(false);
    await given.takeBack();
    if (this.wasAbandoned) return;
    this.parts.announce();
    this.parts.work.resume();
  }

  /** The successor stops, and whoever stops it does not wait for running requests any longer. */
  private cutOff(): void {
    this.isCutOff = true;
    this.parts.abortRequests();
  }

  private successorEnded(): void {
    if (!this.isSettled) return;
    // Its last records are this process's to write now, and before its store closes.
    this.keeping = this.given?.keepRecords() ?? Promise.resolve();
    if (this.successor?.hasStopped === true) return;
    this.isOrphaned = true;
    this.options?.onOrphaned();
    this.parts.log.error("the successor has ended; this process only ends its last requests");
  }

  private async forgetFailure(): Promise<void> {
    const { stateDirectory, log } = this.parts;
    if (stateDirectory === null) return;
    await rm(restartFile(stateDirectory), { force: true }).catch((error: unknown) =>
      log.warn("the report of an earlier restart cannot be removed", { detail: errorCode(error) }),
    );
  }
}
