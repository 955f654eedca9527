// openclaw-cc-gateway's page against the real app, with the page's config and the scripted stand-in for `claude`.

import { afterAll, beforeAll, expect } from "bun:test";
import { mkdirSync, readFileSync } from "node:fs";
import { migrate } from "../../src/migration/migration.ts";
import { type Home, ownHome } from "../commands/command-run.ts";
import { type ScriptedClaude, scriptedClaude } from "../support/claude.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { atGateway, repository, shell, tryRows } from "./trying.ts";

const keys = { alice: "a1".repeat(32), bob: "b2".repeat(32) };

/** As printed; the page lost its indentation. */
const printedConfig = `server:
  port: 3456
  host: "0.0.0.0"
  docker_host_ip: "auto" # auto-detected, or set DOCKER_HOST_IP env
cli:
  bin: "claude"
  timeout: 900000 # 15 min per request
  max_concurrent: 3 # max parallel CLI subprocesses
session:
  ttl: 3600
  cleanup_interval: 900
skills:
  sync: "auto" # auto | manual | disabled
  dir: "./skills" # per-tenant skill storage
tenants:
  - name: alice
    api_key: "${keys.alice}"
    env: # auto-extracted from openclaw.json
      MY_API_KEY: "xxx"
      MY_SECRET: "xxx"
  - name: bob
    api_key: "${keys.bob}"
`;

let claude: ScriptedClaude;
let gateway: TestGateway;
let home: Home;

beforeAll(async () => {
  claude = scriptedClaude();
  home = ownHome();
  home.put("config.yaml", printedConfig);
  const { draft } = migrate({
    files: [{ path: home.at("config.yaml"), text: printedConfig }],
    skillsFolder: null,
  });
  draft.set(["server", "host"], "127.0.0.1");
  draft.set(["cli", "warm"], 0);
  gateway = await startTestGateway({
    config: draft.text(),
    environment: { CLAUDE_BIN: claude.bin, ANTHROPIC_API_KEY: "sk-ant-dummy" },
  });
});
afterAll(async () => {
  await gateway.stop();
  claude.remove();
  home.remove();
});

const printedMessages = `curl -X POST http://localhost:3456/v1/messages \\
-H "x-api-key: <tenant-key>" \\
-H "content-type: application/json" \\
-H "anthropic-version: 2023-06-01" \\
-d '{"model":"claude-sonnet-4","max_tokens":1024,"stream":true,"messages":[{"role":"user","content":"Hello"}]}'`;
const printedChat = `curl -X POST http://localhost:3456/v1/chat/completions \\
-H "Authorization: Bearer <tenant-key>" \\
-H "content-type: application/json" \\
-d '{"model":"claude-sonnet-4","messages":[{"role":"user","content":"Hello"}]}'`;

const curl = (printed: string, key = keys.alice): Promise<string> =>
  shell(atGateway(printed, gateway.url, key), home.dir);
const json = async (printed: string, key?: string): Promise<Record<string, unknown>> =>
  JSON.parse(await curl(printed, key)) as Record<string, unknown>;

const manage = (...args: string[]) =>
  home.run(["manage", ...args, "--config", home.at("config.yaml")], {
    environment: { npm_lifecycle_event: "manage" },
  });

tryRows("cc-gateway", {
  async "POST /v1/messages in Anthropic's format"() {
    const answer = await json(printedMessages.replace('"stream":true,', ""));
    expect(answer).toMatchObject({ type: "message", role: "assistant", stop_reason: "end_turn" });
  },
  async "POST /v1/chat/completions"() {
    expect(await json(printedChat)).toMatchObject({ object: "chat.completion" });
  },
  async "tool rounds of the CLI stay inside, the last answer goes out"() {
    const events = await curl(printedMessages.replace("Hello", "[[say:only this]]"));
    expect(events.match(/event: message_start/g)).toHaveLength(1);
    expect(events.match(/event: message_stop/g)).toHaveLength(1);
    expect(events).not.toContain('"tool_use"');
  },
  async "streams with Anthropic's events"() {
    const events = await curl(printedMessages);
    const names = [...events.matchAll(/^event: (\w+)$/gm)].map(([, name]) => name);
    expect(names[0]).toBe("message_start");
    expect(names.at(-1)).toBe("message_stop");
    expect(names).toContain("content_block_delta");
  },
  async "npm run manage list"() {
    const { scripts } = (await Bun.file(`${repository}/package.json`).json()) as {
      scripts: Record<string, string>;
    };
    expect(scripts["manage"]).toBe("exec node scripts/setup.mjs run src/main.ts manage");
    const { code, stdout } = await manage("list");
    expect(code).toBe(0);
    for (const [name, key] of Object.entries(keys)) {
      expect(stdout).toContain(name);
      expect(stdout).not.toContain(key);
    }
  },
  async "npm run manage add <name>"() {
    expect((await manage("add", "carol")).stdout).toMatch(/\b[0-9a-f]{64}\b/);
    expect(home.read("config.yaml")).toContain("name: carol");
  },
  async "npm run manage add <name> --apply"() {
    home.put(".openclaw-dora/openclaw.json", "{}");
    const { code, stderr } = await manage("add", "dora", "--apply");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(home.read(".openclaw-dora/openclaw.json")).toContain("clawgate");
    expect(home.read(".openclaw-dora/.env")).toContain("CLAWGATE_API_KEY=");
  },
  async "npm run manage remove <name>"() {
    await manage("add", "erik");
    expect((await manage("remove", "erik")).code).toBe(0);
    expect(home.read("config.yaml")).not.toContain("erik");
  },
  async "npm run manage gen-key"() {
    const { stdout } = await home.run(["manage", "gen-key"]);
    expect(stdout).toMatch(/^[0-9a-f]{64}\n$/);
  },
  async "config.yaml as printed"() {
    mkdirSync(home.at("skills"), { recursive: true });
    const { code, stdout } = await home.run(["import", home.at("config.yaml"), "--yes", "--json"]);
    expect(code).toBe(0);
    const { findings } = JSON.parse(stdout) as { findings: { what: string; verdict: string }[] };
    for (const section of ["server", "cli", "session", "skills", "tenants"])
      expect(findings).toContainEqual(expect.objectContaining({ what: section, verdict: "kept" }));
    expect(findings.filter(({ verdict }) => verdict === "left out")).toEqual([]);
    expect(readFileSync(home.at(".config/clawgate/config.yaml"), "utf8")).toContain("15 min per request");
  },
  async "an API key for each tenant"() {
    const names = new Set<string | null>();
    for (const key of Object.values(keys)) {
      const answer = await fetch(`${gateway.url}/v1/models`, { headers: { "x-api-key": key } });
      expect(answer.status).toBe(200);
      const { id } = (await json(printedChat, key)) as { id: string };
      names.add(id);
    }
    expect(names.size).toBe(2);
    const wrong = await fetch(`${gateway.url}/v1/messages`, {
      method: "POST",
      headers: { "x-api-key": "nobody's", "content-type": "application/json" },
      body: "{}",
    });
    expect(wrong.status).toBe(401);
    expect(await wrong.json()).toMatchObject({ type: "error", error: { type: "authentication_error" } });
  },
  async "a tenant's env reaches its CLI process"() {
    await curl(printedChat.replace("Hello", "[[say:env]]"));
    const seen = claude.sessions().at(-1)?.env ?? {};
    expect(Object.keys(seen)).toContain("MY_API_KEY");
    await curl(printedChat.replace("Hello", "[[say:env]]"), keys.bob);
    expect(Object.keys(claude.sessions().at(-1)?.env ?? {})).not.toContain("MY_API_KEY");
  },
  "PORT, HOST, DOCKER_HOST_IP, CLAUDE_BIN, CLI_TIMEOUT, MAX_CONCURRENT"() {
    const env =
      "PORT=3457\nHOST=127.0.0.1\nDOCKER_HOST_IP=172.17.0.1\nCLAUDE_BIN=/opt/claude\nCLI_TIMEOUT=1000\nMAX_CONCURRENT=5\n";
    const { draft } = migrate({ files: [{ path: "/old/.env", text: env }], skillsFolder: null });
    expect(draft.value).toMatchObject({
      server: { port: 3457, host: "127.0.0.1", docker_host_ip: "172.17.0.1" },
      cli: { bin: "/opt/claude", timeout: 1000, max_concurrent: 5 },
    });
  },
  async "curl -X POST /v1/messages, as printed"() {
    expect(await curl(printedMessages)).toStartWith("event: message_start\n");
  },
  async "curl -X POST /v1/chat/completions, as printed"() {
    expect(await json(printedChat)).toHaveProperty("choices.0.finish_reason", "stop");
  },
  async "GET /health: status, tenants, queue"() {
    const health = await json("curl -s http://localhost:3456/health");
    expect(health).toMatchObject({
      status: "ok",
      provider: "claude-cli-gateway",
      tenants: ["alice", "bob"],
      queue: { running: 0, queued: 0, perTenant: {} },
    });
  },
  async "GET /v1/models"() {
    const { data } = await json(`curl -s -H "x-api-key: <tenant-key>" http://localhost:3456/v1/models`);
    const ids = (data as { id: string }[]).map(({ id }) => id);
    expect(ids).toContain("claude-cli");
  },
});
