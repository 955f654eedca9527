// The key of the releases: making it once, and signing with it. The private half must never lie inside the tree or be readable by others.

import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, realpathSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { isSignedBy } from "../../src/updates/release-files.ts";

export const publicKeyPath = (root: string): string => join(root, "scripts", "packaging", "release-key.pem");

/** Writes both halves; returns the path of the private one. Refuses to replace either: programs out there trust the old key. */
export function makeReleaseKey(root: string, privatePath: string): string {
  const shown = publicKeyPath(root);
  if (existsSync(shown))
    throw new Error(
      `${relative(root, shown)} is there already. Programs that were released with it accept no other key; remove it yourself if you mean to replace it.`,
    );
  const folder = dirname(resolve(privatePath));
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(realpathSync(folder), basename(privatePath));
  refuseInside(root, path);
  const pair = generateKeyPairSync("ed25519");
  // "wx": an existing file, also a link, is never written to.
  writeFileSync(path, pair.privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600, flag: "wx" });
  mkdirSync(dirname(shown), { recursive: true });
  writeFileSync(shown, pair.publicKey.export({ type: "spki", format: "pem" }), { flag: "wx" });
  return path;
}

export type Signer = {
  /** PEM of the public half. */
  readonly publicKey: string;
  sign(bytes: Uint8Array): Uint8Array;
};

/** Throws unless the file is a private Ed25519 key that only its owner can read, outside of the tree. */
export function readSigner(root: string, path: string): Signer {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true)
    throw new Error(`there is no key in ${path}`);
  const place = realpathSync(path);
  refuseInside(root, place);
  if (process.platform !== "win32" && (statSync(place).mode & 0o077) !== 0)
    throw new Error(`others can read ${path}; chmod 600 ${path}`);
  const privateKey = privateKeyOf(readFileSync(place, "utf8"), path);
  const publicKey = publicPem(privateKey);
  return {
    publicKey,
    sign(bytes) {
      const signature = sign(null, bytes, privateKey);
      // What is published has been seen to hold.
      if (!isSignedBy(publicKey, bytes, signature)) throw new Error("the signature does not hold");
      return signature;
    },
  };
}

/** The text of a file. Throws unless it is a public Ed25519 key: the programs would trust nothing. */
export function readPublicKey(path: string): string {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true)
    throw new Error(`there is no key in ${path}`);
  const pem = readFileSync(path, "utf8");
  if (/PRIVATE KEY/.test(pem)) throw new Error(`${path} is a private key: the programs hold the public half`);
  if (keyKind(pem) !== "ed25519") throw new Error(`${path} is not a public Ed25519 key as PEM`);
  return pem;
}

function keyKind(pem: string): string | undefined {
  try {
    return createPublicKey(pem).asymmetricKeyType;
  } catch {
    return undefined;
  }
}

const publicPem = (key: KeyObject): string =>
  createPublicKey(key.export({ type: "pkcs8", format: "pem" }))
    .export({ type: "spki", format: "pem" })
    .toString();

export function isSameKey(one: string, other: string): boolean {
  return createPublicKey(one).equals(createPublicKey(other));
}

function privateKeyOf(pem: string, path: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    // The reason may quote the text.
    throw new Error(`${path} is not a private key as PEM without a passphrase`);
  }
  if (key.asymmetricKeyType !== "ed25519") throw new Error(`${path} is not an Ed25519 key`);
  return key;
}

function refuseInside(root: string, path: string): void {
  const way = relative(realpathSync(root), path);
  if (way !== "" && !way.startsWith("..") && !/^(?:[A-Za-z]:)?[\\/]/.test(way))
    throw new Error(`${path} lies inside of the tree: a private key never enters it. Name a place outside.`);
}
