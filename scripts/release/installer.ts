// The install.sh of a release: the repository's, with the key of the releases and their address filled in.

import { releaseBase } from "../../src/updates/release-files.ts";

export const installerName = "install.sh";

/** Throws when the script has not exactly one place for each: a script without its key would refuse every release. */
export function filledInstaller(script: string, publicKey: string | null, homepage: string): string {
  const keyed = filled(script, "release_key", publicKey?.trim() ?? "");
  return filled(keyed, "releases", releaseBase(undefined, homepage) ?? "");
}

function filled(script: string, name: string, value: string): string {
  // Inside of single quotes a shell takes everything as it is, except for a single quote.
  if (value.includes("'")) throw new Error(`${name} of ${installerName} cannot hold a quote: ${value}`);
  const empty = `\n${name}=''\n`;
  const parts = script.split(empty);
  if (parts.length !== 2) throw new Error(`${installerName} has no single line ${name}=''`);
  return parts.join(`\n${name}='${value}'\n`);
}
