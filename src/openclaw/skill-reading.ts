// Reads the files of one skill without following a link and never beyond the limits of a skill. It must never write.

import { join } from "node:path";
import { statIn, listNamesIn, readFileIn } from "../system/folder-files.ts";
import { openChildFolder, type FolderHandle } from "../system/folder-handle.ts";
import { maxDepth, maxBytes, maxFiles, type SkillFile } from "./skill-tree.ts";

/** Folders count as well: otherwise one skill could have any number of empty ones. */
const maxEntries = 2_000;

/** Files below a folder, or why they cannot be used. Nothing beyond the limits is read. Throws PathProblem. */
export async function filesOf(root: FolderHandle): Promise<readonly SkillFile[] | string> {
  const files: SkillFile[] = [];
  let bytes = 0;
  let entries = 0;
  const walk = async (folder: FolderHandle, inside: string, depth: number): Promise<string | null> => {
    if (depth >= maxDepth) return "its folders are nested too deeply";
    for (const name of await listNamesIn(folder, maxEntries)) {
      const place = inside === "" ? name : `${inside}/${name}`;
      entries += 1;
      if (entries > maxEntries) return `it has more than ${maxEntries} files and folders`;
      const found = await statIn(folder, name);
      if (found === null) return "it changed while it was being read";
      if (found.isDirectory()) {
        const inner = await openChildFolder(folder, name);
        if (inner === null) return "it changed while it was being read";
        try {
          const problem = await walk(inner, place, depth + 1);
          if (problem !== null) return problem;
        } finally {
          await inner.close();
        }
        continue;
      }
      if (!found.isFile()) return `${place} is a link or a device`;
      if (files.length >= maxFiles) return `it has more than ${maxFiles} files`;
      if (bytes + found.size > maxBytes) return `it is larger than ${maxBytes / 1024 / 1024} MB`;
      const read = await readFileIn(folder, name, maxBytes - bytes);
      if (read === null) return "it changed while it was being read";
      bytes += read.bytes.length;
      files.push({ path: place, bytes: read.bytes, isExecutable: (read.stats.mode & 0o111) !== 0 });
    }
    return null;
  };
  return (await walk(root, "", 0)) ?? files;
}

/** The same for one skill in a folder of skills. */
export async function filesIn(folder: FolderHandle, name: string): Promise<readonly SkillFile[] | string> {
  const inner = await openChildFolder(folder, name);
  if (inner === null) return `${join(folder.displayPath, name)} was removed in the meantime`;
  try {
    return await filesOf(inner);
  } finally {
    await inner.close();
  }
}
