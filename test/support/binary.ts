// Starts the compiled program the way a user would: an empty folder, a clean environment, a config file. Builds it when stale.
// It must never touch the developer's own home or state.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureBinary } from "../../scripts/build.ts";

export type BinaryOptions = {
  /** YAML text, or an object that is written as JSON (which is YAML). */
  readonly config: string | object;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Home of everything it writes. Default: a new temporary folder, removed by `stop`. */
  readonly dir?: string;
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
  /** Everything printed so far, both streams. */
  output(): string;
  /** SIGTERM, then SIGKILL after 5 s. Gives the exit code. */
  stop(): Promise<number>;
};

/** $CLAWGATE_BINARY, else dist/clawgate of exactly these sources. */
export function binaryPath(): string {
  return process.env["CLAWGATE_BINARY"] ?? ensureBinary();
}

/** What a program of the user sees: nothing of ours but PATH. */
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

const startLimitMs = 10_000;

/** Settles when /health answers. Throws an Error with the program's output when it does not come up in 10 s. */
export async function startBinary(options: BinaryOptions): Promise<RunningBinary> {
  const program = binaryPath();
  const dir = options.dir ?? mkdtempSync(join(tmpdir(), "clawgate-test-"));
  const env = { ...cleanEnvironment(dir), ...options.env };
  const stateDir = env["CLAWGATE_STATE_DIR"] ?? dir;
  const work = join(dir, "work");
  mkdirSync(work, { recursive: true });
  const configPath = join(dir, "clawgate.yaml");
  const text = typeof options.config === "string" ? options.config : JSON.stringify(options.config, null, 2);
  writeFileSync(configPath, text, { mode: 0o600 });

  const child = Bun.spawn(
    [program, "serve", "--config", configPath, "--port", "0", ...(options.args ?? [])],
    { cwd: work, env, stdin: "ignore", stdout: "pipe", stderr: "pipe" },
  );
  let printed = "";
  const collect = async (stream: ReadableStream<Uint8Array>): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) printed += decoder.decode(chunk, { stream: true });
  };
  const collected = Promise.all([collect(child.stdout), collect(child.stderr)]);

  const stop = async (): Promise<number> => {
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), 5_000);
    const code = await child.exited;
    clearTimeout(timer);
    await collected;
    if (options.dir === undefined) rmSync(dir, { recursive: true, force: true });
    return code;
  };

  const deadline = performance.now() + startLimitMs;
  const runPath = join(stateDir, "run.json");
  for (;;) {
    const run = readAnnouncement(runPath, child.pid);
    const health = run && (await fetch(`${run.url}/health`).catch(() => null));
    if (run && health?.ok) return { ...run, dir, stateDir, configPath, output: () => printed, stop };
    if (child.exitCode !== null || child.signalCode !== null || performance.now() > deadline) {
      const code = await stop();
      throw new Error(`The gateway did not come up (exit code ${code}). It said:\n${printed}`);
    }
    await Bun.sleep(20);
  }
}
