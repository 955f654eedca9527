// Starts the compiled program as a user would: an empty folder, a clean environment, a config file. Builds it if it is stale.
// It must never touch the developer's own home or state.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureBinary } from "../../scripts/build.ts";
import { type Finished, runProgram } from "./program-run.ts";

export type BinaryOptions = {
  /** YAML text, or an object that is written as JSON (which is YAML). null: no file, as at a first start. */
  readonly config: string | object | null;
  readonly args?: readonly string[];
  /** undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** The home of everything it writes. Default: a new temporary folder, removed by `stop`. */
  readonly dir?: string;
  /** Default: `binaryPath()`. */
  readonly program?: string;
  /** The maximum number of files and connections that it may open (`ulimit -n`). */
  readonly descriptors?: number;
  /** The user to run as; only root may set it. That user must then own the folders that the test made. */
  readonly user?: { readonly uid: number; readonly gid: number };
  /** False: its state directory cannot be used, so its address is read from its log. */
  readonly announces?: boolean;
};

export type RunningBinary = {
  /** Without a path. */
  readonly url: string;
  /** Lets the user's own commands use the write routes. */
  readonly token: string;
  readonly pid: number;
  readonly dir: string;
  readonly stateDir: string;
  readonly configPath: string;
  /** The folder in which it was started: empty, unless the test put something there. */
  readonly work: string;
  /** All output so far, both streams. */
  output(): string;
  stdout(): string;
  /** Settles when the output holds `text`; throws an Error with the output after 25 s. */
  waitForOutput(text: string): Promise<void>;
  signal(name: "SIGTERM" | "SIGINT" | "SIGHUP"): void;
  /** Settles with the exit code. */
  readonly exited: Promise<number>;
  /** SIGTERM, then SIGKILL after 10 s. Returns the exit code. */
  stop(): Promise<number>;
};

/** $CLAWGATE_BINARY, else dist/clawgate of exactly these sources. */
export function binaryPath(): string {
  return process.env["CLAWGATE_BINARY"] ?? ensureBinary();
}

/** The environment of a user's program: nothing of ours but PATH. */
export function cleanEnvironment(dir: string): Record<string, string> {
  return {
    PATH: process.env["PATH"] ?? "/usr/bin:/bin",
    HOME: dir,
    XDG_CONFIG_HOME: join(dir, "config"),
    XDG_STATE_HOME: join(dir, "state"),
    XDG_DATA_HOME: join(dir, "data"),
    XDG_CACHE_HOME: join(dir, "cache"),
    CLAWGATE_STATE_DIR: join(dir, "clawgate-state"),
    NO_PROXY: "localhost,127.0.0.1",
    LANG: "C.UTF-8",
  };
}

type Announcement = { readonly pid: number; readonly url: string; readonly token: string };

function readAnnouncement(path: string, pid: number): Announcement | null {
  try {
    const run = JSON.parse(readFileSync(path, "utf8")) as Announcement;
    return run.pid === pid ? run : null;
  } catch {
    return null;
  }
}

function readListening(printed: string, pid: number): Announcement | null {
  const url = /"message":"listening","url":"([^"]+)"/.exec(printed)?.[1];
  return url === undefined ? null : { pid, url, token: "" };
}

const startLimitMs = 25_000;

/** Runs the program to its end in `work`, for commands and for starts that must fail. Killed after 25 s. */
export function runBinary(
  args: readonly string[],
  work: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Finished> {
  const environment = { ...cleanEnvironment(work), ...env };
  return runProgram([binaryPath(), ...args], { cwd: work, env: environment, timeoutMs: startLimitMs });
}

/** Settles when /health answers. Throws an Error with the program's output if it does not within 25 s. */
export async function startBinary(options: BinaryOptions): Promise<RunningBinary> {
  const program = options.program ?? binaryPath();
  const dir = options.dir ?? mkdtempSync(join(tmpdir(), "clawgate-test-"));
  const env = { ...cleanEnvironment(dir), ...options.env };
  const stateDir = env["CLAWGATE_STATE_DIR"] ?? dir;
  const work = join(dir, "work");
  mkdirSync(work, { recursive: true });
  const configPath = join(dir, "clawgate.yaml");
  const { config } = options;
  if (config !== null)
    writeFileSync(configPath, typeof config === "string" ? config : JSON.stringify(config, null, 2), {
      mode: 0o600,
    });

  const named = config === null ? [] : ["--config", configPath];
  const argv = [program, "serve", ...named, "--port", "0", ...(options.args ?? [])];
  const limited = ["sh", "-c", `ulimit -n ${options.descriptors}; exec "$0" "$@"`, ...argv];
  const child = Bun.spawn(options.descriptors === undefined ? argv : limited, {
    cwd: work,
    env,
    ...options.user,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  let printed = "";
  let stdout = "";
  const wakers = new Set<() => void>();
  const collect = async (stream: ReadableStream<Uint8Array>, take: (text: string) => void): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      const text = decoder.decode(chunk, { stream: true });
      printed += text;
      take(text);
      for (const wake of wakers) wake();
    }
  };
  const collected = Promise.all([
    collect(child.stdout, (text) => {
      stdout += text;
    }),
    collect(child.stderr, () => undefined),
  ]);
  const waitForOutput = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const settle = (): void => {
        wakers.delete(look);
        clearTimeout(timer);
      };
      const look = (): void => {
        if (!printed.includes(text)) return;
        settle();
        resolve();
      };
      const timer = setTimeout(() => {
        settle();
        reject(new Error(`The gateway never said "${text}". It said:\n${printed}`));
      }, startLimitMs);
      wakers.add(look);
      look();
    });

  const stop = async (): Promise<number> => {
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
    const code = await child.exited;
    clearTimeout(timer);
    await collected;
    if (options.dir === undefined) rmSync(dir, { recursive: true, force: true });
    return code;
  };

  const deadline = performance.now() + startLimitMs;
  const runPath = join(stateDir, "run.json");
  for (;;) {
    const run =
      options.announces === false ? readListening(printed, child.pid) : readAnnouncement(runPath, child.pid);
    const health = run && (await fetch(`${run.url}/health`).catch(() => null));
    if (run && health?.ok)
      return {
        ...run,
        dir,
        stateDir,
        configPath,
        work,
        output: () => printed,
        stdout: () => stdout,
        waitForOutput,
        signal: (name) => child.kill(name),
        exited: child.exited,
        stop,
      };
    if (child.exitCode !== null || child.signalCode !== null || performance.now() > deadline) {
      const code = await stop();
      throw new Error(`The gateway did not come up (exit code ${code}). It said:\n${printed}`);
    }
    await Bun.sleep(20);
  }
}
