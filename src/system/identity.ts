// The identity of this program: name, version, commit, target. package.json is the only place with the version.
// It must never ask git or read the disk: a compiled binary has neither.

import { homepage as packageHomepage, version as packageVersion } from "../../package.json";

// Inserted by scripts/build.ts; absent when the sources run directly.
declare const CLAWGATE_VERSION: string;
declare const CLAWGATE_COMMIT: string;
declare const CLAWGATE_COMMIT_TIME: string;
declare const CLAWGATE_TARGET: string;
declare const CLAWGATE_RELEASE_KEY: string;

export const programName = "clawgate";
/** package.json's, or the one that a release was built for. */
export const version: string =
  typeof CLAWGATE_VERSION === "undefined" || CLAWGATE_VERSION === "" ? packageVersion : CLAWGATE_VERSION;
/** Short commit id of the build; null when the sources run directly or the build had no repository. */
export const commit: string | null =
  typeof CLAWGATE_COMMIT === "undefined" || CLAWGATE_COMMIT === "" ? null : CLAWGATE_COMMIT;
/** When that commit was made, as ISO time in UTC; null as above. Never the time of the build: one commit is one program. */
export const commitTime: string | null =
  typeof CLAWGATE_COMMIT_TIME === "undefined" || CLAWGATE_COMMIT_TIME === "" ? null : CLAWGATE_COMMIT_TIME;
/** What the binary was built for, for example "linux-x64-musl-baseline"; null when the sources run directly. */
export const buildTarget: string | null =
  typeof CLAWGATE_TARGET === "undefined" || CLAWGATE_TARGET === "" ? null : CLAWGATE_TARGET;
/** The public Ed25519 key of the releases, as PEM; null in a build without one: such a build cannot update itself. */
export const releaseKey: string | null =
  typeof CLAWGATE_RELEASE_KEY === "undefined" || CLAWGATE_RELEASE_KEY === "" ? null : CLAWGATE_RELEASE_KEY;
/** Where the project lives; "" until its owner fills it in. */
export const homepage: string = packageHomepage;
/** As `clawgate version` and /health show it. */
export const fullVersion: string = commit === null ? version : `${version} (${commit})`;
/** The user agent for upstreams, unless the client's own name is passed on. */
export const userAgent = `${programName}/${version}`;
