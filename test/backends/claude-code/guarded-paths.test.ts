import { expect, test } from "bun:test";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { guardedPathsOf } from "../../../src/backends/claude-code/guarded-paths.ts";
import { loadConfig } from "../../../src/config/load.ts";
import { databaseFiles } from "../../../src/metrics/database-files.ts";
import { accountIn } from "../../../src/system/accounts.ts";
import { cleanupsAfterEach } from "../../support/cleanups.ts";

const cleanups = cleanupsAfterEach();

test("of a config behind a link the file and its earlier versions are guarded where they are", () => {
  const dir = cleanups.folder("clawgate-guarded-");
  mkdirSync(join(dir, "real"));
  writeFileSync(join(dir, "real", "own.yaml"), "providers: { demo: { backend: demo } }\n");
  symlinkSync("real/own.yaml", join(dir, "config.yaml"));
  const loaded = loadConfig({
    argvConfigPath: join(dir, "config.yaml"),
    environment: { HOME: dir },
    workingDirectory: "/",
    homeDirectory: dir,
    readFile: (path) => (path === join(dir, "config.yaml") ? readFileSync(path, "utf8") : null),
    availableBackends: new Set(["demo"] as const),
  });
  const guarded = guardedPathsOf(loaded, { stateDirectory: "/state", databaseFiles: [] }).map(
    ({ path }) => path,
  );
  for (const name of [
    "config.yaml",
    "real/own.yaml",
    "real/own.yaml.bak",
    "real/own.yaml.bak.5",
    "real/own.yaml.undone",
  ])
    expect(guarded).toContain(join(dir, name));
});

test("what no jail may show follows from the config: its own files, databases, tokens, skills, every login and folder", () => {
  const config = {
    providers: {
      mine: { backend: "claude-cli", config_dir: "/logins/all" },
      vendor: {
        backend: "openai-compat",
        base_url: "http://127.0.0.1:1",
        model: "m",
        auth: { type: "bearer-file", path: "/keys/token" },
      },
    },
    metrics: { db_path: "/data/rows.db" },
    skills: { dir: "./skills" },
    mcp_servers: "./mcp.json",
    tenants: [
      { name: "anna", api_key: "key-of-anna-0123456789", config_dir: "~/anna", add_dirs: ["/srv/anna"] },
      { name: "carl", api_key: "key-of-carl-0123456789", uid: "daemon" },
      { name: "bert", api_key: "key-of-bert-0123456789", env: { CLAUDE_CONFIG_DIR: "/logins/bert" } },
    ],
  };
  const loaded = loadConfig({
    argvConfigPath: "/conf/config.yaml",
    environment: { HOME: "/home/me" },
    workingDirectory: "/",
    homeDirectory: "/home/me",
    readFile: (path) =>
      ({ "/conf/config.yaml": JSON.stringify(config), "/conf/mcp.json": '{"mcpServers":{}}' })[path] ?? null,
    availableBackends: new Set(["claude-cli", "openai-compat"] as const),
  });
  const gatewayFiles = {
    stateDirectory: "/state",
    databaseFiles: databaseFiles(loaded.environment, loaded.config.metrics.db_path ?? null),
  };
  const guarded = guardedPathsOf(loaded, gatewayFiles);
  const of = (path: string) => guarded.find((each) => each.path === path);
  for (const path of [
    "/conf/config.yaml",
    "/conf/config.yaml.bak",
    "/conf/config.yaml.bak.2",
    "/conf/config.yaml.bak.5",
    "/conf/config.yaml.undone",
    "/conf/.env",
    "/data/rows.db",
    "/data/rows.db-wal",
    "/data/rows.db-shm",
    "/home/me/.local/share/clawgate/clawgate.db",
    "/keys/token",
    "/conf/mcp.json",
  ])
    expect([path, of(path)?.owner]).toEqual([path, null]);
  for (const path of ["/state", "/conf/skills"])
    expect(of(path)).toMatchObject({ isRecursive: true, owner: null });
  for (const path of ["/home/me/.claude", "/logins/all"])
    expect(of(path)).toMatchObject({ isRecursive: true, owner: { tenant: null } });
  expect(of("/home/me/anna")).toMatchObject({ isRecursive: true, owner: { tenant: "anna" } });
  const carl = accountIn(readFileSync("/etc/passwd", "utf8"), "daemon");
  if (carl !== null)
    expect(of(`${carl.home}/.claude`)).toMatchObject({ isRecursive: true, owner: { tenant: "carl" } });
  expect(of("/srv/anna")).toMatchObject({ isRecursive: false, owner: { tenant: "anna" } });
  expect(of("/logins/bert")).toMatchObject({ isRecursive: true, owner: { tenant: "bert" } });
});
