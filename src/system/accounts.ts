// Users of this machine by name or id. It only asks the machine's user database; it must never invent a user.

import { findOnPath, runCommand } from "./process.ts";
import { readTextIfExists } from "./files.ts";

/** For starting a program. */
export type UserIds = { readonly uid: number; readonly gid: number };

export type Account = UserIds & {
  readonly name: string;
  /** Absolute. */
  readonly home: string;
};

const lookupTimeoutMs = 5_000;

/** Null: there is no such user, or it has no home. */
export async function accountOf(
  wanted: string | number,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Account | null> {
  // Users of a directory service are in no file.
  const getent = findOnPath("getent", environment["PATH"]);
  const listed =
    getent === null
      ? await readTextIfExists("/etc/passwd")
      : (await runCommand([getent, "passwd", String(wanted)], { timeoutMs: lookupTimeoutMs })).stdout;
  return accountIn(listed ?? "", wanted);
}

/** `text` in the format of passwd(5). */
export function accountIn(text: string, wanted: string | number): Account | null {
  for (const line of text.split("\n")) {
    const [name = "", , uid = "", gid = "", , home = ""] = line.split(":");
    if (wanted !== name && String(wanted) !== uid) continue;
    if (!/^\d+$/.test(uid) || !/^\d+$/.test(gid) || !home.startsWith("/")) continue;
    return { name, uid: Number(uid), gid: Number(gid), home };
  }
  return null;
}
