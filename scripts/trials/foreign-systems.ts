// Other processors and C libraries on this machine: emulators and system libraries, taken from packages into a folder (nothing is
// installed). Needs Debian's apt-get and dpkg, and Python's pip for the one library of musl systems that Debian does not have.

import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

type Processor = "x86_64" | "aarch64";

/** From this suite of Debian: the musl of an older one is too old for Bun's builds. */
const suite = "trixie";
const libraryWheel = "contourpy==1.3.3";

/** The path of qemu for this processor; throws with the reason when there is none and none can be fetched. */
export function emulatorOf(processor: Processor, folder: string): string {
  const name = `qemu-${processor}-static`;
  const installed = Bun.which(name) ?? Bun.which(`qemu-${processor}`);
  if (installed !== null) return installed;
  const kept = join(folder, "qemu", "usr", "bin", name);
  if (!existsSync(kept)) {
    const packages = join(folder, "qemu-package");
    mkdirSync(packages, { recursive: true });
    run(["apt-get", "download", "-qq", "qemu-user-static"], packages);
    unpack(packages, join(folder, "qemu"));
  }
  return kept;
}

/** Loader, C library and C++ library of a processor, as Debian has them. */
export function glibcLibraries(processor: Processor, folder: string): string {
  const place = join(folder, `glibc-${processor}`);
  if (!existsSync(place)) {
    fetchForeign(processor, ["libc6", "libgcc-s1", "libstdc++6"], place);
    // The packages hold /usr/lib only; the loader is asked for by its old name.
    if (!existsSync(join(place, "lib"))) symlinkSync("usr/lib", join(place, "lib"));
  }
  return place;
}

/** Musl's loader, and the C++ library that Alpine's package libstdc++ holds, out of a Python wheel that was built there. */
export function muslLibraries(processor: Processor, folder: string): string {
  const place = join(folder, `musl-${processor}`);
  const lib = join(place, "lib");
  if (existsSync(join(lib, "libstdc++.so.6"))) return place;
  rmSync(place, { recursive: true, force: true });
  const unpacked = join(folder, `musl-package-${processor}`);
  fetchForeign(processor, ["musl"], unpacked);
  mkdirSync(lib, { recursive: true });
  const loader = fileBelow(unpacked, /(?:^|\/)libc\.so$/);
  copyFileSync(loader, join(lib, `ld-musl-${processor}.so.1`));
  symlinkSync(`ld-musl-${processor}.so.1`, join(lib, `libc.musl-${processor}.so.1`));
  const wheels = join(folder, `wheel-${processor}`);
  mkdirSync(wheels, { recursive: true });
  const flags = ["--no-deps", "--only-binary=:all:", `--platform=musllinux_1_2_${processor}`];
  run(["python3", "-m", "pip", "download", "-q", ...flags, "--python-version=312", libraryWheel], wheels);
  run(["python3", "-m", "zipfile", "-e", fileBelow(wheels, /\.whl$/), wheels], wheels);
  for (const [pattern, name] of [
    [/\/libstdc\+\+-[^/]*$/, "libstdc++.so.6"],
    [/\/libgcc_s-[^/]*$/, null],
  ] as const) {
    const library = fileBelow(wheels, pattern);
    const own = library.slice(library.lastIndexOf("/") + 1);
    copyFileSync(library, join(lib, own));
    if (name !== null) symlinkSync(own, join(lib, name));
  }
  return place;
}

/** With lists of its own: this machine's package manager does not come to know of the other processor. */
function fetchForeign(processor: string, packages: readonly string[], place: string): void {
  const architecture = processor === "aarch64" ? "arm64" : "amd64";
  const work = `${place}.apt`;
  rmSync(work, { recursive: true, force: true });
  mkdirSync(join(work, "lists", "partial"), { recursive: true });
  const sources = join(work, "sources.list");
  const keys = "/usr/share/keyrings/debian-archive-keyring.gpg";
  writeFileSync(sources, `deb [arch=${architecture} signed-by=${keys}] ${debianMirror()} ${suite} main\n`);
  const options = [
    `APT::Architecture=${architecture}`,
    `APT::Architectures=${architecture}`,
    `Dir::State::lists=${join(work, "lists")}`,
    "Dir::Cache::pkgcache=",
    "Dir::Cache::srcpkgcache=",
    `Dir::Etc::sourcelist=${sources}`,
    "Dir::Etc::sourceparts=/dev/null",
  ].flatMap((option) => ["-o", option]);
  run(["apt-get", ...options, "-qq", "update"], work);
  run(["apt-get", ...options, "-qq", "download", ...packages], work);
  unpack(work, place);
  rmSync(work, { recursive: true, force: true });
}

function debianMirror(): string {
  const places = ["/etc/apt/sources.list", "/etc/apt/sources.list.d/debian.sources"].filter((path) =>
    existsSync(path),
  );
  for (const place of places) {
    const found = /^(?:deb\s+(?:\[[^\]]*\]\s+)?|URIs:\s*)(https?:\/\/\S+\/debian\/?)(?:\s|$)/m.exec(
      readFileSync(place, "utf8"),
    );
    if (found?.[1] !== undefined) return found[1];
  }
  throw new Error("this machine has no mirror of Debian in its sources");
}

function unpack(packages: string, place: string): void {
  mkdirSync(place, { recursive: true });
  for (const name of readdirSync(packages))
    if (name.endsWith(".deb")) run(["dpkg", "-x", join(packages, name), place], packages);
}

function fileBelow(folder: string, pattern: RegExp): string {
  const found = readdirSync(folder, { recursive: true, encoding: "utf8" }).find((path) =>
    pattern.test(`/${path}`),
  );
  if (found === undefined) throw new Error(`${folder} holds nothing like ${pattern}`);
  return join(folder, found);
}

function run(command: readonly string[], cwd: string): void {
  if (Bun.which(command[0] ?? "") === null) throw new Error(`${command[0]} is not on this machine`);
  const ran = Bun.spawnSync([...command], { cwd, stdout: "ignore", stderr: "pipe" });
  if (!ran.success) throw new Error(`${command[0]} failed: ${ran.stderr.toString().trim().slice(-300)}`);
}
