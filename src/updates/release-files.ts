// What a release consists of and how it is checked: names, addresses, the list of files, its signature. The release tool writes it,
// `clawgate update` and scripts/install.sh read it. Nothing here asks the network.

import { createPublicKey, verify } from "node:crypto";
import { z } from "zod";

/** Every target that is released, by the name that its files bear. */
export const releaseTargets = [
  "linux-x64",
  "linux-x64-baseline",
  "linux-x64-musl",
  "linux-x64-musl-baseline",
  "linux-arm64",
  "linux-arm64-musl",
  "darwin-x64",
  "darwin-arm64",
  "windows-x64",
] as const;

export type ReleaseTarget = (typeof releaseTargets)[number];

/** The packed program of a target: `clawgate`, README.md, LICENSE, THIRD-PARTY-LICENSES.txt at the top of the archive. */
export const archiveName = (target: string): string =>
  `clawgate-${target}.${target.startsWith("windows") ? "zip" : "tar.gz"}`;

export const checksumsName = "SHA256SUMS";
/** The raw 64 bytes of the Ed25519 signature over SHA256SUMS. */
export const signatureName = "SHA256SUMS.sig";
/** Listed in SHA256SUMS, so the signature covers the version too. */
export const manifestName = "release.json";

/** release.json. An archive whose target is not listed is not part of the release. */
export const manifestSchema = z.object({
  version: z.string().regex(/^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?$/),
  commit: z.string(),
  /** When the commit was made, ISO time in UTC. */
  commit_time: z.string(),
  files: z.array(
    z.object({
      name: z.string(),
      target: z.string(),
      /** Bytes of the archive, and of the program in it. */
      size: z.number(),
      program_size: z.number(),
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
    }),
  ),
});

export type ReleaseManifest = z.infer<typeof manifestSchema>;

/** Where releases are, as GitHub lays them out: CLAWGATE_RELEASE_URL, else below the homepage; null while neither is known. */
export function releaseBase(fromEnvironment: string | undefined, homepage: string): string | null {
  const base = fromEnvironment || (homepage === "" ? "" : `${homepage.replace(/\/+$/, "")}/releases`);
  return base === "" ? null : base.replace(/\/+$/, "");
}

/** The address of one file of a version; without a version, of the latest. */
export function releaseFile(base: string, name: string, version: string | null): string {
  return version === null
    ? `${base}/latest/download/${name}`
    : `${base}/download/v${encodeURIComponent(version)}/${name}`;
}

/** True when the key's owner signed exactly these bytes. Throws when the key is none. */
export function isSignedBy(pem: string, bytes: Uint8Array, signature: Uint8Array): boolean {
  const key = createPublicKey(pem);
  if (key.asymmetricKeyType !== "ed25519") throw new Error("the release key is not an Ed25519 key");
  return signature.byteLength === 64 && verify(null, bytes, key, signature);
}

/** Name -> lower-case hex digest. Throws on a line that is not `<64 hex>  <plain name>`: a list is read whole or not at all. */
export function parseChecksums(text: string): ReadonlyMap<string, string> {
  const sums = new Map<string, string>();
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const match = /^([0-9a-f]{64}) [ *]([A-Za-z0-9][A-Za-z0-9._-]*)$/.exec(line);
    const [, digest, name] = match ?? [];
    if (digest === undefined || name === undefined || sums.has(name))
      throw new Error(`${checksumsName} has a line that is none: ${line.slice(0, 100)}`);
    sums.set(name, digest);
  }
  return sums;
}
