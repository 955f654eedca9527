// One running agent program with its input and output lines. Bounded: a slow reader makes it wait. It must never log
// what the program prints, and never leave a process behind.

import { realpath } from "node:fs/promises";
import { Failure, shortageFrom } from "../../canon/failure.ts";
import { redact as redactPlain } from "../../canon/redact.ts";
import { type Clock, systemClock } from "../../system/clock.ts";
import { errorCode } from "../../system/files.ts";
import { type ExitInfo, type LiveProcess, startProcess } from "../../system/live-process.ts";
import { descendantsOf, type ProcessFacts, signalThose } from "../../system/process-table.ts";
import { encodeLine, maxLineBytes } from "../../wire/ndjson.ts";
import type { JailedCommand, JailRuntime } from "./jail/jail-runtime.ts";
import { childMark, type ChildMark, type ChildRegister, createMarks, stopMarked } from "./child-register.ts";
import type { Launch } from "./launch.ts";
import { OutputLines } from "./output-lines.ts";

export type AgentProcess = {
  readonly pid: number;
  /** Parsed output lines in order, null at the end. One reader. Rejects with a Failure when the output is out of bounds. */
  next(): Promise<Record<string, unknown> | null>;
  /** One JSON line. Waits while the pipe is full; rejects with a Failure when the program is gone or closed its input. */
  send(line: object): Promise<void>;
  /** Never rejects. When it settles, standard error is complete and whatever the program started is gone too. */
  readonly exited: Promise<ExitInfo>;
  isAlive(): boolean;
  /** Whether its jail is unchanged since the start. Absent where there is none. Never rejects. */
  readonly isIntact?: () => Promise<boolean>;
  /** The newest 8 KB, redacted. */
  stderr(): string;
  /** How many output lines so far were not JSON objects. */
  skippedLines(): number;
  /**
   * TERM to the group, then KILL after a grace; or KILL immediately. Resolves when all of it is gone; may be called more than once, and
   * the first call decides.
   */
  stop(how?: { readonly atOnce?: true }): Promise<void>;
};

export type AgentProcessOptions = {
  /** Lists every process, so that the next gateway finds what this one could not stop. */
  readonly register?: ChildRegister | null;
  readonly redact?: (text: string) => string;
  /** What a jail needs; without it no jail can be started. */
  readonly jailRuntime?: JailRuntime | null;
  readonly clock?: Clock;
  readonly maxLineBytes?: number;
  /** Output that is read ahead; beyond it the program waits. */
  readonly maxUnreadBytes?: number;
  readonly graceMs?: number;
  /** Removes what the program could not clean up itself, after it was killed without a TERM. */
  readonly afterKill?: (launch: Launch, pid: number) => Promise<void>;
};

const stderrBytes = 8 * 1024;
const unreadBytes = 8 * 1024 * 1024;
// A program needs some 40 ms for a TERM.
const stopGraceMs = 3_000;

/** A waiting process is usable for a request: it is alive, and its jail is unchanged. */
export async function isUsable(child: AgentProcess): Promise<boolean> {
  if (child.isIntact !== undefined && !(await child.isIntact())) return false;
  return child.isAlive();
}

/** Throws a Failure when the program cannot be started. */
export async function startAgentProcess(
  launch: Launch,
  options: AgentProcessOptions = {},
): Promise<AgentProcess> {
  const clock = options.clock ?? systemClock;
  const redact = options.redact ?? redactPlain;
  const graceMs = options.graceMs ?? stopGraceMs;
  const mark = options.register?.newMark() ?? createMarks(launch.env[childMark] ?? "unnamed")();
  const { argv, isIntact } = await commandOf(launch, options.jailRuntime ?? null);
  const child = spawn(launch, argv, mark, clock);
  options.register?.add(child.pid, launch.bin);

  const output = new OutputLines(child, {
    program: launch.program,
    lineBytes: options.maxLineBytes ?? maxLineBytes,
    unreadBytes: options.maxUnreadBytes ?? unreadBytes,
    onBroken: () => void stop(),
  });
  let isExited = false;
  let started: readonly ProcessFacts[] = [];
  const exited = child.exited.then(async (exit) => {
    isExited = true;
    // A signal to the group does not reach a process with its own session; it inherited the mark, or was seen before. In
    // a jail the kernel has ended all of them.
    if (launch.jail === null) {
      try {
        const { refused } = await signalThose(started, "SIGKILL");
        const { unstoppable } = await stopMarked(mark, { clock, graceMs: 0 });
        if (unstoppable.size + refused.length > 0)
          options.register?.unstoppable([...unstoppable.union(new Set(refused))]);
      } catch (error) {
        // For example, no file descriptor was free. What it started carries the gateway's mark too, and ends with the gateway.
        options.register?.searchFailed(error);
      }
    }
    await child.stderrEnded;
    options.register?.remove(child.pid);
    return exit;
  });
  let stopping: Promise<void> | null = null;
  const stop = (how: { readonly atOnce?: true } = {}): Promise<void> => {
    stopping ??= (async () => {
      output.abandon();
      // Once it is gone, the processes it started can no longer be found.
      if (launch.jail === null && !isExited) {
        const found = descendantsOf(child.pid);
        started = found instanceof Promise ? await found : found;
      }
      await child.stop({ graceMs: how.atOnce ? 0 : graceMs });
      await exited;
      if (how.atOnce) await options.afterKill?.(launch, child.pid);
    })();
    return stopping;
  };

  return {
    pid: child.pid,
    next: () => output.next(),
    exited,
    isAlive: () => !isExited && stopping === null,
    ...(isIntact === undefined ? {} : { isIntact }),
    skippedLines: () => output.skipped,
    stderr: () => redact(child.stderr()).slice(-stderrBytes),
    async send(line) {
      try {
        await child.write(encodeLine(line));
      } catch (error) {
        throw new Failure("bad-output", `The ${launch.program} ended before it took the request.`, {
          cause: error,
        });
      }
    },
    stop,
  };
}

/** Throws a Failure where a jail is required and there is none. */
async function commandOf(
  launch: Launch,
  jailRuntime: JailRuntime | null,
): Promise<Pick<JailedCommand, "argv"> & Partial<JailedCommand>> {
  const { bin, jail, cwd, env, user = null } = launch;
  if (jail === null) return { argv: [bin, ...launch.argv] };
  try {
    // In a jail a link becomes a separate file, and a script would look for its other files next to it.
    const argv = [await realpath(bin), ...launch.argv];
    if (jailRuntime === null) throw new Error("no jail directory was prepared");
    return await jailRuntime.wrap({ jail, cwd, argv, env, home: env["HOME"] ?? "/", user });
  } catch (cause) {
    throw new Failure("unreachable", `The jail of the ${launch.program} could not be made.`, { cause });
  }
}

function spawn(launch: Launch, argv: readonly string[], mark: ChildMark, clock: Clock): LiveProcess {
  const env = { ...launch.env, [childMark]: mark.value };
  try {
    // Twice what is shown, so that a secret cut in half at the front is not in the shown part.
    return startProcess(argv, {
      env,
      cwd: launch.cwd,
      user: launch.user ?? null,
      mark: mark.inherited,
      maxStderrBytes: 2 * stderrBytes,
      clock,
    });
  } catch (error) {
    const lack = shortageFrom(error);
    if (lack !== null) throw lack;
    const why = errorCode(error) === "ENOENT" ? "was not found" : "could not be started";
    throw new Failure("unreachable", `The ${launch.program} ${why}.`, { cause: error });
  }
}
