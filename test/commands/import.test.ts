// `clawgate import`: nothing without consent, nothing over an existing file unasked, and no key where somebody could see it.

import { Database } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdirSync, statSync } from "node:fs";
import { loadOffline } from "../../src/app/offline/offline-config.ts";
import type { CommandContext } from "../../src/commands/command.ts";
import { offlineInput } from "../../src/commands/config-input.ts";
import { type Home, ownHome } from "./command-run.ts";

let home: Home;
beforeEach(() => {
  home = ownHome();
});
afterEach(() => home.remove());

const vendorKey = "sk-vendor-abcdefghijklmnop";
const tenantKey = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";
const defaultPath = "config.yaml";
const ownPath = ".config/clawgate/config.yaml";

function putGateway(): void {
  home.put(
    "old/config.yaml",
    `# mine\nserver: { port: 3456, odd: 1 }\ncli: { timeout: 1000, skill_file: ./none.md }\ntenants:\n  - { name: alice, api_key: ${tenantKey} } # hers\n`,
  );
  home.put("old/skills/alice/github/SKILL.md", "---\nname: github\n---\n");
}

test("without a terminal and without --yes: 64, and nothing is written", async () => {
  putGateway();
  const { code, stderr } = await home.run(["import", home.at("old")]);
  expect(code).toBe(64);
  expect(stderr).toContain("pass --yes");
  expect(existsSync(home.at(defaultPath))).toBe(false);
});

test("--yes: config and .env, for their owner alone; every line says what became of a setting; no key is shown", async () => {
  putGateway();
  const { code, stdout, stderr } = await home.run(["import", home.at("old"), "--yes"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toContain("From openclaw-cc-gateway");
  expect(stdout).toContain("left out  server.odd: ClawGate refuses it: unknown key");
  expect(stdout).toContain("left out  cli.skill_file: there is no such file");
  expect(stdout).toContain(`skills.dir: ${home.at("old/skills")}`);
  expect(stdout).toContain(`Start it: clawgate in this folder, or clawgate --config ${home.at(defaultPath)}`);
  expect(stdout).not.toContain(tenantKey);
  expect(home.read(defaultPath)).toContain("# mine");
  expect(home.read(defaultPath)).not.toContain(tenantKey);
  expect(home.read(".env")).toBe(`CLAWGATE_ALICE_KEY=${tenantKey}\n`);
  for (const path of [defaultPath, ".env"]) expect(statSync(home.at(path)).mode & 0o777).toBe(0o600);
  // The gateway reads it as its own.
  const listed = await home.run(["manage", "list", "--config", home.at(defaultPath)]);
  expect(listed.stdout).toContain("alice");
  expect(home.read("old/config.yaml")).toContain("odd: 1");
});

test("again: nothing to do; a file of somebody's own is replaced only with --force, and kept", async () => {
  putGateway();
  await home.run(["import", home.at("old"), "--yes"]);
  expect((await home.run(["import", home.at("old"), "--yes"])).code).toBe(0);
  home.put(defaultPath, "server: { port: 1 }\n", 0o644);
  const refused = await home.run(["import", home.at("old"), "--yes"]);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain("--force");
  expect(home.read(defaultPath)).toBe("server: { port: 1 }\n");
  expect((await home.run(["import", home.at("old"), "--yes", "--force"])).code).toBe(0);
  expect(home.read(`${defaultPath}.bak`)).toBe("server: { port: 1 }\n");
  expect(statSync(home.at(defaultPath)).mode & 0o777).toBe(0o600);
});

const sources: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "clawgate-py": {
    "config.yaml": `server: { port: 8090 }
providers:
  deepseek-chat: { base_url: "\${DEEPSEEK_BASE_URL:-https://api.deepseek.com/v1}", api_key: "\${DEEPSEEK_API_KEY}", model: deepseek-chat }
  own: { base_url: "\${OWN_ADDRESS}", api_key: sk-literal-0123456789, model: m, headers: { Authorization: "Bearer abc" } }
fallback_chain: [deepseek-chat, own]
metrics: { db_path: "\${CLAWGATE_DB_PATH:-/var/lib/clawgate/clawgate.db}" }
`,
    ".env": `DEEPSEEK_API_KEY=${vendorKey}\nDEEPSEEK_BASE_URL=https://mirror.example/v1\nOWN_ADDRESS=http://10.0.0.1:8000/v1\nCLAWGATE_DB_PATH=/tmp/none/clawgate.db\nLOG_LEVEL=debug\n`,
  },
  "cc-gateway": {
    "config.yaml": `server: { host: 0.0.0.0, docker_host_ip: auto }\ncli: { bin: /nowhere/claude }\ntenants:\n  - { name: alice, api_key: ${tenantKey}, env: { MY_API_KEY: xxx, MY_SECRET: "a b#c$d" } }\n  - { name: bob, api_key: ${tenantKey.toUpperCase()} }\n`,
    ".env": "PORT=3457\nHOST=0.0.0.0\nCLAUDE_BIN=/nowhere/other\nCLI_TIMEOUT=1000\n",
  },
  "claude-proxy": {
    ".env": `PROXY_API_KEYS=${tenantKey},${vendorKey}\nCLAUDE_PATH=/nowhere/claude\nHOST=0.0.0.0\nPROXY_MCP_CONFIG=./mcp-servers.json\n`,
    "mcp-servers.json": JSON.stringify({
      mcpServers: {
        neon: {
          command: "npx",
          args: ["-y", "@neondatabase/mcp-server-neon"],
          env: { NEON_API_KEY: "neon-key", MODE: "x" },
        },
      },
    }),
  },
  cliproxyapi: {
    "config.yaml": `port: 8317\nhost: 0.0.0.0\napi-keys: [${tenantKey}, ${tenantKey.toUpperCase()}]\nproxy-url: http://user:secret@10.0.0.1:3128\nclaude-api-key:\n  - { api-key: ${vendorKey}, headers: { Authorization: Bearer x, X-Other: y } }\nopenai-compatibility:\n  - { name: other, base-url: "https://llm.example.com/v1", api-key-entries: [{ api-key: k1 }, { api-key: k2 }], models: [{ name: m, alias: a }] }\n`,
  },
};

test.each(Object.entries(sources))(
  "%s: what was written is used by a start that finds it, all of it",
  async (program, files) => {
    for (const [name, text] of Object.entries(files)) home.put(`old/${name}`, text);
    const imported = await home.run(["import", home.at("old"), "--yes", "--json"]);
    expect(imported).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(imported.stdout)).toMatchObject({ program, config: home.at(defaultPath) });
    expect(existsSync(home.at(ownPath))).toBe(false);
    const found = await loadOffline(inputOf(undefined));
    const named = await loadOffline(inputOf(home.at(defaultPath)));
    expect(found.isUnnamed).toBe(true);
    expect(found.untrustedNotices).toEqual([]);
    expect(found.config).toEqual(named.config);
    expect(found.skippedProviders).toEqual(named.skippedProviders);
  },
);

const inputOf = (configPath: string | undefined) =>
  offlineInput(
    {
      args: [],
      environment: { HOME: home.dir, PATH: "/usr/bin:/bin" },
      workingDirectory: home.dir,
      homeDirectory: home.dir,
      stdout: process.stdout,
      stderr: process.stderr,
    } as CommandContext,
    configPath,
  );

test("what a start would not use where it is only found goes into the user's own folder, and it is said", async () => {
  putGateway();
  home.put("claude", "#!/bin/sh\n", 0o755);
  home.put("old/config.yaml", `cli: { bin: ~/claude }\ntenants: [{ name: alice, api_key: ${tenantKey} }]\n`);
  const { code, stdout } = await home.run(["import", home.at("old"), "--yes"]);
  expect(code).toBe(0);
  expect(stdout).toContain("not in this folder: where a config is only found, not all of it counts");
  expect(stdout).toContain(`Start it: clawgate --config ${home.at(ownPath)}`);
  expect(home.read(ownPath)).toContain("bin: ~/claude");
  expect(existsSync(home.at(defaultPath))).toBe(false);
});

test("in the other program's own folder: nothing of it is changed", async () => {
  for (const [name, text] of Object.entries(sources["claude-proxy"] ?? {})) home.put(name, text);
  const before = home.read(".env");
  const { code, stdout } = await home.run(["import", ".", "--yes", "--force"]);
  expect(code).toBe(0);
  expect(stdout).toContain("not in this folder: the files that are imported lie there");
  expect(home.read(".env")).toBe(before);
  expect(existsSync(home.at(defaultPath))).toBe(false);
  expect(home.read(ownPath)).toContain("NEON_API_KEY");
});

test("$CLAWGATE_CONFIG names the place, as for init", async () => {
  putGateway();
  const environment = { CLAWGATE_CONFIG: home.at("named/mine.yaml") };
  const { code, stdout } = await home.run(["import", home.at("old"), "--yes"], { environment });
  expect(code).toBe(0);
  expect(stdout).toContain(`Written: ${home.at("named/mine.yaml")}`);
  expect(home.read("named/.env")).toContain(tenantKey);
});

test("an address or a proxy that cannot be taken over takes its provider with it: no key goes elsewhere", async () => {
  home.put(
    "old/config.yaml",
    `claude-api-key:\n  - { api-key: ${vendorKey}, base-url: "https://user:pw@example.com" }\ngemini-api-key:\n  - { api-key: ${vendorKey}2, proxy-url: "socks5://10.0.0.1:1" }\n`,
  );
  const { code, stdout } = await home.run(["import", home.at("old"), "--yes"]);
  expect(code).toBe(0);
  expect(stdout).toContain("left out  providers.anthropic: without its base_url: ClawGate refuses it");
  expect(stdout).toMatch(/left out {2}providers\.\w+: without its proxy: ClawGate refuses it/);
  expect(home.read(defaultPath)).not.toContain("api_key");
  expect(existsSync(home.at(".env"))).toBe(false);
});

test("thousands of tenants, each with a key that is unknown here", async () => {
  const count = 2_000;
  const tenants = Array.from(
    { length: count },
    (_, index) => `  - { name: t${index}, api_key: ${String(index).padStart(64, "0")}, odd: 1 }\n`,
  );
  home.put("old/config.yaml", `cli: {}\ntenants:\n${tenants.join("")}`);
  const { code, stdout } = await home.run(["import", home.at("old"), "--yes"]);
  expect(code).toBe(0);
  expect(stdout.match(/^left out {2}tenants\[\d+\]\.odd/gm)).toHaveLength(count);
  expect(home.read(".env").split("\n")).toHaveLength(count + 1);
}, 120_000);

test("--dry-run and --json write nothing; the JSON holds every finding and no key", async () => {
  putGateway();
  const dry = await home.run(["import", home.at("old"), "--dry-run", "--json"]);
  expect(dry.code).toBe(0);
  const report = JSON.parse(dry.stdout) as { program: string; written: boolean; findings: unknown[] };
  expect(report).toMatchObject({ program: "cc-gateway", written: false });
  expect(report.findings.length).toBeGreaterThan(5);
  expect(dry.stdout).not.toContain(tenantKey);
  expect(existsSync(home.at(defaultPath))).toBe(false);
});

test("--out: beside an .env whose other lines stay", async () => {
  putGateway();
  home.put("new/.env", "MINE=1 # stays\n");
  const { code } = await home.run([
    "import",
    home.at("old/config.yaml"),
    "--out",
    home.at("new"),
    "--yes",
    "--force",
  ]);
  expect(code).toBe(0);
  expect(home.read("new/.env")).toBe(`MINE=1 # stays\nCLAWGATE_ALICE_KEY=${tenantKey}\n`);
  expect(existsSync(home.at("new/config.yaml"))).toBe(true);
});

test("a variable that is set elsewhere is not taken for a key", async () => {
  putGateway();
  await home.run(["import", home.at("old"), "--yes"], { environment: { CLAWGATE_ALICE_KEY: "another" } });
  expect(home.read(".env")).toBe(`CLAWGATE_ALICE_2_KEY=${tenantKey}\n`);
});

test("open to the network without a strong key: this machine alone, and said", async () => {
  for (const tenants of ["[]", "[{ name: alice, api_key: short }]"]) {
    home.put("old/config.yaml", `server: { host: 0.0.0.0 }\ncli: {}\ntenants: ${tenants}\n`);
    const { code, stdout } = await home.run(["import", home.at("old"), "--yes", "--force"]);
    expect(code).toBe(0);
    expect(stdout).toContain("changed   server.host: 127.0.0.1 instead of 0.0.0.0");
    expect(home.read(defaultPath)).toContain("127.0.0.1");
  }
});

test("what only a person can decide stops it: a tenant without a usable key", async () => {
  home.put("old/config.yaml", "cli: {}\ntenants: [{ name: 'no name', api_key: aaaaaaaaaaaaaaaaaaaaaaaa }]\n");
  const { code, stderr } = await home.run(["import", home.at("old"), "--yes"]);
  expect(code).toBe(78);
  expect(stderr).toContain("tenants[0].name");
  expect(existsSync(home.at(defaultPath))).toBe(false);
});

test("files of nobody known, and no file", async () => {
  home.put("old/config.yaml", "hello: world\n");
  expect((await home.run(["import", home.at("old"), "--yes"])).code).toBe(78);
  const none = await home.run(["import", home.at("none"), "--yes"]);
  expect(none.code).toBe(78);
  expect((await home.run(["import"])).code).toBe(64);
});

test("ClawGate (Python) with its records: once, also where the import is run again", async () => {
  home.put(
    "old/config.yaml",
    "providers: { a: { base_url: 'http://127.0.0.1:1/v1', api_key: '${A_API_KEY}', model: m } }\nfallback_chain: [a]\n",
  );
  home.put("old/.env", `A_API_KEY=${vendorKey}\nCLAWGATE_DB_PATH=${home.at("data/clawgate.db")}\n`);
  mkdirSync(home.at("data"));
  const db = new Database(home.at("data/clawgate.db"));
  db.run(
    "CREATE TABLE requests (id INTEGER PRIMARY KEY, timestamp REAL, provider TEXT, model TEXT, layer TEXT, rule_name TEXT, " +
      "prompt_tok INTEGER, compl_tok INTEGER, cache_hit INTEGER, cache_miss INTEGER, cost_usd REAL, latency_ms REAL, success INTEGER, error TEXT)",
  );
  db.run(
    "INSERT INTO requests VALUES (1, 1770000000, 'a', 'm', 'direct', 'explicit-model', 1, 2, 0, 0, 0.5, 10, 1, '')",
  );
  db.close();
  const first = await home.run(["import", home.at("old"), "--yes"]);
  expect({ code: first.code, stderr: first.stderr }).toEqual({ code: 0, stderr: "" });
  expect(first.stdout).toContain("Records: 1 imported, 0 were there, 0 could not be read.");
  expect(first.stdout).not.toContain(vendorKey);
  const second = await home.run(["import", home.at("old"), "--yes"]);
  expect(second.stdout).toContain("Records: 0 imported, 1 were there");
  const alone = await home.run(["import", home.at("data/clawgate.db"), "--json", "--yes"]);
  expect(JSON.parse(alone.stdout)).toMatchObject({ program: null, records: { total: 1 } });
  const stats = await home.run(["stats", "--json", "--days", "3000", "--config", home.at(defaultPath)]);
  expect(stats.code).toBe(0);
  expect(stats.stdout).toContain("0.5");
});

test("a database that cannot be read is said, not taken for none", async () => {
  home.put("old/config.yaml", `providers: {}\nmetrics: { db_path: ${home.at("cut.db")} }\n`);
  home.put("cut.db", `SQLite format 3\0${"x".repeat(5_000)}`);
  const alone = await home.run(["import", home.at("cut.db"), "--yes"]);
  expect(alone.code).toBe(78);
  expect(alone.stderr).toContain("cut.db cannot be read: ");
  const whole = await home.run(["import", home.at("old"), "--yes"]);
  expect(whole.code).toBe(1);
  expect(whole.stdout).toContain("cut.db cannot be read: ");
  expect(whole.stderr).toContain("the records: ");
  expect(existsSync(home.at(defaultPath))).toBe(true);
});

test("keys that are not understood never become a gateway that asks for none; every setting has its line", async () => {
  for (const keys of ["12345678901234567890", "{ a: b }", "[12345678901234567890]"]) {
    home.put("old/config.yaml", `api-keys: ${keys}\n`);
    const { code, stderr } = await home.run(["import", home.at("old"), "--yes"]);
    expect(code).toBe(78);
    expect(stderr).toContain("api-keys must be a list of texts");
  }
  home.put("old/config.yaml", "claude-api-key: {}\nopenai-compatibility: [1]\n");
  const { stdout } = await home.run(["import", home.at("old"), "--yes"]);
  expect(stdout).toContain("left out  claude-api-key: it is not a list");
  expect(stdout).toContain("left out  openai-compatibility[0]: it is not a map");
  home.put("old/config.yaml", "server: 5\ncli: {}\n");
  expect((await home.run(["import", home.at("old"), "--yes"])).stderr).toContain(
    "server must be a map of settings",
  );
});

test("a key of digits alone stays as it is written", async () => {
  const digits = "1234567890123456789012345678901234567890";
  home.put("old/config.yaml", `cli: {}\ntenants: [{ name: alice, api_key: ${digits} }]\n`);
  expect((await home.run(["import", home.at("old"), "--yes"])).code).toBe(0);
  expect(home.read(".env")).toBe(`CLAWGATE_ALICE_KEY=${digits}\n`);
});

test("while a gateway runs the records wait, and the config is written", async () => {
  const { startStandIn } = await import("./stand-in.ts");
  home.put("old/config.yaml", "providers: {}\nfallback_chain: []\n");
  const db = new Database(home.at("old/clawgate.db"));
  db.run(
    "CREATE TABLE requests (id INTEGER PRIMARY KEY, timestamp REAL, provider TEXT, model TEXT, layer TEXT, rule_name TEXT, " +
      "prompt_tok INTEGER, compl_tok INTEGER, cache_hit INTEGER, cache_miss INTEGER, cost_usd REAL, latency_ms REAL, success INTEGER, error TEXT)",
  );
  db.close();
  const standIn = await startStandIn({ stateDir: home.stateDir, answer: () => Response.json({}) });
  try {
    const { code, stderr } = await home.run(["import", home.at("old"), "--yes"]);
    expect(code).toBe(1);
    expect(stderr).toContain("a gateway is running");
    expect(existsSync(home.at(defaultPath))).toBe(true);
  } finally {
    standIn.stop();
  }
});
