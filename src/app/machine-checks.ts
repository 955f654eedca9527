// What the house stands on and does not own: folders and their room, certificates, programs. Looked at when it opens, from time to
// time, and when somebody asks. It must never hold up an answer for longer than a second.

import { access, constants, statfs } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { Failure } from "../canon/failure.ts";
import { inMemory } from "../sqlite/database-file.ts";
import { certificateProblem, certificateVariable } from "../system/certificates.ts";
import { errorCode } from "../system/files.ts";
import type { AppServices } from "./app-services.ts";

/** Something that does not work as the operator meant it. */
export type HealthProblem = {
  /** The same trouble has the same one at every look. */
  readonly id: string;
  /** A sentence without its full stop. */
  readonly message: string;
};

export type MachineState = {
  /** Bytes that are free where state and records lie; null: nobody knows. */
  readonly stateFree: number | null;
  readonly recordsFree: number | null;
  /** What is wrong with the file of certificates; null: nothing, or there is none. */
  readonly certificates: string | null;
  readonly problems: readonly HealthProblem[];
};

export type MachineChecks = {
  /** As of at most two seconds ago, or, where the machine does not answer, as it was last. */
  check(): Promise<MachineState>;
  /** Looks again and again. The answer ends it. */
  watch(): () => void;
};

export type MachineChecksOptions = {
  readonly services: AppServices;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
  /** Where state is kept and which variable says so; `path` null: it could not be used. */
  readonly state: { readonly path: string | null; readonly from: string };
  readonly isRecorded: boolean;
};

/** Below this a day's records, or one large answer, use it up. */
export const leastFreeBytes = 64 * 1024 * 1024;
const validMs = 2_000;
const intervalMs = 30_000;
const waitMs = 1_000;

export function createMachineChecks(options: MachineChecksOptions): MachineChecks {
  const { services, environment, state } = options;
  const { clock, log, claudePrograms, health, recordsLocation } = services;
  const named = environment[certificateVariable] || null;
  const certificatePath = named === null ? null : resolve(options.workingDirectory, named);
  let hadBadCertificates: boolean | null = null;
  let latest: MachineState = { stateFree: null, recordsFree: null, certificates: null, problems: [] };
  let checkedAtMs = Number.NEGATIVE_INFINITY;
  let checking: Promise<void> | null = null;
  /** The look that is under way has used up somebody's patience: nobody else waits for it. */
  let isOverdue = false;
  let isStopped = false;

  const certificates = async (): Promise<string | null> => {
    if (certificatePath === null) return null;
    const trouble = await certificateProblem(certificatePath, clock.nowMs());
    hadBadCertificates ??= trouble !== null;
    // The runtime reads it once.
    return (
      trouble ?? (hadBadCertificates ? "could not be used at the start; it counts after a restart" : null)
    );
  };
  const programs = async (): Promise<void> => {
    for (const [id, why] of await claudePrograms.problems())
      health.setAbsent(id, why === null ? null : new Failure("unreachable", notStartable, { why }));
  };
  const space = async (path: string | null, what: string, from: string, id: string): Promise<FreeSpace> => {
    if (path === null) return { free: null, troubles: [] };
    const room = await freeSpaceAt(path);
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

  const checkNow = async (): Promise<void> => {
    const records = options.isRecorded ? (services.store.status().path ?? recordsLocation.path) : inMemory;
    const [ofState, ofRecords, extra, folder] = await Promise.all([
      space(state.path, "the state directory", state.from, "space.state"),
      records === inMemory
        ? { free: null, troubles: [] }
        : space(
            dirname(records),
            "the database",
            records === recordsLocation.path ? recordsLocation.from : "HOME or XDG_DATA_HOME",
            "space.records",
          ),
      certificates(),
      state.path === null ? null : folderProblem(state.path, state.from),
      programs(),
    ]);
    const problems = [
      ...(folder === null ? [] : [folder]),
      ...ofState.troubles,
      ...ofRecords.troubles,
      ...(extra === null
        ? []
        : [{ id: "certificates", message: `${certificateVariable}: ${certificatePath} ${extra}` }]),
    ];
    const before = latest.problems;
    latest = { stateFree: ofState.free, recordsFree: ofRecords.free, certificates: extra, problems };
    if (isStopped) return;
    for (const { id, message } of problems) if (!before.some((each) => each.id === id)) log.warn(message);
    for (const { id, message } of before)
      if (!problems.some((each) => each.id === id)) log.info(`no longer: ${message}`);
  };
  const startCheck = (): Promise<void> => {
    checking ??= checkNow()
      .catch((error: unknown) => log.warn("what the gateway stands on could not be looked at", { error }))
      .finally(() => {
        checkedAtMs = clock.monotonicMs();
        checking = null;
        isOverdue = false;
      });
    return checking;
  };

  // A look that is under way may have asked before there was any.
  claudePrograms.onProblemChange(
    () => void (checking ?? Promise.resolve()).then(() => (isStopped ? undefined : startCheck())),
  );

  return {
    async check() {
      if (clock.monotonicMs() - checkedAtMs < validMs) return latest;
      if (!isOverdue) {
        const limit = Promise.withResolvers<void>();
        const cancel = clock.setTimer(waitMs, () => {
          isOverdue = true;
          limit.resolve();
        });
        await Promise.race([startCheck(), limit.promise]);
        cancel();
      }
      return isOverdue ? { ...latest, problems: [...latest.problems, unanswered] } : latest;
    },
    watch() {
      let cancel = (): void => undefined;
      const arm = (): void => {
        cancel = clock.setTimer(
          intervalMs,
          () => void startCheck().finally(() => (isStopped ? undefined : arm())),
        );
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
const unanswered: HealthProblem = {
  id: "premises",
  message:
    "the machine does not answer about its folders: what is said of them, of free space and of certificates may be old",
};

type FreeSpace = { readonly free: number | null; readonly troubles: readonly HealthProblem[] };

const notStartable = "The Claude Code program cannot be started where the gateway looks for it.";

/** Null where the system does not say. */
export async function freeSpaceAt(path: string): Promise<{ free: number; hasNames: boolean } | null> {
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

async function folderProblem(path: string, from: string): Promise<HealthProblem | null> {
  try {
    await access(path, constants.W_OK | constants.X_OK);
    return null;
  } catch (error) {
    const code = errorCode(error) ?? "unknown";
    const why = code === "ENOENT" ? "is gone" : `cannot be written to (${code})`;
    return { id: "state.directory", message: `the state directory ${path} (from ${from}) ${why}` };
  }
}
