// Puts pinned npm programs, and Debian's bubblewrap, into .cache/clients, once. It must never run a package's install
// scripts, nor install anything on the machine itself.

import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const cache = join(import.meta.dir, "..", "..", ".cache", "clients");

/**
 * The folder that holds `node_modules` with exactly these packages. `name` is the folder below .cache/clients,
 * `proof` a file below it that is there when an earlier installation is complete.
 */
export function installed(name: string, packages: readonly string[], proof: string): string {
  const folder = join(cache, `${name}-${Bun.hash(packages.join(" ")).toString(36)}`);
  if (existsSync(join(folder, proof))) return folder;
  console.log(`installing ${packages.join(", ")} into ${folder}`);
  // An installation that breaks off must not be taken for a complete one, whatever files it has written by then.
  const unfinished = `${folder}.${process.pid}`;
  mkdirSync(unfinished, { recursive: true });
  const flags = ["--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"];
  const retries = ["--fetch-retries=4", "--fetch-retry-mintimeout=2000"];
  const npm = Bun.spawnSync(["npm", "install", "--prefix", unfinished, ...flags, ...retries, ...packages], {
    stdout: "ignore",
    stderr: "inherit",
    timeout: 300_000,
  });
  const isComplete = npm.success && existsSync(join(unfinished, proof));
  rmSync(folder, { recursive: true, force: true });
  if (isComplete) renameSync(unfinished, folder);
  else {
    rmSync(unfinished, { recursive: true, force: true });
    throw new Error(`npm install ${packages.join(" ")} failed (exit code ${npm.exitCode}).`);
  }
  return folder;
}

/** The folder of a Python environment with this package in it; `program` is below its `bin`. */
export function installedPython(name: string, version: string, program: string): string {
  const folder = join(cache, `${name}-${version}`);
  if (existsSync(join(folder, "complete"))) return folder;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  console.log(`installing ${name} ${version} into ${folder}`);
  const step = (command: readonly string[]): void => {
    const done = Bun.spawnSync([...command], { stdout: "ignore", stderr: "inherit", timeout: 400_000 });
    if (!done.success) throw new Error(`${command.join(" ")} failed (exit code ${done.exitCode}).`);
  };
  step(["python3", "-m", "venv", folder]);
  // Wheels only: nothing of a package runs while it is installed.
  const flags = ["--quiet", "--disable-pip-version-check", "--only-binary", ":all:"];
  step([join(folder, "bin", "pip"), "install", ...flags, `${name}==${version}`]);
  if (!existsSync(join(folder, "bin", program)))
    throw new Error(`${name} ${version} has no program ${program}.`);
  writeFileSync(join(folder, "complete"), "");
  return folder;
}

/**
 * A folder with `bwrap` in it: the machine's own, else that of Debian's package, unpacked below .cache/clients and not
 * installed. Null where neither is to be had. Whether it may make a jail here is another question.
 */
export function bubblewrapFolder(): string | null {
  const own = Bun.which("bwrap");
  if (own !== null) return dirname(own);
  if (Bun.which("apt-get") === null || Bun.which("dpkg-deb") === null) return null;
  const folder = join(cache, "bubblewrap");
  const bin = join(folder, "usr", "bin");
  if (existsSync(join(bin, "bwrap"))) return bin;
  console.log(`unpacking bubblewrap into ${folder}`);
  const work = `${folder}.new`;
  rmSync(work, { recursive: true, force: true });
  for (const each of ["lists/partial", "cache/archives/partial"])
    mkdirSync(join(work, each), { recursive: true });
  // Lists of its own: those of the machine are often empty, and are not ours to fetch.
  const places = [
    "-o",
    `Dir::State::lists=${join(work, "lists")}`,
    "-o",
    `Dir::Cache=${join(work, "cache")}`,
  ];
  const step = (command: readonly string[]): boolean =>
    Bun.spawnSync([...command], { cwd: work, stdout: "ignore", stderr: "ignore", timeout: 120_000 }).success;
  const isThere =
    step(["apt-get", ...places, "update"]) &&
    step(["apt-get", ...places, "download", "bubblewrap"]) &&
    readdirSync(work)
      .filter((name) => name.endsWith(".deb"))
      .every((name) => step(["dpkg-deb", "-x", name, "unpacked"])) &&
    existsSync(join(work, "unpacked", "usr", "bin", "bwrap"));
  if (isThere) renameSync(join(work, "unpacked"), folder);
  rmSync(work, { recursive: true, force: true });
  return isThere ? bin : null;
}

/** For a client's environment: whatever is not on this machine is behind a proxy that nobody runs. */
export const offlineEnvironment: Readonly<Record<string, string>> = {
  HTTP_PROXY: "http://127.0.0.1:9",
  HTTPS_PROXY: "http://127.0.0.1:9",
  http_proxy: "http://127.0.0.1:9",
  https_proxy: "http://127.0.0.1:9",
  NO_PROXY: "127.0.0.1,localhost",
  no_proxy: "127.0.0.1,localhost",
};
