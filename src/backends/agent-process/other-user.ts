// Runs the program as another user of the machine: whether that is possible here, and which of our files such a user may
// see. It must never fall back to the gateway's own user: the tenant is refused instead.

import { chmod, chown, lstat, mkdir, readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Account, accountOf, type UserIds } from "../../system/accounts.ts";
import { findOnPath, runCommand } from "../../system/process.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Its message is for the operator and says what to do. */
export class UserProblem extends Error {
  override readonly name = "UserProblem";
}

export type UserQuery = {
  /** The program's name in problems. */
  readonly programName: string;
  readonly tenant: string;
  /** As the config writes it: a number or a name. */
  readonly uid: string | number;
  /** Absolute. */
  readonly bin: string;
  readonly environment: Environment;
  /** This process's uid; undefined where the system has none. Default: read from the system. */
  readonly ownUid?: number | undefined;
  readonly accountOf?: typeof accountOf;
};

const askMs = 5_000;

/** Throws UserProblem. */
export async function resolveUser(query: UserQuery): Promise<Account> {
  const { tenant, uid, bin, environment } = query;
  const ownUid = "ownUid" in query ? query.ownUid : process.getuid?.();
  const refuse = (why: string): never => {
    throw new UserProblem(`tenants: the ${query.programName} of ${tenant} cannot run as user ${uid}: ${why}`);
  };
  if (ownUid === undefined) return refuse("this system has no such users. Remove `uid` from the tenant");
  const account = await (query.accountOf ?? accountOf)(uid, environment);
  if (account === null)
    return refuse("this machine has no such user with a home. Make one (useradd -m), or remove `uid`");
  if (account.uid === 0) return refuse("root cannot be isolated. Name another user");
  if (ownUid !== 0 && ownUid !== account.uid)
    return refuse(
      "only a gateway that runs as root may start programs as other users. Run it as root, or remove `uid`",
    );
  if (!(await canAccess(account, "-x", bin, environment)))
    return refuse(`it may not run ${bin}. Install the program where every user can run it, and set cli.bin`);
  return account;
}

/** Creates a folder with that user's own rights: a link that the user made leads nowhere the user could not go. */
export async function makeFolderAs(user: UserIds, path: string, environment: Environment): Promise<void> {
  const mkdirProgram = findOnPath("mkdir", environment["PATH"]) ?? "/bin/mkdir";
  const argv = [mkdirProgram, "-p", "-m", "700", "--", path];
  const { code, stderr } = await runCommand(argv, { timeoutMs: askMs, cwd: "/", user });
  if (code !== 0)
    throw new UserProblem(`the folder ${path} cannot be made as user ${user.uid}: ${stderr.trim()}`);
}

/** Whether that user can make this folder, those above it included. Nothing is made. */
export async function canMakeFolderAs(
  user: UserIds,
  path: string,
  environment: Environment,
): Promise<boolean> {
  let existing = path;
  while (existing !== "/" && !(await canAccess(user, "-e", existing, environment)))
    existing = dirname(existing);
  return canAccess(user, "-w", existing, environment);
}

/** Those of `paths` that this user can see. */
export async function visibleTo(
  user: UserIds,
  paths: readonly string[],
  environment: Environment,
): Promise<string[]> {
  const seen = await Promise.all(paths.map((path) => canAccess(user, "-e", path, environment)));
  return paths.filter((_path, index) => seen[index]);
}

async function canAccess(
  user: UserIds,
  what: "-x" | "-e" | "-w",
  path: string,
  environment: Environment,
): Promise<boolean> {
  const program = findOnPath("test", environment["PATH"]) ?? "/usr/bin/test";
  const { code } = await runCommand([program, what, path], { timeoutMs: askMs, cwd: "/", user });
  return code === 0;
}

/** A folder in which other users can open files by name but not list them. */
export type SharedFolder = {
  readonly path: string;
  /** Idempotent. Throws when the folder exists already. */
  make(): Promise<void>;
};

export function createSharedFolder(path: string, beforehand: () => Promise<void>): SharedFolder {
  let made: Promise<void> | null = null;
  const make = async (): Promise<void> => {
    await beforehand();
    await mkdir(path, { mode: 0o711 });
    await chmod(path, 0o711);
  };
  return {
    path,
    make() {
      made ??= make();
      made.catch(() => (made = null));
      return made;
    },
  };
}

/**
 * Makes what the gateway wrote readable for this user: files belong to the user, folders stay the gateway's, so that nothing
 * we write there can be replaced or removed.
 */
export async function giveTo(path: string, { uid, gid }: UserIds): Promise<void> {
  const found = await lstat(path);
  if (found.isDirectory()) {
    for (const name of await readdir(path)) await giveTo(join(path, name), { uid, gid });
    await chown(path, process.getuid?.() ?? 0, gid);
    await chmod(path, 0o750);
    return;
  }
  await chown(path, uid, gid);
  await chmod(path, 0o400);
}
