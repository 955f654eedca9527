import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createPathPolicy, isWithin } from "../../../src/backends/agent-process/jail/path-policy.ts";
import { programFiles } from "../../../src/backends/agent-process/jail/program-files.ts";
import { jailSettingsOf, withServers } from "../../../src/backends/claude-code/jail-settings.ts";

let root = "";
const at = (...names: readonly string[]): string => join(root, ...names);
beforeAll(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "clawgate-settling-")));
  const folders = [
    "home/.nvm/v24/bin",
    "home/.nvm/v24/lib/node_modules/npm",
    "home/.nvm/v24/lib/node_modules/@anthropic-ai/claude-code/bin",
    "home/.local/bin",
    "home/.local/share/claude/versions",
    "home/.claude",
    "state/mine",
    "conf",
    "servers/one",
  ];
  for (const folder of folders) mkdirSync(at(folder), { recursive: true });
  const programs = {
    "home/.nvm/v24/bin/node": "\u007fELF",
    "home/.nvm/v24/lib/node_modules/@anthropic-ai/claude-code/cli.js": "#!/usr/bin/env node\n",
    "home/.local/share/claude/versions/2.1.329": "\u007fELF",
    "servers/one/server.js": "",
    "conf/config.yaml": "",
    "conf/service.json": "",
  };
  for (const [name, text] of Object.entries(programs)) writeFileSync(at(name), text, { mode: 0o755 });
  symlinkSync("../lib/node_modules/@anthropic-ai/claude-code/cli.js", at("home/.nvm/v24/bin/claude"));
  symlinkSync("../share/claude/versions/2.1.329", at("home/.local/bin/claude"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

test("of a program in a user's home only the program is shown: a single file, or a package and what interprets it", () => {
  expect(programFiles(at("home/.local/bin/claude"), "/usr/bin")).toEqual([
    at("home/.local/bin/claude"),
    at("home/.local/share/claude/versions/2.1.329"),
  ]);
  const byNode = programFiles(at("home/.nvm/v24/bin/claude"), `${at("home/.nvm/v24/bin")}:/usr/bin`);
  expect(byNode).toContain(at("home/.nvm/v24/lib/node_modules"));
  expect(byNode).toContain(at("home/.nvm/v24/bin/node"));
  for (const shown of [at("home"), at("home/.nvm"), at("home/.local"), root])
    expect(byNode).not.toContain(shown);
  expect(programFiles(at("no-such-program"), "")).toEqual([]);
});

const settled = (more: object = {}) =>
  jailSettingsOf({
    program: "/usr/bin/bwrap",
    flags: [],
    workspace: {
      bin: at("home/.local/bin/claude"),
      home: at("state/mine"),
      configDir: at("state/mine/config"),
      isConfigDirImplied: false,
      workingDir: at("state/mine/work"),
      addDirs: [],
      pluginDirs: [],
      env: {
        ANTHROPIC_BASE_URL: "http://127.0.0.1:9999/v1",
        GOOGLE_APPLICATION_CREDENTIALS: at("conf/service.json"),
        SNEAKY: at("conf"),
        HTTPS_PROXY: "http://proxy.internal:3128",
      },
    },
    tenant: "mine",
    ownRoot: at("state/mine"),
    environment: { PATH: "/usr/bin:/bin" },
    home: at("home"),
    guardedPaths: [
      { path: at("state"), what: "the state", isRecursive: true, owner: null },
      { path: at("conf/config.yaml"), what: "the config", isRecursive: false, owner: null },
    ],
    read: [],
    hosts: ["db.internal:5432"],
    mcpServers: {
      files: {
        command: at("servers/one/server.js"),
        args: ["--root", at("servers"), "--key=/no/such/file", at("conf"), "/"],
        env: { DATABASE: "postgres://127.0.0.1/x" },
      },
      web: { type: "http", url: "http://127.0.0.1:7777/mcp", headers: {} },
    },
    ...more,
  });

test("what the operator's words name is read and reached; what holds a secret is not, nor is a proxy an address", () => {
  const { jail, servers } = settled();
  expect(jail.allowedAddresses).toEqual(["127.0.0.1:9999", "db.internal:5432"]);
  expect(jail.readable).toContain(at("conf/service.json"));
  expect(jail.readable).not.toContain(at("conf"));
  expect(jail.writable).toEqual([at("state/mine")]);
  const more = withServers(jail, servers, ["files", "web"]);
  expect(more.readable).toContain(at("servers"));
  for (const path of [at("conf"), "/", "/no/such/file"]) expect(more.readable).not.toContain(path);
  expect(more.allowedAddresses).toEqual(expect.arrayContaining(["127.0.0.1:5432", "127.0.0.1:7777"]));
  expect(withServers(jail, servers, [])).toBe(jail);
});

test("jail_read is held to the same rules as a tenant's folders", () => {
  expect(settled({ read: [at("servers")] }).jail.readable).toContain(at("servers"));
  expect(() => settled({ read: [at("conf")] })).toThrow("jail_read");
  expect(() => settled({ read: [at("home")] })).toThrow("home folder");
  expect(() => settled({ read: ["/etc"] })).toThrow("whole system");
});

test("a link among what the program obeys cannot be kept from being replaced: the operator's folder is refused, by name", () => {
  const { workspace } = { workspace: { home: at("state/mine"), configDir: at("home/.claude") } };
  const of = (configDir: string) =>
    settled({
      workspace: {
        bin: at("home/.local/bin/claude"),
        home: workspace.home,
        configDir,
        isConfigDirImplied: false,
        workingDir: at("state/mine/work"),
        addDirs: [],
        pluginDirs: [],
        env: {},
      },
    });
  expect(of(workspace.configDir).jail.fixedFolders).toContain(at("home/.claude/local"));
  symlinkSync(at("servers"), at("home/.claude/commands"));
  expect(() => of(workspace.configDir)).toThrow(`${at("home/.claude/commands")} is a link`);
  rmSync(at("home/.claude/commands"));
  mkdirSync(at("state/mine/config"), { recursive: true });
  symlinkSync(at("servers"), at("state/mine/config/commands"));
  expect(of(at("state/mine/config")).jail.writable).toContain(at("state/mine"));
});

test("what is in a folder of the system is covered there, by its folder", () => {
  const guard = createPathPolicy(
    [
      { path: at("conf/config.yaml"), what: "the config", isRecursive: false, owner: null },
      { path: at("state"), what: "the state", isRecursive: true, owner: null },
      { path: at("nowhere/config.yaml"), what: "the config", isRecursive: false, owner: null },
    ],
    at("home"),
  );
  expect(guard.within([root])).toEqual([at("conf"), at("state")]);
  expect(guard.within([at("home")])).toEqual([]);
  expect([
    isWithin("/a/b", "/a"),
    isWithin("/ab", "/a"),
    isWithin("/a", "/"),
    isWithin("/a", "/a/b"),
  ]).toEqual([true, false, true, false]);
});
