// The install.sh of a release holds its key and its address, as text that a shell takes as it is.

import { expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { filledInstaller } from "../../scripts/release/installer.ts";

const script = "#!/bin/sh\nrelease_key=''\nreleases=''\nprintf '%s|%s' \"$release_key\" \"$releases\"\n";
const pem = generateKeyPairSync("ed25519").publicKey.export({ type: "spki", format: "pem" }).toString();

const outputOf = (text: string): string => Bun.spawnSync(["sh", "-c", text]).stdout.toString();

test("the shell sees the key and the address below the homepage", () => {
  const filled = filledInstaller(script, pem, "https://example.org/$(id)/clawgate/");
  expect(outputOf(filled)).toBe(`${pem.trim()}|https://example.org/$(id)/clawgate/releases`);
});

test("what is not known stays empty", () => {
  expect(outputOf(filledInstaller(script, null, ""))).toBe("|");
});

test.each([
  ["without a place for the key", script.replace("release_key=''\n", "")],
  ["with two places", `${script}releases=''\n`],
  ["that is filled already", filledInstaller(script, pem, "")],
])("a script %s is refused", (_what, text) => {
  expect(() => filledInstaller(text, pem, "")).toThrow("no single line");
});

test("an address that would end the string is refused", () => {
  expect(() => filledInstaller(script, pem, "https://example.org/';id;'")).toThrow("cannot hold a quote");
});
