// Newer and older as semver.org orders them.

import { expect, test } from "bun:test";
import { compareVersions } from "../../src/updates/version-order.ts";

test("versions are ordered by number, and labels come before the version itself", () => {
  const ordered = [
    "0.9.10",
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-rc.1",
    "1.0.0",
    "1.0.1",
    "1.2.0",
    "1.10.0",
    "2.0.0",
  ];
  const shuffled = [...ordered].toReversed();
  expect(shuffled.toSorted(compareVersions)).toEqual(ordered);
  expect(compareVersions("1.0.0+build.2", "1.0.0+build.1")).toBe(0);
});
