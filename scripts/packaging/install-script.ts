// scripts/install.sh as a release carries it: with the public key and the address of the releases in it.
// It must never put in what the shell would run as a command.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createPublicKey } from "node:crypto";

const source = join(import.meta.dir, "..", "install.sh");

/** `releases`: the address below which they are; "" while the project has no homepage. Throws for anything but a key and an address. */
export function installScript({ publicKey, releases }: { publicKey: string; releases: string }): string {
  if (createPublicKey(publicKey).asymmetricKeyType !== "ed25519")
    throw new Error("the release key is not an Ed25519 key");
  if (!/^-----BEGIN PUBLIC KEY-----\n[A-Za-z0-9+/=\n]+-----END PUBLIC KEY-----\n?$/.test(publicKey))
    throw new Error("the release key is no plain PEM of a public key");
  if (releases !== "" && !/^https:\/\/[A-Za-z0-9._~:/-]+$/.test(releases))
    throw new Error(`${releases} is no address that install.sh could ask`);
  return filled(
    filled(readFileSync(source, "utf8"), "release_key", publicKey.trimEnd()),
    "releases",
    releases,
  );
}

function filled(script: string, name: string, value: string): string {
  const empty = `\n${name}=''\n`;
  if (script.split(empty).length !== 2)
    throw new Error(`scripts/install.sh does not have the line ${name}='' once`);
  return script.replace(empty, () => `\n${name}='${value}'\n`);
}
