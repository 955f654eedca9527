// What the gateway depends on and does not own: folders and their free space, certificates, programs. Checked at the start, every
// half minute and on demand. It must never delay a response by more than a second.

import { access, constants } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { Failure } from "../canon/failure.ts";
import { inMemory } from "../sqlite/database-file.ts";
import { certificateProblem, certificateVariable } from "../system/certificates.ts";
import type { HealthProblem, MachineState } from "../operator/reports/health-report.ts";
import { errorCode } from "../system/files.ts";
import { freeSpaceAt, minFreeBytes, megabytes } from "../system/free-space.ts";
import type { AppServices } from "./app-services.ts";

export type MachineChecks = {
  /** At most two seconds old, or from the last check if the machine does not answer. */
  check(): Promise<MachineState>;
  /** What the last check found, without looking again. */
  latest(): MachineState;
  /** Checks periodically. The returned function stops it. */
  watch(): () => void;
};

export type MachineChecksOptions = {
  readonly services: Pick<
    AppServices,
    "clock" | "log" | "claudePrograms" | "health" | "recordsLocation" | "store"
  >;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
  /** The state directory, and the variable that names it; `path` null: it could not be used. */
  readonly state: { readonly path: string | null; readonly from: string };
  readonly isRecorded: boolean;
};

const validMs = 2_000;
const intervalMs = 30_000;
const waitMs = 1_000;

export function createMachineChecks(options: MachineChecksOptions): MachineChecks {
  const checks = new Checks(options);
  // A running check may have started before the problem arose.
  options.services.claudePrograms.onProblemChange(() => checks.repeat());
  return {
    check: () => checks.check(),
    latest: () => checks.latestState(),
    watch: () => checks.watch(),
  };
}

class Checks {
  private readonly certificatePath: string | null;
  private hadBadCertificates: boolean | null = null;
  private latest: MachineState = { stateFree: null, recordsFree: null, certificates: null, problems: [] };
  private checkedAtMs = Number.NEGATIVE_INFINITY;
  private checking: Promise<void> | null = null;
  /** The running check has exceeded its time once: no other caller waits for it. */
  private isOverdue = false;
  private isStopped = false;

  constructor(private readonly options: MachineChecksOptions) {
    const named = options.environment[certificateVariable] || null;
    this.certificatePath = named === null ? null : resolve(options.workingDirectory, named);
  }

  async check(): Promise<MachineState> {
    const { clock } = this.options.services;
    if (clock.monotonicMs() - this.checkedAtMs < validMs) return this.latest;
    if (!this.isOverdue) {
      const limit = Promise.withResolvers<void>();
      const cancel = clock.setTimer(waitMs, () => {
        this.isOverdue = true;
        limit.resolve();
      });
      await Promise.race([this.start(), limit.promise]);
      cancel();
    }
    return this.latestState();
  }

  latestState(): MachineState {
    return this.isOverdue ? { ...this.latest, problems: [...this.latest.problems, unanswered] } : this.latest;
  }

  watch(): () => void {
    let cancel = (): void => undefined;
    const arm = (): void => {
      cancel = this.options.services.clock.setTimer(
        intervalMs,
        () => void this.start().finally(() => (this.isStopped ? undefined : arm())),
      );
    };
    arm();
    return () => {
      this.isStopped = true;
      cancel();
    };
  }

  repeat(): void {
    void (this.checking ?? Promise.resolve()).then(() => (this.isStopped ? undefined : this.start()));
  }

  private start(): Promise<void> {
    const { clock, log } = this.options.services;
    this.checking ??= this.checkNow()
      .catch((error: unknown) => log.warn("machine checks failed", { error }))
      .finally(() => {
        this.checkedAtMs = clock.monotonicMs();
        this.checking = null;
        this.isOverdue = false;
      });
    return this.checking;
  }

  private async checkNow(): Promise<void> {
    const { state } = this.options;
    const [ofState, ofRecords, certificates, folder] = await Promise.all([
      spaceOf(state.path, { what: "the state directory", from: state.from, id: "space.state" }),
      this.recordSpace(),
      this.certificates(),
      state.path === null ? null : folderProblem(state.path, state.from),
      this.programs(),
    ]);
    const problems = [
      ...(folder === null ? [] : [folder]),
      ...ofState.problems,
      ...ofRecords.problems,
      ...(certificates === null
        ? []
        : [
            {
              id: "certificates",
              message: `${certificateVariable}: ${this.certificatePath} ${certificates}`,
            },
          ]),
    ];
    const before = this.latest.problems;
    this.latest = { stateFree: ofState.free, recordsFree: ofRecords.free, certificates, problems };
    if (!this.isStopped) this.logChanges(before, problems);
  }

  private logChanges(before: readonly HealthProblem[], problems: readonly HealthProblem[]): void {
    const { log } = this.options.services;
    for (const { id, message } of problems) if (!before.some((each) => each.id === id)) log.warn(message);
    for (const { id, message } of before)
      if (!problems.some((each) => each.id === id)) log.info(`no longer: ${message}`);
  }

  private recordSpace(): Promise<FreeSpace> {
    const { isRecorded, services } = this.options;
    const first = services.recordsLocation;
    const path = isRecorded ? (services.store.status().path ?? first.path) : inMemory;
    return spaceOf(path === inMemory ? null : dirname(path), {
      what: "the database",
      from: path === first.path ? first.from : "HOME or XDG_DATA_HOME",
      id: "space.records",
    });
  }

  private async certificates(): Promise<string | null> {
    if (this.certificatePath === null) return null;
    const problem = await certificateProblem(this.certificatePath, this.options.services.clock.nowMs());
    this.hadBadCertificates ??= problem !== null;
    // The runtime reads the file only once.
    return problem ?? (this.hadBadCertificates ? "could not be used at the start; restart to use it" : null);
  }

  private async programs(): Promise<void> {
    const { claudePrograms, health } = this.options.services;
    for (const [id, why] of await claudePrograms.problems())
      health.setAbsent(id, why === null ? null : new Failure("unreachable", notStartable, { why }));
  }
}

/** A file system that hangs, for example when its server is gone. */
const unanswered: HealthProblem = {
  id: "premises",
  message:
    "the file system does not answer: reports on folders, free space and certificates may be out of date",
};

type FreeSpace = { readonly free: number | null; readonly problems: readonly HealthProblem[] };

const notStartable = "The Claude Code program cannot be started where the gateway looks for it.";

async function spaceOf(
  path: string | null,
  { what, from, id }: { readonly what: string; readonly from: string; readonly id: string },
): Promise<FreeSpace> {
  if (path === null) return { free: null, problems: [] };
  const space = await freeSpaceAt(path);
  if (space === null || (space.free >= minFreeBytes && space.hasNames))
    return { free: space?.free ?? null, problems: [] };
  const left = space.hasNames
    ? `only ${megabytes(space.free)} MB are free`
    : "no more files can be created (no free inodes)";
  return {
    free: space.free,
    problems: [{ id, message: `${left} for ${what}: ${path} (from ${from})` }],
  };
}

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
