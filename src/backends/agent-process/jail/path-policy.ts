// What no jail may show: the gateway's own files, the operator's home, the other tenants' folders. Folders that the config gives
// to a tenant are checked by their real path; a folder that contains something guarded is refused by name.

import { realpathSync, statSync } from "node:fs";
import { dirname, join, sep } from "node:path";

/** Its message is for the operator and says what to do. */
export class JailProblem extends Error {
  override readonly name = "JailProblem";
}

/** A tenant; null: requests without one. */
export type Owner = { readonly tenant: string | null };

export type GuardedPath = {
  /** Absolute; need not exist. */
  readonly path: string;
  /** For people: "the gateway's config". */
  readonly what: string;
  /** The folder's content is guarded too; otherwise a folder inside may be given to a tenant. */
  readonly isRecursive: boolean;
  /** The owner that may have it. Null: only the gateway. */
  readonly owner: Owner | null;
};

/** A folder as the config gives it to a tenant. */
export type GivenFolder = {
  /** Its key in the config. */
  readonly key: string;
  readonly path: string;
  /** The operator may give the same folder to several tenants, which then share its content. */
  readonly isShareable: boolean;
};

export type PathPolicy = {
  /** Throws JailProblem when a folder that the config gives contains something guarded, or is inside it. */
  check(tenant: string | null, given: GivenFolder): void;
  /** The same as a boolean, for paths that the config does not name. */
  isFree(tenant: string | null, path: string): boolean;
  /** Folders inside one of `folders` that contain something guarded. */
  within(folders: readonly string[]): readonly string[];
};

/** Folders of the system or of all users, which are never given as a whole. */
const sharedSystemFolders =
  /^\/(?:|bin|boot|dev|etc|home|lib|lib32|lib64|libx32|proc|root|run|sbin|sys|tmp|usr|var|usr\/local|var\/(?:lib|log|run|tmp))$/;
const kernelFolders = /^\/(?:proc|sys|dev|run)(?:\/|$)/;

export function createPathPolicy(guardedPaths: readonly GuardedPath[], home: string): PathPolicy {
  const all = guardedPaths.map((each) => ({ ...each, real: realPathOf(each.path) }));
  const realHome = realPathOf(home);

  const trouble = (tenant: string | null, path: string, isShareable: boolean): string | null => {
    const real = realPathOf(path);
    if (sharedSystemFolders.test(real) || kernelFolders.test(real)) return "is a folder of the whole system";
    if (isWithin(realHome, real)) return "is, or holds, the home folder of the gateway's user";
    for (const each of all) {
      if (each.owner !== null && each.owner.tenant === tenant) continue;
      // The operator gave it to both.
      const isShared = real === each.real && each.owner !== null && (!each.isRecursive || isShareable);
      if (isWithin(each.real, real) && !isShared) return `holds ${each.what} (${each.path})`;
      if (each.isRecursive && isWithin(real, each.real) && !isShared)
        return `lies in ${each.what} (${each.path})`;
    }
    return null;
  };

  return {
    check(tenant, { key, path, isShareable }) {
      const why = trouble(tenant, path, isShareable);
      if (why === null) return;
      const whose = tenant === null ? "cli" : `tenant ${tenant}`;
      throw new JailProblem(
        `${whose}: ${key} ${path} cannot be seen in a jail: it ${why}. Name another folder, or move one of the two.`,
      );
    },
    isFree: (tenant, path) => trouble(tenant, path, false) === null,
    within: (folders) => [
      ...new Set(
        all.flatMap(({ real }) => {
          const folder = isFolder(real) ? real : dirname(real);
          const isInside = folders.some((outer) => folder !== outer && isWithin(folder, outer));
          return isInside && isFolder(folder) ? [folder] : [];
        }),
      ),
    ],
  };
}

/** `inner` is `outer` or inside it. */
export function isWithin(inner: string, outer: string): boolean {
  return inner === outer || inner.startsWith(outer === sep ? sep : `${outer}${sep}`);
}

/** The real path; for a path that does not exist yet, with its existing part resolved. */
export function realPathOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(realPathOf(parent), path.slice(parent.length).replace(/^\/+/, ""));
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
