// The programs of a release as the container image takes them: `bun scripts/release/container-program.ts <release folder> <out>`.
// Then: docker buildx build --platform linux/amd64,linux/arm64 --build-context program=<out> -f scripts/packaging/container/Dockerfile .

import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { manifestIn, unpackArchive } from "./release-folder.ts";

/** By the builder's name of an architecture. An image does not know the CPU on which it will run, hence baseline. */
const targets = { amd64: "linux-x64-baseline", arm64: "linux-arm64" } as const;

function writeContainerProgram(release: string, out: string): void {
  const manifest = manifestIn(release);
  rmSync(join(out, "program"), { recursive: true, force: true });
  mkdirSync(join(out, "data"), { recursive: true });
  const made: string[] = [];
  for (const [architecture, target] of Object.entries(targets)) {
    const file = manifest.files.find((each) => each.target === target);
    if (file === undefined) continue;
    unpackArchive(release, file, join(out, "program", architecture));
    made.push(`linux/${architecture}`);
  }
  if (made.length === 0) throw new Error(`the release in ${release} has no program for Linux`);
  console.log(`${join(out, "program")}: version ${manifest.version} for ${made.join(", ")}`);
}

const [release, out] = process.argv.slice(2);
if (release === undefined || out === undefined) {
  console.error("usage: container-program.ts <folder of the release> <folder to write>");
  process.exit(64);
}
try {
  writeContainerProgram(release, out);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
