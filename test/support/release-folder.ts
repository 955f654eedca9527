// A release as a folder, made of programs that a test chooses: archives and release.json, as the release tool writes them.

import { createHash } from "node:crypto";
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { archiveName, manifestName, type ReleaseManifest } from "../../src/updates/release-files.ts";

/** By target: a shell script, or the file of a program. */
export type Programs = Readonly<Record<string, { readonly script: string } | { readonly file: string }>>;

/** Writes `<folder>/download/v<version>` as a server has it, and returns that folder. */
export function makeRelease(folder: string, version: string, programs: Programs): string {
  const release = join(folder, "download", `v${version}`);
  mkdirSync(release, { recursive: true });
  const files = Object.entries(programs).map(([target, program]) => {
    const content = mkdtempSync(join(tmpdir(), "clawgate-archive-"));
    try {
      const isWindows = target.startsWith("windows");
      const path = join(content, isWindows ? "clawgate.exe" : "clawgate");
      if ("file" in program) cpSync(program.file, path);
      else writeFileSync(path, program.script);
      chmodSync(path, 0o755);
      for (const name of ["README.md", "LICENSE", "THIRD-PARTY-LICENSES.txt"])
        writeFileSync(join(content, name), `${name} of ${target}\n`);
      const name = archiveName(target);
      // A fast compression: only that it is one matters here.
      const pack = isWindows
        ? ["zip", "-q", "-r", join(release, name), "."]
        : ["tar", "--use-compress-program=gzip -1", "-cf", join(release, name), "."];
      const said = Bun.spawnSync(pack, { cwd: content, stderr: "pipe" });
      if (!said.success) throw new Error(`${pack[0]}: ${said.stderr.toString()}`);
      const bytes = readFileSync(join(release, name));
      const sha256 = createHash("sha256").update(bytes).digest("hex");
      return { name, target, size: bytes.byteLength, program_size: statSync(path).size, sha256 };
    } finally {
      rmSync(content, { recursive: true, force: true });
    }
  });
  const manifest: ReleaseManifest = {
    version,
    commit: "0123456789ab",
    commit_time: "2026-11-30T12:00:00.000Z",
    files,
  };
  writeFileSync(join(release, manifestName), `${JSON.stringify(manifest, null, 2)}\n`);
  return release;
}
