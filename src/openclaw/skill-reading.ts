// The files of one skill, read without following a link and never beyond the bounds of a skill. It must never write.

import { constants } from "node:fs";
import { lstat, open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { pinFolder } from "./pinned-folder.ts";
import { deepestPath, mostBytes, mostFiles, type SkillFile } from "./skill-tree.ts";

/** Files below a folder, or why they cannot be used. Nothing beyond the bounds is read. */
export async function filesOf(root: string): Promise<readonly SkillFile[] | string> {
  const files: SkillFile[] = [];
  let bytes = 0;
  const walk = async (path: string, inside: string, depth: number): Promise<string | null> => {
    if (depth >= deepestPath) return "its folders are nested too deeply";
    const folder = await pinFolder(path);
    if (folder === null) return "it went away";
    try {
      for (const name of (await readdir(folder.path)).toSorted()) {
        const found = await lstat(join(folder.path, name));
        const place = inside === "" ? name : `${inside}/${name}`;
        if (found.isDirectory()) {
          const problem = await walk(join(folder.path, name), place, depth + 1);
          if (problem !== null) return problem;
          continue;
        }
        if (!found.isFile()) return `${place} is a link or a device`;
        bytes += found.size;
        if (bytes > mostBytes) return `it is larger than ${mostBytes / 1024 / 1024} MB`;
        if (files.length >= mostFiles) return `it has more than ${mostFiles} files`;
        files.push({ path: place, ...(await readPlain(join(folder.path, name))) });
      }
      return null;
    } finally {
      await folder.close();
    }
  };
  return (await walk(root, "", 0)) ?? files;
}

/** What became a link or grew since it was looked at is not followed. */
async function readPlain(path: string): Promise<Omit<SkillFile, "path">> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const found = await handle.stat();
    if (!found.isFile() || found.size > mostBytes)
      throw new Error("a file of a skill changed while it was read");
    return { bytes: await handle.readFile(), isExecutable: (found.mode & 0o111) !== 0 };
  } finally {
    await handle.close();
  }
}
