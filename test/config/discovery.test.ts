// A start without a config: what is found, in which order, and the demonstration when nothing is.

import { describe, expect, test } from "bun:test";
import { localServers, vendors } from "../../src/backends/http/vendors.ts";
import { type BackendName, backendNames } from "../../src/backends/settings.ts";
import { type DiscoveryInput, discoverConfig, keyVariablesOf } from "../../src/config/discovery.ts";
import { inputOf, type LoadOptions } from "./loading.ts";

type World = LoadOptions & {
  readonly servers?: Readonly<Record<string, readonly string[]>>;
  readonly programs?: Readonly<Record<string, string>>;
  readonly isDemo?: boolean;
};

async function found(world: World) {
  const asked: string[] = [];
  const discovery: Omit<DiscoveryInput, "port"> = {
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
  test("nothing found: the demonstration, and all five servers were asked", async () => {
    const { config, asked, path, found: lines } = await found({});
    expect(path).toBeNull();
    expect(config.fallback_chain).toEqual(["demo"]);
    expect(config.providers["demo"]).toMatchObject({ backend: "demo", model: "demo" });
    expect(asked).toEqual([
      ollama,
      "http://127.0.0.1:1234/v1/models",
      "http://127.0.0.1:8000/v1/models",
      "http://127.0.0.1:8080/v1/models",
      "http://127.0.0.1:4000/v1/models",
    ]);
    expect(lines.map((line) => line.what)).toEqual(["demo"]);
  });

  test("a vendor's key goes to the address that its variable names", async () => {
    const { config, found: lines } = await found({
      environment: {
        OPENAI_API_KEY: "k",
        OPENAI_BASE_URL: "https://llm.example.com/v1",
        DEEPSEEK_API_KEY: "k",
        DEEPSEEK_BASE_URL: "",
        GEMINI_BASE_URL: "http://127.0.0.1:9/v1beta",
      },
    });
    expect(config.providers["openai"]?.base_url).toBe("https://llm.example.com/v1");
    expect(config.providers["deepseek"]?.base_url).toBe("https://api.deepseek.com/v1");
    expect(config.providers["gemini"]).toBeUndefined();
    expect(lines[0]?.detail).toBe("key from OPENAI_API_KEY, address from OPENAI_BASE_URL");
    const odd = await found({ environment: { GEMINI_API_KEY: "k", GEMINI_BASE_URL: "llm.example.com" } });
    expect(odd.found.at(-1)?.detail).toBe("skipped: GEMINI_BASE_URL is not an http:// or https:// URL");
  });

  test.each([
    [{ ANTHROPIC_BASE_URL: "http://127.0.0.1:8090" }, undefined],
    [{ ANTHROPIC_BASE_URL: "http://localhost:9000/", PORT: "9000" }, undefined],
    [{ ANTHROPIC_BASE_URL: "http://[::1]:7777" }, 7777],
  ])(
    "a client's address of this gateway (%j, --port %p) makes it no provider of itself",
    async (more, port) => {
      const { config, found: lines } = await found({
        environment: { ANTHROPIC_API_KEY: "local", ...more },
        ...(port === undefined ? {} : { flags: { port } }),
      });
      expect(Object.keys(config.providers)).toEqual(["demo"]);
      expect(lines.map(({ what, detail }) => `${what}: ${detail}`)).toContain(
        "Anthropic: skipped: ANTHROPIC_BASE_URL points to this gateway, so ANTHROPIC_API_KEY is not a vendor key",
      );
      const other = await found({
        environment: { ANTHROPIC_API_KEY: "k", ANTHROPIC_BASE_URL: "http://127.0.0.1:1111" },
      });
      expect(other.config.providers["anthropic"]?.base_url).toBe("http://127.0.0.1:1111/v1");
    },
  );

  test("a gateway at a local server's usual port does not find itself there", async () => {
    const { asked } = await found({ environment: { PORT: "11434" }, servers: { [ollama]: ["auto"] } });
    expect(asked).not.toContain(ollama);
    expect(asked).toHaveLength(4);
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
      { id: "claude-cli", reason: "backend claude-cli is not available in this build" },
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
      { what: "LM Studio", detail: "answers at 127.0.0.1:1234 but has no models" },
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

describe("one variable", () => {
  const backends = new Set<BackendName>(backendNames);
  const cases = vendors.flatMap((row) => keyVariablesOf(row).map((name) => [name, row] as const));

  test.each(cases)("%s switches its vendor on", async (name, row) => {
    const { config, found: lines } = await found({ environment: { [name]: "k" }, backends });
    expect(Object.keys(config.providers)).toEqual([row.id]);
    expect(config.fallback_chain).toEqual([row.id]);
    expect(config.providers[row.id]).toMatchObject({
      backend: row.backend,
      base_url: row.baseUrl,
      api_key: "k",
      model: row.model ?? "",
    });
    expect(lines.map((line) => line.what)).toEqual([row.name]);
    expect(lines[0]?.detail.startsWith(`key from ${name}`)).toBe(true);
  });

  test.each(cases)("%s may stand in .env", async (name, row) => {
    const { config } = await found({ files: { "/work/.env": `${name}=k` }, backends });
    expect(Object.keys(config.providers)).toEqual([row.id]);
  });

  test("all of them: each vendor once, by its own variable", async () => {
    const environment = Object.fromEntries(cases.map(([name]) => [name, name]));
    const { config } = await found({ environment, backends });
    expect(Object.values(config.providers).map((provider) => provider.api_key ?? null)).toEqual(
      vendors.map((row) => row.keyVariable),
    );
    const chain = vendors.filter((row) => row.needsHeaders === undefined).map((row) => row.id);
    expect(config.fallback_chain).toEqual(chain);
  });

  test("a vendor that wants headers of the operator's own is loaded, but joins no chain unasked", async () => {
    const environment = { COPILOT_GITHUB_TOKEN: "k", GROQ_API_KEY: "k" };
    const { config, found: lines } = await found({ environment, backends });
    expect(Object.keys(config.providers)).toEqual(["groq", "github-copilot"]);
    expect(config.fallback_chain).toEqual(["groq"]);
    expect(lines.at(-1)?.detail).toContain("needs the headers editor-version and copilot-integration-id");
  });

  test("the key of a server on this machine is used there, but never to look for it", async () => {
    const environment = { VLLM_API_KEY: "k", LITELLM_API_KEY: "k" };
    const servers = { "http://127.0.0.1:8000/v1/models": ["m"] };
    const { config, found: lines } = await found({ environment, servers, backends });
    expect(Object.keys(config.providers)).toEqual(["vllm"]);
    expect(config.providers["vllm"]).toMatchObject({ api_key: "k", model: "m" });
    expect(lines).toEqual([
      { what: "vLLM", detail: "1 model at 127.0.0.1:8000" },
      {
        what: "LiteLLM",
        detail:
          "LITELLM_API_KEY is set, but nothing at 127.0.0.1:4000 lists its models; name it in a config file",
      },
    ]);
  });
});
