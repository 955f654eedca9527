import { expect, test } from "bun:test";
import { inspect } from "node:util";
import { maskSecret, randomToken, secret, sha256Hex } from "../../src/system/secret.ts";

test("a secret prints masked wherever it is shown, and reveals only when asked", () => {
  const plain = "sk-live-0123456789-abcd";
  const wrapped = secret(plain);
  const shown = [
    String(wrapped),
    `${wrapped}`,
    JSON.stringify({ key: wrapped }),
    inspect(wrapped),
    inspect({ deep: { key: wrapped } }),
    Bun.inspect(wrapped),
    Bun.inspect({ deep: [wrapped] }),
    JSON.stringify({ ...wrapped }),
  ];
  for (const each of shown) expect(each).not.toContain("0123456789");
  expect(String(wrapped)).toBe("****abcd");
  expect(wrapped.reveal()).toBe(plain);
});

test("a short secret does not show its end", () => {
  expect(maskSecret("hunter2")).toBe("****");
  expect(maskSecret("")).toBe("****");
});

test("sha256Hex gives the published digest", () => {
  expect(sha256Hex("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
});

test("tokens are long, safe in URLs and never the same", () => {
  expect(randomToken()).toMatch(/^[A-Za-z0-9_-]{43}$/);
  expect(randomToken()).not.toBe(randomToken());
});
