// The identity of this program: name, version, commit. package.json is the only place with the version.
// It must never ask git or read the disk: a compiled binary has neither.

import { version as packageVersion } from "../../package.json";

// Inserted by scripts/build.ts; absent when the sources run directly.
declare const CLAWGATE_COMMIT: string;

export const programName = "clawgate";
export const version: string = packageVersion;
/** Short commit id of the build; null when the sources run directly or the build had no repository. */
export const commit: string | null =
  typeof CLAWGATE_COMMIT === "undefined" || CLAWGATE_COMMIT === "" ? null : CLAWGATE_COMMIT;
/** As `clawgate version` and /health show it. */
export const fullVersion: string = commit === null ? version : `${version} (${commit})`;
/** The user agent for upstreams, unless the client's own name is passed on. */
export const userAgent = `${programName}/${version}`;
