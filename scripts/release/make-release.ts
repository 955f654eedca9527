// Makes the files of a release: programs, archives, licences, bill of materials, release.json, checksums, signature, page. They come
// into being in a folder of their own and are moved to their place when all of them are there.

import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import {
  archiveName,
  checksumsName,
  manifestName,
  manifestSchema,
  type ReleaseManifest,
  type ReleaseTarget,
  signatureName,
} from "../../src/updates/release-files.ts";
import { buildBinary } from "../build.ts";
import { packTarGz, packZip, type PackedFile } from "./archive.ts";
import { baseExecutable, type PinnedRuntime } from "./base-executables.ts";
import { billName, billOfMaterials } from "./bill-of-materials.ts";
import { filledInstaller, installerName } from "./installer.ts";
import { licencesName, thirdPartyLicences } from "./licences.ts";
import { type Measurements, measureProgram } from "./measurements.ts";
import { notesName, releaseNotes } from "./notes.ts";
import { bundledPackages } from "./packages.ts";
import type { Commit } from "./repository.ts";
import type { Signer } from "./signing.ts";

export type ReleasePlan = {
  readonly root: string;
  readonly version: string;
  readonly targets: readonly ReleaseTarget[];
  readonly commit: Commit;
  readonly changes: string;
  readonly pinned: PinnedRuntime;
  /** PEM that goes into the programs; null: they cannot update themselves. */
  readonly publicKey: string | null;
  readonly signer: Signer | null;
  readonly out: string;
};

export const releaseFolder = (out: string, version: string): string => join(out, "download", `v${version}`);

/** Returns the folder of the release. */
export async function makeRelease(plan: ReleasePlan): Promise<string> {
  mkdirSync(plan.out, { recursive: true });
  const making = mkdtempSync(join(plan.out, ".making-"));
  try {
    const files = join(making, "files");
    mkdirSync(files);
    await writeFiles(plan, making, files);
    const place = releaseFolder(plan.out, plan.version);
    mkdirSync(join(plan.out, "download"), { recursive: true });
    if (existsSync(place)) throw new Error(`${place} is there already`);
    renameSync(files, place);
    if (!plan.version.includes("-")) linkLatest(plan.out, place);
    return place;
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
}

async function writeFiles(plan: ReleasePlan, making: string, files: string): Promise<void> {
  const { root, version, commit, pinned } = plan;
  const packages = bundledPackages(root);
  const licences = thirdPartyLicences(root, packages);
  writeFileSync(join(files, licencesName), licences);
  const subject = {
    version,
    commit: commit.id,
    commitTime: commit.time.toISOString(),
    bunVersion: pinned.version,
  };
  writeFileSync(join(files, billName(version)), billOfMaterials(subject, packages));
  const rows: ReleaseManifest["files"][number][] = [];
  let measured: Measurements | null = null;
  for (const target of plan.targets) {
    const program = await buildTarget(plan, target, making);
    if (target === ownTarget) measured = await measureProgram(program);
    rows.push(await packTarget(plan, target, { program, files, licences }));
    rmSync(program);
  }
  const manifest = manifestSchema.parse({
    version,
    commit: commit.id,
    commit_time: commit.time.toISOString(),
    files: rows,
  });
  writeFileSync(join(files, manifestName), `${JSON.stringify(manifest, null, 2)}\n`);
  const others = [manifestName, billName(version), licencesName, ...writeInstaller(plan, files)];
  const named = [...rows.map(({ name }) => name), ...others].toSorted();
  const checksums = named.map((name) => `${sha256Of(readFileSync(join(files, name)))}  ${name}\n`).join("");
  writeFileSync(join(files, checksumsName), checksums);
  if (plan.signer !== null)
    writeFileSync(join(files, signatureName), plan.signer.sign(new TextEncoder().encode(checksums)));
  // Not among the checksums: it holds them, and figures that differ from run to run.
  const notes = {
    manifest,
    changes: plan.changes,
    measured,
    measuredTarget: ownTarget,
    checksums,
    isSigned: plan.signer !== null,
  };
  writeFileSync(join(files, notesName), releaseNotes(notes));
}

/** The names of what was written. */
function writeInstaller({ root, publicKey }: ReleasePlan, files: string): readonly string[] {
  const source = join(root, "scripts", installerName);
  if (!existsSync(source)) return [];
  const { homepage } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    readonly homepage: string;
  };
  const script = filledInstaller(readFileSync(source, "utf8"), publicKey, homepage);
  writeFileSync(join(files, installerName), script, { mode: 0o755 });
  return [installerName];
}

async function buildTarget(plan: ReleasePlan, target: ReleaseTarget, making: string): Promise<string> {
  const places = { cache: join(plan.root, ".cache", "base-executables"), folder: join(making, "bases") };
  mkdirSync(places.cache, { recursive: true });
  const base = await baseExecutable(target, plan.pinned, places);
  const keyPath = join(making, "public-key.pem");
  if (plan.publicKey !== null) writeFileSync(keyPath, plan.publicKey);
  const made = buildBinary({
    target: `bun-${target}`,
    // The name of the file becomes a part of the program.
    output: join(making, target, "clawgate"),
    version: plan.version,
    releaseKeyPath: keyPath,
    baseExecutable: base,
  });
  rmSync(join(places.folder, target), { recursive: true });
  return made;
}

async function packTarget(
  { root, commit }: ReleasePlan,
  target: ReleaseTarget,
  made: { readonly program: string; readonly files: string; readonly licences: string },
): Promise<ReleaseManifest["files"][number]> {
  const isWindows = target.startsWith("windows");
  const program = readFileSync(made.program);
  const text = (name: string, bytes: Uint8Array): PackedFile => ({ name, bytes, isProgram: false });
  const content: readonly PackedFile[] = [
    { name: isWindows ? "clawgate.exe" : "clawgate", bytes: program, isProgram: true },
    text("README.md", readFileSync(join(root, "README.md"))),
    text("LICENSE", readFileSync(join(root, "LICENSE"))),
    text(licencesName, new TextEncoder().encode(made.licences)),
  ];
  const archive = isWindows ? packZip(content, commit.time) : await packTarGz(content, commit.time);
  const name = archiveName(target);
  writeFileSync(join(made.files, name), archive);
  return {
    name,
    target,
    size: archive.byteLength,
    program_size: program.byteLength,
    sha256: sha256Of(archive),
  };
}

/** `latest` holds the newest release that is not a trial of one, as the same files under another address. */
function linkLatest(out: string, place: string): void {
  const latest = join(out, "latest", "download");
  rmSync(latest, { recursive: true, force: true });
  mkdirSync(latest, { recursive: true });
  const listed = readFileSync(join(place, checksumsName), "utf8").trim().split("\n");
  const names = listed.map((line) => line.slice(66));
  for (const name of [...names, checksumsName, signatureName, notesName]) {
    if (!existsSync(join(place, name))) continue;
    try {
      linkSync(join(place, name), join(latest, name));
    } catch {
      copyFileSync(join(place, name), join(latest, name));
    }
  }
}

const sha256Of = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** The target that this machine can run. */
const ownTarget = `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
