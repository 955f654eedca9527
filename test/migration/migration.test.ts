// From each program's files to a config: detection, what is kept, and that no setting is lost without a line.

import { describe, expect, test } from "bun:test";
import { foreignConfig, leaveOut, migrate } from "../../src/migration/migration.ts";
import { fileKind } from "../../src/migration/source-files.ts";
import { dotEnvText, moveSecrets } from "../../src/migration/variables.ts";
import { readDotEnv } from "../../src/config/environment.ts";

const file = (path: string, text: string) => ({ path, text });
const migrated = (...files: { path: string; text: string }[]) => migrate({ files, skillsFolder: null });
const says = ({ draft }: ReturnType<typeof migrate>, verdict: string): string[] =>
  draft.findings.filter((each) => each.verdict === verdict).map(({ what }) => what);

const fixture = (name: string): Promise<string> =>
  Bun.file(new URL(`../config/fixtures/${name}`, import.meta.url)).text();

const openclaw = `{ // mine
  models: { providers: {
    "claude-proxy": { baseUrl: "http://127.0.0.1:3456/v1", apiKey: "not-needed", api: "openai-completions", models: [{ id: "claude-opus-4-6" }] },
    other: { baseUrl: "https://api.example.com/v1" },
  } },
}`;

describe("which program a file is of follows from its content", () => {
  const cases: readonly (readonly [string, string, string | null])[] = [
    ["a.txt", "providers: {}\nfallback_chain: []\n", "clawgate-py"],
    ["b.yaml", "server: { port: 3456 }\ntenants: []\n", "cc-gateway"],
    ["c.yaml", "port: 8317\napi-keys: []\n", "cliproxyapi"],
    ["d", "# hi\nexport PROXY_API_KEYS=x\n", "claude-proxy"],
    [".env", "DEEPSEEK_API_KEY=x\n", "clawgate-py"],
    [".env", "CLAUDE_BIN=/x\n", "cc-gateway"],
    ["e", '{"mcpServers":{}}', "claude-proxy"],
    ["openclaw.json", openclaw, "cliproxyapi"],
    ["openclaw.json", openclaw.replace("3456", "4523"), "claude-proxy"],
    ["f.yaml", "some: thing\n", null],
    ["j.yaml", "server: { docker_host_ip: auto }\n", "cc-gateway"],
    ["k.yaml", "metrics: { enabled: true }\n", "clawgate-py"],
    ["g.md", "# Title\ntext\n", null],
    [".env", "FOO=bar\n", null],
    ["h.json", "[1, 2]", null],
    ["i.yaml", "a: [", null],
  ];
  test.each([...cases])("%s %j", (path, text, program) => {
    expect(fileKind(file(path, text))?.program ?? null).toBe(program as never);
  });
});

describe("ClawGate (Python)", () => {
  test("its stock file keeps its comments; unknown models and records are treated as there", async () => {
    const text = await fixture("clawgate-py.yaml");
    const result = migrated(
      file("/old/config.yaml", text),
      file("/old/.env", "GEMINI_API_KEY=g\nX=1\nDEEPSEEK_API_KEY=\n"),
    );
    expect(result.program).toBe("clawgate-py");
    expect(result.draft.text()).toContain("# The shape of ClawGate-py's stock file");
    expect(result.draft.value).toMatchObject({
      routing: { unknown_model: "auto" },
      metrics: { retention_days: 0 },
    });
    expect([...result.variables]).toEqual([["GEMINI_API_KEY", "g"]]);
    expect(says(result, "left out")).toEqual(["X", "DEEPSEEK_API_KEY"]);
    for (const section of ["providers", "static_rules", "llm_classifier", "health"])
      expect(says(result, "kept")).toContain(section);
  });

  test("keys of a rule's block were alternatives, and of a heuristic one counted", () => {
    const { draft } = migrated(
      file(
        "/old/config.yaml",
        "static_rules: { rules: [{ name: a, route_to: p, match: { model_requested: [x], system_prompt_contains: [y] } }, { name: b, route_to: p, match: { model_requested: [z] } }] }\n" +
          "heuristic_rules: { rules: [{ name: c, route_to: p, match: { has_tools: true, message_keywords: { any_of: [w] } } }] }\n",
      ),
    );
    expect(draft.at(["static_rules", "rules", 0, "match"])).toEqual({
      any: [{ model_requested: ["x"] }, { system_prompt_contains: ["y"] }],
    });
    expect(draft.at(["static_rules", "rules", 1, "match"])).toEqual({ model_requested: ["z"] });
    expect(draft.at(["heuristic_rules", "rules", 0, "match"])).toEqual({ has_tools: true });
  });

  test("a database in the checkout is left out, another one gets its whole path", () => {
    const at = (path: string): unknown =>
      migrated(file("/old/config.yaml", `providers: {}\nmetrics: { db_path: ${path} }\n`)).draft.at([
        "metrics",
        "db_path",
      ]);
    expect(at("./clawgate.db")).toBeUndefined();
    expect(at("data/x.db")).toBe("/old/data/x.db");
    expect(at("/var/x.db")).toBe("/var/x.db");
  });

  test("anchors are written out, so that a value can be set behind one", () => {
    const { draft } = migrated(
      file(
        "/old/config.yaml",
        "x: &x { api_key: sk-1234567890 }\nproviders: { a: { <<: *x, model: m }, b: *x }\n",
      ),
    );
    const variables = new Map<string, string>();
    moveSecrets(draft, variables, () => undefined);
    expect(draft.text()).not.toContain("sk-1234567890");
    expect(new Set(variables.values())).toEqual(new Set(["sk-1234567890"]));
  });
});

test("variables that tell of no program belong to the config beside them, and alone to nobody", () => {
  const { draft } = migrated(
    file("/old/config.yaml", "tenants: []\n"),
    file("/old/.env", "# mine\nPORT=4000\nHOST=127.0.0.1\n"),
  );
  expect(draft.at(["server", "port"])).toBe(4000);
  expect(draft.findings.filter(({ what }) => what === "PORT")).toEqual([
    { verdict: "kept", what: "PORT", why: "server.port" },
  ]);
  expect(() => migrated(file("/old/.env", "PORT=4000\n"))).toThrow("not a file of");
  expect(foreignConfig(file("/old/.env", "PORT=4000\n"))).toBeNull();
});

describe("openclaw-cc-gateway", () => {
  test("its file, what it did unasked, and its skills", async () => {
    const result = migrate({
      files: [file("/old/config.yaml", await fixture("openclaw-cc-gateway.yaml"))],
      skillsFolder: "/old/skills",
    });
    expect(result.draft.value).toMatchObject({
      server: { compat: "cc-gateway", port: 3456, host: "0.0.0.0" },
      cli: { default_model: "sonnet", effort: "low", skill_file: "/old/openclaw-skill.md" },
      skills: { dir: "/old/skills" },
    });
    moveSecrets(result.draft, result.variables, (name) =>
      name === "CLAWGATE_BOB_KEY" ? "another" : undefined,
    );
    expect([...result.variables.keys()]).toEqual([
      "CLAWGATE_ALICE_KEY",
      "CLAWGATE_ALICE_MY_API_KEY",
      "CLAWGATE_BOB_2_KEY",
    ]);
    expect(result.draft.at(["tenants", 1, "api_key"])).toBe("${CLAWGATE_BOB_2_KEY}");
    for (const value of result.variables.values())
      expect(JSON.stringify(result.draft.findings)).not.toContain(value);
  });

  test("without tenants it does not listen to the network", () => {
    const { draft } = migrated(file("/old/config.yaml", "cli: { timeout: 1000 }\nsession: { ttl: 60 }\n"));
    expect(draft.at(["server", "host"])).toBeUndefined();
  });

  test("what OpenClaw nests in env is no variable", () => {
    const { draft } = migrated(
      file("/old/config.yaml", "tenants: [{ name: a, api_key: k, env: { A: 1, vars: { B: 2 } } }]\n"),
    );
    expect(draft.at(["tenants", 0, "env"])).toEqual({ A: 1 });
    expect(draft.findings.some(({ what }) => what === "tenants[0].env.vars")).toBe(true);
  });
});

describe("claude-code-proxy", () => {
  test("its variables and MCP servers", () => {
    const result = migrated(
      file(
        "/old/.env",
        "PROXY_API_KEYS=one-key,two-key\nCLAUDE_PATH=/opt/claude\nDEFAULT_MODEL=opus\nFOO=1\n",
      ),
      file(
        "/old/mcp-servers.json",
        '{"mcpServers":{"neon":{"command":"npx","env":{"NEON_API_KEY":"n-1"}}},"x":1}',
      ),
    );
    expect(result.draft.value).toEqual({
      server: { compat: "claude-proxy", port: 4523 },
      cli: { default_model: "opus", effort: "high", bin: "/opt/claude" },
      auth: { keys: ["one-key", "two-key"] },
      mcp_servers: { neon: { command: "npx", env: { NEON_API_KEY: "n-1" } } },
    });
    expect(says(result, "left out")).toEqual(["FOO", "x"]);
    moveSecrets(result.draft, result.variables, () => undefined);
    expect(Object.fromEntries(result.variables)).toEqual({
      CLAWGATE_NEON_API_KEY: "n-1",
      CLAWGATE_KEY: "one-key",
      CLAWGATE_2_KEY: "two-key",
    });
  });

  test("REQUIRE_AUTH: false opens, true without keys is said instead of locking everybody out", () => {
    const of = (text: string) => migrated(file("/old/.env", text));
    const open = of("REQUIRE_AUTH=false\nPROXY_API_KEYS=k\n");
    expect(open.draft.at(["auth", "keys"])).toEqual([]);
    expect(says(open, "left out")).toEqual(["PROXY_API_KEYS"]);
    const demanded = of("REQUIRE_AUTH=true\n");
    expect(demanded.draft.at(["auth"])).toBeUndefined();
    expect(says(demanded, "changed")).toContain("REQUIRE_AUTH");
    expect(() => of("REQUIRE_AUTH=maybe\nPROXY_API_KEYS=k\n")).toThrow("REQUIRE_AUTH must be true or false");
  });
});

const cliProxyApi = `
host: ""
port: 8317
auth-dir: "~/.cli-proxy-api"
api-keys: ["your-api-key-1", "a-real-and-long-key-000"]
remote-management: { secret-key: "$2a$10$abc" }
routing: { strategy: fill-first, session-affinity: true, odd: 1 }
claude-api-key:
  - { api-key: sk-1, models: [{ name: claude-sonnet-4-6, alias: best }], cloak: {} }
  - { api-key: sk-2 }
  - { api-key: sk-3, base-url: "https://other.example.com" }
openai-compatibility:
  - { name: "Open Router", base-url: "https://openrouter.ai/api/v1", api-key-entries: [{ api-key: or-1 }], models: [{ name: kimi, alias: best }] }
  - { name: broken }
oauth-model-alias: {}
unheard-of: 1
`;

describe("CLIProxyAPI", () => {
  test("keys become providers, one for each address; aliases ours; every other key has a line", () => {
    const result = migrated(file("/old/config.yaml", cliProxyApi));
    expect(result.draft.value).toMatchObject({
      server: { compat: "cliproxyapi", port: 8317, host: "0.0.0.0" },
      auth: { keys: ["a-real-and-long-key-000"] },
      routing: { strategy: "priority" },
      providers: {
        anthropic: { backend: "anthropic", api_keys: ["sk-1", "sk-2"] },
        "anthropic-2": { base_url: "https://other.example.com", api_key: "sk-3" },
        "open-router": { base_url: "https://openrouter.ai/api/v1", api_key: "or-1", model: "kimi" },
      },
      aliases: { best: "anthropic/claude-sonnet-4-6" },
      cli: { default_model: "sonnet" },
    });
    expect(says(result, "refused")).toEqual(["api-keys", "auth-dir", "oauth-model-alias"]);
    expect(says(result, "left out")).toEqual([
      "remote-management.secret-key",
      "routing.odd",
      "claude-api-key[0].cloak",
      "openai-compatibility[0]: alias best",
      "openai-compatibility[1]",
      "remote-management",
      "unheard-of",
    ]);
  });
});

describe("CLIProxyAPI, member by member", () => {
  const of = (text: string) => migrated(file("/old/config.yaml", `api-keys: []\n${text}`));

  test("what is switched off there is not used here, and is named", () => {
    const result = of(`openai-compatibility:
  - { name: off, disabled: true, base-url: "https://off.example.com/v1", api-key-entries: [{ api-key: o-1 }] }
  - { name: "on", base-url: "https://on.example.com/v1", api-key-entries: [{ api-key: n-1 }, { api-key: n-2, disabled: yes }] }
claude-api-key: [{ api-key: c-1, disabled: true }, null, 5]
`);
    expect(result.draft.value["providers"]).toMatchObject({ on: { api_key: "n-1" } });
    expect(Object.keys(result.draft.value["providers"] as object)).toEqual(["on"]);
    expect(JSON.stringify(result.draft.value)).not.toMatch(/o-1|n-2|c-1/);
    expect(says(result, "left out")).toEqual([
      "claude-api-key[0]",
      "claude-api-key[1]",
      "claude-api-key[2]",
      "openai-compatibility[0]",
      "openai-compatibility[1].api-key-entries[1]",
    ]);
  });

  test("a key with a proxy or a weight of its own becomes a provider of its own", () => {
    const result = of(`proxy-url: http://common:1
openai-compatibility:
  - name: orr
    base-url: "https://or.example.com/v1"
    models: [{ name: kimi, alias: best }]
    api-key-entries:
      - { api-key: k-1 }
      - { api-key: k-2, proxy-url: "http://own:2" }
      - { api-key: k-3 }
      - { api-key: k-4, proxy-url: direct, weight: 3 }
`);
    expect(result.draft.value["providers"]).toEqual({
      orr: {
        backend: "openai-compat",
        base_url: "https://or.example.com/v1",
        proxy: "http://common:1",
        api_keys: ["k-1", "k-3"],
        model: "kimi",
      },
      "orr-2": {
        backend: "openai-compat",
        base_url: "https://or.example.com/v1",
        proxy: "http://own:2",
        api_key: "k-2",
        model: "kimi",
      },
      "orr-3": {
        backend: "openai-compat",
        base_url: "https://or.example.com/v1",
        weight: 3,
        api_key: "k-4",
        model: "kimi",
      },
    });
    expect(result.draft.value["aliases"]).toEqual({ best: "orr/kimi" });
    expect(says(result, "changed").filter((what) => what.startsWith("openai-compat"))).toEqual([
      "openai-compatibility[0].api-key-entries",
      "openai-compatibility[0].proxy-url",
      "openai-compatibility[0].api-key-entries",
    ]);
  });

  test("what is said of a model goes with it; every other member has a line", () => {
    const result = of(`codex-api-key:
  - api-key: x-1
    weight: 0
    request-retry: 0
    fingerprint-profile: claude-code-cli
    headers: { X-Own: 1, X-Copied: "$ABC" }
    models:
      - { name: gpt-a, display-name: A, max-context-length: 1000, input-modalities: [text], thinking: { levels: [high] }, force-mapping: true }
      - { name: gpt-b }
      - { alias: nameless }
`);
    expect(result.draft.at(["providers", "openai"])).toEqual({
      backend: "openai-responses",
      base_url: "https://api.openai.com/v1",
      headers: { "X-Own": "1" },
      api_key: "x-1",
      model: "gpt-a",
      models: [
        { id: "gpt-a", name: "A", context_window: 1000, capabilities: { vision: false, thinking: true } },
        "gpt-b",
      ],
    });
    expect(says(result, "left out").toSorted()).toEqual([
      "codex-api-key[0].fingerprint-profile",
      "codex-api-key[0].headers.X-Copied",
      "codex-api-key[0].models[0].force-mapping",
      "codex-api-key[0].models[2]",
      "codex-api-key[0].request-retry",
      "codex-api-key[0].weight",
    ]);
  });
});

test("a proxy with a password in its address is a secret, one without is none", () => {
  const result = migrated(
    file(
      "/old/config.yaml",
      "proxy-url: http://me:pass@proxy:3128\ngemini-api-key: [{ api-key: g-1 }]\nclaude-api-key: [{ api-key: c-1, proxy-url: http://proxy:3128 }]\n",
    ),
  );
  moveSecrets(result.draft, result.variables, () => undefined);
  expect(result.draft.text()).not.toContain("pass");
  expect(result.draft.at(["providers", "anthropic", "proxy"])).toBe("http://proxy:3128");
  expect([...result.variables.values()].toSorted()).toEqual(["c-1", "g-1", "http://me:pass@proxy:3128"]);
});

describe("an openclaw.json", () => {
  test("the proxy's port and models; other providers stay OpenClaw's", () => {
    const result = migrated(file("/old/openclaw.json", openclaw));
    expect(result.draft.value).toEqual({
      server: { compat: "cliproxyapi", port: 3456 },
      cli: { default_model: "sonnet" },
    });
    expect(says(result, "left out")).toEqual(["models.providers.other"]);
  });

  test("a key of its own is asked for; without such a provider it is refused", () => {
    const keyed = migrated(
      file("/old/openclaw.json", openclaw.replace("not-needed", "a-long-key-0123456789")),
    );
    expect(keyed.draft.at(["auth", "keys"])).toEqual(["a-long-key-0123456789"]);
    expect(() => migrated(file("/old/openclaw.json", openclaw.replaceAll("127.0.0.1", "10.0.0.9")))).toThrow(
      "has no provider on this machine",
    );
  });
});

test("--config: what only another program understands is translated, our own kind of file is not", () => {
  expect(foreignConfig(file("/c.yaml", cliProxyApi))?.value).toHaveProperty("server.compat", "cliproxyapi");
  expect(foreignConfig(file("/c.yaml", cliProxyApi))?.notices.join("\n")).toContain("auth-dir: refused");
  expect(foreignConfig(file("/openclaw.json", openclaw))).not.toBeNull();
  expect(foreignConfig(file("/.env", "PROXY_API_KEYS=k\n"))).not.toBeNull();
  for (const text of ["providers: {}\n", "tenants: []\n", '{"providers":{}}', "", "mcp_servers: {}\n"])
    expect(foreignConfig(file("/c.yaml", text))).toBeNull();
});

test("what the gateway refuses is left out by its dotted key, but never a key of a client", () => {
  const { draft } = migrated(
    file(
      "/c.yaml",
      "providers: { 'a.b': { model: m, odd: 1 } }\ntenants: [{ name: a, api_key: k }]\nserver: { host: h }\n",
    ),
  );
  expect(leaveOut(draft, "providers.a.b.odd", "unknown key")).toBe(true);
  expect(draft.at(["providers", "a.b"])).toEqual({ model: "m" });
  for (const key of ["tenants[0].api_key", "server.host", "nothing.here"])
    expect(leaveOut(draft, key, "the key is empty")).toBe(false);
});

test("a .env is read back as it was meant", () => {
  const values = {
    A: "plain-1",
    B: 'with "quotes" # and $signs \\n',
    C: "two\nlines",
    D: "ends with space ",
  };
  expect(readDotEnv(dotEnvText(new Map(Object.entries(values))))).toEqual(values);
});
