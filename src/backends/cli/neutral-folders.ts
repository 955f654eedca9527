// Empty folders whose names say nothing of tenant, user or gateway: newer versions of the program tell their vendor where they
// run. They are of one run of the gateway, and it must never put anything into them, nor take one that somebody else made.

import { chmod, chown, lstat, mkdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Failure } from "../../canon/failure.ts";
import type { UserIds } from "../../system/accounts.ts";
import { errorCode } from "../../system/files.ts";
import { sha256Hex } from "../../system/secret.ts";

export type NeutralFolders = {
  /** One for each tenant (null: for requests without one) and user; null where this machine has no place for them. */
  of(tenant: string | null, user: UserIds | null): Promise<string | null>;
  /** Makes it again where the machine has cleaned up. Any other folder is let be. Throws Failure. */
  renew(path: string): Promise<void>;
  close(): Promise<void>;
};

/** By the gateway's id its successor finds what it left. The first place that can be written is taken. */
export function neutralPlaces(gatewayId: string): readonly string[] {
  const name = `work-${sha256Hex(gatewayId).slice(0, 10)}`;
  // The user's own temporary folder comes last: its path may hold a name.
  const bases = process.platform === "win32" ? [tmpdir()] : ["/tmp", "/var/tmp", tmpdir()];
  return [...new Set(bases)].map((base) => join(base, name));
}

export function createNeutralFolders(options: {
  readonly places: readonly string[];
  /** What must be there before, so that it can be found when this run is gone. */
  readonly beforehand: () => Promise<void>;
  readonly warn: (message: string, error: unknown) => void;
}): NeutralFolders {
  const users = new Map<string, UserIds | null>();
  const paths = new Map<string, string>();
  let root: Promise<string | null> | null = null;

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
    options.warn(
      "Claude Code runs in a folder of the state directory, and may tell its vendor the name",
      trouble,
    );
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
      await makeOwn(path, 0o700, user);
      return path;
    },
    async renew(path) {
      const user = users.get(path);
      const place = await root;
      if (user === undefined || place === null) return;
      try {
        await makeOwn(place, 0o711, null);
        await makeOwn(path, 0o700, user);
      } catch (cause) {
        throw new Failure("internal", "The folder of the Claude Code program cannot be made.", { cause });
      }
    },
    async close() {
      const place = await root?.catch(() => null);
      if (place !== null && place !== undefined) await rm(place, { recursive: true, force: true });
    },
  };
}

/** Throws where a link or somebody else's folder stands there. */
async function makeOwn(path: string, mode: number, user: UserIds | null): Promise<void> {
  const own = process.getuid?.();
  try {
    await mkdir(path, { mode });
    // Whatever the gateway's own mask takes off new folders.
    await chmod(path, mode);
    if (user !== null && user.uid !== own) await chown(path, user.uid, user.gid);
  } catch (error) {
    if (errorCode(error) !== "EEXIST") throw error;
    const found = await lstat(path);
    if (!found.isDirectory() || (own !== undefined && found.uid !== (user?.uid ?? own)))
      throw new Error(`${path} is not a folder of the gateway's.`, { cause: error });
  }
}
