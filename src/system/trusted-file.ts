// Whether a file that was merely found may be believed: the user's own, and in nobody else's reach. It must never open what is
// no plain file: a pipe would hold the process up for ever.

import { lstatSync, readFileSync, realpathSync, type Stats, statSync } from "node:fs";
import { dirname } from "node:path";
import { errorCode } from "./files.ts";

/** A file that is there and may not be believed. Its message is the reason, and what to do about it. */
export class UntrustedFile extends Error {
  override readonly name = "DistrustedFile";
}

/** Nobody writes a larger one by hand. */
export const maxFoundBytes = 1024 * 1024;

/** Null: it may be believed, or it is not there. */
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
  // A folder is no trap; whoever reads it says so.
  if (found.isDirectory()) return null;
  if (!found.isFile()) return "it is not a regular file";
  if (found.size > maxFoundBytes) return `it is larger than ${maxFoundBytes / 1024} KB`;
  // Whoever may rename in a folder decides what its names mean: the file's own, and where a link to it lies.
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

function othersMayWrite(path: string): string | null {
  const user = process.getuid?.();
  // Where there are no owners and modes, they say nothing.
  if (user === undefined) return null;
  const { uid, gid, mode } = statSync(path);
  // Who is root may do everything anyway.
  if (uid !== user && uid !== 0)
    return `${path} belongs to user ${uid}, and this program runs as user ${user}; chown it`;
  const isShared = (mode & 0o020) !== 0 && !isOwnGroup(user, gid);
  if (!isShared && (mode & 0o002) === 0) return null;
  return `others may write to ${path} (mode ${(mode & 0o7777).toString(8)}); chmod go-w ${path}`;
}

/** The group that many systems give each user alone: with it a umask of 002 shares nothing. */
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
    // Accounts that come from elsewhere: then the group is one like any other.
    return null;
  }
}
