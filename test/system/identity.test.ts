import { expect, test } from "bun:test";
import { version as packageVersion } from "../../package.json";
import { commit, fullVersion, userAgent, version } from "../../src/system/identity.ts";

test("the version is package.json's, and sources that run directly claim no commit", () => {
  expect(version).toBe(packageVersion);
  expect(commit).toBeNull();
  expect(fullVersion).toBe(packageVersion);
  expect(userAgent).toBe(`clawgate/${packageVersion}`);
});
