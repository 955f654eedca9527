// Makes the files of a release: programs, archives, licences, bill of materials, release.json, checksums, signature, page. They come
// into being in a folder of their own and are moved to their place when all of them are there.

import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
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
import { compareVersions } from "../../src/updates/version-order.ts";
import { buildBinary } from "../build.ts";
import { installerName, installScript } from "../packaging/install-script.ts";
import { packTarGz, packZip, type PackedFile } from "./archive.ts";
import { baseExecutable, type PinnedRuntime } from "./base-executables.ts";
import { billName, billOfMaterials } from "./bill-of-materials.ts";
import { licencesName, thirdPartyLicences } from "./licences.ts";
import { type Measurements, measureProgram } from "./measurements.ts";
import { notesName, releaseNotes } from "./notes.ts";
import { writePackageFiles } from "./package-files.ts";
import { bundledPackages } from "./packages.ts";
import { manifestIn } from "./release-folder.ts";
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
  /** The address below which the releases will be; null: nobody has said it yet. */
  readonly base: string | null;
};

export type MadeRelease = {
  readonly folder: string;
  /** What was left out, and why. */
  readonly left: readonly string[];
};

export const releaseFolder = (out: string, version: string): string => join(out, "download", `v${version}`);

export async function makeRelease(plan: ReleasePlan): Promise<MadeRelease> {
  mkdirSync(plan.out, { recursive: true });
  const making = mkdtempSync(join(plan.out, ".making-"));
  const remove = (): void => rmSync(making, { recursive: true, force: true });
  const interrupted = (): never => {
    remove();
    console.error("interrupted: nothing of this release is left");
    process.exit(1);
  };
  for (const signal of signals) process.on(signal, interrupted);
  try {
    const files = join(making, "files");
    mkdirSync(files);
    const left = await writeFiles(plan, making, files);
    const latest = plan.version.includes("-") ? null : linksTo(files, join(making, "latest"));
    const folder = releaseFolder(plan.out, plan.version);
    await signalsSeen();
    mkdirSync(join(plan.out, "download"), { recursive: true });
    if (existsSync(folder)) throw new Error(`${folder} is there already`);
    renameSync(files, folder);
    if (latest !== null) replaceLatest(plan, latest, join(making, "old-latest"));
    return { folder, left };
  } finally {
    for (const signal of signals) process.off(signal, interrupted);
    remove();
  }
}

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Packing keeps the event loop, which is where a signal is noticed, for seconds. */
const signalsSeen = (): Promise<void> => Bun.sleep(1);

/** Returns what was left out, and why. */
async function writeFiles(plan: ReleasePlan, making: string, files: string): Promise<readonly string[]> {
  const { root, version, commit, pinned, base } = plan;
  const bundled = bundledPackages(root);
  const licences = thirdPartyLicences(root, bundled);
  writeFileSync(join(files, licencesName), licences);
  const subject = {
    version,
    commit: commit.id,
    commitTime: commit.time.toISOString(),
    bunVersion: pinned.version,
  };
  writeFileSync(join(files, billName(version)), billOfMaterials(subject, bundled));
  const rows: ReleaseManifest["files"][number][] = [];
  let measured: Measurements | null = null;
  for (const target of plan.targets) {
    const program = await buildTarget(plan, target, making);
    if (target === ownTarget) measured = await measureProgram(program);
    rows.push(await packTarget(plan, target, { program, files, licences }));
    rmSync(program);
    await signalsSeen();
  }
  const manifest = manifestSchema.parse({
    version,
    commit: commit.id,
    commit_time: commit.time.toISOString(),
    files: rows,
  });
  writeFileSync(join(files, manifestName), `${JSON.stringify(manifest, null, 2)}\n`);
  const packing = { root, files, work: making, manifest, base, time: commit.time };
  const packages = await writePackageFiles(packing);
  await signalsSeen();
  const installer = installScript({ publicKey: plan.publicKey, releases: base ?? "" });
  writeFileSync(join(files, installerName), installer, { mode: 0o755 });
  const others = [manifestName, billName(version), licencesName, installerName, ...packages.names];
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
    packages: packages.names,
  };
  writeFileSync(join(files, notesName), releaseNotes(notes));
  return packages.left;
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

/** The same files under another address, in a folder of their own. Returns the folder. */
function linksTo(files: string, folder: string): string {
  mkdirSync(folder);
  for (const name of readdirSync(files)) {
    try {
      linkSync(join(files, name), join(folder, name));
    } catch {
      copyFileSync(join(files, name), join(folder, name));
    }
  }
  return folder;
}

/** `latest` holds the newest release that is not a trial of one. */
function replaceLatest({ out, version }: ReleasePlan, fresh: string, old: string): void {
  const latest = join(out, "latest", "download");
  mkdirSync(join(out, "latest"), { recursive: true });
  if (existsSync(join(latest, manifestName)) && compareVersions(manifestIn(latest).version, version) > 0)
    return;
  if (existsSync(latest)) renameSync(latest, old);
  renameSync(fresh, latest);
}

const sha256Of = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** The target that this machine can run. */
const ownTarget = `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
