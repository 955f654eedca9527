// A release is accepted only as it was signed: another byte, key, length or line is refused.

import { expect, test } from "bun:test";
import { generateKeyPairSync, sign } from "node:crypto";
import { isSignedBy, parseChecksums, releaseBase, releaseFile } from "../../src/updates/release-files.ts";

const bytes = new TextEncoder().encode(`${"a".repeat(64)}  clawgate-linux-x64.tar.gz\n`);
const pemOf = (key: ReturnType<typeof generateKeyPairSync>["publicKey"]): string =>
  key.export({ type: "spki", format: "pem" }).toString();

test("a signature holds for its bytes and its key alone", () => {
  const owner = generateKeyPairSync("ed25519");
  const stranger = generateKeyPairSync("ed25519");
  const signature = sign(null, bytes, owner.privateKey);
  expect(isSignedBy(pemOf(owner.publicKey), bytes, signature)).toBe(true);
  expect(isSignedBy(pemOf(stranger.publicKey), bytes, signature)).toBe(false);
  expect(isSignedBy(pemOf(owner.publicKey), bytes.slice(1), signature)).toBe(false);
  expect(isSignedBy(pemOf(owner.publicKey), bytes, signature.subarray(0, 63))).toBe(false);
  expect(isSignedBy(pemOf(owner.publicKey), bytes, new Uint8Array(0))).toBe(false);
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
  expect(() => isSignedBy(pemOf(rsa.publicKey), bytes, signature)).toThrow("not an Ed25519 key");
});

test.each([
  ["a path", `${"a".repeat(64)}  ../clawgate`],
  ["a short digest", `${"a".repeat(63)}  clawgate`],
  ["the same name twice", `${"a".repeat(64)}  x\n${"b".repeat(64)}  x`],
  ["an answer of a proxy", "<html>sign in</html>"],
])("checksums with %s are refused as a whole", (_what, text) => {
  expect(() => parseChecksums(text)).toThrow("a line that is none");
});

test("checksums are read by name", () => {
  expect([...parseChecksums(`${"a".repeat(64)}  x.tar.gz\n${"b".repeat(64)} *y.zip\n`)]).toEqual([
    ["x.tar.gz", "a".repeat(64)],
    ["y.zip", "b".repeat(64)],
  ]);
});

test("releases are where the variable says, else below the homepage", () => {
  expect(releaseBase(undefined, "")).toBe(null);
  expect(releaseBase("http://127.0.0.1:1/r/", "https://x.example/y")).toBe("http://127.0.0.1:1/r");
  const base = releaseBase("", "https://x.example/y/") ?? "";
  expect(releaseFile(base, "SHA256SUMS", null)).toBe(
    "https://x.example/y/releases/latest/download/SHA256SUMS",
  );
  expect(releaseFile(base, "SHA256SUMS", "1.2.3")).toBe(
    "https://x.example/y/releases/download/v1.2.3/SHA256SUMS",
  );
});
