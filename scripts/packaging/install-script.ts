// scripts/install.sh as a release carries it: with the public key and the address of the releases in it.
// It must never put in what the shell would run as a command.

import { createPublicKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

export const installerName = "install.sh";

export type InstallerValues = {
  /** PEM; null: the release is not signed, and the script refuses everything without --checksum-only. */
  readonly publicKey: string | null;
  /** The address below which the releases are; "" while the project has no homepage. */
  readonly releases: string;
};

/** Throws for anything but a key and an address, and for a script that has not exactly one place for each. */
export function installScript(
  { publicKey, releases }: InstallerValues,
  script = readFileSync(join(import.meta.dir, "..", installerName), "utf8"),
): string {
  if (publicKey !== null) checkKey(publicKey);
  if (releases !== "" && !isAskable(releases))
    throw new Error(`${releases} is no address that install.sh could ask`);
  return filled(filled(script, "release_key", publicKey?.trimEnd() ?? ""), "releases", releases);
}

function checkKey(pem: string): void {
  if (createPublicKey(pem).asymmetricKeyType !== "ed25519")
    throw new Error("the release key is not an Ed25519 key");
  if (!/^-----BEGIN PUBLIC KEY-----\n[A-Za-z0-9+/=\n]+-----END PUBLIC KEY-----\n?$/.test(pem))
    throw new Error("the release key is no plain PEM of a public key");
}

/** As the script itself sees it: https, or this machine for a trial. */
const isAskable = (address: string): boolean =>
  /^(?:https:\/\/|http:\/\/(?:127\.0\.0\.1|localhost|\[::1\])(?=[:/]|$))[A-Za-z0-9._~:/-]*$/.test(address);

function filled(script: string, name: string, value: string): string {
  const parts = script.split(`\n${name}=''\n`);
  if (parts.length !== 2) throw new Error(`scripts/install.sh does not have the line ${name}='' once`);
  return parts.join(`\n${name}='${value}'\n`);
}
