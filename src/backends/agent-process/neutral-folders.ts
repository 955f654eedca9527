// Empty folders whose names reveal neither tenant, user nor gateway: some programs report their folder to their vendor. They
// belong to one run of the gateway, which must never put anything into them, nor use one that another user made.

import { chmod, chown, lstat, mkdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import type { UserIds } from "../../system/accounts.ts";
import { errorCode } from "../../system/files.ts";
import { sha256Hex } from "../../system/secret.ts";

export type NeutralFolders = {
  /** One for each tenant (null: for requests without one) and user; null where there is no place, or another user owns it. */
  of(tenant: string | null, user: UserIds | null): Promise<string | null>;
  /**
   * Recreates it if the machine has cleaned up; any other path is returned unchanged. Another folder if another user now owns the
   * place, null if there is none.
   */
  renew(path: string): Promise<string | null>;
  close(): Promise<void>;
};

/** The gateway's id lets its successor find what it left. The first writable place is used. */
export function neutralFolderPaths(gatewayId: string): readonly string[] {
  const name = `work-${sha256Hex(gatewayId).slice(0, 10)}`;
  // The user's own temporary folder comes last: its path may contain a name.
  const bases = process.platform === "win32" ? [tmpdir()] : ["/tmp", "/var/tmp", tmpdir()];
  return [...new Set(bases)].map((base) => join(base, name));
}

export function createNeutralFolders(options: {
  readonly places: readonly string[];
  /** Prerequisite that lets the folder be found when this run is gone. */
  readonly beforehand: () => Promise<void>;
  /** Called once when there is no place for one. */
  readonly onNone: (error: unknown) => void;
}): NeutralFolders {
  const users = new Map<string, UserIds | null>();
  const paths = new Map<string, string>();
  let root: Promise<string | null> | null = null;

  let isReported = false;
  const tell = (error: unknown): void => {
    if (!isReported) options.onNone(error);
    isReported = true;
  };

  const findRoot = async (): Promise<string | null> => {
    let trouble: unknown = null;
    await options.beforehand();
    for (const place of options.places)
      try {
        await makeOwn(place, 0o711, null);
        return place;
      } catch (error) {
        trouble = error;
      }
    tell(trouble);
    return null;
  };

  /** The first place comes first; another user who saw its name may have taken it after a clean-up. */
  const ensured = async (path: string, user: UserIds | null): Promise<string | null> => {
    let trouble: unknown = null;
    const first = dirname(path);
    for (const place of [first, ...options.places.filter((each) => each !== first)])
      try {
        const found = join(place, basename(path));
        await makeOwn(place, 0o711, null);
        await makeOwn(found, 0o700, user);
        isReported = false;
        return found;
      } catch (error) {
        trouble = error;
      }
    tell(trouble);
    return null;
  };

  return {
    async of(tenant, user) {
      root ??= findRoot();
      root.catch(() => (root = null));
      const place = await root;
      if (place === null) return null;
      const key = JSON.stringify([tenant, user?.uid ?? null]);
      const path = paths.get(key) ?? join(place, String(paths.size + 1));
      paths.set(key, path);
      users.set(path, user);
      return ensured(path, user);
    },
    async renew(path) {
      const user = users.get(path);
      return user === undefined ? path : ensured(path, user);
    },
    async close() {
      const place = await root?.catch(() => null);
      if (place !== null && place !== undefined)
        for (const each of options.places) await removeOwnFolder(each);
    },
  };
}

/** Leaves alone what another user created there meanwhile. */
export async function removeOwnFolder(place: string): Promise<void> {
  const own = process.getuid?.();
  const found = await lstat(place).catch(() => null);
  if (found !== null && (own === undefined || found.uid === own))
    await rm(place, { recursive: true, force: true });
}

/** Throws where a link or another user's folder exists. */
async function makeOwn(path: string, mode: number, user: UserIds | null): Promise<void> {
  const own = process.getuid?.();
  try {
    await mkdir(path, { mode });
    // Independent of the gateway's umask.
    await chmod(path, mode);
    if (user !== null && user.uid !== own) await chown(path, user.uid, user.gid);
  } catch (error) {
    if (errorCode(error) !== "EEXIST") throw error;
    const found = await lstat(path);
    if (!found.isDirectory() || (own !== undefined && found.uid !== (user?.uid ?? own)))
      throw new Error(`${path} is not a folder of the gateway's.`, { cause: error });
  }
}
