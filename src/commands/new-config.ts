// Where a command puts a new config: the place where a start looks first, or the one that was named. It must never write.

import { accessSync, constants, existsSync, realpathSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { isUnnamed, newConfigPath } from "../config/search.ts";
import { errorCode } from "../system/files.ts";
import { untrustedFolderReason } from "../system/trusted-file.ts";
import type { CommandContext } from "./command.ts";
import { offlineInput } from "./config-input.ts";

export type Place = {
  readonly path: string;
  readonly environmentPath: string;
  readonly exists: boolean;
  /** By --out: a start has to be told too. */
  readonly isNamed: boolean;
  /** A start in the working directory finds it there, and trusts the `.env` beside it only half. */
  readonly isFound: boolean;
  /** Why it is not the working directory's; null: it is, or it was named. */
  readonly why: string | null;
};

export type Wanted = {
  /** The value of --out. */
  readonly out: string | undefined;
  /** Files that are read and must stay as they are, so nothing is put into their folders. */
  readonly sources: readonly string[];
  /** Why nothing can be put where it would only be found; null: it can. */
  readonly refusal: string | null;
};

export function placeFor(context: CommandContext, { out, sources, refusal }: Wanted): Place {
  let why: string | null = null;
  const taken = new Set(out === undefined ? sources.map((path) => realFolder(dirname(path))) : []);
  const input = offlineInput(context, out);
  const usable = (folder: string): boolean => {
    const isTaken = taken.has(realFolder(folder));
    const reason = isTaken ? "the files that are imported lie there, and stay as they are" : refusal;
    why = reason ?? untrustedFolderReason(folder) ?? unwritableReason(folder);
    return why === null;
  };
  let named = newConfigPath(input, usable);
  // A variable may name the very file that is imported.
  if (taken.has(realFolder(dirname(named))) && why === null)
    named = newConfigPath({ ...input, environment: { ...input.environment, CLAWGATE_CONFIG: "" } }, usable);
  const isFolder = statSync(named, { throwIfNoEntry: false })?.isDirectory() === true;
  const path = isFolder ? join(named, "config.yaml") : named;
  return {
    path,
    environmentPath: join(dirname(path), ".env"),
    exists: existsSync(path),
    isNamed: out !== undefined,
    isFound: isUnnamed(input, path),
    why,
  };
}

function unwritableReason(folder: string): string | null {
  try {
    accessSync(folder, constants.W_OK);
    return null;
  } catch {
    return `${folder} cannot be written to`;
  }
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EPERM: "permission denied",
  EROFS: "the file system is read-only",
  ENOSPC: "no space is left",
  EDQUOT: "no space is left",
};

/** In words, with what to do about it. */
export function cannotWrite(path: string, thrown: unknown): Error {
  const code = errorCode(thrown);
  const why = code === null ? undefined : (reasons[code] ?? code);
  return new Error(
    `${path} cannot be written: ${why ?? (thrown instanceof Error ? thrown.message : String(thrown))}; --out FILE names another place`,
  );
}

function realFolder(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // It is not there yet: no other name leads to it.
    return path;
  }
}
