import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { JailProblem } from "../../../src/backends/agent-process/jail/path-policy.ts";
import {
  createWorkspaces,
  tenantFolderName,
  type WorkspaceOptions,
} from "../../../src/backends/claude-code/workspace.ts";

let root = "";
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "clawgate-workspace-"));
  mkdirSync(join(root, "home", ".claude"), { recursive: true });
  writeFileSync(join(root, "home", "claude"), "");
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const workspaces = (name: string, changes: Partial<WorkspaceOptions> = {}) => {
  const stateDirectory = join(root, name);
  return createWorkspaces({
    stateDirectory,
    environment: { HOME: join(root, "home") },
    bin: join(root, "home", "claude"),
    env: {},
    configDir: null,
    jailProgram: null,
    guardedPaths: [],
    jailRead: [],
    jailHosts: [],
    mcpServers: {},
    ...changes,
  });
};

test("requests without a tenant have the user's own home and login, and an empty folder of ours", async () => {
  const all = workspaces("default");
  expect(existsSync(join(root, "default"))).toBe(false);
  const workspace = await all.of(null);
  expect(workspace).toMatchObject({
    tenant: null,
    home: join(root, "home"),
    configDir: join(root, "home", ".claude"),
    isConfigDirImplied: true,
    jail: null,
  });
  expect(readdirSync(workspace.workingDir)).toEqual([]);
  expect(statSync(workspace.workingDir).mode & 0o777).toBe(0o700);
  expect(await all.of(null)).toBe(workspace);
});

test.each(["default", "no-tenant", "none", "null", "undefined", "constructor", "tenants", "own", "0"])(
  "a tenant called %s is a tenant like any other",
  async (name) => {
    const all = workspaces(`named-${name}`);
    const nobodys = await all.of(null);
    const own = await all.of(name, {});
    expect([nobodys.tenant, own.tenant]).toEqual([null, name]);
    expect(own.isConfigDirImplied).toBe(false);
    const places = [own.home, own.configDir, own.workingDir];
    for (const place of places) {
      expect(place).toStartWith(join(root, `named-${name}`, "cli", "tenants", tenantFolderName(name)));
      expect([nobodys.home, nobodys.configDir, nobodys.workingDir]).not.toContain(place);
    }
  },
);

test("the folder that older builds gave to requests without a tenant moves with what is in it, and never to a tenant", async () => {
  const old = join(root, "moving", "cli", "tenants", tenantFolderName("default"), "work");
  mkdirSync(old, { recursive: true });
  writeFileSync(join(old, "notes.txt"), "mine");
  // Whoever comes first.
  const own = await workspaces("moving").of("default");
  expect(readdirSync(own.workingDir)).toEqual([]);
  writeFileSync(join(own.workingDir, "theirs.txt"), "theirs");
  const nobodys = await workspaces("moving").of(null);
  expect(readdirSync(nobodys.workingDir)).toEqual(["notes.txt"]);
  rmSync(nobodys.workingDir, { recursive: true });
  rmSync(join(root, "moving", "cli", "no-tenant"), { recursive: true });
  // Several providers at once.
  const several = Array.from({ length: 4 }, () => workspaces("several"));
  mkdirSync(join(root, "several", "cli", "tenants", tenantFolderName("default"), "work"), {
    recursive: true,
  });
  await Promise.all(several.flatMap((all) => [all.of(null), all.of("default")]));
  expect(readdirSync(join(root, "several", "cli", "no-tenant"))).toEqual(["work"]);
  expect(
    readdirSync(join(root, "several", "cli", "tenants", tenantFolderName("default"))).toSorted(),
  ).toEqual(["config", "home", "work"]);
  // What is a tenant's now stays there.
  expect(readdirSync((await workspaces("moving").of(null)).workingDir)).toEqual([]);
  expect(readdirSync((await workspaces("moving").of("default")).workingDir)).toEqual(["theirs.txt"]);
});

test.each([
  ["the environment", { environment: { HOME: "/h", CLAUDE_CONFIG_DIR: "/e" } }, {}, "/e"],
  ["the provider over it", { environment: { CLAUDE_CONFIG_DIR: "/e" }, configDir: "/p" }, {}, "/p"],
  ["the provider's env", { env: { CLAUDE_CONFIG_DIR: "/v" }, configDir: "/p" }, {}, "/v"],
  ["the tenant over all", { configDir: "/p" }, { configDir: "/t" }, "/t"],
])("the configuration folder of requests without a tenant: %s", async (_, options, wishes, expected) => {
  const workspace = await workspaces("named", options).of(null, wishes);
  expect(workspace).toMatchObject({ configDir: expected, isConfigDirImplied: false });
});

test("another tenant has all of its own, and never the provider's login", async () => {
  const all = workspaces("apart", {
    environment: { HOME: join(root, "home"), CLAUDE_CONFIG_DIR: "/e" },
    configDir: "/p",
    env: { CLAUDE_CONFIG_DIR: "/v", A: "provider", B: "provider" },
  });
  const one = await all.of("one", { env: { B: "tenant" } });
  const two = await all.of("two");
  expect(one).toMatchObject({ tenant: "one", isConfigDirImplied: false });
  expect(one.env).toMatchObject({ A: "provider", B: "tenant" });
  for (const workspace of [one, two])
    for (const folder of [workspace.home, workspace.configDir, workspace.workingDir]) {
      expect(folder).toStartWith(
        join(root, "apart", "cli", "tenants", tenantFolderName(workspace.tenant ?? "")),
      );
      expect(readdirSync(folder)).toEqual([]);
      expect(statSync(folder).mode & 0o777).toBe(0o700);
    }
  expect(
    new Set([one.home, one.configDir, one.workingDir, two.home, two.configDir, two.workingDir]).size,
  ).toBe(6);
});

test("folders of a tenant's own choice are taken as they are, and must be absolute", async () => {
  const workspace = await workspaces("chosen").of("one", {
    workingDir: "/srv/project",
    addDirs: ["/srv/data"],
    pluginDirs: ["/srv/skills"],
    permissionMode: "plan",
  });
  expect(workspace).toMatchObject({
    workingDir: "/srv/project",
    addDirs: ["/srv/data"],
    pluginDirs: ["/srv/skills"],
    permissionMode: "plan",
  });
  await expect(workspaces("chosen").of("two", { workingDir: "here" })).rejects.toThrow("absolute");
  await expect(workspaces("chosen").of("three", { addDirs: ["../x"] })).rejects.toThrow("absolute");
});

test("tenants' folders never meet, whatever they are called", () => {
  const names = [
    "A",
    "a",
    "a/b",
    "a-b",
    "a_b",
    "..",
    ".",
    "",
    "-rf",
    "é",
    "ü",
    "x".repeat(300),
    "CON",
    "a\nb",
  ];
  const folders = names.map(tenantFolderName);
  expect(new Set(folders.map((each) => each.toLowerCase())).size).toBe(names.length);
  for (const folder of folders) expect(folder).toMatch(/^[a-z0-9][a-z0-9-]{0,60}$/);
});

test("what failed once is tried again", async () => {
  const all = workspaces("again");
  writeFileSync(join(root, "again"), "in the way");
  await expect(all.of(null)).rejects.toThrow();
  rmSync(join(root, "again"));
  expect((await all.of(null)).tenant).toBeNull();
});

test("a folder that others could look into is made private", async () => {
  const place = join(root, "open", "cli", "tenants", tenantFolderName("one"));
  mkdirSync(place, { recursive: true });
  chmodSync(place, 0o755);
  await workspaces("open").of("one");
  expect(statSync(place).mode & 0o777).toBe(0o700);
});

test("a tenant's jail holds its own folders, the operator's home is an empty one, and the login is what is left of it", async () => {
  const all = workspaces("jail", { jailProgram: "/usr/bin/bwrap" });
  const bin = join(root, "home", "claude");
  const one = await all.of("one", { pluginDirs: [join(root, "skills")] });
  expect(one.jail).toMatchObject({
    program: "/usr/bin/bwrap",
    owner: "one",
    readable: [bin, join(root, "skills")],
    writable: [one.home, one.configDir, one.workingDir],
    empty: ["session-env", "shell-snapshots"].map((name) => join(one.configDir, name)),
    allowedAddresses: [],
  });
  const own = await all.of(null);
  expect(own.jail).toMatchObject({
    owner: null,
    writable: [join(root, "home", ".claude"), own.workingDir],
    empty: [
      join(root, "home"),
      ...["session-env", "shell-snapshots"].map((name) => join(own.configDir, name)),
    ],
  });
  for (const { jail, configDir } of [one, own])
    expect(jail?.fixedFiles).toContain(join(configDir, "settings.json"));
});

test("a folder that holds something guarded is refused by name, whatever it is called and by whichever way it is reached", async () => {
  const place = join(root, "held");
  mkdirSync(join(place, "deep"), { recursive: true });
  writeFileSync(join(place, "deep", "config.yaml"), "");
  symlinkSync(place, join(root, "link-to-held"));
  const guardedPaths = [
    {
      path: join(place, "deep", "config.yaml"),
      what: "the gateway's config",
      isRecursive: false,
      owner: null,
    },
    { path: join(root, "logins"), what: "another login", isRecursive: true, owner: { tenant: "two" } },
    {
      path: join(root, "shared"),
      what: "a folder of another tenant",
      isRecursive: false,
      owner: { tenant: "two" },
    },
  ];
  const all = (): ReturnType<typeof workspaces> =>
    workspaces("refused", { jailProgram: "/usr/bin/bwrap", guardedPaths });
  for (const [wishes, words] of [
    [{ addDirs: [place] }, "the gateway's config"],
    [{ addDirs: [join(root, "link-to-held")] }, "the gateway's config"],
    [{ workingDir: join(place, "deep") }, "the gateway's config"],
    [{ configDir: place }, "config_dir"],
    [{ addDirs: [join(root, "home")] }, "home folder"],
    [{ addDirs: [join(root, "logins", "one")] }, "lies in another login"],
    [{ addDirs: [join(root, "logins")] }, "another login"],
    [{ addDirs: [root] }, "home folder"],
    [{ workingDir: "/" }, "whole system"],
    [{ workingDir: "/proc/1" }, "whole system"],
  ] as const)
    await expect(all().of("one", wishes)).rejects.toThrow(words);
  // Its owner has it, and so does who was given the very folder.
  expect((await all().of("two", { configDir: join(root, "logins") })).jail).not.toBeNull();
  expect((await all().of("one", { addDirs: [join(root, "shared")] })).jail).not.toBeNull();
  await expect(all().of("one", { addDirs: [root] })).rejects.toThrow(JailProblem);
});

test("a folder inside one that can be written must not lead out of it by a link", async () => {
  const outer = join(root, "outer");
  mkdirSync(join(outer, "sub"), { recursive: true });
  const all = (): ReturnType<typeof workspaces> => workspaces("linked", { jailProgram: "/usr/bin/bwrap" });
  const wishes = { workingDir: outer, addDirs: [join(outer, "sub")] };
  expect((await all().of("one", wishes)).jail?.writable).not.toContain(join(outer, "sub"));
  rmSync(join(outer, "sub"), { recursive: true });
  mkdirSync(join(root, "elsewhere"));
  symlinkSync(join(root, "elsewhere"), join(outer, "sub"));
  await expect(all().of("one", wishes)).rejects.toThrow("a link in a folder");
});
