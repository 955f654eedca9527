// A scripted stand-in for the `claude` program: an executable that can be set as `bin`, and a record of its input.
// Directives in the last user text (claude/plan.ts) decide its answers, faults decide what goes wrong at its start.
// It must never be taken as proof of what the real program does: test/heavy runs that.

import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Faults } from "./claude/faults.ts";
import type { Entry } from "./claude/event-log.ts";
import { parsed } from "./upstream/json.ts";
import type { Json } from "./upstream/json.ts";

export type { Faults } from "./claude/faults.ts";

/** One process of the stand-in. */
export type ClaudeRun = {
  readonly pid: number;
  readonly argv: readonly string[];
  readonly cwd: string;
  /** Its arguments and environment; the values of keys and tokens are masked. */
  readonly env: Readonly<Record<string, string>>;
  /** The lines it read, in order; a line that is not JSON is `{ text }`. */
  readonly lines: readonly Json[];
  /** The lines it read and printed, in order, as `in:user`, `out:system/init`, `out:stream_event/message_start`, `signal:SIGTERM`. */
  readonly events: readonly string[];
  /** Null while it runs, and after SIGKILL. */
  readonly exitCode: number | null;
};

export type ScriptedClaude = {
  /** The executable. */
  readonly bin: string;
  readonly dir: string;
  /** Every process started so far, oldest first. Runs of `--version` and `auth status` are among them. */
  runs(): readonly ClaudeRun[];
  /** Those that used the protocol. */
  sessions(): readonly ClaudeRun[];
  /** From the next start on. Replaces earlier faults. */
  setFaults(faults: Faults): void;
  /** Settles when `fits` is true for the record; throws an Error with the record after 10 s. */
  waitFor(fits: (runs: readonly ClaudeRun[]) => boolean): Promise<void>;
  /** Kills the running processes and removes the folder. */
  remove(): void;
};

const limitMs = 10_000;

const cache = resolve(import.meta.dir, "..", "..", ".cache", "stand-in");

/**
 * The stand-in as one translated file, built once from these sources: it starts in three quarters of the time, and some tests
 * start it two thousand times.
 */
function translated(): string {
  const sources = ["claude", "upstream"].flatMap((folder) =>
    readdirSync(join(import.meta.dir, folder))
      .toSorted()
      .map((name) => join(import.meta.dir, folder, name)),
  );
  const key = Bun.hash([Bun.version, ...sources.map((path) => readFileSync(path, "utf8"))].join("\0"));
  const folder = join(cache, key.toString(36));
  const program = join(folder, "program.js");
  if (existsSync(program)) return program;
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, "new-"));
  const flags = ["--target=bun", "--format=cjs", "--bytecode", `--outdir=${work}`];
  const source = join(import.meta.dir, "claude", "program.ts");
  const built = Bun.spawnSync([process.execPath, "build", source, ...flags], { stdout: "ignore" });
  if (!built.success) throw new Error(`The stand-in cannot be translated:\n${built.stderr.toString()}`);
  try {
    renameSync(work, folder);
  } catch (error) {
    // Another process was quicker.
    rmSync(work, { recursive: true, force: true });
    if (!existsSync(program)) throw error;
  }
  return program;
}

export function scriptedClaude(faults: Faults = {}): ScriptedClaude {
  const dir = mkdtempSync(join(tmpdir(), "clawgate-claude-"));
  const bin = join(dir, "claude");
  const record = join(dir, "record.jsonl");
  // No shell in between: the started process itself gets the signals and the exact environment.
  writeFileSync(
    bin,
    `#!${process.execPath}\nconst { main } = require(${JSON.stringify(translated())});\nawait main(${JSON.stringify(dir)});\n`,
  );
  chmodSync(bin, 0o755);
  writeFileSync(record, "");

  const setFaults = (wanted: Faults): void => {
    const path = join(dir, "faults.json");
    writeFileSync(`${path}.new`, JSON.stringify(wanted));
    renameSync(`${path}.new`, path);
  };
  setFaults(faults);
  const runs = (): readonly ClaudeRun[] => runsOf(readFileSync(record, "utf8"));

  return {
    bin,
    dir,
    runs,
    sessions: () => runs().filter(({ argv }) => argv.includes("--input-format")),
    setFaults,
    async waitFor(fits) {
      const deadline = performance.now() + limitMs;
      while (!fits(runs())) {
        if (performance.now() > deadline)
          throw new Error(`The stand-in's record never fitted:\n${readFileSync(record, "utf8")}`);
        await Bun.sleep(5);
      }
    },
    remove() {
      for (const { pid, exitCode } of runs()) {
        if (exitCode !== null) continue;
        try {
          process.kill(pid, "SIGKILL");
        } catch {
          // Gone already: killed before it could write its end.
        }
      }
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

function runsOf(text: string): readonly ClaudeRun[] {
  type Growing = { -readonly [Key in keyof ClaudeRun]: ClaudeRun[Key] } & { lines: Json[]; events: string[] };
  const runs = new Map<number, Growing>();
  for (const line of text.split("\n")) {
    // The last line may not be completely written yet.
    const entry = parsed(line) as Entry | undefined;
    if (entry === undefined) continue;
    const { pid } = entry;
    if (entry.what === "start") {
      const { argv, cwd, env } = entry;
      // Deleted first: a process id may be reused, and the order is by start.
      runs.delete(pid);
      runs.set(pid, { pid, argv, cwd, env, lines: [], events: [], exitCode: null });
      continue;
    }
    const run = runs.get(pid);
    if (run === undefined) continue;
    if (entry.what === "in") {
      run.lines.push(entry.line);
      run.events.push(`in:${entry.name}`);
    } else if (entry.what === "out") run.events.push(`out:${entry.name}`);
    else if (entry.what === "signal") run.events.push(`signal:${entry.name}`);
    else if (entry.what === "exit") run.exitCode = entry.code;
  }
  return [...runs.values()];
}
