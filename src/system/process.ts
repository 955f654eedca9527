// Runs other programs: the only folder that starts any. Limited in time and memory, in a separate process group.
// It must never pass the gateway's whole environment to a child: it contains provider keys.

import { accessSync, constants, statSync } from "node:fs";
import { delimiter, isAbsolute, join, resolve } from "node:path";
import { type Clock, systemClock } from "./clock.ts";
import { errorCode } from "./files.ts";
import type { InheritedMark } from "./inherited-mark.ts";

export type CommandOptions = {
  readonly timeoutMs: number;
  /** The child's whole environment. Default: `inheritedEnvironment(process.env)`. */
  readonly env?: Readonly<Record<string, string>>;
  /** Per stream; the rest is read and dropped. Default 1 MB. */
  readonly maxOutputBytes?: number;
  readonly cwd?: string;
  /** Written to standard input, which is then closed. Default: nothing to read. */
  readonly input?: string | Uint8Array;
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
  /** The user to run as, without supplementary groups; only root may set it. Default: ours. */
  readonly user?: { readonly uid: number; readonly gid: number } | null;
};

export type CommandResult = {
  /** Exit code; null if a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
  /** True if output was dropped at maxOutputBytes. */
  readonly wasCut: boolean;
};

/** The unchanged output of a command: an archive is not text. */
export type BinaryResult = CommandResult & { readonly stdoutBytes: Uint8Array };

type Environment = Readonly<Record<string, string | undefined>>;

const graceMs = 2_000;
// A grandchild can keep the pipes open after the command itself is gone.
const pipeGraceMs = 500;

const inheritedNames =
  /^(?:PATH|HOME|USER|LOGNAME|SHELL|TERM|COLORTERM|NO_COLOR|LANG|LANGUAGE|LC_[A-Z]+|TZ|TMPDIR|XDG_[A-Z_]+|SSL_CERT_FILE|SSL_CERT_DIR|NODE_EXTRA_CA_CERTS|DOCKER_HOST|DOCKER_CONFIG|DOCKER_CONTEXT|(?:https?|no|all)_proxy|(?:HTTPS?|NO|ALL)_PROXY)$/;
// Each of these makes a program load code or replaces the program.
const refusedNames = /^(?:LD_.*|DYLD_.*|NODE_OPTIONS|BUN_.*|PATH)$/;

/** The part of the gateway's own environment that children get: an allow-list. */
export function inheritedEnvironment(environment: Environment): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment))
    if (value !== undefined && inheritedNames.test(name))
      kept[name] = name === "PATH" ? absoluteEntries(value) : value;
  return kept;
}

/** PATH without its relative entries: a child would find programs in the folder in which it happens to run. */
export function absoluteEntries(pathVariable: string): string {
  return pathVariable.split(delimiter).filter(isAbsolute).join(delimiter);
}

/** The absolute path of the program: starting it by name would also search the relative entries of PATH. Throws an Error. */
function withWholePath(argv: readonly string[], env: Environment): string[] {
  const [name = "", ...args] = argv;
  if (name.includes("/")) return [name, ...args];
  const found = findOnPath(name, env["PATH"] ?? process.env["PATH"]);
  if (found === null)
    throw Object.assign(new Error(`there is no program "${name}" on PATH`), { code: "ENOENT" });
  return [found, ...args];
}

/** The inherited part, overridden by what the operator configured, except for names that would load code. */
export function childEnvironment(
  environment: Environment,
  operatorVariables: Readonly<Record<string, string>>,
): Record<string, string> {
  const chosen = Object.entries(operatorVariables).filter(([name]) => !refusedNames.test(name));
  return { ...inheritedEnvironment(environment), ...Object.fromEntries(chosen) };
}

/** Runs to the end and never much past `timeoutMs`: TERM to the group, then KILL. Throws if it cannot be started. */
export async function runCommand(argv: readonly string[], options: CommandOptions): Promise<CommandResult> {
  const { stdoutBytes, ...result } = await runForBytes(argv, options);
  return { ...result, stdout: Buffer.from(stdoutBytes).toString("utf8") };
}

/** The same, with standard output as bytes; `stdout` stays empty. */
export async function runForBytes(argv: readonly string[], options: CommandOptions): Promise<BinaryResult> {
  const clock = options.clock ?? systemClock;
  const limit = options.maxOutputBytes ?? 1024 * 1024;
  const env = { ...(options.env ?? inheritedEnvironment(process.env)) };
  const child = Bun.spawn(withWholePath(argv, env), {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env,
    ...idsOf(options.user),
    stdin: options.input === undefined ? "ignore" : Buffer.from(options.input),
    stdout: "pipe",
    stderr: "pipe",
    // A separate session, so that a signal reaches its children too.
    detached: true,
  });
  const stdout = collect(child.stdout, limit);
  const stderr = collect(child.stderr, limit);

  let timedOut = false;
  let mayLinger = false;
  let cancelKill = (): void => undefined;
  const stop = (): void => {
    mayLinger = true;
    signalGroup(child.pid, "SIGTERM");
    cancelKill = clock.setTimer(graceMs, () => signalGroup(child.pid, "SIGKILL"));
  };
  const cancelTimeout = clock.setTimer(options.timeoutMs, () => {
    timedOut = true;
    stop();
  });
  options.signal?.addEventListener("abort", stop, { once: true });
  if (options.signal?.aborted) stop();
  try {
    await child.exited;
    if (!(await drained(clock, stdout, stderr))) mayLinger = true;
  } finally {
    cancelTimeout();
    cancelKill();
    options.signal?.removeEventListener("abort", stop);
    // Only then: once the group is empty, another process may have its number.
    if (mayLinger) signalGroup(child.pid, "SIGKILL");
  }
  return {
    code: child.signalCode === null ? child.exitCode : null,
    stdout: "",
    stdoutBytes: stdout.bytes(),
    stderr: Buffer.from(stderr.bytes()).toString("utf8"),
    timedOut,
    wasCut: stdout.wasCut() || stderr.wasCut(),
  };
}

/** Used only if it makes a difference: setting even our own user requires root. */
function idsOf(user: CommandOptions["user"]): { uid?: number; gid?: number } {
  const isOther = user !== undefined && user !== null && user.uid !== process.getuid?.();
  return isOther ? { uid: user.uid, gid: user.gid } : {};
}

type Collected = { readonly done: Promise<void>; stop(): void; bytes(): Uint8Array; wasCut(): boolean };

/** Reads to the end and keeps the first `limit` bytes: an unread pipe would be buffered in memory without limit. */
function collect(stream: ReadableStream<Uint8Array>, limit: number): Collected {
  const reader = stream.getReader();
  const kept: Uint8Array[] = [];
  let bytes = 0;
  let isCut = false;
  const read = async (): Promise<void> => {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const room = limit - bytes;
      if (value.length > room) isCut = true;
      if (room <= 0) continue;
      kept.push(value.subarray(0, room));
      bytes += Math.min(room, value.length);
    }
  };
  return {
    done: read(),
    stop: () => void reader.cancel(),
    bytes: () => Buffer.concat(kept),
    wasCut: () => isCut,
  };
}

/** False if a process still held the pipes after the grace period. */
async function drained(clock: Clock, ...pipes: readonly Collected[]): Promise<boolean> {
  let wasHeld = false;
  const cancel = clock.setTimer(pipeGraceMs, () => {
    wasHeld = true;
    for (const pipe of pipes) pipe.stop();
  });
  await Promise.all(pipes.map((pipe) => pipe.done));
  cancel();
  return !wasHeld;
}

const keyboardSignals = ["SIGINT", "SIGQUIT"] as const;
/** Sent to this process alone: passed on, so that the caller can still clean up when the program has ended. */
const passedSignals = ["SIGTERM", "SIGHUP"] as const;

/** Gives the user's own terminal to a program until it ends; null: a signal ended it. Throws if it cannot be started. */
export async function runInTerminal(
  argv: readonly string[],
  options: {
    readonly env: Readonly<Record<string, string>>;
    readonly cwd: string;
    readonly user?: CommandOptions["user"];
  },
): Promise<number | null> {
  // Signals from the keyboard reach both; while the program has the terminal, it decides what they mean.
  const ignore = (): void => undefined;
  let running: { kill(signal: NodeJS.Signals): void } | null = null;
  const passers = passedSignals.map((signal) => [signal, (): void => running?.kill(signal)] as const);
  for (const signal of keyboardSignals) process.on(signal, ignore);
  for (const [signal, pass] of passers) process.on(signal, pass);
  try {
    const child = Bun.spawn(withWholePath(argv, options.env), {
      cwd: options.cwd,
      env: { ...options.env },
      ...idsOf(options.user),
      stdin: "inherit",
      stdout: "inherit",
      stderr: "inherit",
    });
    running = child;
    await child.exited;
    return child.signalCode === null ? child.exitCode : null;
  } finally {
    for (const signal of keyboardSignals) process.off(signal, ignore);
    for (const [signal, pass] of passers) process.off(signal, pass);
  }
}

/** A child with three pipes in a separate session, for `live-process.ts`. Throws if it cannot be started. */
export function spawnPiped(
  argv: readonly string[],
  options: {
    readonly env: Readonly<Record<string, string>>;
    readonly cwd: string;
    readonly user?: CommandOptions["user"];
    readonly mark?: InheritedMark | null;
  },
): Bun.PipedSubprocess {
  const command = withWholePath(argv, options.env);
  const start = (): Bun.PipedSubprocess =>
    Bun.spawn(command, {
      cwd: options.cwd,
      env: { ...options.env },
      ...idsOf(options.user),
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
      detached: true,
    });
  return options.mark === undefined || options.mark === null ? start() : options.mark.around(start);
}

/** Another copy of this program that takes over: same terminal, same group, and a channel of messages. */
export type StartedSuccessor = {
  readonly pid: number;
  /** False: it is gone. */
  send(message: object): boolean;
  kill(): void;
};

/** `descriptors` become its numbers 3, 4, ... Throws if it cannot be started. */
export function spawnSuccessor(
  argv: readonly string[],
  options: {
    /** This program's own: it is the same program. */
    readonly env: Readonly<Record<string, string>>;
    readonly cwd: string;
    readonly descriptors: readonly number[];
    readonly onMessage: (message: unknown) => void;
    /** Called once. */
    readonly onExit: (how: string) => void;
  },
): StartedSuccessor {
  let isGone = false;
  const child = Bun.spawn([...argv], {
    cwd: options.cwd,
    env: { ...options.env },
    stdio: ["inherit", "inherit", "inherit", ...options.descriptors],
    serialization: "json",
    ipc: options.onMessage,
    onExit(_child, code, signal) {
      isGone = true;
      options.onExit(signal === null ? `exit code ${code}` : `signal ${signal}`);
    },
  });
  return {
    pid: child.pid,
    send(message) {
      if (isGone) return false;
      try {
        child.send(message);
        return true;
      } catch {
        // It has closed its end: its exit is reported next.
        return false;
      }
    },
    kill: () => child.kill("SIGKILL"),
  };
}

/** Signals every process of the group that `pid` leads; one that is gone is not an error. */
export function signalGroup(pid: number, signal: "SIGTERM" | "SIGKILL"): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // ESRCH: the whole group is gone already. EPERM: macOS returns it for a group of zombies.
    if (errorCode(error) !== "ESRCH" && errorCode(error) !== "EPERM") throw error;
  }
}

/** Does a process with this id exist? (Another user's counts as well.) */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === "EPERM";
  }
}

/** Absolute path of a program, or null. A relative entry of the variable is skipped: it would run programs of the current folder. */
export function findOnPath(name: string, pathVariable: string | undefined): string | null {
  if (name === "") return null;
  if (name.includes("/")) return isProgram(resolve(name)) ? resolve(name) : null;
  for (const directory of (pathVariable ?? "").split(delimiter)) {
    if (!isAbsolute(directory)) continue;
    const candidate = join(directory, name);
    if (isProgram(candidate)) return candidate;
  }
  return null;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
