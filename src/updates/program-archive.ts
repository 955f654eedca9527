// Takes the program out of an archive of a release. It must never write anything else that is in there, wherever its path leads.

import { open } from "node:fs/promises";
import { unpackTar } from "modern-tar";
import { UpdateProblem } from "./update-problem.ts";

/** Writes the program of the archive to `path` (0755), which must not exist. Throws UpdateProblem, and what the file system throws. */
export async function unpackProgram(archive: string, path: string, programBytes: number): Promise<void> {
  const gunzip = new DecompressionStream("gzip");
  const program = await unpackTar(Bun.file(archive).stream().pipeThrough(gunzip), {
    strict: true,
    filter: ({ name, type = "file", size }) =>
      name === "clawgate" && type === "file" && size === programBytes,
  }).catch(() => {
    throw new UpdateProblem("the archive cannot be unpacked");
  });
  const [only] = program;
  if (program.length !== 1 || only?.data === undefined)
    throw new UpdateProblem("the archive does not hold the program that the release describes");
  const file = await open(path, "wx", 0o700);
  try {
    await file.writeFile(only.data);
    await file.chmod(0o755);
    await file.sync();
  } finally {
    await file.close();
  }
}
