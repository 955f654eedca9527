// The real `claude` program in the version of this run, and in what its versions differ.
// It must never be asked by what is shipped: only tests may expect one thing of one version and another of the next.

import { join } from "node:path";
import { clientVersion } from "../../scripts/client-versions.ts";
import { installed } from "./install.ts";

/** For a look at another one CLAUDE_VERSION=2.1.329. */
export const claudeVersion = clientVersion("claude");
const platform = `claude-code-${process.platform}-${process.arch}`;

type VersionBehaviour = {
  /** Thinking of the model behind `opus` can be switched off. */
  readonly opusCanStop: boolean;
  /** Tells its vendor the folder, the system and the date, where it is not switched off. */
  readonly tellsSurroundings: boolean;
  readonly opus: string;
};

/** From this version on. */
const table: readonly (readonly [since: string, ways: VersionBehaviour])[] = [
  ["0.0.0", { opusCanStop: true, tellsSurroundings: false, opus: "claude-opus-4-8" }],
  ["2.1.329", { opusCanStop: false, tellsSurroundings: true, opus: "claude-opus-5-5" }],
];

export const versionBehaviour: VersionBehaviour = table.findLast(
  ([since]) => Bun.semver.order(claudeVersion, since) >= 0,
)?.[1] ?? {
  opusCanStop: true,
  tellsSurroundings: false,
  opus: "claude-opus-4-8",
};

export function claudeProgram(version = claudeVersion): string {
  const packages = [`@anthropic-ai/claude-code@${version}`, `@anthropic-ai/${platform}@${version}`];
  const proof = join("node_modules", "@anthropic-ai", platform, "claude");
  return join(installed("claude-code", packages, proof), proof);
}
