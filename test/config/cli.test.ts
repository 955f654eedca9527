// A CLI provider in the config: which keys it takes, what the `cli` section and the variables add, and the MCP file.

import { describe, expect, test } from "bun:test";
import { load, problems } from "./loading.ts";

const backends = new Set(["claude-cli", "demo", "openai-compat"] as const);

describe("keys", () => {
  test("all of them load", () => {
    const yaml = `
providers:
  mine:
    backend: claude-cli
    bin: /opt/claude
    env: { A: 1, B: true }
    config_dir: /c
    default_model: opus
    max_concurrent: 7
    warm: 2
    parked: { max: 3, ttl_s: 20 }
    tools: [Read, "Bash(git *)"]
    permission_mode: plan
    add_dirs: [/d]
    working_dir: /w
    timeout: { total_s: 60 }
    effort: high
    thinking: true
    jail: auto
    jail_read: [/r]
    jail_hosts: ["db.internal:5432", "[::1]:80"]
    openclaw: true
    skill_file: ./x.md
`;
    expect(load(yaml, { backends }).config.providers["mine"]).toMatchObject({
      model: "opus",
      env: { A: "1", B: "true" },
      warm: { size: 2 },
      parked: { max: 3, ttl_s: 20 },
      tools: ["Read", "Bash(git *)"],
      openclaw: { tool_names: true, filter_prompt: true },
    });
  });

  test("on another backend each is named", () => {
    const yaml =
      "providers:\n  a:\n    base_url: http://127.0.0.1:1\n    model: m\n    bin: claude\n    warm: 1\n";
    expect(problems(yaml).map(({ key, line, message }) => [key, line, message])).toEqual([
      [
        "providers.a.bin",
        5,
        "bin is a key of backend claude-cli, and this provider has backend openai-compat",
      ],
      [
        "providers.a.warm",
        6,
        "warm is a key of backend claude-cli, and this provider has backend openai-compat",
      ],
    ]);
  });

  test("those of a wire say nothing to the CLI", () => {
    const yaml =
      "providers:\n  a: { backend: claude-cli, base_url: http://x, api_key: k, headers: { x-a: b } }\n";
    expect(problems(yaml, { backends }).map(({ key }) => key)).toEqual([
      "providers.a.base_url",
      "providers.a.api_key",
      "providers.a.headers",
    ]);
  });

  test.each([
    ["permission_mode: bypassPermissions", "permission_mode"],
    ["tools: all", "tools"],
    ["tools: [--evil]", "tools"],
    ["jail: yes", "jail"],
    ["jail_hosts: [db.internal]", "jail_hosts"],
    ["jail_hosts: ['http://x:1']", "jail_hosts"],
    ["jail_read: /r", "jail_read"],
    ["warm: -1", "warm"],
  ])("%s is refused", (line, key) => {
    const found = problems(`providers:\n  a:\n    backend: claude-cli\n    ${line}\n`, { backends });
    expect(found.map((each) => each.key).join()).toContain(`providers.a.${key}`);
  });
});

describe("the section", () => {
  test("makes a provider and lends its model; with a provider there it makes none", () => {
    const made = load("cli: { default_model: haiku, bin: /x }", { backends }).config;
    expect(Object.keys(made.providers)).toEqual(["claude-cli"]);
    expect(made.providers["claude-cli"]).toMatchObject({ model: "haiku", default_model: "haiku" });
    const there = load(
      "cli: { default_model: haiku }\nproviders: { mine: { backend: claude-cli, model: opus } }",
      {
        backends,
      },
    ).config;
    expect(Object.keys(there.providers)).toEqual(["mine"]);
    expect(there.providers["mine"]).toMatchObject({ model: "opus", default_model: "haiku" });
  });

  test("variables win over a provider's own keys", () => {
    const yaml =
      "providers:\n  mine: { backend: claude-cli, bin: /own, max_concurrent: 9, timeout: { total_s: 5, idle_s: 4 } }\n";
    const environment = { CLAUDE_BIN: "/variable", CLI_TIMEOUT: "60000", MAX_CONCURRENT: "2" };
    const { config } = load(yaml, { backends, environment });
    expect(config.cli).toMatchObject({ bin: "/variable", timeout: 60_000, max_concurrent: 2 });
    const mine = config.providers["mine"];
    expect([mine?.bin, mine?.max_concurrent, mine?.timeout.total_s, mine?.timeout.idle_s]).toEqual([
      undefined,
      undefined,
      undefined,
      4,
    ]);
  });

  test("its names are known to aliases, rules and default_model", () => {
    const yaml = "cli: {}\naliases: { fast: haiku, old: cc-gateway/claude-opus-4 }\ndefault_model: sonnet\n";
    expect(load(yaml, { backends }).config.aliases).toEqual({
      fast: "haiku",
      old: "cc-gateway/claude-opus-4",
    });
    expect(problems("cli: {}\naliases: { fast: opusculum }", { backends }).map(({ key }) => key)).toEqual([
      "aliases.fast",
    ]);
  });
});

describe("MCP servers", () => {
  const servers = { notes: { command: "/bin/n" }, web: { type: "http", url: "https://m.example/" } };

  test("in the config or in a file beside it, the same", () => {
    const files = { "/work/mcp.json": JSON.stringify({ mcpServers: servers, other: 1 }) };
    const written = load(`mcp_servers: ${JSON.stringify(servers)}`).config.mcp_servers;
    expect(load("mcp_servers: ./mcp.json", { files }).config.mcp_servers).toEqual(written);
    expect(written).toEqual({
      notes: { command: "/bin/n", args: [], env: {} },
      web: { type: "http", url: "https://m.example/", headers: {} },
    });
  });

  test.each([
    [null, "", "mcp_servers names this file, which does not exist"],
    ["{", "", "mcp_servers names this file, which is not valid JSON"],
    ["{}", "mcpServers", "is missing"],
    ['{"mcpServers":{"client":{"command":"x"}}}', "mcpServers.client", null],
    ['{"mcpServers":{"a":{"command":"x","enw":{}}}}', "mcpServers.a", null],
  ])("a file %p stops the start", (text, key, message) => {
    const files: Record<string, string> = text === null ? {} : { "/work/mcp.json": text };
    const [first, ...rest] = problems("mcp_servers: ./mcp.json", { files });
    expect([first?.path, rest]).toEqual(["/work/mcp.json", []]);
    expect(first?.key).toStartWith(key);
    if (message !== null) expect(first?.message).toBe(message);
  });
});
