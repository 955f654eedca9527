// One running Claude Code process as lines in and lines out. Bounded: a reader that is slow makes it wait.
// It must never log what the program prints, and never leave a process behind.

import { readdir, realpath, rm } from "node:fs/promises";
import { join } from "node:path";
import { Failure, shortageFrom } from "../../canon/failure.ts";
import { redact as redactPlain } from "../../canon/redact.ts";
import { type Clock, systemClock } from "../../system/clock.ts";
import { errorCode } from "../../system/files.ts";
import { type ExitInfo, type LiveProcess, startProcess } from "../../system/live-process.ts";
import { descendantsOf, type ProcessFacts, signalThose } from "../../system/process-table.ts";
import { isDense } from "../../wire/density.ts";
import { LoopPacer, portionsOf } from "../../wire/loop-pacer.ts";
import { encodeLine, lineSplitter, LineTooLong, maxLineBytes, readObject } from "../../wire/ndjson.ts";
import type { JailedCommand, JailRuntime } from "./jail/jail-runtime.ts";
import type { Launch } from "../claude-code/launch.ts";
import { childMark, type ChildMark, type ChildRegister, createMarks, stopMarked } from "./child-register.ts";

export type AgentProcess = {
  readonly pid: number;
  /** Parsed output lines in order, null at the end. One reader. Rejects with a Failure when the output is out of bounds. */
  next(): Promise<Record<string, unknown> | null>;
  /** One JSON line. Waits for room; rejects with a Failure when the program is gone or closed its input. */
  send(line: object): Promise<void>;
  /** Never rejects. By then its standard error is complete and whatever it had started is gone too. */
  readonly exited: Promise<ExitInfo>;
  isAlive(): boolean;
  /** Does its jail hold what it held at the start? Absent where there is none. Never rejects. */
  readonly isIntact?: () => Promise<boolean>;
  /** The newest 8 KB, redacted. */
  stderr(): string;
  /** Output lines so far that were no JSON object. */
  skippedLines(): number;
  /**
   * TERM to the group, KILL after a grace, or at once. Resolves when all of it is gone; may be called more than once, and
   * the first call decides.
   */
  stop(how?: { readonly atOnce?: true }): Promise<void>;
};

export type AgentProcessOptions = {
  /** Told of every process, so that the next gateway finds what this one could not stop. */
  readonly register?: ChildRegister | null;
  readonly redact?: (text: string) => string;
  /** What a jail needs; without it nothing is started in one. */
  readonly jailRuntime?: JailRuntime | null;
  readonly clock?: Clock;
  readonly maxLineBytes?: number;
  /** Output that is read ahead; beyond it the program waits. */
  readonly maxUnreadBytes?: number;
  readonly graceMs?: number;
};

const stderrBytes = 8 * 1024;
const unreadBytes = 8 * 1024 * 1024;
// The program needs about 40 ms for a TERM.
const stopGraceMs = 3_000;

/** One that waited is good for a request: it lives, and nothing has been opened to it meanwhile. */
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

  const output = readLines(child, {
    lineBytes: options.maxLineBytes ?? maxLineBytes,
    unreadBytes: options.maxUnreadBytes ?? unreadBytes,
    onBroken: () => void stop(),
  });
  let isExited = false;
  let started: readonly ProcessFacts[] = [];
  const exited = child.exited.then(async (exit) => {
    isExited = true;
    // What took a session of its own no signal to the group reaches; it inherited the mark, or was seen before. In a jail
    // the kernel has ended all of it.
    if (launch.jail === null) {
      try {
        const { refused } = await signalThose(started, "SIGKILL");
        const { unstoppable } = await stopMarked(mark, { clock, graceMs: 0 });
        if (unstoppable.size + refused.length > 0)
          options.register?.unstoppable([...unstoppable.union(new Set(refused))]);
      } catch (error) {
        // Short of files, say. Whatever it is, it bears the gateway's mark as well, and goes with it.
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
      // Once it is gone nobody can tell any more what it had started.
      if (launch.jail === null && !isExited) {
        const found = descendantsOf(child.pid);
        started = found instanceof Promise ? await found : found;
      }
      await child.stop({ graceMs: how.atOnce ? 0 : graceMs });
      await exited;
      if (how.atOnce) await removeSessionNotes(launch, child.pid);
    })();
    return stopping;
  };

  return {
    pid: child.pid,
    next: output.next,
    exited,
    isAlive: () => !isExited && stopping === null,
    ...(isIntact === undefined ? {} : { isIntact }),
    skippedLines: output.skippedLines,
    stderr: () => redact(child.stderr()).slice(-stderrBytes),
    async send(line) {
      try {
        await child.write(encodeLine(line));
      } catch (error) {
        throw new Failure("bad-output", "The Claude Code program ended before it took the request.", {
          cause: error,
        });
      }
    },
    stop,
  };
}

/**
 * What a program that was not let to its end could not take away itself: the note that it runs, under its number. 2.1.197
 * takes such notes away at its next start, 2.1.329 does not. In a jail its number is another, and so are those notes.
 */
async function removeSessionNotes({ env, jail }: Launch, pid: number): Promise<void> {
  if (jail !== null) return;
  const folder = join(env["CLAUDE_CONFIG_DIR"] ?? join(env["HOME"] ?? "", ".claude"), "sessions");
  const names = await readdir(folder).catch(() => []);
  const own = names.filter((name) => name.startsWith(`${pid}.`) && /\.(?:json|key)$/.test(name));
  await Promise.all(own.map((name) => rm(join(folder, name), { force: true })));
}

/** Throws a Failure where there is to be a jail and there is none. */
async function commandOf(
  launch: Launch,
  jailRuntime: JailRuntime | null,
): Promise<Pick<JailedCommand, "argv"> & Partial<JailedCommand>> {
  const { bin, jail, cwd, env, user = null } = launch;
  if (jail === null) return { argv: [bin, ...launch.argv] };
  try {
    // Inside the link is a file of its own: a script would look for its neighbours beside it.
    const argv = [await realpath(bin), ...launch.argv];
    if (jailRuntime === null) throw new Error("there is no room for a jail");
    return await jailRuntime.wrap({ jail, cwd, argv, env, home: env["HOME"] ?? "/", user });
  } catch (cause) {
    throw new Failure("unreachable", "The jail of the Claude Code program could not be made.", { cause });
  }
}

function spawn(launch: Launch, argv: readonly string[], mark: ChildMark, clock: Clock): LiveProcess {
  const env = { ...launch.env, [childMark]: mark.value };
  try {
    // Twice what is shown: a secret that is cut in half at the front is not among the newest.
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
    throw new Failure("unreachable", `The Claude Code program ${why}.`, { cause: error });
  }
}

/** What a line takes beside its text. */
const lineBytes = 16;

type Limits = { readonly lineBytes: number; readonly unreadBytes: number; onBroken(): void };
type Lines = {
  next(): Promise<Record<string, unknown> | null>;
  skippedLines(): number;
  abandon(): void;
};

/**
 * Reads ahead up to a limit: a program that must print before it reads on would otherwise wait for us while we wait
 * for it to take our line. Lines are kept as text and parsed when they are asked for.
 */
function readLines(child: LiveProcess, limits: Limits): Lines {
  const splitter = lineSplitter(limits.lineBytes);
  const pace = new LoopPacer();
  let lines: string[] = [];
  let at = 0;
  let unread = 0;
  let skipped = 0;
  let isOver = false;
  let failure: Failure | null = null;
  let wakeReader = (): void => undefined;
  let wakePump = (): void => undefined;

  const keep = (more: readonly string[]): void => {
    if (isOver || more.length === 0) return;
    lines = at === 0 ? lines : lines.slice(at);
    at = 0;
    for (const line of more) {
      lines.push(line);
      unread += line.length + lineBytes;
    }
    wakeReader();
  };
  const pump = async (): Promise<void> => {
    for (;;) {
      while (unread > limits.unreadBytes && !isOver)
        await new Promise<void>((resolve) => (wakePump = resolve));
      if (isOver) return;
      const chunk = await child.read();
      if (chunk === null) break;
      for (const portion of portionsOf(chunk)) keep(splitter.push(portion));
    }
    keep(splitter.end());
  };
  void pump()
    .catch((error: unknown) => {
      const message =
        error instanceof LineTooLong
          ? "The Claude Code program printed a line larger than the limit."
          : "The output of the Claude Code program could not be read.";
      failure = new Failure("bad-output", message, { cause: error });
      limits.onBroken();
    })
    .finally(() => {
      isOver = true;
      wakeReader();
    });

  const take = (): string | null => {
    const line = lines[at];
    if (line === undefined) return null;
    lines[at] = "";
    at++;
    unread -= line.length + lineBytes;
    if (unread <= limits.unreadBytes) wakePump();
    return line;
  };

  return {
    skippedLines: () => skipped,
    abandon() {
      isOver = true;
      lines = [];
      at = 0;
      unread = 0;
      wakePump();
      wakeReader();
    },
    async next() {
      for (;;) {
        const line = take();
        if (line !== null) {
          const turn = pace.take(line.length + lineBytes);
          if (turn !== null) await turn;
          if (isDense(line))
            throw new Failure("bad-output", "The Claude Code program printed a line with too many parts.");
          const object = readObject(line);
          if (object !== null) return object;
          skipped++;
          continue;
        }
        if (failure !== null) throw failure;
        if (isOver) return null;
        await new Promise<void>((resolve) => (wakeReader = resolve));
      }
    },
  };
}
