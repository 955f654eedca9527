// The files of a release for package managers: Homebrew's formula, npm's packages and Helm's chart. They are made of the archives that
// lie in the release's folder already, listed in its checksums and published as they are.

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { ReleaseManifest } from "../../src/updates/release-files.ts";
import { packTarGz } from "./archive.ts";
import { chartName, filesBelow, packChart } from "./chart.ts";
import { formulaName, formulaTargets, writeFormula } from "./formula.ts";
import { npmTargets, writeNpmPackages } from "./npm-packages.ts";

export type PackageFiles = {
  /** Their names in the release's folder. */
  readonly names: readonly string[];
  /** What was left out, and why. */
  readonly left: readonly string[];
};

type Packing = {
  readonly root: string;
  /** The release's folder: read, and written to. */
  readonly files: string;
  /** A folder for what is in between. */
  readonly work: string;
  readonly manifest: ReleaseManifest;
  /** Where the releases are; null: nobody has said it yet. */
  readonly base: string | null;
  readonly time: Date;
};

export async function writePackageFiles(packing: Packing): Promise<PackageFiles> {
  const { root, files, manifest, base, time } = packing;
  const names: string[] = [];
  const left: string[] = [];
  const hasOneOf = (targets: readonly string[]): boolean =>
    manifest.files.some(({ target }) => targets.includes(target));
  if (base === null) left.push("no Homebrew formula: package.json has no homepage yet (or --base URL)");
  else if (!hasOneOf(formulaTargets))
    left.push("no Homebrew formula: none of the targets is one of Homebrew's");
  else {
    writeFormula(manifest, base, join(files, formulaName));
    names.push(formulaName);
  }
  if (hasOneOf(npmTargets)) names.push(...(await packNpm(packing)));
  else left.push(`no npm packages: none of the targets is one of ${npmTargets.join(", ")}`);
  writeFileSync(join(files, chartName(manifest.version)), await packChart(root, manifest.version, time));
  names.push(chartName(manifest.version));
  return { names, left };
}

/** As `npm pack` would name the folder, and as `npm publish <file>` takes it. */
async function packNpm({ files, work, manifest, time }: Packing): Promise<readonly string[]> {
  const out = join(work, "npm");
  mkdirSync(out, { recursive: true });
  const names: string[] = [];
  for (const folder of writeNpmPackages(files, out)) {
    const content = filesBelow(folder).map(({ name, bytes }) => ({
      name: `package/${name}`,
      bytes,
      isProgram: name.startsWith("bin/"),
    }));
    // The launcher's package is the last of the folders, and has no platform in its name.
    const platform = basename(folder) === "clawgate" ? "" : `${basename(folder)}-`;
    const name = `clawgate-npm-${platform}${manifest.version}.tgz`;
    writeFileSync(join(files, name), await packTarGz(content, time));
    names.push(name);
    rmSync(folder, { recursive: true });
  }
  return names;
}
