// What this run of the gateway keeps for agent programs: its id, the list of their processes, its private folder.
// Created with the first process; processes and folders that dead runs left are removed at the start.

import { existsSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createJailRuntime, type JailRuntime } from "./jail/jail-runtime.ts";
import {
  createNeutralFolders,
  type NeutralFolders,
  neutralFolderPaths,
  removeOwnFolder,
} from "./neutral-folders.ts";
import { type SharedFolder, createSharedFolder } from "./other-user.ts";
import { childMark, type ChildRegister, newGatewayId, openRegister, stopOrphans } from "./child-register.ts";
import type { Clock } from "../../system/clock.ts";
import { ensurePrivateDirectory, errorCode } from "../../system/files.ts";
import type { Log } from "../../system/log.ts";
import { createWatchdog } from "../../system/watchdog.ts";

export type GatewayRun = {
  readonly gatewayId: string;
  /** Private files of this run. */
  readonly folder: string;
  /** Files of this run that other users of the machine must be able to read. */
  readonly sharedFolder: SharedFolder;
  readonly jailRuntime: JailRuntime;
  /** Where a program runs when its folder's name must reveal nothing. */
  readonly neutralFolders: NeutralFolders;
  /** Records where the gateway listens: no jailed program may connect to it. */
  listensOn(port: number): void;
  register(): Promise<ChildRegister>;
  /** Removes what dead gateways left. Never rejects. */
  sweep(): Promise<void>;
  /** Settles when nothing of this run is left. Never rejects. */
  close(): Promise<void>;
};

export type GatewayRunOptions = {
  readonly stateDirectory: string;
  readonly clock: Clock;
  readonly log: Log;
  /** The programs' name in the log. */
  readonly programs: string;
};

export function createGatewayRun(options: GatewayRunOptions): GatewayRun {
  return new Run(options);
}

class Run implements GatewayRun {
  readonly gatewayId = newGatewayId();
  readonly folder: string;
  readonly sharedFolder: SharedFolder;
  readonly jailRuntime: JailRuntime;
  readonly neutralFolders: NeutralFolders;
  /** The folder of all runs. */
  private readonly runs: string;
  private readonly watchdog: ReturnType<typeof createWatchdog>;
  private ownPort: number | null = null;
  private opened: Promise<ChildRegister> | null = null;

  constructor(private readonly options: GatewayRunOptions) {
    const { stateDirectory, clock, programs } = options;
    const { gatewayId } = this;
    this.runs = join(stateDirectory, "cli", "runs");
    this.folder = join(this.runs, gatewayId);
    // The private one first: by its name the next gateway finds the open one.
    this.sharedFolder = createSharedFolder(openPath(gatewayId), () => ensurePrivateDirectory(this.folder));
    const places = neutralFolderPaths(gatewayId);
    this.neutralFolders = createNeutralFolders({
      places,
      // The next gateway finds them by the list's name.
      beforehand: async () => void (await this.register()),
      onNone: this.trouble(
        `${programs} runs in a folder of the state directory, and may tell its vendor the name`,
      ),
    });
    this.jailRuntime = createJailRuntime({ sharedFolder: this.sharedFolder, ownPort: () => this.ownPort });
    // The list is for the next gateway, this handler for the case that we are killed.
    this.watchdog = createWatchdog({
      variable: childMark,
      run: gatewayId,
      folders: [this.sharedFolder.path, ...places],
      clock,
      onTrouble: this.trouble(`nothing will end the ${programs} processes if this gateway is killed`),
    });
  }

  listensOn(port: number): void {
    this.ownPort = port;
  }

  register(): Promise<ChildRegister> {
    const { stateDirectory, clock, programs } = this.options;
    this.opened ??= openRegister({
      stateDirectory,
      gatewayId: this.gatewayId,
      gatewayPid: process.pid,
      clock,
      onTrouble: this.trouble(`the list of ${programs} processes could not be written`),
      onUnstoppable: this.onUnstoppable,
      onSearchFailed: this.trouble(
        `what a ${programs} process started runs on until this gateway ends: it could not be looked for`,
      ),
    }).then((list) => this.watched(list));
    this.opened.catch(() => (this.opened = null));
    return this.opened;
  }

  // A property, because it is handed on without the rest.
  readonly sweep = async (): Promise<void> => {
    const { stateDirectory, clock, log, programs } = this.options;
    try {
      if ((await namesIn(join(stateDirectory, "cli"))).length === 0) return;
      const before = await this.listedRuns();
      const stopped = await stopOrphans({ stateDirectory, clock, onUnstoppable: this.onUnstoppable });
      const living = new Set(await this.listedRuns());
      for (const name of before)
        if (!living.has(name))
          for (const path of neutralFolderPaths(name.replace(/\.json$/, ""))) await removeOwnFolder(path);
      if (stopped > 0) log.warn(`stopped ${programs} processes that an earlier gateway left`, { stopped });
      await this.sweepFolders();
    } catch (error) {
      this.trouble(`leftovers of ${programs} from an earlier gateway could not be cleaned up`)(error);
    }
  };

  async close(): Promise<void> {
    try {
      await (await this.opened)?.close();
      await this.watchdog.close();
      await this.jailRuntime.close();
      await this.neutralFolders.close();
      for (const path of [this.sharedFolder.path, this.folder])
        await rm(path, { recursive: true, force: true });
    } catch (error) {
      this.trouble(`leftovers of ${this.options.programs} could not be cleaned up`)(error);
    }
  }

  private readonly onUnstoppable = (pids: readonly number[]): void => {
    const { log, programs } = this.options;
    log.warn(
      `${programs} started processes that another user owns now: they keep running, because only that user or root can end them`,
      { pids },
    );
  };

  private trouble(what: string): (error: unknown) => void {
    return (error) => this.options.log.warn(what, { error });
  }

  private watched(list: ChildRegister): ChildRegister {
    return {
      ...list,
      add: (pid, program) => {
        this.watchdog.add(pid);
        list.add(pid, program);
      },
      remove: (pid) => {
        this.watchdog.remove(pid);
        list.remove(pid);
      },
    };
  }

  private listedRuns(): Promise<readonly string[]> {
    return namesIn(join(this.options.stateDirectory, "cli", "gateways"));
  }

  /** A run whose list is gone has ended: its files are no longer in use. */
  private async sweepFolders(): Promise<void> {
    const living = new Set(await this.listedRuns());
    for (const name of await namesIn(this.runs))
      if (name !== this.gatewayId && !living.has(`${name}.json`))
        for (const path of [openPath(name), join(this.runs, name)])
          await rm(path, { recursive: true, force: true });
  }
}

/** A place that every user can reach; preferably a folder that is emptied at boot. */
function openPath(gatewayId: string): string {
  const isRunUsable = process.getuid?.() === 0 && existsSync("/run");
  const temporary = tmpdir().length > longestFolder ? "/tmp" : tmpdir();
  return join(isRunUsable ? "/run" : temporary, `clawgate-${gatewayId}`);
}

/** A socket path in it has at most 107 bytes. */
const longestFolder = 50;

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return [];
    throw error;
  }
}
