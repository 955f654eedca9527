// The npm packages of a release: `bun scripts/release/npm-packages.ts <release folder> <out>` writes a folder for each, to be published
// with `npm publish`, the platforms first. `clawgate` is a launcher; each platform's program is an optional package of its own.

import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { manifestIn, type ReleaseFile, unpackArchive } from "./release-folder.ts";

/** A scope has one owner: nobody else can publish a program under such a name. */
const scope = "@clawgate";

type Platform = { readonly name: string; readonly os: string; readonly cpu: string; readonly libc?: string };

/**
 * By target. Of x64 only the baseline program is packed: it runs on every CPU, package managers cannot choose by CPU flags, and
 * Bun's two base executables are the same bytes, so a second package would only double the download.
 */
const platforms: Readonly<Record<string, Platform>> = {
  "linux-x64-baseline": { name: "linux-x64", os: "linux", cpu: "x64", libc: "glibc" },
  "linux-x64-musl-baseline": { name: "linux-x64-musl", os: "linux", cpu: "x64", libc: "musl" },
  "linux-arm64": { name: "linux-arm64", os: "linux", cpu: "arm64", libc: "glibc" },
  "linux-arm64-musl": { name: "linux-arm64-musl", os: "linux", cpu: "arm64", libc: "musl" },
  "darwin-x64": { name: "darwin-x64", os: "darwin", cpu: "x64" },
  "darwin-arm64": { name: "darwin-arm64", os: "darwin", cpu: "arm64" },
  "windows-x64": { name: "windows-x64", os: "win32", cpu: "x64" },
};

export const npmTargets: readonly string[] = Object.keys(platforms);

const root = dirname(dirname(import.meta.dir));
const own = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  readonly description: string;
  readonly license: string;
  readonly homepage: string;
};

/** npm proves the origin of a package (provenance) by comparing this with the workflow's repository. */
function commonFields(version: string): object {
  const { description, license, homepage } = own;
  const where = homepage === "" ? {} : { homepage, repository: { type: "git", url: `git+${homepage}.git` } };
  return { version, description, license, ...where };
}

function writePackage(folder: string, manifest: object): void {
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
}

const documents = ["README.md", "LICENSE", "THIRD-PARTY-LICENSES.txt"];

/** The folder of one platform's package. */
function writePlatform(release: string, file: ReleaseFile, out: string, version: string): string | null {
  const platform = platforms[file.target];
  if (platform === undefined) return null;
  const { name, os, cpu, libc } = platform;
  const folder = join(out, name);
  const unpacked = join(folder, "unpacked");
  unpackArchive(release, file, unpacked);
  const program = os === "win32" ? "clawgate.exe" : "clawgate";
  mkdirSync(join(folder, "bin"), { recursive: true });
  cpSync(join(unpacked, program), join(folder, "bin", program));
  chmodSync(join(folder, "bin", program), 0o755);
  for (const document of documents.filter((each) => each !== "README.md"))
    if (existsSync(join(unpacked, document))) cpSync(join(unpacked, document), join(folder, document));
  rmSync(unpacked, { recursive: true });
  const title = `${scope}/${name}`;
  writeFileSync(
    join(folder, "README.md"),
    `# ${title}\n\nThe program of the package \`clawgate\` for ${name}.\n`,
  );
  writePackage(folder, {
    name: title,
    ...commonFields(version),
    os: [os],
    cpu: [cpu],
    ...(libc === undefined ? {} : { libc: [libc] }),
    // Yarn must not leave the program in a zip file.
    preferUnplugged: true,
    files: ["bin", "THIRD-PARTY-LICENSES.txt"],
  });
  return title;
}

function writeLauncher(out: string, version: string, names: readonly string[]): void {
  const folder = join(out, "clawgate");
  mkdirSync(join(folder, "bin"), { recursive: true });
  cpSync(join(root, "scripts", "packaging", "npm", "launcher.cjs"), join(folder, "bin", "clawgate.cjs"));
  chmodSync(join(folder, "bin", "clawgate.cjs"), 0o755);
  for (const document of documents)
    if (existsSync(join(root, document))) cpSync(join(root, document), join(folder, document));
  writePackage(folder, {
    name: "clawgate",
    ...commonFields(version),
    keywords: ["ai", "gateway", "router", "proxy", "openai", "anthropic", "claude", "openclaw"],
    bin: { clawgate: "bin/clawgate.cjs" },
    files: ["bin"],
    engines: { node: ">=18" },
    // Exactly this version: a launcher must never start another program than its own.
    optionalDependencies: Object.fromEntries(names.map((name) => [name, version])),
  });
}

/** Returns the folders in the order of publishing: the launcher last, when all that it needs is there. */
export function writeNpmPackages(release: string, out: string): readonly string[] {
  const { version, files } = manifestIn(release);
  rmSync(out, { recursive: true, force: true });
  const names = files.flatMap((file) => writePlatform(release, file, out, version) ?? []);
  if (names.length === 0) throw new Error(`the release in ${release} has no program that npm can carry`);
  writeLauncher(out, version, names);
  return [...names.map((name) => join(out, name.slice(scope.length + 1))), join(out, "clawgate")];
}

if (import.meta.main) {
  const [release, out] = process.argv.slice(2);
  if (release === undefined || out === undefined) {
    console.error("usage: npm-packages.ts <folder of the release> <folder to write>");
    process.exit(64);
  }
  try {
    for (const folder of writeNpmPackages(release, out)) console.log(folder);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  }
}
