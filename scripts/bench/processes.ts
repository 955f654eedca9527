// The processes of one bench run: started here, measured from /proc, and always ended.
// Nothing else in the bench may start a process.

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

export type Runner = {
  readonly pid: number;
  readonly logFile: string;
  readonly exited: Promise<number>;
  stop(): Promise<void>;
};

export type BenchProcesses = {
  /** A server in a separate process group; its output goes to `<directory>/<name>.log`. */
  start(name: string, command: readonly string[], environment?: Readonly<Record<string, string>>): Runner;
  /** The output of a command that ends by itself. Throws if it fails or exceeds the limit. */
  capture(command: readonly string[], limitMs: number): Promise<string>;
  stopAll(): void;
};

const ticksPerSecond = 100;

export function openBenchProcesses(directory: string): BenchProcesses {
  const running = new Set<number>();
  let started = 0;

  function killGroup(pid: number): void {
    running.delete(pid);
    try {
      process.kill(-pid, "SIGKILL");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }

  return {
    start(name, command, environment = {}) {
      started += 1;
      const logFile = join(directory, `${started}-${name}.log`);
      const child = Bun.spawn([...command], {
        cwd: directory,
        env: cleanEnvironment(directory, environment),
        stdin: "ignore",
        stdout: Bun.file(logFile),
        stderr: Bun.file(`${logFile}.err`),
        detached: true,
      });
      running.add(child.pid);
      return {
        pid: child.pid,
        logFile,
        exited: child.exited,
        async stop() {
          killGroup(child.pid);
          await child.exited;
        },
      };
    },
    async capture(command, limitMs) {
      const child = Bun.spawn([...command], {
        cwd: directory,
        env: cleanEnvironment(directory, {}),
        stdin: "ignore",
        stdout: "pipe",
        stderr: "pipe",
        detached: true,
      });
      running.add(child.pid);
      const limit = setTimeout(() => killGroup(child.pid), limitMs);
      const [output, errors, code] = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
        child.exited,
      ]);
      clearTimeout(limit);
      running.delete(child.pid);
      if (code !== 0) throw new Error(`${command[0]} ended with ${code}: ${errors.slice(-500)}`);
      return output;
    },
    stopAll() {
      for (const pid of running) killGroup(pid);
    },
  };
}

// No proxy variable may reach a target: Bun's fetch would send loopback traffic through it.
function cleanEnvironment(directory: string, own: Readonly<Record<string, string>>): Record<string, string> {
  return { PATH: process.env["PATH"] ?? "/usr/bin:/bin", HOME: directory, ...own };
}

/** User and system time of the whole process tree so far. */
export function cpuMs(root: number): number {
  const ticks = processTree(root).map((entry) => entry.ticks);
  return (ticks.reduce((sum, each) => sum + each, 0) * 1000) / ticksPerSecond;
}

/** Resident memory of the whole process tree. */
export function rssMb(root: number): number {
  const pages = processTree(root).map((entry) => entry.rssPages);
  return (pages.reduce((sum, each) => sum + each, 0) * 4096) / 1_000_000;
}

type Entry = {
  readonly pid: number;
  readonly parent: number;
  readonly ticks: number;
  readonly rssPages: number;
};

function processTree(root: number): Entry[] {
  const entries = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readEntry(Number(name)) ?? []);
  const tree = entries.filter((entry) => entry.pid === root);
  for (const member of tree) tree.push(...entries.filter((entry) => entry.parent === member.pid));
  return tree;
}

function readEntry(pid: number): Entry | null {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch (error) {
    // It ended between the listing and the read.
    if (["ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code ?? "")) return null;
    throw error;
  }
  // proc(5): the name may hold spaces, so count from its closing bracket; field 3 (state) is index 0 here.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const field = (number: number): number => Number(fields[number - 3] ?? 0);
  return { pid, parent: field(4), ticks: field(14) + field(15), rssPages: field(24) };
}

export function freePort(): number {
  const probe = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = probe;
  probe.stop(true);
  return port;
}

/** Polls until `url` answers 200. Returns the milliseconds it took; throws with the end of the log if it never does. */
export async function untilAnswering(url: string, runner: Runner, limitMs: number): Promise<number> {
  const startedAt = performance.now();
  let hasExited = false;
  void runner.exited.then(() => (hasExited = true));
  while (performance.now() - startedAt < limitMs && !hasExited) {
    const answer = await fetch(url, { signal: AbortSignal.timeout(1000) }).catch(() => null);
    await answer?.arrayBuffer();
    if (answer?.ok) return performance.now() - startedAt;
    await Bun.sleep(1);
  }
  const log = `${await Bun.file(runner.logFile).text()}${await Bun.file(`${runner.logFile}.err`).text()}`;
  throw new Error(`${url} ${hasExited ? "ended before it answered" : "never answered"}: ${log.slice(-1500)}`);
}
