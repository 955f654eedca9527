// Starts a built program as a user would (an empty home, a key, the built-in demonstration) and asks it; for the figures of a release and
// for the trial of its targets. It must never touch the user's own home or state.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type StartedProgram = {
  readonly url: string;
  readonly pid: number;
  /** From the start of the process to the first answer to a request with the key. */
  readonly startMs: number;
  /** The gateway's own answer of /health. */
  readonly health: string;
  /** Settles with the exit code after SIGTERM; SIGKILL follows after 10 s. */
  stop(): Promise<number>;
};

const key = "a-key-that-is-only-used-in-this-trial";
const config = { auth: { keys: [key] }, providers: { demo: { backend: "demo", model: "demo" } } };

type StartOptions = {
  /** More for a program that is emulated. */
  readonly limitMs?: number;
  readonly env?: Readonly<Record<string, string>>;
};

/** Throws an Error with the end of the program's output if it does not answer in time. */
export async function startProgram(
  command: readonly string[],
  { limitMs = 20_000, env = {} }: StartOptions = {},
): Promise<StartedProgram> {
  const home = mkdtempSync(join(tmpdir(), "clawgate-started-"));
  const work = join(home, "work");
  mkdirSync(work);
  const configPath = join(home, "config.yaml");
  writeFileSync(configPath, JSON.stringify(config), { mode: 0o600 });
  const outputPath = join(home, "output");
  const startedMs = performance.now();
  const child = Bun.spawn([...command, "serve", "--config", configPath, "--port", "0"], {
    cwd: work,
    env: { ...homeVariables(home), ...env },
    stdin: "ignore",
    stdout: Bun.file(outputPath),
    stderr: Bun.file(`${outputPath}.err`),
  });
  const output = (): string => textOf(outputPath) + textOf(`${outputPath}.err`);
  const stop = async (): Promise<number> => {
    child.kill("SIGTERM");
    const kill = setTimeout(() => child.kill("SIGKILL"), 10_000);
    const code = await child.exited;
    clearTimeout(kill);
    rmSync(home, { recursive: true, force: true });
    return code;
  };
  try {
    const isLate = (): boolean => performance.now() - startedMs > limitMs || child.exitCode !== null;
    const { url, startMs } = await firstAnswer(output, startedMs, isLate);
    const health = await (await fetch(`${url}/health`)).text();
    return { url, pid: child.pid, startMs, health, stop };
  } catch (error) {
    const end = output().slice(-800);
    await stop();
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n${end}`, { cause: error });
  }
}

/** What /health says that no fresh start may have; null: it is healthy and keeps its state on the disk. */
export function healthProblem(health: string): string | null {
  const { status, state } = JSON.parse(health) as {
    readonly status?: string;
    readonly state?: { readonly store?: string; readonly detail?: string | null };
  };
  if (status !== "ok") return `/health is ${status}`;
  return state?.store === "ok" ? null : `its state is not kept: ${state?.detail ?? state?.store}`;
}

async function firstAnswer(
  output: () => string,
  startedMs: number,
  isLate: () => boolean,
): Promise<{ readonly url: string; readonly startMs: number }> {
  for (;;) {
    const url = /"message":"listening","url":"([^"]+)"/.exec(output())?.[1];
    if (url !== undefined) {
      const answer = await fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${key}` } }).catch(
        () => null,
      );
      if (answer?.status === 200) {
        await answer.text();
        return { url, startMs: performance.now() - startedMs };
      }
      if (answer !== null) throw new Error(`a request with the key was answered with ${answer.status}`);
    }
    if (isLate()) throw new Error("the program did not answer");
    await Bun.sleep(2);
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}

/** Without these nothing on Windows reaches the network. */
const windowsNames = ["SystemRoot", "SystemDrive", "TEMP", "TMP"] as const;

const homeVariables = (home: string): Record<string, string> => ({
  ...Object.fromEntries(
    windowsNames.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value] as const];
    }),
  ),
  PATH: process.env["PATH"] ?? "/usr/bin:/bin",
  HOME: home,
  XDG_CONFIG_HOME: join(home, "config"),
  XDG_STATE_HOME: join(home, "state"),
  XDG_DATA_HOME: join(home, "data"),
  XDG_CACHE_HOME: join(home, "cache"),
  CLAWGATE_STATE_DIR: join(home, "clawgate-state"),
  NO_PROXY: "localhost,127.0.0.1",
  LANG: "C.UTF-8",
});
