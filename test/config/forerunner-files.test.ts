// The files of the forerunners load as they are.

import { describe, expect, test } from "bun:test";
import { load } from "./loading.ts";

const fixture = (name: string): Promise<string> =>
  Bun.file(new URL(`fixtures/${name}`, import.meta.url)).text();

describe("ClawGate-py's stock file", async () => {
  const yaml = await fixture("clawgate-py.yaml");

  test("without any key: starts, and says once for each provider why it is left out", () => {
    const { config, skippedProviders, path } = load(yaml);
    expect(path).toBe("/work/config.yaml");
    expect(config.providers).toEqual({});
    expect(config.fallback_chain).toEqual([]);
    expect(skippedProviders).toEqual([
      { id: "deepseek-chat", reason: "DEEPSEEK_API_KEY is not set" },
      { id: "deepseek-reasoner", reason: "DEEPSEEK_API_KEY is not set" },
      { id: "gemini-flash-lite", reason: "backend google-genai is not available in this build" },
      { id: "gemini-flash", reason: "backend google-genai is not available in this build" },
      { id: "openrouter-fallback", reason: "OPENROUTER_API_KEY is not set" },
    ]);
  });

  test("with a key: the values are the file's, the chain holds what is loaded", () => {
    const { config } = load(yaml, { environment: { DEEPSEEK_API_KEY: "sk-1", OPENROUTER_API_KEY: "" } });
    expect(Object.keys(config.providers)).toEqual(["deepseek-chat", "deepseek-reasoner"]);
    expect(config.providers["deepseek-chat"]).toMatchObject({
      backend: "openai-compat",
      base_url: "https://api.deepseek.com/v1",
      api_key: "sk-1",
      model: "deepseek-chat",
      models: [{ id: "deepseek-chat" }],
      max_tokens: 8000,
      tier: "default",
      timeout: { connect_s: 10, first_token_s: 120, idle_s: 120 },
      pricing: { input: 0.27, output: 1.1, cache_read: 0.07 },
    });
    expect(config.fallback_chain).toEqual(["deepseek-chat", "deepseek-reasoner"]);
    expect(config.health).toMatchObject({
      consecutive_failures_before_skip: 3,
      recovery_check_interval_seconds: 60,
    });
    expect(config.metrics.db_path).toBe("/var/lib/clawgate/clawgate.db");
    expect(config.static_rules.rules[0]?.match.any?.[1]?.model_requested).toEqual([
      "heartbeat",
      "cheap",
      "flash-lite",
    ]);
  });

  test("every section of it is acted on", () => {
    const { notices } = load(yaml);
    expect(notices).toEqual([]);
  });

  test("CLAWGATE_DB_PATH wins over the file", () => {
    const environment = { CLAWGATE_DB_PATH: "/data/x.db" };
    expect(load(yaml, { environment }).config.metrics.db_path).toBe("/data/x.db");
  });

  test("an own base URL is taken from .env beside the file, and from nowhere else in it", () => {
    const files = {
      "/work/.env": "DEEPSEEK_API_KEY=k\nDEEPSEEK_BASE_URL=https://proxy.example/deepseek\nSECRET=1",
    };
    const loaded = load(yaml, { files });
    expect(loaded.config.providers["deepseek-chat"]?.base_url).toBe("https://proxy.example/deepseek/v1");
    expect(loaded.environment["SECRET"]).toBeUndefined();
  });
});

describe("openclaw-cc-gateway's file", async () => {
  const yaml = await fixture("openclaw-cc-gateway.yaml");

  test("loads, makes the provider claude-cli and says that this build lacks it", () => {
    const { config, skippedProviders, notices } = load(yaml);
    expect(config.server).toMatchObject({ host: "0.0.0.0", port: 3456, docker_host_ip: "auto" });
    expect(config.cli).toMatchObject({ bin: "claude", timeout: 900_000, max_per_tenant: 1, effort: "low" });
    expect(config.tenants[0]).toMatchObject({
      name: "alice",
      env: { MY_API_KEY: "xxx", MY_PORT: "8080", MY_SWITCH: "true" },
    });
    expect(skippedProviders).toEqual([
      { id: "claude-cli", reason: "backend claude-cli is not available in this build" },
    ]);
    expect(notices).toEqual([]);
  });

  test("a build that has the CLI loads the provider", () => {
    const { config } = load(yaml, { backends: new Set(["claude-cli"]) });
    expect(config.providers["claude-cli"]).toMatchObject({
      backend: "claude-cli",
      model: "sonnet",
      base_url: null,
    });
    expect(config.fallback_chain).toEqual(["claude-cli"]);
  });

  test("says that its tenants have no login of their own, and that one login for both is not for everybody", () => {
    const backends = new Set(["claude-cli"] as const);
    const about = (text: string) => load(text, { backends }).notices.filter((each) => each.includes("login"));
    expect(about(yaml).map((each) => each.split(":")[1])).toEqual([
      " Claude Code has no login for the tenants alice, bob",
    ]);
    const shared = yaml.replace("cli:\n", "cli:\n  config_dir: /home/me/.claude\n");
    expect(about(shared)[0]).toContain("the tenants alice, bob share one Claude login");
    expect(about(yaml.replace("cli:\n", 'cli:\n  env: { ANTHROPIC_API_KEY: "k" }\n'))).toEqual([]);
  });

  test("its variables win over the file", () => {
    const environment = {
      PORT: "4000",
      HOST: "127.0.0.1",
      CLAUDE_BIN: "/opt/claude",
      CLI_TIMEOUT: "60000",
      MAX_CONCURRENT: "7",
      MAX_PER_TENANT: "4",
      CLI_EFFORT: "high",
      DOCKER_HOST_IP: "172.17.0.1",
    };
    const { config } = load(yaml, { environment });
    expect(config.server).toMatchObject({ port: 4000, host: "127.0.0.1", docker_host_ip: "172.17.0.1" });
    expect(config.cli).toMatchObject({
      bin: "/opt/claude",
      timeout: 60_000,
      max_concurrent: 7,
      max_per_tenant: 4,
      effort: "high",
    });
  });
});

test("claude-code-proxy is configured by variables alone", () => {
  const environment = {
    PORT: "4523",
    PROXY_API_KEYS: "first-key-0123456, second-key-0123456",
    REQUIRE_AUTH: "true",
    CLAUDE_PATH: "/usr/bin/claude",
    DEFAULT_MODEL: "sonnet",
    DEFAULT_EFFORT: "high",
    REQUEST_TIMEOUT_MS: "300000",
    LOG_LEVEL: "DEBUG",
    ENABLE_THINKING: "true",
    PROXY_MCP_CONFIG: "./mcp-servers.json",
  };
  const files = {
    "/work/mcp-servers.json": JSON.stringify({
      mcpServers: { neon: { command: "npx", args: ["-y", "neon"], env: { NEON_API_KEY: "k" } } },
    }),
  };
  const { config } = load("", { environment, files });
  expect(config.server).toMatchObject({ port: 4523, request_timeout_s: 300, log_level: "debug" });
  expect(config.auth.keys).toEqual(["first-key-0123456", "second-key-0123456"]);
  expect(config.cli).toMatchObject({
    bin: "/usr/bin/claude",
    timeout: 300_000,
    effort: "high",
    thinking: true,
  });
  expect(config.default_model).toBe("sonnet");
  expect(config.mcp_servers).toEqual({
    neon: { command: "npx", args: ["-y", "neon"], env: { NEON_API_KEY: "k" } },
  });
});
