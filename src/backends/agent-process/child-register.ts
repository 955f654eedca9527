// No child outlives its gateway: every one is marked and listed, so that this gateway at its end, or the next one at its start,
// finds what is left. It must never stop a process that it cannot prove to be ours.

import { randomBytes } from "node:crypto";
import { readdir, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { type Clock, pause, systemClock } from "../../system/clock.ts";
import { ensurePrivateDirectory, readTextIfExists, replaceFile } from "../../system/files.ts";
import { createInheritedMarks, type InheritedMark, runNumber } from "../../system/inherited-mark.ts";
import { isAlive, signalGroup } from "../../system/process.ts";
import {
  bootId,
  listedProcess,
  type MarkedProcess,
  markedProcesses,
  signalProcess,
  signalThose,
  startTimeOf,
  visitMarked,
} from "../../system/process-table.ts";

/** The variable that marks a child, and what it starts, as ours: `<gateway id>.<child's own part>`. */
export const childMark = "CLAWGATE_CHILD";

export const newGatewayId = (): string => randomBytes(8).toString("hex");

/** How our processes are recognised: by the variable's value, or by the inherited mark where a program cleared its variables. */
export type Mark = { readonly value: string; readonly digits: string };

export type ChildMark = Mark & { readonly inherited: InheritedMark };

/** Gives each child its own mark, to tell what one process started from what others started. */
export function createMarks(gatewayId: string): () => ChildMark {
  const marks = createInheritedMarks(gatewayId);
  return () => {
    const inherited = marks.next();
    const value = `${gatewayId}.${randomBytes(8).toString("hex")}`;
    return { value, digits: inherited.digits, inherited };
  };
}

/** The mark's part that all children of a gateway share. */
export const gatewayMark = (gatewayId: string): Mark => ({ value: gatewayId, digits: runNumber(gatewayId) });

function hasMark(found: MarkedProcess, { value, digits }: Mark): boolean {
  const isNamed = found.value !== null && (found.value === value || found.value.startsWith(`${value}.`));
  return isNamed || (found.inherited?.startsWith(digits) ?? false);
}

export type ChildRegister = {
  readonly gatewayId: string;
  newMark(): ChildMark;
  add(pid: number, program: string): void;
  remove(pid: number): void;
  /** Settles when everything added and removed so far is on disk. Rejects when it cannot be written. */
  saved(): Promise<void>;
  /** Reports processes that an ended child had started and that cannot be stopped: they are another user's by now. */
  unstoppable(pids: readonly number[]): void;
  /** The search for what an ended child had started has failed. */
  searchFailed(error: unknown): void;
  /** Stops whatever still runs and removes the list. */
  close(): Promise<void>;
};

export type RegisterOptions = {
  readonly stateDirectory: string;
  readonly gatewayId: string;
  readonly gatewayPid: number;
  /** Called when the list cannot be written; the gateway continues without it. */
  onTrouble(error: unknown): void;
  /** Called with processes that keep running because they now belong to another user. */
  onUnstoppable?(pids: readonly number[]): void;
  onSearchFailed?(error: unknown): void;
  readonly clock?: Clock;
};

type Listed = {
  readonly pid: number;
  /** Null where the machine does not report it. */
  readonly startTime: string | null;
  readonly startedMs: number;
  readonly program: string;
};
type List = Listed & { readonly bootId: string | null; readonly children: readonly Listed[] };

const pollMs = 20;
const graceMs = 2_000;
const killRounds = 50;
/** On a busy machine some process always ends during the search. */
const maxDoubts = 4;
// `ps` prints whole seconds, and the clock may be set meanwhile.
const toleranceMs = 2_000;

const folderOf = (stateDirectory: string): string => join(stateDirectory, "cli", "gateways");

/** The list of this gateway's children, on the disk before the first one is started. */
export async function openRegister(options: RegisterOptions): Promise<ChildRegister> {
  const clock = options.clock ?? systemClock;
  const folder = folderOf(options.stateDirectory);
  await ensurePrivateDirectory(folder);
  const path = join(folder, `${options.gatewayId}.json`);
  const listed = async (pid: number, program: string): Promise<Listed> => {
    const startedMs = clock.nowMs();
    return { pid, startTime: await startTimeOf(pid), startedMs, program };
  };
  const head = { ...(await listed(options.gatewayPid, "")), bootId: await bootId() };
  const children = new Map<number, Promise<Listed>>();
  let isDirty = false;
  let writing: Promise<void> | null = null;
  let isClosed = false;

  const write = async (): Promise<void> => {
    do {
      isDirty = false;
      const list: List = { ...head, children: await Promise.all(children.values()) };
      await replaceFile(path, `${JSON.stringify(list)}\n`, { mode: 0o600 });
    } while (isDirty && !isClosed);
  };
  // One write at a time, and changes during it go into the next one: a request never waits for a write.
  const save = (): Promise<void> => {
    isDirty = true;
    writing ??= write().finally(() => (writing = null));
    return writing;
  };
  const change = (): void => {
    if (!isClosed) save().catch(options.onTrouble);
  };
  await save();
  return {
    gatewayId: options.gatewayId,
    newMark: createMarks(options.gatewayId),
    add(pid, program) {
      children.set(pid, listed(pid, program));
      change();
    },
    remove(pid) {
      if (children.delete(pid)) change();
    },
    saved: () => writing ?? Promise.resolve(),
    unstoppable: (pids) => options.onUnstoppable?.(pids),
    searchFailed: (error) => options.onSearchFailed?.(error),
    async close() {
      isClosed = true;
      await stopListedAndMarked(await Promise.all(children.values()), options.gatewayId, {
        ...options,
        clock,
      });
      await (writing ?? Promise.resolve()).catch(options.onTrouble);
      await rm(path, { force: true });
    },
  };
}

/** Stops what dead gateways of this state directory left running. Returns the number of signalled processes. */
export async function stopOrphans(
  options: Pick<RegisterOptions, "stateDirectory" | "clock" | "onUnstoppable">,
): Promise<number> {
  const clock = options.clock ?? systemClock;
  const folder = folderOf(options.stateDirectory);
  await ensurePrivateDirectory(folder);
  let stopped = 0;
  for (const name of await readdir(folder)) {
    const gatewayId = /^([0-9a-f]{16})\.json$/.exec(name)?.[1];
    if (gatewayId === undefined) continue;
    const path = join(folder, name);
    const list = readList(await readTextIfExists(path));
    if (list !== null && (await isStillThere(list))) continue;
    // After a reboot the numbers belong to other processes, and none of ours runs.
    if (list !== null && list.bootId === (await bootId())) {
      stopped += await stopListedAndMarked(list.children, gatewayId, { ...options, clock });
    }
    await rm(path, { force: true });
  }
  return stopped;
}

export type Stopped = {
  readonly met: ReadonlySet<number>;
  /** Those that keep running because they belong to another user. */
  readonly unstoppable: ReadonlySet<number>;
};

/** Stops every process that carries `mark`, or one that begins with it. TERM first where there is a grace. Linux; elsewhere none are found. */
export async function stopMarked(
  mark: Mark,
  options: { readonly clock: Clock; readonly graceMs: number },
): Promise<Stopped> {
  const met = new Set<number>();
  const unstoppable = new Set<number>();
  const find = async (): Promise<readonly MarkedProcess[]> =>
    (await markedProcesses(childMark)).filter((each) => hasMark(each, mark) && !unstoppable.has(each.pid));
  /** Each process once, also one not visible the first time: during exec a process has no variables. */
  const ask = async (): Promise<boolean> => {
    const found = await find();
    const { refused } = await signalThose(
      found.filter(({ pid }) => !met.has(pid)),
      "SIGTERM",
    );
    for (const { pid } of found) met.add(pid);
    for (const pid of refused) unstoppable.add(pid);
    return found.length > refused.length;
  };
  const kill = async (): Promise<"some" | "none" | "unsure"> => {
    let isMet = false;
    const isWhole = await visitMarked(childMark, (each) => {
      if (!hasMark(each, mark) || unstoppable.has(each.pid)) return;
      isMet = true;
      met.add(each.pid);
      if (signalProcess(each.pid, "SIGKILL") === "refused") unstoppable.add(each.pid);
    });
    return isMet ? "some" : isWhole ? "none" : "unsure";
  };
  const untilMs = options.clock.monotonicMs() + options.graceMs;
  while (options.clock.monotonicMs() < untilMs && (await ask())) await pause(options.clock, pollMs);
  // Repeated: a process that is being killed may just have started another, and so may one that ended during the search.
  let doubts = 0;
  for (let round = 0; round < killRounds; round++) {
    const seen = await kill();
    if (seen === "none" || (seen === "unsure" && ++doubts === maxDoubts)) break;
    if (seen === "some") await pause(options.clock, pollMs);
  }
  return { met, unstoppable };
}

/** On Linux both the list and the mark find them, elsewhere only the list. */
async function stopListedAndMarked(
  children: readonly Listed[],
  gatewayId: string,
  { clock, onUnstoppable }: { readonly clock: Clock } & Pick<RegisterOptions, "onUnstoppable">,
): Promise<number> {
  const [listed, { met, unstoppable }] = await Promise.all([
    stopListed(children, clock),
    stopMarked(gatewayMark(gatewayId), { clock, graceMs }),
  ]);
  if (unstoppable.size > 0) onUnstoppable?.([...unstoppable]);
  return met.union(listed).size;
}

async function stopListed(children: readonly Listed[], clock: Clock): Promise<ReadonlySet<number>> {
  const alive: Listed[] = [];
  for (const child of children) if (await isStillThere(child)) alive.push(child);
  for (const { pid } of alive) signalGroup(pid, "SIGTERM");
  const untilMs = clock.monotonicMs() + graceMs;
  let left = alive;
  while (left.length > 0 && clock.monotonicMs() < untilMs) {
    await pause(clock, pollMs);
    const still: Listed[] = [];
    for (const child of left) if (await isStillThere(child)) still.push(child);
    left = still;
  }
  for (const { pid } of left) signalGroup(pid, "SIGKILL");
  return new Set(alive.map((each) => each.pid));
}

/** Whether it is the listed process, and not one that got its pid later. */
async function isStillThere(listed: Listed): Promise<boolean> {
  if (listed.startTime !== null) return (await startTimeOf(listed.pid)) === listed.startTime;
  if (!isAlive(listed.pid)) return false;
  // Linux knows the start time of every live process: this one was gone before it was recorded.
  if ((await bootId()) !== null) return false;
  const found = await listedProcess(listed.pid);
  if (found === null || found.startedMs > listed.startedMs + toleranceMs) return false;
  // A gateway is listed a few moments after its start, a child immediately.
  return listed.program === "" || basename(found.program) === basename(listed.program);
}

function readList(text: string | null): List | null {
  let value: unknown;
  try {
    value = JSON.parse(text ?? "");
  } catch {
    return null;
  }
  const head = readListed(value);
  if (head === null) return null;
  const { bootId: boot, children } = value as Record<string, unknown>;
  const known = Array.isArray(children) ? children.map(readListed).filter((each) => each !== null) : [];
  // A gateway may be pid 1 of its container; a child never is, and a signal to 1 reaches every process.
  return {
    ...head,
    bootId: typeof boot === "string" ? boot : null,
    children: known.filter((each) => each.pid > 1),
  };
}

function readListed(value: unknown): Listed | null {
  if (typeof value !== "object" || value === null) return null;
  const { pid, startTime, startedMs, program } = value as Record<string, unknown>;
  if (typeof pid !== "number" || !Number.isSafeInteger(pid) || pid < 1) return null;
  if (typeof startedMs !== "number" || typeof program !== "string") return null;
  return { pid, startTime: typeof startTime === "string" ? startTime : null, startedMs, program };
}
