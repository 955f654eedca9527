// What is said at the start of whose Claude login tenants use.

import { expect, test } from "bun:test";
import { load } from "./loading.ts";

const backends = new Set(["claude-cli"] as const);
const said = (tenants: readonly string[]): readonly string[] =>
  load(
    `cli: {}\ntenants:\n${tenants.map((text, at) => `  - { name: t${at}, api_key: key-of-tenant-${at}-0123, ${text} }\n`).join("")}`,
    { backends, environment: { HOME: "/home/me" } },
  ).notices.filter((each) => /login/.test(each));

test.each([
  [
    "one folder, written in three ways",
    ["config_dir: ~/c", "config_dir: /home/me/c/", "env: { CLAUDE_CONFIG_DIR: /home/me/./c }"],
    "t0, t1, t2 share",
  ],
  [
    "one token",
    ["env: { CLAUDE_CODE_OAUTH_TOKEN: x }", "env: { CLAUDE_CODE_OAUTH_TOKEN: x }"],
    "t0, t1 share",
  ],
  ["one user of the machine", ["uid: 1000", "uid: 1000"], "t0, t1 share"],
])("%s: a warning", (_name, tenants, words) => {
  const [notice, ...others] = said(tenants);
  expect(others).toEqual([]);
  expect(notice).toContain(words);
});

test("a login, a key or a user each: nothing to say; none at all is said", () => {
  expect(
    said(["config_dir: /a", "config_dir: /b", "uid: 1000", "uid: 1001", "env: { ANTHROPIC_API_KEY: k }"]),
  ).toEqual([]);
  expect(said(["uid: 1000", "config_dir: /a", "env: {}"])[0]).toContain("no login for the tenant t2");
});

test("variables that never reach the program are named with their place, and their values are not", () => {
  const { notices } = load(
    `cli: { env: { LD_PRELOAD: secret, FINE: x } }
tenants: [{ name: a, api_key: key-of-tenant-a-0123, env: { HOME: secret, BUN_OPTIONS: secret, NODE_OPTIONS: secret, MINE: x } }]
`,
    { backends, environment: { HOME: "/home/me" } },
  );
  const said = notices.filter((each) => each.includes("not passed"));
  expect(said).toEqual([
    "cli.env: LD_PRELOAD is not passed to Claude Code",
    "tenants[0].env: HOME, BUN_OPTIONS, NODE_OPTIONS are not passed to Claude Code",
  ]);
});
