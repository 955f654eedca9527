// A release as it lies in a folder: its manifest and its archives, each checked against the manifest before it is unpacked.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { manifestName, manifestSchema, type ReleaseManifest } from "../../src/updates/release-files.ts";

export type ReleaseFile = ReleaseManifest["files"][number];

/** Throws an Error that names the file. */
export function readManifest(path: string): ReleaseManifest {
  const read = manifestSchema.safeParse(JSON.parse(readFileSync(path, "utf8")));
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw new Error(`${path} is no manifest of a release: ${issue?.path.join(".")}: ${issue?.message}`);
}

export const manifestIn = (folder: string): ReleaseManifest => readManifest(join(folder, manifestName));

/** Unpacks the archive of a target into a folder of its own. Throws if its bytes are not those of the manifest. */
export function unpackArchive(folder: string, file: ReleaseFile, into: string): void {
  const path = join(folder, file.name);
  const digest = createHash("sha256").update(readFileSync(path)).digest("hex");
  if (digest !== file.sha256)
    throw new Error(`${file.name} is not the file of the manifest: its sum is ${digest}`);
  mkdirSync(into, { recursive: true });
  const [program, args] = file.name.endsWith(".zip")
    ? ["unzip", ["-q", "-o", path, "-d", into]]
    : ["tar", ["-xzf", path, "-C", into, "--no-same-owner"]];
  const said = spawnSync(program as string, args as string[], { stdio: ["ignore", "ignore", "inherit"] });
  if (said.status !== 0)
    throw new Error(
      `${file.name} cannot be unpacked: ${said.error?.message ?? `${program} exits ${said.status}`}`,
    );
}
