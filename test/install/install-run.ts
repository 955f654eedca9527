// Runs install.sh as a user would: from a file, with a home of its own and only the programs that a test lets it find.

import { chmodSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { installScript } from "../../scripts/packaging/install-script.ts";
import { findOnPath } from "../../src/system/process.ts";
import type { Cleanups } from "../support/cleanups.ts";
import type { LocalRelease } from "../support/local-release.ts";

const shells: Readonly<Record<string, readonly string[]>> = {
  dash: ["dash"],
  "bash --posix": ["bash", "--posix"],
  "busybox ash": ["busybox", "ash"],
};

/** Those that are here; dash or bash is everywhere. */
export const shellsHere = Object.entries(shells).filter(
  ([, [program = ""]]) => findOnPath(program, process.env["PATH"]) !== null,
);

/** What the script calls on a bare Debian. */
const usualPrograms =
  "sh uname id sed head tail tr wc grep mktemp mkdir rmdir rm mv ln cp chmod dirname basename tar gzip sha256sum sleep cat curl openssl getconf ldd kill".split(
    " ",
  );

export type Installed = { readonly code: number; readonly stdout: string; readonly stderr: string };

export type Installer = {
  /** The home; programs go to `bin` in it. */
  readonly home: string;
  readonly bin: string;
  readonly script: string;
  /** A folder with the usual programs but for `without`, and with these scripts of the test. */
  programs(change: {
    readonly without?: readonly string[];
    readonly own?: Readonly<Record<string, string>>;
    readonly more?: readonly string[];
  }): string;
  start(args: readonly string[], options?: InstallOptions): Bun.Subprocess<"ignore", "pipe", "pipe">;
  run(args: readonly string[], options?: InstallOptions): Promise<Installed>;
  /** Everything in `bin`, hidden files too. */
  files(): readonly string[];
};

export type InstallOptions = {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly shell?: readonly string[];
  readonly path?: string;
  readonly user?: { readonly uid: number; readonly gid: number };
};

export function installer(release: LocalRelease, cleanups: Cleanups): Installer {
  // A space: every path of the script must be quoted.
  const home = join(cleanups.folder("clawgate-install-"), "a home");
  const bin = join(home, "bin");
  mkdirSync(bin, { recursive: true });
  const script = join(home, "install.sh");
  writeFileSync(script, installScript({ publicKey: release.key.publicPem, releases: "" }));
  const programs: Installer["programs"] = ({ without = [], own = {}, more = [] }) => {
    const folder = cleanups.folder("clawgate-programs-");
    for (const name of [...usualPrograms, ...more]) {
      const found = findOnPath(name, process.env["PATH"]);
      if (found !== null && !without.includes(name) && own[name] === undefined)
        symlinkSync(found, join(folder, name));
    }
    for (const [name, text] of Object.entries(own)) {
      writeFileSync(join(folder, name), text);
      chmodSync(join(folder, name), 0o755);
    }
    chmodSync(folder, 0o755);
    return folder;
  };
  let usual: string | null = null;
  const start: Installer["start"] = (args, options = {}) =>
    Bun.spawn([...(options.shell ?? ["sh"]), script, ...args], {
      cwd: home,
      env: {
        PATH: options.path ?? (usual ??= programs({})),
        HOME: home,
        SHELL: "/bin/bash",
        CLAWGATE_RELEASE_URL: release.url,
        ...options.env,
      },
      ...options.user,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      detached: true,
      timeout: 60_000,
      killSignal: "SIGKILL",
    });
  return {
    home,
    bin,
    script,
    programs,
    start,
    async run(args, options) {
      const child = start(["--dir", bin, ...args], {
        ...options,
        shell: (options?.shell ?? ["sh"]).map((word) => findOnPath(word, process.env["PATH"]) ?? word),
      });
      const [stdout, stderr, code] = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
        child.exited,
      ]);
      return { code, stdout, stderr };
    },
    files: () => readdirSync(bin).toSorted(),
  };
}
