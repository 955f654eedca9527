// A scripted `docker`: containers are folders on this disk. It answers ps, inspect, network inspect, cp and exec from a
// file that the test writes, and logs every argv. It must never reach a real daemon.

import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export type FakeContainer = {
  readonly name: string;
  readonly image?: string;
  /** "running" (default) or "exited". */
  readonly state?: "running" | "exited";
  readonly labels?: Readonly<Record<string, string>>;
  /** As docker inspect's Mounts; a folder of this disk seen inside under `destination`. */
  readonly mounts?: readonly {
    readonly source: string;
    readonly destination: string;
    readonly isReadOnly?: boolean;
  }[];
  /** The folder that is the container's own file system: `exec` and `cp` use paths below it. */
  readonly root?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly networkMode?: string;
};

export type FakeDocker = {
  /** Folder with the program `docker`, for PATH. */
  readonly binDir: string;
  readonly path: string;
  /** Every call's arguments, oldest first. */
  calls(): readonly (readonly string[])[];
  write(containers: readonly FakeContainer[], options?: FakeDockerOptions): void;
};

export type FakeDockerOptions = {
  /** Gateway of the network "bridge"; null: there is no such network. */
  readonly bridgeGateway?: string | null;
  /** Every call fails as if no daemon were running. */
  readonly isDown?: boolean;
  /** A call whose arguments contain this text exits with 1. */
  readonly failOn?: string;
};

/** Needs only the Bun that runs the tests; `dir` is the test's own folder. */
export function fakeDocker(
  dir: string,
  containers: readonly FakeContainer[] = [],
  options: FakeDockerOptions = {},
): FakeDocker {
  const binDir = join(dir, "docker-bin");
  mkdirSync(binDir, { recursive: true });
  const world = join(binDir, "world.json");
  const log = join(binDir, "argv.log");
  const path = join(binDir, "docker");
  const script = join(import.meta.dir, "docker-program.ts");
  const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
  writeFileSync(
    path,
    `#!/bin/sh\nFAKE_DOCKER=${quoted(binDir)} exec ${quoted(process.execPath)} ${quoted(script)} "$@"\n`,
  );
  chmodSync(path, 0o755);
  const write: FakeDocker["write"] = (next, more = {}) =>
    writeFileSync(world, JSON.stringify({ containers: next, options: { ...options, ...more } }));
  write(containers);
  return {
    binDir,
    path,
    calls: () =>
      existsSync(log)
        ? readFileSync(log, "utf8")
            .trim()
            .split("\n")
            .map((line) => JSON.parse(line) as string[])
        : [],
    write,
  };
}
