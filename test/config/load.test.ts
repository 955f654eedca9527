// Where a config comes from and what wins: flag > environment > .env > file > default.

import { describe, expect, test } from "bun:test";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { existsSync, readFileSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../../src/config/load.ts";
import { inputOf, load, problems, problemsIn, type LoadOptions } from "./loading.ts";

describe("the search", () => {
  const file = (port: number): string => `server: { port: ${port} }`;
  const all = {
    "/work/config.yaml": file(1),
    "/home/user/.config/clawgate/config.yaml": file(2),
    "/xdg/clawgate/config.yaml": file(3),
    "/named.yaml": file(4),
    "/work/sub/relative.yaml": file(5),
    "/home/user/own.yaml": file(6),
  };
  const home = { "/home/user/.config/clawgate/config.yaml": file(2), "/xdg/clawgate/config.yaml": file(3) };

  test.each<[string, LoadOptions, string | null, number]>([
    ["the working directory", { files: all }, "/work/config.yaml", 1],
    ["the home directory", { files: home }, "/home/user/.config/clawgate/config.yaml", 2],
    [
      "XDG_CONFIG_HOME",
      { files: home, environment: { XDG_CONFIG_HOME: "/xdg" } },
      "/xdg/clawgate/config.yaml",
      3,
    ],
    [
      "a relative XDG_CONFIG_HOME is ignored",
      { files: home, environment: { XDG_CONFIG_HOME: "x" } },
      "/home/user/.config/clawgate/config.yaml",
      2,
    ],
    ["CLAWGATE_CONFIG", { files: all, environment: { CLAWGATE_CONFIG: "/named.yaml" } }, "/named.yaml", 4],
    [
      "an empty CLAWGATE_CONFIG",
      { files: all, environment: { CLAWGATE_CONFIG: "" } },
      "/work/config.yaml",
      1,
    ],
    [
      "--config before it",
      { files: all, named: "sub/relative.yaml", environment: { CLAWGATE_CONFIG: "/named.yaml" } },
      "/work/sub/relative.yaml",
      5,
    ],
    ["~ in a name", { files: all, named: "~/own.yaml" }, "/home/user/own.yaml", 6],
    ["nothing at all", {}, null, 8090],
  ])("%s", (_name, surroundings, path, port) => {
    const loaded = loadConfig(inputOf(surroundings));
    expect([loaded.path, loaded.config.server.port]).toEqual([path, port]);
  });

  test.each<[LoadOptions, string]>([
    [{ named: "missing.yaml" }, "--config"],
    [{ environment: { CLAWGATE_CONFIG: "missing.yaml" } }, "CLAWGATE_CONFIG"],
  ])("a named file that is not there is an error", (surroundings, by) => {
    const [problem] = problemsIn(() => loadConfig(inputOf(surroundings)));
    expect(problem?.path).toBe("/work/missing.yaml");
    expect(problem?.message).toContain(by);
    expect(problem?.message).toContain("no such file");
  });

  test("a file that is there but cannot be read is an error, never a reason to go on without it", () => {
    const input = inputOf({});
    const readFile = (): never => {
      throw new Error("EACCES: permission denied");
    };
    const [problem] = problemsIn(() => loadConfig({ ...input, readFile }));
    expect(problem).toMatchObject({ path: "/work/config.yaml" });
    expect(problem?.message).toContain("EACCES");
  });

  test("a folder in the file's place is said in words", () => {
    const readFile = (): never => {
      throw Object.assign(new Error("EISDIR: illegal operation on a directory, read"), { code: "EISDIR" });
    };
    const [problem] = problemsIn(() => loadConfig({ ...inputOf({}), readFile }));
    expect(problem?.message).toEndWith("cannot be read: it is a folder");
  });
});

describe("what wins", () => {
  const yaml = "server: { port: 1111 }";
  const files = { "/work/.env": "PORT=2222\nHOST=127.0.0.2" };

  test.each<[string, LoadOptions, number]>([
    ["the file over the default", {}, 1111],
    [".env over the file", { files }, 2222],
    ["the environment over .env", { files, environment: { PORT: "3333" } }, 3333],
    [
      "the flag over the environment",
      { files, environment: { PORT: "3333" }, flags: { port: "4444" } },
      4444,
    ],
    ["an empty variable is no variable", { environment: { PORT: "" } }, 1111],
  ])("%s", (_name, surroundings, port) => {
    expect(load(yaml, surroundings).config.server.port).toBe(port);
  });

  test("of two .env files the one beside the config wins, and the other still counts", () => {
    const { config } = loadConfig(
      inputOf({
        named: "/etc/gate/config.yaml",
        files: {
          "/etc/gate/config.yaml": yaml,
          "/etc/gate/.env": "PORT=5555",
          "/work/.env": "PORT=2222\nHOST=127.0.0.2",
        },
      }),
    );
    expect(config.server).toMatchObject({ port: 5555, host: "127.0.0.2" });
  });

  test("a variable that the config names may stand in .env; others are not taken", () => {
    const text = "MY_KEY=k1\nNODE_OPTIONS=--inspect\nOTHER=1\nTOKEN=t";
    const provider = "base_url: http://x, model: m";
    const loaded = load(
      `providers:\n  a: { ${provider}, api_key: "\${MY_KEY}" }\n  b: { ${provider}, auth: { type: bearer-env, variable: TOKEN } }`,
      { files: { "/work/.env": text } },
    );
    expect(loaded.config.providers["a"]?.api_key).toBe("k1");
    expect(loaded.environment).toEqual({ MY_KEY: "k1", TOKEN: "t" });
    expect(loaded.skippedProviders).toEqual([]);
  });

  test("REQUIRE_AUTH=false drops the keys and says so", () => {
    const loaded = load('auth: { keys: ["0123456789abcdef"] }', { environment: { REQUIRE_AUTH: "false" } });
    expect(loaded.config.auth.keys).toEqual([]);
    expect(loaded.notices).toContain("REQUIRE_AUTH=false: the keys in this config are not required");
  });

  test("a stray MAX_CONCURRENT makes no CLI provider", () => {
    expect(
      load("", { environment: { MAX_CONCURRENT: "4", ENABLE_THINKING: "1" } }).config.cli,
    ).toBeUndefined();
  });
});

describe("bad variables and flags name themselves", () => {
  test.each<[Record<string, string>, string, string]>([
    [{ PORT: "abc" }, "PORT", "must be a number"],
    [{ PORT: "70000" }, "PORT", "at most 65535"],
    [{ HOST: "0.0.0.0" }, "HOST", "needs a key"],
    [{ HOST: "0.0.0.0", REQUIRE_AUTH: "false", PROXY_API_KEYS: "0123456789abcdef" }, "HOST", "needs a key"],
    [{ LOG_LEVEL: "loud" }, "LOG_LEVEL", "must be one of"],
    [{ REQUEST_TIMEOUT_MS: "soon" }, "REQUEST_TIMEOUT_MS", "must be a number"],
    [{ REQUEST_TIMEOUT_MS: "0" }, "REQUEST_TIMEOUT_MS", "at least 1"],
    [{ REQUIRE_AUTH: "perhaps" }, "REQUIRE_AUTH", "true or false"],
    [{ REQUIRE_AUTH: "true" }, "REQUIRE_AUTH", "no keys"],
    [{ PROXY_API_KEYS: "short", HOST: "0.0.0.0" }, "PROXY_API_KEYS", "shorter than 16"],
    [{ PROXY_API_KEYS: "0123456789abcdef,0123456789abcdef" }, "PROXY_API_KEYS", "the same key"],
    [{ DEFAULT_MODEL: "nothing" }, "DEFAULT_MODEL", "not a declared"],
    [{ CLAUDE_BIN: "claude", MAX_CONCURRENT: "many" }, "MAX_CONCURRENT", "must be a number"],
    [{ CLAUDE_BIN: "claude", ENABLE_THINKING: "perhaps" }, "ENABLE_THINKING", "true or false"],
    [{ CLAUDE_BIN: "claude", CLI_EFFORT: "huge" }, "CLI_EFFORT", "must be one of"],
  ])("%p", (environment, name, message) => {
    const [problem] = problems("", { environment });
    expect(problem).toMatchObject({ path: name, line: null });
    expect(problem?.message).toContain(message);
  });

  test("--port and --host", () => {
    expect(problems("", { flags: { port: "x" } })[0]).toMatchObject({ path: "--port" });
    expect(problems("", { flags: { host: "0.0.0.0" } })[0]).toMatchObject({ path: "--host" });
  });
});

describe("providers that are left out", () => {
  const stanza = (rest: string): string => `providers:\n  a:\n    base_url: http://x\n    model: m\n${rest}`;

  test.each<[string, string, string | null]>([
    ["no api_key at all is a server without keys", "", null],
    ["an empty api_key", "    api_key:\n", "api_key is empty"],
    ["an empty text", '    api_key: ""\n', "api_key is empty"],
    ["an unset variable", "    api_key: ${K}\n", "K is not set"],
    ["an unset variable with an empty default", "    api_key: ${K:-}\n", "K is not set"],
    ["an empty variable", "    api_key: ${EMPTY}\n", "EMPTY is empty"],
    ["unset variables elsewhere in it do not matter", "    api_key: ${K}\n    proxy: ${P}\n", "K is not set"],
    [
      "a token variable that is not set",
      "    auth: { type: bearer-env, variable: T }\n",
      "the variable T is not set",
    ],
    [
      "a backend that is not in this build",
      "    backend: google-genai\n",
      "backend google-genai is not available in this build",
    ],
  ])("%s", (_name, rest, reason) => {
    const loaded = load(stanza(rest), { environment: { EMPTY: "" } });
    expect(loaded.skippedProviders).toEqual(reason === null ? [] : [{ id: "a", reason }]);
    expect(Object.keys(loaded.config.providers)).toEqual(reason === null ? ["a"] : []);
  });

  test("may be named by the chain, aliases and rules", () => {
    const rest =
      "    api_key: ${K}\nfallback_chain: [a]\naliases: { x: a, y: a/z, z: m }\ndefault_model: x\n" +
      "static_rules: { rules: [{ name: r, match: { model_requested: q }, route_to: a }] }\n";
    expect(load(stanza(rest)).config.fallback_chain).toEqual([]);
  });

  test("still have what is written in them judged, all of it at once, and not what a variable may bring", () => {
    const yaml =
      'providers:\n  a:\n    base_url: "ftp://x"\n    model: m\n    api_key: ${K}\n    timeout: { connect_s: -1 }\n' +
      "  b: { backend: anthropik, model: 5, api_key: '${K:-}' }\n";
    expect(problems(yaml).map(({ line, key }) => [line, key])).toEqual([
      [3, "providers.a.base_url"],
      [6, "providers.a.timeout.connect_s"],
      [7, "providers.b.backend"],
      [7, "providers.b.model"],
    ]);
    const brought =
      "    api_key: ${K:-}\n    proxy: ${P:-}\n    weight: ${W:-}\n    timeout: { connect_s: '${T:-}' }\n";
    const loaded = load(stanza(brought).replace("http://x", "${U:-}"));
    expect(loaded.skippedProviders).toEqual([{ id: "a", reason: "K is not set" }]);
  });

  test("still have their keys spelled right", () => {
    expect(problems(stanza("    api_key: ${K}\n    prise: 1\n"))[0]).toMatchObject({
      line: 6,
      key: "providers.a.prise",
      message: "unknown key",
    });
  });
});

describe("values", () => {
  test("a variable may stand for a number or a boolean", () => {
    const { config } = load(
      "server: { port: '${P:-9000}' }\nmetrics: { enabled: '${M}', retention_days: '${D:-7}' }",
      {
        environment: { M: "false" },
      },
    );
    expect([config.server.port, config.metrics.enabled, config.metrics.retention_days]).toEqual([
      9000,
      false,
      7,
    ]);
  });

  test("sections that are left empty have their defaults", () => {
    expect(load("server:\nauth:\nproviders:\naliases:\nfallback_chain:\ntenants:\ncli:\n").config).toEqual(
      load("").config,
    );
  });

  test("without a chain every loaded provider is tried in the order of the file; an empty chain stays empty", () => {
    const providers =
      "providers: { b: { base_url: http://x, model: m }, a: { base_url: http://x, model: m } }\n";
    expect(load(providers).config.fallback_chain).toEqual(["b", "a"]);
    expect(load(`${providers}fallback_chain: []`).config.fallback_chain).toEqual([]);
  });

  test("anthropic-compat is anthropic, and price is pricing", () => {
    const { config } = load(
      "providers:\n  a:\n    backend: anthropic-compat\n    base_url: https://api.deepseek.com/anthropic/\n    models: [{ id: m, price: { input: 1, output: 2 } }, n]\n",
    );
    expect(config.providers["a"]).toMatchObject({
      backend: "anthropic",
      base_url: "https://api.deepseek.com/anthropic/v1",
      model: "m",
      models: [{ id: "m", pricing: { input: 1, output: 2 } }, { id: "n" }],
    });
  });

  test("keys named __proto__ and constructor do nothing", () => {
    expect(problems("__proto__: { polluted: true }")[0]?.message).toContain("__proto__");
    expect(load("aliases: { constructor: auto }").config.aliases).toEqual({ constructor: "auto" });
    expect("polluted" in {}).toBe(false);
  });
});

describe("notices", () => {
  test.each<[string, string, string | null]>([
    [
      "auth other than a key",
      "providers: { a: { base_url: http://x, model: m, auth: { type: bearer-file, path: /t } } }",
      "vendor's terms",
    ],
    ["a strategy", "routing: { strategy: weighted, hedge_after_s: 2 }", null],
    ["a layer that is switched off", "static_rules: { enabled: false, rules: [] }", null],
    [
      "rules behind one that always holds",
      "providers: { a: { base_url: http://x, model: m } }\nheuristic_rules: { rules: [{ name: all, match: { fallthrough: true }, route_to: a }, { name: late, match: { has_tools: true }, route_to: a }] }",
      '"late" is never reached, because the earlier rule "all" always matches',
    ],
    [
      "a classifier whose provider has no key",
      'providers: { a: { base_url: http://x, model: m }, b: { base_url: http://x, model: m, api_key: "${NO_SUCH_KEY:-}" } }\nllm_classifier: { enabled: true, classifier_provider: b, category_routing: { X: a } }',
      "llm_classifier: b is not loaded, so classification is off",
    ],
    [
      "a classifier that is there",
      "providers: { a: { base_url: http://x, model: m } }\nllm_classifier: { enabled: true, classifier_provider: a/m, category_routing: { X: a } }",
      null,
    ],
    ["empty sections", "tenants: []\nmcp_servers: {}\nsession:\n", null],
  ])("%s", (_name, yaml, expected) => {
    const { notices } = load(yaml);
    if (expected === null) expect(notices).toEqual([]);
    else expect(notices.join("\n")).toContain(expected);
  });

  test.each<[string, number, boolean]>([
    ['auth: { keys: ["0123456789abcdef"] }', 0o644, true],
    ['auth: { keys: ["0123456789abcdef"] }', 0o640, false],
    ['auth: { keys: ["${K:-0123456789abcdef}"] }', 0o644, false],
    [`auth: { keys: ["sha256:${"a".repeat(64)}"] }`, 0o644, false],
    ["providers: { a: { base_url: http://x, model: m, api_key: sk-1 } }", 0o644, true],
  ])("%p with mode %p", (yaml, mode, isTold) => {
    const { notices } = load(yaml, { mode });
    expect(notices.some((notice) => notice.includes("chmod 600 /work/config.yaml"))).toBe(isTold);
  });

  test("on a real disk", async () => {
    const folder = await mkdtemp(join(tmpdir(), "clawgate-config-"));
    try {
      const path = join(folder, "config.yaml");
      await Bun.write(
        path,
        'auth: { keys: ["${PROXY_API_KEYS:-}0123456789abcdef"] }\nproviders: { a: { base_url: http://x, model: m, api_key: plain } }\n',
      );
      await chmod(path, 0o644);
      const loaded = loadConfig({
        ...inputOf({}),
        workingDirectory: folder,
        readFile: (name) => (existsSync(name) ? readFileSync(name, "utf8") : null),
        fileMode: (name) => statSync(name).mode,
      });
      expect(loaded.path).toBe(path);
      expect(loaded.notices).toEqual([expect.stringContaining("chmod 600")]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
