// Which file a path leads to now, so that a deleted or replaced file is detected. It must never throw.

import { statSync } from "node:fs";

export type FileFacts = {
  /** Device and inode. */
  readonly identity: string;
  readonly bytes: number;
};

/** Null if nothing can be found there, for any reason. */
export function fileFacts(path: string): FileFacts | null {
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    return found === undefined ? null : { identity: `${found.dev}:${found.ino}`, bytes: found.size };
  } catch {
    return null;
  }
}

export const identityOf = (path: string): string | null => fileFacts(path)?.identity ?? null;
