// The files of one skill, read without following a link and never beyond the bounds of a skill. It must never write.

import { join } from "node:path";
import { kindIn, namesIn, readIn } from "../system/pinned-files.ts";
import { pinChild, type PinnedFolder } from "../system/pinned-folder.ts";
import { deepestPath, mostBytes, mostFiles, type SkillFile } from "./skill-tree.ts";

/** Folders count as well: one skill could hold any number of empty ones. */
const mostEntries = 2_000;

/** Files below a folder, or why they cannot be used. Nothing beyond the bounds is read. Throws PathProblem. */
export async function filesOf(root: PinnedFolder): Promise<readonly SkillFile[] | string> {
  const files: SkillFile[] = [];
  let bytes = 0;
  let entries = 0;
  const walk = async (folder: PinnedFolder, inside: string, depth: number): Promise<string | null> => {
    if (depth >= deepestPath) return "its folders are nested too deeply";
    for (const name of await namesIn(folder, mostEntries)) {
      const place = inside === "" ? name : `${inside}/${name}`;
      entries += 1;
      if (entries > mostEntries) return `it has more than ${mostEntries} files and folders`;
      const found = await kindIn(folder, name);
      if (found === null) return "it changed while it was read";
      if (found.isDirectory()) {
        const inner = await pinChild(folder, name);
        if (inner === null) return "it changed while it was read";
        try {
          const problem = await walk(inner, place, depth + 1);
          if (problem !== null) return problem;
        } finally {
          await inner.close();
        }
        continue;
      }
      if (!found.isFile()) return `${place} is a link or a device`;
      if (files.length >= mostFiles) return `it has more than ${mostFiles} files`;
      if (bytes + found.size > mostBytes) return `it is larger than ${mostBytes / 1024 / 1024} MB`;
      const read = await readIn(folder, name, mostBytes - bytes);
      if (read === null) return "it changed while it was read";
      bytes += read.bytes.length;
      files.push({ path: place, bytes: read.bytes, isExecutable: (read.found.mode & 0o111) !== 0 });
    }
    return null;
  };
  return (await walk(root, "", 0)) ?? files;
}

/** One skill of a folder of them; the same. */
export async function filesIn(folder: PinnedFolder, name: string): Promise<readonly SkillFile[] | string> {
  const inner = await pinChild(folder, name);
  if (inner === null) return `${join(folder.shown, name)} went away`;
  try {
    return await filesOf(inner);
  } finally {
    await inner.close();
  }
}
