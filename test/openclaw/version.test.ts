import { expect, test } from "bun:test";
import { hasClawrouter, shapeFor, versionIn, writtenVersion } from "../../src/openclaw/version.ts";

test.each([
  ["OpenClaw 2026.9.6 (eb377ac)\n", "2026.9.6"],
  ["2026.8.1-beta.3", "2026.8.1-beta.3"],
  ["v2026.10.1", "2026.10.1"],
  ["node v24.21.0", null],
  ["", null],
])("the version in %p is %p", (text, version) => {
  expect(versionIn(text)).toBe(version);
});

test("2026.9 divides the shapes, 2026.7 brought the plugin; an unknown version counts as recent", () => {
  expect(["2026.8.2", "2026.9.1-beta.1", "2026.10.1", "2025.12.30", "2027.1.1", null].map(shapeFor)).toEqual([
    "older",
    "current",
    "current",
    "older",
    "current",
    "current",
  ]);
  expect(["2026.6.9", "2026.7.1", null].map(hasClawrouter)).toEqual([false, true, true]);
});

test("what OpenClaw noted in its config, and nothing that only looks like it", () => {
  expect(writtenVersion({ meta: { lastTouchedVersion: "2026.5.3" } })).toBe("2026.5.3");
  for (const meta of [undefined, null, "2026.5.3", { lastTouchedVersion: 5 }, { lastTouchedVersion: "new" }])
    expect(writtenVersion({ meta })).toBeNull();
});
