// The key of the releases: made once, outside of the tree, for its owner only; and nothing is signed with a key that is none.

import { expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import {
  isSameKey,
  makeReleaseKey,
  publicKeyPath,
  readPublicKey,
  readSigner,
} from "../../scripts/release/signing.ts";
import { isSignedBy } from "../../src/updates/release-files.ts";
import { cleanupsAfterEach } from "../support/cleanups.ts";

const atEnd = cleanupsAfterEach();

function places(): { readonly root: string; readonly outside: string } {
  const above = atEnd.folder("clawgate-signing-");
  const [root, outside] = [join(above, "tree"), join(above, "outside")];
  for (const folder of [root, outside]) mkdirSync(folder);
  return { root, outside };
}

test("a new key: the private half outside and private, the public half in the tree, and they belong together", () => {
  const { root, outside } = places();
  const path = makeReleaseKey(root, join(outside, "new", "key.pem"));
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const shown = readFileSync(publicKeyPath(root), "utf8");
  expect(shown).toContain("BEGIN PUBLIC KEY");
  const signer = readSigner(root, path);
  expect(isSameKey(signer.publicKey, shown)).toBe(true);
  const bytes = new TextEncoder().encode("SHA256SUMS");
  expect(isSignedBy(shown, bytes, signer.sign(bytes))).toBe(true);
});

test("neither half is ever replaced", () => {
  const { root, outside } = places();
  const path = makeReleaseKey(root, join(outside, "key.pem"));
  const kept = readFileSync(path, "utf8");
  expect(() => makeReleaseKey(root, join(outside, "other.pem"))).toThrow("is there already");
  expect(existsSync(join(outside, "other.pem"))).toBe(false);
  const second = places();
  expect(() => makeReleaseKey(second.root, path)).toThrow("EEXIST");
  expect(readFileSync(path, "utf8")).toBe(kept);
  expect(existsSync(publicKeyPath(second.root))).toBe(false);
});

test("a private key inside of the tree is refused, also through a link", () => {
  const { root, outside } = places();
  mkdirSync(join(root, "keys"));
  symlinkSync(join(root, "keys"), join(outside, "elsewhere"));
  for (const path of [
    join(root, "key.pem"),
    join(root, "keys", "key.pem"),
    join(outside, "elsewhere", "key.pem"),
  ]) {
    expect(() => makeReleaseKey(root, path)).toThrow("never enters it");
    expect(existsSync(path)).toBe(false);
  }
  expect(existsSync(publicKeyPath(root))).toBe(false);
  const { privateKey } = generateKeyPairSync("ed25519");
  writeFileSync(join(root, "k"), privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 });
  expect(() => readSigner(root, join(root, "k"))).toThrow("never enters it");
});

test.each([
  ["that others can read", 0o644, "ed25519", "others can read"],
  ["of another kind", 0o600, "ec", "is not an Ed25519 key"],
  ["that is none", 0o600, null, "is not a private key"],
] as const)("a key %s signs nothing, and is not quoted", (_what, mode, kind, words) => {
  const { root, outside } = places();
  const path = join(outside, "key.pem");
  const secret = "not-a-key-but-a-secret";
  const pair =
    kind === "ec" ? generateKeyPairSync("ec", { namedCurve: "P-256" }) : generateKeyPairSync("ed25519");
  writeFileSync(path, kind === null ? secret : pair.privateKey.export({ type: "pkcs8", format: "pem" }));
  chmodSync(path, mode);
  expect(() => readSigner(root, path)).toThrow(words);
  expect(() => readSigner(root, path)).not.toThrow(secret);
});

test("the key of the programs is a public Ed25519 key, or the release says what is wrong with the file", () => {
  const { root, outside } = places();
  const path = makeReleaseKey(root, join(outside, "key.pem"));
  expect(readPublicKey(publicKeyPath(root))).toBe(readFileSync(publicKeyPath(root), "utf8"));
  expect(() => readPublicKey(path)).toThrow("is a private key");
  expect(() => readPublicKey(join(outside, "none.pem"))).toThrow("there is no key");
  expect(() => readPublicKey(outside)).toThrow("there is no key");
  expect(() => readSigner(root, outside)).toThrow("there is no key");
  const other = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey;
  const texts = ["not a key", other.export({ type: "spki", format: "pem" }).toString()];
  for (const text of texts) {
    writeFileSync(join(outside, "other.pem"), text);
    expect(() => readPublicKey(join(outside, "other.pem"))).toThrow("is not a public Ed25519 key");
  }
});
