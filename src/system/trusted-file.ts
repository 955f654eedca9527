// Whether a file that was found may be trusted: it is the user's own, and no other user can write it. It must never open anything
// but a regular file: a pipe would block the process forever.

import { lstatSync, readFileSync, realpathSync, type Stats, statSync } from "node:fs";
import { dirname } from "node:path";
import { errorCode } from "./files.ts";

/** A file that exists and must not be trusted. The message is the reason, and what to do about it. */
export class UntrustedFile extends Error {
  override readonly name = "DistrustedFile";
}

/** No file written by hand is larger. */
export const maxFoundBytes = 1024 * 1024;

/** Null: it may be trusted, or it does not exist. */
export function untrustedReason(path: string): string | null {
  let target: string;
  let found: Stats;
  try {
    lstatSync(path);
    target = realpathSync(path);
    found = statSync(target);
  } catch (thrown) {
    const code = errorCode(thrown);
    if (code === "ENOENT" || code === "ENOTDIR") return isDanglingLink(path) ? "it is a broken link" : null;
    return `it cannot be inspected (${code ?? "unknown"})`;
  }
  // A folder is harmless; the reader reports it.
  if (found.isDirectory()) return null;
  if (!found.isFile()) return "it is not a regular file";
  if (found.size > maxFoundBytes) return `it is larger than ${maxFoundBytes / 1024} KB`;
  // Permission to rename in a folder decides what its names mean: the file's own folder, and that of a link to it.
  for (const place of new Set([target, dirname(target), dirname(path)])) {
    const reason = othersMayWrite(place);
    if (reason !== null) return reason;
  }
  return null;
}

function isDanglingLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink();
  } catch {
    return false;
  }
}

/** Why nothing in this folder would be read without being named; null: it would be. Throws for a folder that is not there. */
export const untrustedFolderReason = (path: string): string | null => othersMayWrite(realpathSync(path));

function othersMayWrite(path: string): string | null {
  const user = process.getuid?.();
  // On a system without owners and modes, they mean nothing.
  if (user === undefined) return null;
  const { uid, gid, mode } = statSync(path);
  // Root may do everything anyway.
  if (uid !== user && uid !== 0)
    return `${path} belongs to user ${uid}, and this program runs as user ${user}; chown it`;
  const isShared = (mode & 0o020) !== 0 && !isOwnGroup(user, gid);
  if (!isShared && (mode & 0o002) === 0) return null;
  const reason = `others may write to ${path} (mode ${(mode & 0o7777).toString(8)})`;
  // Such as /tmp, which everybody needs as it is.
  return (mode & 0o1000) !== 0 ? `${reason}; use a folder of your own` : `${reason}; chmod go-w ${path}`;
}

/** The group that many systems create for each user: with it a umask of 002 shares nothing. */
function isOwnGroup(user: number, gid: number): boolean {
  if (process.getgid?.() !== gid) return false;
  const name = nameOf("/etc/passwd", user);
  const group = lineOf("/etc/group", gid);
  if (name === null || group === null || group[0] !== name) return false;
  return (group[3] ?? "").split(",").every((member) => member === "" || member === name);
}

function nameOf(path: string, id: number): string | null {
  return lineOf(path, id)?.[0] ?? null;
}

function lineOf(path: string, id: number): readonly string[] | null {
  try {
    const lines = readFileSync(path, "utf8").split("\n");
    return lines.map((line) => line.split(":")).find((parts) => parts[2] === String(id)) ?? null;
  } catch {
    // Accounts that come from elsewhere: then the group is like any other.
    return null;
  }
}
