// What the house stands on and does not own: folders and their room, certificates, programs. Looked at when it opens, from time to
// time, and when somebody asks. It must never hold up an answer for longer than a second.

import { access, constants, statfs } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { Failure } from "../canon/failure.ts";
import { inMemory } from "../metrics/path.ts";
import { certificateTrouble, certificateVariable } from "../system/certificates.ts";
import { errorCode } from "../system/files.ts";
import type { HouseEstate } from "./estate.ts";

/** Something that does not work as the operator meant it. */
export type Trouble = {
  /** The same trouble has the same one at every look. */
  readonly id: string;
  /** A sentence without its full stop. */
  readonly message: string;
};

export type Sight = {
  /** Bytes that are free where state and records lie; null: nobody knows. */
  readonly stateFree: number | null;
  readonly recordsFree: number | null;
  /** What is wrong with the file of certificates; null: nothing, or there is none. */
  readonly certificates: string | null;
  readonly troubles: readonly Trouble[];
};

export type Premises = {
  /** As of at most two seconds ago, or, where the machine does not answer, as it was last. */
  look(): Promise<Sight>;
  /** Looks again and again. The answer ends it. */
  watch(): () => void;
};

export type PremisesOptions = {
  readonly estate: HouseEstate;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
  /** Where state is kept and which variable says so; `path` null: it could not be used. */
  readonly state: { readonly path: string | null; readonly from: string };
  readonly isRecorded: boolean;
};

/** Below this a day's records, or one large answer, use it up. */
export const leastFreeBytes = 64 * 1024 * 1024;
const freshMs = 2_000;
const everyMs = 30_000;
const patienceMs = 1_000;

export function createPremises(options: PremisesOptions): Premises {
  const { estate, environment, state } = options;
  const { clock, log, clis, health, recordsPlace } = estate;
  const named = environment[certificateVariable] || null;
  const certificatePath = named === null ? null : resolve(options.workingDirectory, named);
  let hadBadCertificates: boolean | null = null;
  let sight: Sight = { stateFree: null, recordsFree: null, certificates: null, troubles: [] };
  let lookedAtMs = Number.NEGATIVE_INFINITY;
  let looking: Promise<void> | null = null;
  /** The look that is under way has used up somebody's patience: nobody else waits for it. */
  let isLate = false;
  let isStopped = false;

  const certificates = async (): Promise<string | null> => {
    if (certificatePath === null) return null;
    const trouble = await certificateTrouble(certificatePath, clock.nowMs());
    hadBadCertificates ??= trouble !== null;
    // The runtime reads it once.
    return (
      trouble ?? (hadBadCertificates ? "could not be used at the start; it counts after a restart" : null)
    );
  };
  const programs = async (): Promise<void> => {
    for (const [id, why] of await clis.troubles())
      health.absent(id, why === null ? null : new Failure("unreachable", notStartable, { why }));
  };
  const space = async (path: string | null, what: string, from: string, id: string): Promise<Room> => {
    if (path === null) return { free: null, troubles: [] };
    const room = await roomAt(path);
    if (room === null || (room.free >= leastFreeBytes && room.hasNames))
      return { free: room?.free ?? null, troubles: [] };
    const left = room.hasNames
      ? `only ${megabytes(room.free)} MB are free`
      : "no further file can be made (inodes)";
    return {
      free: room.free,
      troubles: [{ id, message: `${left} where ${what} lies: ${path} (from ${from})` }],
    };
  };

  const lookNow = async (): Promise<void> => {
    const records = options.isRecorded ? (estate.store.status().path ?? recordsPlace.path) : inMemory;
    const [ofState, ofRecords, extra, folder] = await Promise.all([
      space(state.path, "the state directory", state.from, "space.state"),
      records === inMemory
        ? { free: null, troubles: [] }
        : space(
            dirname(records),
            "the database",
            records === recordsPlace.path ? recordsPlace.from : "HOME or XDG_DATA_HOME",
            "space.records",
          ),
      certificates(),
      state.path === null ? null : folderTrouble(state.path, state.from),
      programs(),
    ]);
    const troubles = [
      ...(folder === null ? [] : [folder]),
      ...ofState.troubles,
      ...ofRecords.troubles,
      ...(extra === null
        ? []
        : [{ id: "certificates", message: `${certificateVariable}: ${certificatePath} ${extra}` }]),
    ];
    const before = sight.troubles;
    sight = { stateFree: ofState.free, recordsFree: ofRecords.free, certificates: extra, troubles };
    if (isStopped) return;
    for (const { id, message } of troubles) if (!before.some((each) => each.id === id)) log.warn(message);
    for (const { id, message } of before)
      if (!troubles.some((each) => each.id === id)) log.info(`no longer: ${message}`);
  };
  const begin = (): Promise<void> => {
    looking ??= lookNow()
      .catch((error: unknown) => log.warn("what the gateway stands on could not be looked at", { error }))
      .finally(() => {
        lookedAtMs = clock.monotonicMs();
        looking = null;
        isLate = false;
      });
    return looking;
  };

  // A look that is under way may have asked before there was any.
  clis.onNews(() => void (looking ?? Promise.resolve()).then(() => (isStopped ? undefined : begin())));

  return {
    async look() {
      if (clock.monotonicMs() - lookedAtMs < freshMs) return sight;
      if (!isLate) {
        const limit = Promise.withResolvers<void>();
        const cancel = clock.setTimer(patienceMs, () => {
          isLate = true;
          limit.resolve();
        });
        await Promise.race([begin(), limit.promise]);
        cancel();
      }
      return isLate ? { ...sight, troubles: [...sight.troubles, unanswered] } : sight;
    },
    watch() {
      let cancel = (): void => undefined;
      const arm = (): void => {
        cancel = clock.setTimer(everyMs, () => void begin().finally(() => (isStopped ? undefined : arm())));
      };
      arm();
      return () => {
        isStopped = true;
        cancel();
      };
    },
  };
}

/** A file system that hangs, as one of a server that is away does. */
const unanswered: Trouble = {
  id: "premises",
  message:
    "the machine does not answer about its folders: what is said of them, of free space and of certificates may be old",
};

type Room = { readonly free: number | null; readonly troubles: readonly Trouble[] };

const notStartable = "The Claude Code program cannot be started where the gateway looks for it.";

/** Null where the system does not say. */
export async function roomAt(path: string): Promise<{ free: number; hasNames: boolean } | null> {
  try {
    const { bavail, bsize, blocks, files, ffree } = await statfs(path);
    // Neither do those that count no blocks: some that are mounted by programs, and those without a disk.
    if (blocks === 0) return null;
    // Some file systems count no files at all.
    return { free: bavail * bsize, hasNames: files === 0 || ffree > 0 };
  } catch {
    return null;
  }
}

export const megabytes = (bytes: number): string => (bytes / 1024 / 1024).toFixed(bytes < 10_485_760 ? 1 : 0);

async function folderTrouble(path: string, from: string): Promise<Trouble | null> {
  try {
    await access(path, constants.W_OK | constants.X_OK);
    return null;
  } catch (error) {
    const code = errorCode(error) ?? "unknown";
    const why = code === "ENOENT" ? "is gone" : `cannot be written to (${code})`;
    return { id: "state.directory", message: `the state directory ${path} (from ${from}) ${why}` };
  }
}
