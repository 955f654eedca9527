// What this run of the gateway keeps for agent programs: its id, the list of their processes, its private folder.
// Made with the first process; what dead runs left, processes and folders, is taken away at the start.

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
  /** Files of this run alone. */
  readonly folder: string;
  /** Files of this run that other users of the machine are to read. */
  readonly open: SharedFolder;
  readonly room: JailRuntime;
  /** Where the program runs when nobody is to learn anything from the folder's name. */
  readonly neutral: NeutralFolders;
  /** From now on the gateway listens there: no jailed program is let through to it. */
  listensOn(port: number): void;
  register(): Promise<ChildRegister>;
  /** Takes away what dead gateways left. Never rejects. */
  sweep(): Promise<void>;
  /** Settles when nothing of this run is left. Never rejects. */
  close(): Promise<void>;
};

export function createGatewayRun(options: {
  readonly stateDirectory: string;
  readonly clock: Clock;
  readonly log: Log;
  /** What the log calls the programs. */
  readonly programs: string;
}): GatewayRun {
  const { stateDirectory, clock, log, programs } = options;
  const gatewayId = newGatewayId();
  const runs = join(stateDirectory, "cli", "runs");
  const folder = join(runs, gatewayId);
  // The private one first: by its name the next gateway finds the open one.
  const sharedFolder = createSharedFolder(openPath(gatewayId), () => ensurePrivateDirectory(folder));
  const neutral = createNeutralFolders({
    places: neutralFolderPaths(gatewayId),
    // By the list's name the next gateway finds them.
    beforehand: async () => void (await openedRegister()),
    onNone: (error) =>
      log.warn(`${programs} runs in a folder of the state directory, and may tell its vendor the name`, {
        error,
      }),
  });
  let ownPort: number | null = null;
  const room = createJailRuntime({ sharedFolder, ownPort: () => ownPort });
  let register: Promise<ChildRegister> | null = null;

  const trouble = (what: string) => (error: unknown) => log.warn(what, { error });
  const onUnstoppable = (pids: readonly number[]): void =>
    log.warn(
      `${programs} started processes that another user owns now: they keep running, because only that user or root can end them`,
      {
        pids,
      },
    );
  // The list is for the next gateway, this one for the moment in which we are killed.
  const watchdog = createWatchdog({
    variable: childMark,
    run: gatewayId,
    folders: [sharedFolder.path, ...neutralFolderPaths(gatewayId)],
    clock,
    onTrouble: trouble(`nothing will end the ${programs} processes if this gateway is killed`),
  });
  const watched = (list: ChildRegister): ChildRegister => ({
    ...list,
    add(pid, program) {
      watchdog.add(pid);
      list.add(pid, program);
    },
    remove(pid) {
      watchdog.remove(pid);
      list.remove(pid);
    },
  });

  const openedRegister = (): Promise<ChildRegister> => {
    register ??= openRegister({
      stateDirectory,
      gatewayId,
      gatewayPid: process.pid,
      clock,
      onTrouble: trouble(`the list of ${programs} processes could not be written`),
      onUnstoppable,
      onSearchFailed: trouble(
        `what a ${programs} process started runs on until this gateway ends: it could not be looked for`,
      ),
    }).then(watched);
    register.catch(() => (register = null));
    return register;
  };

  const listed = (): Promise<readonly string[]> => namesIn(join(stateDirectory, "cli", "gateways"));

  /** A run whose list is gone has ended: nobody reads its files any more. */
  const sweepFolders = async (): Promise<void> => {
    const living = new Set(await listed());
    for (const name of await namesIn(runs))
      if (name !== gatewayId && !living.has(`${name}.json`))
        for (const path of [openPath(name), join(runs, name)])
          await rm(path, { recursive: true, force: true });
  };

  return {
    gatewayId,
    folder,
    open: sharedFolder,
    room,
    neutral,
    listensOn(port) {
      ownPort = port;
    },
    register: openedRegister,
    async sweep() {
      try {
        if ((await namesIn(join(stateDirectory, "cli"))).length === 0) return;
        const before = await listed();
        const stopped = await stopOrphans({ stateDirectory, clock, onUnstoppable });
        const living = new Set(await listed());
        for (const name of before)
          if (!living.has(name))
            for (const path of neutralFolderPaths(name.replace(/\.json$/, ""))) await removeOwnFolder(path);
        if (stopped > 0) log.warn(`stopped ${programs} processes that an earlier gateway left`, { stopped });
        await sweepFolders();
      } catch (error) {
        trouble(`leftovers of ${programs} from an earlier gateway could not be cleaned up`)(error);
      }
    },
    async close() {
      try {
        await (await register)?.close();
        await watchdog.close();
        await room.close();
        await neutral.close();
        for (const path of [sharedFolder.path, folder]) await rm(path, { recursive: true, force: true });
      } catch (error) {
        trouble(`leftovers of ${programs} could not be cleaned up`)(error);
      }
    },
  };
}

/** Where every user gets to; a folder that is emptied with every start of the machine, where there is one. */
function openPath(gatewayId: string): string {
  const isRunUsable = process.getuid?.() === 0 && existsSync("/run");
  const temporary = tmpdir().length > longestFolder ? "/tmp" : tmpdir();
  return join(isRunUsable ? "/run" : temporary, `clawgate-${gatewayId}`);
}

/** The name of a socket in it has 107 bytes at most. */
const longestFolder = 50;

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return [];
    throw error;
  }
}
