// The install.sh of a release holds its key and its address, as text that a shell takes as it is.

import { expect, test } from "bun:test";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { installScript } from "../../scripts/packaging/install-script.ts";

const script = "#!/bin/sh\nrelease_key=''\nreleases=''\nprintf '%s|%s' \"$release_key\" \"$releases\"\n";
const pemOf = (key: KeyObject): string => key.export({ type: "spki", format: "pem" }).toString();
const pem = pemOf(generateKeyPairSync("ed25519").publicKey);
const releases = "https://example.org/clawgate/releases";

const outputOf = (text: string): string => Bun.spawnSync(["sh", "-c", text]).stdout.toString();

test("the shell sees the key and the address", () => {
  expect(outputOf(installScript({ publicKey: pem, releases }, script))).toBe(`${pem.trim()}|${releases}`);
});

test("what is not known stays empty", () => {
  expect(outputOf(installScript({ publicKey: null, releases: "" }, script))).toBe("|");
});

test("the script of the repository has both places", () => {
  const text = installScript({ publicKey: pem, releases });
  expect(text).toContain(`\nrelease_key='${pem.trim()}'\n`);
  expect(text).toContain(`\nreleases='${releases}'\n`);
});

test.each([
  ["without a place for the key", script.replace("release_key=''\n", "")],
  ["with two places", `${script}releases=''\n`],
  ["that is filled already", installScript({ publicKey: pem, releases }, script)],
])("a script %s is refused", (_what, text) => {
  expect(() => installScript({ publicKey: pem, releases }, text)).toThrow("once");
});

test.each([
  "https://example.org/';id;'",
  "http://example.org/releases",
  "http://127.0.0.1.example.org",
  "ftp://example.org",
])("the address %s is refused", (address) => {
  expect(() => installScript({ publicKey: pem, releases: address }, script)).toThrow("no address");
});

test("this machine's address is taken, for a trial", () => {
  const own = "http://127.0.0.1:8080";
  expect(outputOf(installScript({ publicKey: pem, releases: own }, script))).toEndWith(`|${own}`);
});

test("another kind of key is refused, and so is a text around it", () => {
  const other = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey;
  expect(() => installScript({ publicKey: pemOf(other), releases }, script)).toThrow("not an Ed25519 key");
  expect(() => installScript({ publicKey: `'; id #\n${pem}`, releases }, script)).toThrow("no plain PEM");
});
