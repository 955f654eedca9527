// The trial of a release: one commit, released twice, by two users in two folders with other settings, has the same files.

import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checksumsName, parseChecksums } from "../../src/updates/release-files.ts";
import { currentCommit } from "../release/repository.ts";
import type { Trial } from "./trial.ts";

const root = join(import.meta.dir, "..", "..");
const version = "0.0.1-trial";
const targets = "linux-x64-baseline,windows-x64";

/** One of each kind. */
const expected = [
  "release.json",
  "install.sh",
  "clawgate.rb",
  "clawgate-linux-x64-baseline.tar.gz",
  "clawgate-windows-x64.zip",
  `clawgate-npm-linux-x64-${version}.tgz`,
  `clawgate-npm-${version}.tgz`,
  `clawgate-chart-${version}.tgz`,
  `clawgate-${version}.cdx.json`,
  "THIRD-PARTY-LICENSES.txt",
];

export const releaseTrial: Trial = {
  purpose: "one commit released twice, elsewhere and by another user: the same files",
  async run(options) {
    const above = options.folder ?? mkdtempSync(join(tmpdir(), "clawgate-release-"));
    mkdirSync(above, { recursive: true });
    chmodSync(above, 0o755);
    try {
      // Whoever commits meanwhile must not change what the second one is made of.
      const commit = currentCommit(root).id;
      const one = release(join(above, "one"), { commit, umask: "022", env: { TZ: "UTC", LANG: "C" } });
      const two = release(join(above, "a-much-longer-name", "deeper", "two"), {
        commit,
        umask: "077",
        // Only root can be somebody else.
        ...(process.getuid?.() === 0 ? { user: 65_534 } : {}),
        env: { TZ: "Asia/Tokyo", LANG: "de_DE.UTF-8", NODE_ENV: "development", USER: "somebody" },
      });
      const names = [...new Set([...one.keys(), ...two.keys()])].toSorted();
      const rows = names.map((name) => ({ name, isSame: one.get(name) === two.get(name) }));
      return {
        lines: rows.map(({ name, isSame }) => `${isSame ? "held  " : "MISSED"} ${name} is the same twice`),
        isHeld: expected.every((name) => one.has(name)) && rows.every(({ isSame }) => isSame),
      };
    } finally {
      rmSync(above, { recursive: true, force: true });
    }
  },
};

type Builder = {
  readonly commit: string;
  readonly umask: string;
  readonly user?: number;
  readonly env: Readonly<Record<string, string>>;
};

/** The checksums of a release that was made in a clone of this repository. */
function release(folder: string, builder: Builder): ReadonlyMap<string, string> {
  mkdirSync(join(folder, ".."), { recursive: true });
  run(["git", "-c", "safe.directory=*", "clone", "--quiet", "--no-hardlinks", root, folder]);
  run(["git", "-c", "safe.directory=*", "-C", folder, "checkout", "--quiet", "--detach", builder.commit]);
  run(["cp", "-al", join(root, "node_modules"), join(folder, "node_modules")]);
  const bases = join(folder, ".cache", "base-executables");
  mkdirSync(bases, { recursive: true });
  const kept = join(root, ".cache", "base-executables");
  if (existsSync(kept)) for (const name of readdirSync(kept)) run(["cp", join(kept, name), bases]);
  const home = mkdtempSync(join(folder, "..", "home-"));
  const out = join(home, "out");
  const { user, umask, env } = builder;
  if (user !== undefined) {
    // node_modules are links to this user's own files, and stay theirs: the other one only reads.
    for (const place of [home, join(folder, ".cache")]) run(["chown", "-R", `${user}`, place]);
    for (const place of [join(folder, ".."), join(folder, "..", "..")]) chmodSync(place, 0o755);
  }
  const base = "https://example.org/clawgate/releases";
  const flags = ["--version", version, "--targets", targets, "--base", base, "--skip-tests", "--out", out];
  const words = [process.execPath, "--no-env-file", join(folder, "scripts", "release", "run.ts"), ...flags];
  run(["sh", "-c", 'umask "$1"; shift; exec "$@"', "sh", umask, ...words], {
    cwd: user === undefined ? folder : home,
    env: { PATH: process.env["PATH"] ?? "", HOME: home, ...env },
    ...(user === undefined ? {} : { uid: user }),
  });
  return parseChecksums(readFileSync(join(out, "download", `v${version}`, checksumsName), "utf8"));
}

type RunOptions = {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly uid?: number;
};

function run(command: readonly string[], options: RunOptions = {}): void {
  const ran = Bun.spawnSync([...command], { ...options, stdout: "ignore", stderr: "pipe" });
  if (!ran.success) throw new Error(`${command[0]} failed: ${ran.stderr.toString().trim().slice(-800)}`);
}
