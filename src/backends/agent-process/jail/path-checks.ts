// Checks which configured paths a jail may open, and which it shows already. It must never open a path that a jailed program
// could turn into a link.

import { lstatSync, statSync } from "node:fs";
import { join } from "node:path";
import { isWithin, JailProblem, realPathOf } from "./path-policy.ts";
import { systemFolders } from "./system-folders.ts";

/** Removes folders inside another one of the list. */
export function outermost(paths: readonly string[]): readonly string[] {
  const all = [...new Set(paths)];
  return all.filter((path) => !all.some((outer) => outer !== path && isWithin(path, outer)));
}

/** Paths not already shown by the system's folders, the writable ones or another of the list. */
export function notCovered(paths: readonly string[], writable: readonly string[]): readonly string[] {
  const all = [...new Set(paths)].filter((path) => !systemFolders.some((system) => isWithin(path, system)));
  return all.filter(
    (path) =>
      !writable.some((outer) => isWithin(path, outer)) &&
      !all.some((outer) => outer !== path && isWithin(path, outer) && !isLink(outer)),
  );
}

/**
 * A folder inside another one that a jailed program may write could be swapped for a link between two starts, and the next
 * jail would open the target of the link. Throws JailProblem.
 */
export function refuseLinks(path: string, writable: readonly string[]): void {
  if (leadsOut(path, writable))
    throw new JailProblem(
      `${path} is reached by a link in a folder that a jailed program may write, and could be changed there. Name the folder that is meant.`,
    );
}

/** Whether a link in the path leads out of the `writable` folder that contains it. */
export function leadsOut(path: string, writable: readonly string[]): boolean {
  return writable.some(
    (outer) =>
      path !== outer &&
      isWithin(path, outer) &&
      realPathOf(path) !== join(realPathOf(outer), path.slice(outer.length)),
  );
}

export const exists = (path: string): boolean => statSync(path, { throwIfNoEntry: false }) !== undefined;
export const isNoFile = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() !== false;
export const isLink = (path: string): boolean =>
  lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
