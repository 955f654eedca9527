// A start without a config: what is found, in which order, and the demonstration when nothing is.

import { describe, expect, test } from "bun:test";
import { localServers, quirksAt, vendors } from "../../src/backends/http/vendors.ts";
import { type BackendName, resolveBaseUrl } from "../../src/backends/settings.ts";
import { type DiscoveryInput, discoverConfig } from "../../src/config/discovery.ts";
import { inputOf, type Surroundings } from "./loading.ts";

type World = Surroundings & {
  readonly servers?: Readonly<Record<string, readonly string[]>>;
  readonly programs?: Readonly<Record<string, string>>;
  readonly isDemo?: boolean;
};

async function found(world: World) {
  const asked: string[] = [];
  const discovery: DiscoveryInput = {
    vendors,
    localServers,
    probe: async (url) => {
      asked.push(url);
      return world.servers?.[url] ?? null;
    },
    which: (program) => world.programs?.[program] ?? null,
    isDemo: world.isDemo ?? false,
  };
  return { ...(await discoverConfig(inputOf(world), discovery)), asked };
}

const ollama = "http://127.0.0.1:11434/v1/models";

describe("discovery", () => {
  test("nothing found: the demonstration, and all four servers were asked", async () => {
    const { config, asked, path, found: lines } = await found({});
    expect(path).toBeNull();
    expect(config.fallback_chain).toEqual(["demo"]);
    expect(config.providers["demo"]).toMatchObject({ backend: "demo", model: "demo" });
    expect(asked).toEqual([
      ollama,
      "http://127.0.0.1:1234/v1/models",
      "http://127.0.0.1:8000/v1/models",
      "http://127.0.0.1:8080/v1/models",
    ]);
    expect(lines.map((line) => line.what)).toEqual(["demo"]);
  });

  test("keyed vendors, then the CLI, then local servers", async () => {
    const {
      config,
      skippedProviders,
      found: lines,
    } = await found({
      environment: { DEEPSEEK_API_KEY: "k", OPENAI_API_KEY: "k", GROQ_API_KEY: "" },
      programs: { claude: "/usr/bin/claude" },
      servers: { [ollama]: ["llama3.2", "qwen3"], "http://127.0.0.1:1234/v1/models": [] },
    });
    expect(config.fallback_chain).toEqual(["openai", "deepseek", "ollama"]);
    expect(skippedProviders).toEqual([
      { id: "claude-cli", reason: "backend claude-cli is not in this build yet" },
    ]);
    expect(config.providers["openai"]).toMatchObject({ api_key: "k", base_url: "https://api.openai.com/v1" });
    expect(config.providers["ollama"]).toMatchObject({
      base_url: "http://127.0.0.1:11434/v1",
      model: "llama3.2",
      models: [{ id: "llama3.2" }, { id: "qwen3" }],
    });
    expect(config.providers["ollama"]?.api_key).toBeUndefined();
    expect(lines).toEqual([
      { what: "OpenAI", detail: "key from OPENAI_API_KEY" },
      { what: "DeepSeek", detail: "key from DEEPSEEK_API_KEY" },
      { what: "Claude Code", detail: "/usr/bin/claude" },
      { what: "Ollama", detail: "2 models at 127.0.0.1:11434" },
      { what: "LM Studio", detail: "answers at 127.0.0.1:1234 but has no model" },
    ]);
  });

  test("a CLI alone does not keep the demonstration away from a build without it", async () => {
    const world: World = { programs: { claude: "/usr/bin/claude" } };
    expect((await found(world)).config.fallback_chain).toEqual(["demo"]);
    const backends = new Set<BackendName>(["claude-cli", "demo"]);
    expect((await found({ ...world, backends })).config.fallback_chain).toEqual(["claude-cli"]);
  });

  test("keys may stand in .env, and variables and flags lie over what was found", async () => {
    const { config } = await found({
      files: { "/work/.env": "ANTHROPIC_API_KEY=k\nLOG_LEVEL=warn" },
      environment: { PORT: "9000", DEFAULT_MODEL: "claude-opus-5" },
      flags: { port: 9001 },
    });
    expect(Object.keys(config.providers)).toEqual(["anthropic"]);
    expect(config.server).toMatchObject({ port: 9001, log_level: "warn" });
    expect(config.default_model).toBe("claude-opus-5");
  });

  test("--demo looks for nothing", async () => {
    const { config, asked } = await found({ isDemo: true, environment: { OPENAI_API_KEY: "k" } });
    expect([Object.keys(config.providers), asked]).toEqual([["demo"], []]);
  });

  test("CLAUDE_BIN names the program that is looked for", async () => {
    const world: World = {
      environment: { CLAUDE_BIN: "/opt/claude" },
      programs: { "/opt/claude": "/opt/claude" },
    };
    const { config } = await found({ ...world, backends: new Set<BackendName>(["claude-cli"]) });
    expect([Object.keys(config.providers), config.cli?.bin]).toEqual([["claude-cli"], "/opt/claude"]);
  });
});

describe("the vendor rows", () => {
  const rows = [...vendors, ...localServers];

  test("have ids and key variables of their own, and addresses that stay as they are", () => {
    const keys = vendors.map((row) => row.keyVariable);
    expect(new Set(rows.map((row) => row.id)).size).toBe(rows.length);
    expect(new Set(keys).size).toBe(keys.length);
    for (const row of rows) expect(resolveBaseUrl(row.baseUrl, row.backend)).toEqual({ url: row.baseUrl });
  });

  test("only loopback is spoken to without TLS", () => {
    for (const row of rows) expect(row.baseUrl.startsWith("https://") || row.keyVariable === null).toBe(true);
  });

  test("a provider of any id gets the quirks of the host it points to", () => {
    expect(quirksAt("https://api.openai.com/v1")).toEqual(["max-completion-tokens"]);
    expect(quirksAt("http://127.0.0.1:9/v1")).toEqual([]);
  });
});
