// Replaces the installed program by another version, or by the one that was kept: verified, tried, put in place, watched, and put back if
// the gateway does not work as before. Interrupted at any step, the old program serves.

import { access } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Clock, pause } from "../system/clock.ts";
import { freeSpaceAt, megabytes } from "../system/free-space.ts";
import type { CommandResult } from "../system/process.ts";
import { type GatewayState, passHealthGate } from "./health-gate.ts";
import { unpackProgram } from "./program-archive.ts";
import {
  keepReplaced,
  prepareSwap,
  previousOf,
  type ProgramSwap,
  putBack,
  removeWork,
  replaceProgram,
  sameFile,
  swapIn,
} from "./program-swap.ts";
import type { ReleaseManifest } from "./release-files.ts";
import { downloadArchive, type ReleasedArchive, type ReleaseSource } from "./release-source.ts";
import type { JournalEntry, UpdateJournal } from "./update-journal.ts";
import { problemOf, UpdateProblem } from "./update-problem.ts";

/** by-hand: a gateway runs, and nothing here may restart it. */
export type Restarted =
  | { readonly kind: "restarted"; readonly how: string }
  | { readonly kind: "by-hand" | "failed"; readonly why: string };

export type GatewayControl = {
  /** Null: no gateway answers. */
  look(): Promise<GatewayState | null>;
  /** The unit files of the services that start this program, as the program that now lies there writes them. Returns what it did. */
  refreshUnits(program: string): Promise<readonly string[]>;
  /** Makes the running gateway one of the program that now lies there. */
  restart(program: string): Promise<Restarted>;
};

export type UpdatePorts = {
  readonly program: string;
  /** Of the installed program. */
  readonly current: string;
  readonly journal: UpdateJournal;
  readonly gateway: GatewayControl;
  /** Runs a program of ours; throws if it cannot be started. */
  readonly run: (program: string, args: readonly string[]) => Promise<CommandResult>;
  /** For `--config` of the examination; empty: as it is searched for. */
  readonly configArguments: readonly string[];
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
};

export type Updated = {
  readonly from: string;
  readonly to: string;
  /** None runs, it was restarted, or its user has to do it. */
  readonly gateway: "none" | "restarted" | "by-hand";
  readonly notes: readonly string[];
};

/** Undoes what an update that was broken off left. Returns the line to print; null: nothing was left. */
export async function undoUnfinished(ports: UpdatePorts): Promise<string | null> {
  const entry = await ports.journal.unfinished();
  if (entry === null) return null;
  if (entry.program !== ports.program) {
    // Its journal is all that can put its old program back.
    if (!(await exists(entry.work))) return null;
    throw new UpdateProblem(
      `an update of another program, ${entry.program}, was broken off: run its own "update" first, which undoes it`,
    );
  }
  const swap = swapIn(entry.program, entry.work);
  const lies = await versionOf(ports, entry.program);
  // What somebody else has put there since stays; what does not run is replaced.
  const wasReplaced = (lies === null || lies === entry.to) && (await putBack(swap));
  await removeWork(swap);
  await ports.journal.end();
  const what = `an update to ${entry.to} had been broken off`;
  if (!wasReplaced) return `${what}; what it left is removed`;
  // Also where no gateway runs: the service starts by a unit that the other version wrote.
  await ports.gateway.refreshUnits(ports.program);
  const running = await ports.gateway.look();
  if (running === null || running.version !== entry.to) return `${what}; ${entry.from} is back`;
  const back = await ports.gateway.restart(ports.program);
  return `${what}; ${entry.from} is back${back.kind === "restarted" ? "" : `, but the running gateway is still ${entry.to}: ${back.why}`}`;
}

/** What the program at this path calls itself; null: it does not run. */
export async function versionOf({ run }: Pick<UpdatePorts, "run">, program: string): Promise<string | null> {
  const asked = await run(program, ["version"]).catch(() => null);
  return asked?.code === 0 ? (/^clawgate (\S+)/.exec(asked.stdout)?.[1] ?? null) : null;
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** Throws UpdateProblem; then the program is the one that it was. */
export function installVersion(
  ports: UpdatePorts,
  source: ReleaseSource,
  release: Release,
): Promise<Updated> {
  return exchange(ports, release.manifest.version, async (swap) => {
    let problem: UpdateProblem | null = null;
    for (const archive of release.archives) {
      if (problem !== null) ports.say(`${problem.message}: trying ${archive.target}`);
      await fetchProgram(source, { version: release.manifest.version, archive }, swap);
      problem = await problemOfProgram(ports, swap.candidate, release.manifest.version);
      if (problem === null) return;
      if (!problem.message.includes(endedBySignal)) break;
    }
    throw problem ?? new UpdateProblem("the release has no build for this machine");
  });
}

export type Release = {
  readonly manifest: ReleaseManifest;
  /** The builds that fit this machine, the best first. */
  readonly archives: readonly ReleasedArchive[];
};

/** The build of the same kind; the baseline one where the processor lacks AVX2, or where the first does not run. */
export function archivesFor(
  manifest: ReleaseManifest,
  target: string,
  hasAvx2: boolean,
): readonly ReleasedArchive[] {
  const baseline = /^linux-x64(?:-musl)?$/.test(target) ? [`${target}-baseline`] : [];
  const wanted = hasAvx2 || baseline.length === 0 ? [target, ...baseline] : baseline;
  return wanted.flatMap((name) => manifest.files.filter((each) => each.target === name));
}

/** Throws UpdateProblem where none is kept. */
export async function rollBack(ports: UpdatePorts): Promise<Updated> {
  const previous = previousOf(ports.program);
  try {
    await access(previous);
  } catch {
    throw new UpdateProblem(`no previous version is kept (there is no ${previous})`);
  }
  const asked = await ports.run(previous, ["version"]);
  const version = /^clawgate (\S+)/.exec(asked.stdout)?.[1];
  if (asked.code !== 0 || version === undefined)
    throw new UpdateProblem(`the kept version does not run here (${endingOf(asked)})`);
  return exchange(ports, version, (swap) => sameFile(previous, swap.candidate));
}

/** Puts the program that `prepare` makes in place of the installed one. */
async function exchange(
  ports: UpdatePorts,
  to: string,
  prepare: (swap: ProgramSwap) => Promise<void>,
): Promise<Updated> {
  const { program, current, journal } = ports;
  const swap = await prepareSwap(program).catch((thrown: unknown) => {
    throw problemOf(thrown, dirname(program));
  });
  try {
    const entry: JournalEntry = {
      program,
      work: swap.work,
      from: current,
      to,
      started_at: new Date(ports.clock.nowMs()).toISOString(),
    };
    await journal.begin(entry);
    await prepare(swap);
    assertGoesOn(ports);
    await assertConfigLoads(ports, swap.candidate);
    assertGoesOn(ports);
    const before = await ports.gateway.look();
    await replaceProgram(swap);
    const outcome = await restartWatched(ports, { swap, wanted: to, before });
    if ("why" in outcome)
      throw await undone(ports, { swap, to, why: outcome.why, wasRunning: before !== null });
    return { from: current, to, ...outcome };
  } catch (thrown) {
    throw problemOf(thrown, dirname(program));
  } finally {
    // Where even this fails, the folder and the journal stay: the next update finds the old program there.
    await putBack(swap);
    await removeWork(swap);
    await journal.end();
  }
}

function assertGoesOn({ signal }: UpdatePorts): void {
  if (signal.aborted) throw new UpdateProblem("interrupted");
}

async function fetchProgram(
  source: ReleaseSource,
  wanted: { version: string; archive: ReleasedArchive },
  swap: ProgramSwap,
): Promise<void> {
  const { size, program_size: programSize } = wanted.archive;
  const space = await freeSpaceAt(swap.work);
  if (space !== null && space.free < size + programSize)
    throw new UpdateProblem(
      `the disk with ${dirname(swap.program)} is full: ${megabytes(size + programSize)} MB are needed, ${megabytes(space.free)} MB are free`,
    );
  const archive = join(swap.work, "archive");
  await removeIfThere(archive, swap.candidate);
  await downloadArchive(source, wanted, archive);
  await unpackProgram(archive, swap.candidate, programSize);
  await removeIfThere(archive);
}

async function removeIfThere(...paths: readonly string[]): Promise<void> {
  for (const path of paths)
    await Bun.file(path)
      .delete()
      .catch(() => undefined);
}

const endedBySignal = "ended by a signal";

const endingOf = ({ code, timedOut, stderr }: CommandResult): string => {
  if (timedOut) return "it does not answer";
  const last = stderr.trim().split("\n").at(-1)?.slice(0, 300) ?? "";
  return `${code === null ? endedBySignal : `exit code ${code}`}${last === "" ? "" : `: ${last}`}`;
};

async function problemOfProgram(
  { run }: UpdatePorts,
  program: string,
  version: string,
): Promise<UpdateProblem | null> {
  let asked: CommandResult;
  try {
    asked = await run(program, ["version"]);
  } catch {
    return new UpdateProblem(`the new program cannot be started in ${dirname(dirname(program))}`);
  }
  if (asked.code !== 0)
    return new UpdateProblem(`the new program does not run on this machine (${endingOf(asked)})`);
  const named = /^clawgate (\S+)/.exec(asked.stdout)?.[1];
  return named === version
    ? null
    : new UpdateProblem(`the new program calls itself ${named ?? "nothing"}, not ${version}`);
}

/** Refuses a version that cannot read the config which the installed one can. */
async function assertConfigLoads(ports: UpdatePorts, candidate: string): Promise<void> {
  const problems = async (program: string): Promise<readonly string[] | null> => {
    const asked = await ports.run(program, ["doctor", "--quick", "--json", ...ports.configArguments]);
    return configProblemsIn(asked.stdout);
  };
  const after = await problems(candidate);
  if (after === null)
    throw new UpdateProblem("the new program does not get as far as reading the config (clawgate doctor)");
  if (after.length === 0) return;
  const before = await problems(ports.program);
  if (before !== null && before.length > 0) return;
  throw new UpdateProblem(`the new version refuses the config: ${after[0] ?? ""}`);
}

/** Null: the answer is no report of `doctor`. */
function configProblemsIn(report: string): readonly string[] | null {
  let value: unknown;
  try {
    value = JSON.parse(report);
  } catch {
    return null;
  }
  const findings: unknown =
    typeof value === "object" && value !== null && "findings" in value ? value.findings : null;
  if (!Array.isArray(findings)) return null;
  return findings.flatMap((each: unknown): string[] => {
    const { section, state, title, detail } = each as Readonly<Record<string, unknown>>;
    if (section !== "config" || state !== "failed") return [];
    return [[title, detail].filter((words) => typeof words === "string").join(": ")];
  });
}

/** For the old program to answer again. */
const backMs = 10_000;
const lookMs = 200;

async function restartWatched(
  ports: UpdatePorts,
  { swap, wanted, before }: { swap: ProgramSwap; wanted: string; before: GatewayState | null },
): Promise<Pick<Updated, "gateway" | "notes"> | { readonly why: string }> {
  const notes = await ports.gateway.refreshUnits(ports.program);
  const restarted: Restarted | null = before === null ? null : await ports.gateway.restart(ports.program);
  if (restarted?.kind === "failed") return { why: restarted.why };
  if (before !== null && restarted?.kind === "restarted") {
    ports.say(`restarted (${restarted.how}); watching whether it works as before`);
    const { clock, signal } = ports;
    const look = (): Promise<GatewayState | null> => ports.gateway.look();
    const trouble = await passHealthGate({ before, wanted, look, clock, signal });
    if (trouble !== null) return { why: trouble };
  }
  try {
    await keepReplaced(swap);
  } catch (thrown) {
    return {
      why: `the replaced program cannot be kept: ${problemOf(thrown, dirname(ports.program)).message}`,
    };
  }
  if (restarted?.kind !== "by-hand") return { gateway: before === null ? "none" : "restarted", notes };
  const still = `the running gateway is still ${before?.version ?? ports.current}: ${restarted.why}`;
  return { gateway: "by-hand", notes: [...notes, still] };
}

/** The problem to report, after the old program serves again. */
async function undone(
  ports: UpdatePorts,
  { swap, to, why, wasRunning }: { swap: ProgramSwap; to: string; why: string; wasRunning: boolean },
): Promise<UpdateProblem> {
  ports.say(`${to} does not work here (${why}): going back to ${ports.current}`);
  await putBack(swap);
  await ports.gateway.refreshUnits(ports.program);
  const running = await ports.gateway.look();
  const isBack = `${ports.current} is back in its place`;
  if (!wasRunning || running?.version === ports.current)
    return new UpdateProblem(`${to} does not work here (${why}); ${isBack}`);
  const restarted = await ports.gateway.restart(ports.program);
  const now = await afterRestart(ports, restarted);
  return new UpdateProblem(`${to} does not work here (${why}); ${isBack}, ${now}`);
}

/** Not only what was asked for: which version serves now. */
async function afterRestart(
  { gateway, current, clock, signal }: UpdatePorts,
  restarted: Restarted,
): Promise<string> {
  if (restarted.kind !== "restarted") return `but is not running: ${restarted.why}`;
  const endMs = clock.monotonicMs() + backMs;
  for (;;) {
    const now = await gateway.look();
    if (now?.version === current) return "and was started again";
    if (clock.monotonicMs() >= endMs || !(await pause(clock, lookMs, signal)))
      return `but ${now === null ? "no gateway answers" : `the running gateway is ${now.version}`}`;
  }
}
