// The switches that npm takes out of `npm run manage ...`, as npm 11 hands them on.

import { expect, test } from "bun:test";
import { withNpmSwitches } from "../../../src/commands/manage/npm-options.ts";
import { ownHome } from "../command-run.ts";

const add = ["manage", "add", "alice"];
const npm = { npm_lifecycle_event: "manage" };
// npm reads --apply as -a -p -l -y.
const applied = {
  npm_config_all: "true",
  npm_config_parseable: "true",
  npm_config_long: "true",
  npm_config_yes: "true",
};

test("under `npm run manage` they count", () => {
  expect(withNpmSwitches(add, { ...npm, ...applied })).toEqual([...add, "--apply"]);
  expect(withNpmSwitches(add, { ...npm, npm_config_pull: "true" })).toEqual([...add, "--pull"]);
  expect(withNpmSwitches(add, npm)).toEqual(add);
});

test("elsewhere they are npm's own", () => {
  expect(withNpmSwitches(add, applied)).toEqual(add);
  expect(withNpmSwitches(add, { npm_lifecycle_event: "start", ...applied })).toEqual(add);
  expect(withNpmSwitches([...add, "--apply"], { ...npm, ...applied })).toEqual([...add, "--apply"]);
});

test("ls and rm mean list and remove", async () => {
  const home = ownHome();
  try {
    home.put("c.yaml", `tenants: [{ name: alice, api_key: ${"k".repeat(20)} }]\n`);
    const config = ["--config", home.at("c.yaml")];
    expect((await home.run(["manage", "ls", ...config])).stdout).toContain("alice");
    expect((await home.run(["manage", "rm", "alice", ...config])).code).toBe(0);
    expect(home.read("c.yaml")).not.toContain("alice");
  } finally {
    home.remove();
  }
});
