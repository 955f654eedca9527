// Runs a command as the program does, with streams that keep what is written and a home of its own.
// It must never see the developer's environment.

import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Writable } from "node:stream";
import type { CommandContext } from "../../src/commands/command.ts";
import { dispatch } from "../../src/commands/dispatch.ts";

export type Ran = { readonly code: number; readonly stdout: string; readonly stderr: string };

export type Home = {
  readonly dir: string;
  readonly stateDir: string;
  at(path: string): string;
  read(path: string): string;
  /** With the folders above it. */
  put(path: string, text: string, mode?: number): void;
  run(args: readonly string[], options?: RunOptions): Promise<Ran>;
  remove(): void;
};

export type RunOptions = {
  /** undefined takes a variable away. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Columns of the terminal; absent: stdout is no terminal. */
  readonly columns?: number;
  readonly serviceMachine?: CommandContext["serviceMachine"];
  readonly homeDirectory?: string;
  readonly workingDirectory?: string;
};

function keptStream(columns: number | null): { readonly stream: NodeJS.WriteStream; text(): string } {
  const pieces: string[] = [];
  const writable = new Writable({
    write(chunk, _encoding, done) {
      pieces.push(String(chunk));
      done();
    },
  });
  const stream = Object.assign(writable, {
    isTTY: columns !== null,
    columns: columns ?? 0,
  }) as NodeJS.WriteStream;
  return { stream, text: () => pieces.join("") };
}

export function ownHome(): Home {
  const dir = mkdtempSync(join(tmpdir(), "clawgate-command-"));
  const stateDir = join(dir, "state");
  const at = (path: string): string => join(dir, path);
  return {
    dir,
    stateDir,
    at,
    read: (path) => readFileSync(at(path), "utf8"),
    put(path, text, mode = 0o600) {
      mkdirSync(dirname(at(path)), { recursive: true });
      writeFileSync(at(path), text, { mode });
      chmodSync(at(path), mode);
    },
    async run(args, options = {}) {
      const out = keptStream(options.columns ?? null);
      const err = keptStream(null);
      const code = await dispatch({
        args,
        environment: {
          HOME: dir,
          CLAWGATE_STATE_DIR: stateDir,
          PATH: "/nonexistent",
          ...options.environment,
        },
        workingDirectory: options.workingDirectory ?? dir,
        homeDirectory: options.homeDirectory ?? dir,
        ...(options.serviceMachine === undefined ? {} : { serviceMachine: options.serviceMachine }),
        stdout: out.stream,
        stderr: err.stream,
        places: { processFolder: join(dir, "proc"), serviceFolders: [join(dir, "units")] },
      });
      return { code, stdout: out.text(), stderr: err.text() };
    },
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}
