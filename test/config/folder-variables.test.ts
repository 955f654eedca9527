// What the `.env` of a working directory may say, and where in a config its words may stand.

import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { loadConfig } from "../../src/config/load.ts";
import { inputOf, load, problems, type LoadOptions } from "./loading.ts";

const dotEnv = (text: string, more: LoadOptions = {}): LoadOptions => ({
  ...more,
  files: { ...more.files, "/work/.env": text },
});
const notTaken = (name: string): string =>
  expect.stringMatching(new RegExp(`^not taken from [^:]*: [^(]*${name}`)) as string;

describe("names", () => {
  test.each([
    ["CLAUDE_BIN", "/x"],
    ["CLAUDE_PATH", "claude"],
    ["CLAWGATE_DB_PATH", "/x"],
    ["CLAWGATE_STATE_DIR", "/x"],
    ["CLAWGATE_CONFIG", "/x"],
    ["CLAWGATE_ANYTHING_LATER", "/x"],
    ["CLAUDE_CONFIG_DIR", "/x"],
    ["PROXY_MCP_CONFIG", "x.json"],
    ["DOCKER_HOST", "tcp://x"],
    ["DOCKER_HOST_IP", "192.0.2.1"],
    ["HOST", "0.0.0.0"],
    ["HOST", "::"],
    ["HOST", "example.com"],
    ["REQUIRE_AUTH", "false"],
    ["REQUIRE_AUTH", "0"],
    ["LOG_LEVEL", "critical"],
    ["HTTP_PROXY", "http://x"],
    ["https_proxy", "http://x"],
    ["ALL_PROXY", "http://x"],
    ["NODE_OPTIONS", "--import x"],
    ["NODE_EXTRA_CA_CERTS", "/x"],
    ["NODE_TLS_REJECT_UNAUTHORIZED", "0"],
    ["SSL_CERT_FILE", "/x"],
    ["SSLKEYLOGFILE", "/x"],
    ["BUN_OPTIONS", "--preload x"],
    ["LD_PRELOAD", "/x"],
    ["DYLD_INSERT_LIBRARIES", "/x"],
    ["PATH", "/x"],
    ["HOME", "/x"],
    ["XDG_STATE_HOME", "/x"],
    ["XDG_CONFIG_HOME", "/x"],
    ["OPENAI_BASE_URL", "http://x"],
    ["ANTHROPIC_BASE_URL", "http://x"],
    ["OPENAI_API_BASE", "http://x"],
    ["GROQ_BASE_URL", "http://x"],
    ["OLLAMA_HOST", "http://x"],
    ["AZURE_OPENAI_ENDPOINT", "http://x"],
    ["AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "http://x"],
    ["GOOGLE_VERTEX_ENDPOINT", "http://x"],
  ])("%s=%s is not taken, and named; mentioned or not", (name, value) => {
    const unnamed = load("", dotEnv(`${name}=${value}`));
    expect(unnamed.environment).toEqual({});
    expect(unnamed.notices).toEqual([notTaken(name)]);
    expect(unnamed.config).toEqual(load("").config);
    const mentioned = load(`llm_classifier: { prompt: "\${${name}:-x}" }`, dotEnv(`${name}=${value}`));
    if (!/BASE|ENDPOINT|OLLAMA/.test(name)) expect(mentioned.environment).toEqual({});
  });

  test.each([
    ["PORT", "1234"],
    ["HOST", "127.0.0.2"],
    ["HOST", "localhost"],
    ["LOG_LEVEL", "debug"],
    ["REQUEST_TIMEOUT_MS", "1000"],
    ["DEFAULT_EFFORT", "low"],
    ["ENABLE_THINKING", "true"],
    ["CLI_TIMEOUT", "2000"],
    ["CLI_EFFORT", "low"],
    ["MAX_CONCURRENT", "2"],
    ["MAX_PER_TENANT", "2"],
    ["PROXY_API_KEYS", "0123456789abcdef"],
    ["OPENAI_API_KEY", "k"],
    ["COPILOT_GITHUB_TOKEN", "k"],
  ])("%s=%s is taken, as its documents promise", (name, value) => {
    const loaded = load("", dotEnv(`${name}=${value}`));
    expect(loaded.environment).toEqual({ [name]: value });
    expect(loaded.sources).toContain(`taken from /work/.env: ${name}`);
    expect(loaded.notices).toEqual([]);
  });

  test("what is a project's own is neither taken nor worth a word", () => {
    const loaded = load("", dotEnv("DATABASE_URL=x\nDB_HOST=y\nNPM_TOKEN=z\nFOO_KEY=1\nAWS_REGION=x"));
    expect([loaded.environment, loaded.notices]).toEqual([{}, []]);
  });

  test("REQUIRE_AUTH=true counts, with keys beside it", () => {
    const { config } = load("", dotEnv("REQUIRE_AUTH=true\nPROXY_API_KEYS=0123456789abcdef"));
    expect(config.auth.keys).toEqual(["0123456789abcdef"]);
  });

  test("no key is added to those of a config that lies elsewhere; to its neighbour's they are", () => {
    const yaml = 'auth: { keys: ["key-of-the-owner-0123"] }';
    const surroundings = dotEnv("PROXY_API_KEYS=key-of-somebody-0123");
    const files = { ...surroundings.files, "/etc/own.yaml": yaml };
    const named = loadConfig(inputOf({ files, named: "/etc/own.yaml" }));
    expect(named.config.auth.keys).toEqual(["key-of-the-owner-0123"]);
    expect(named.notices).toEqual([notTaken("PROXY_API_KEYS")]);
    expect(load(yaml, surroundings).config.auth.keys).toHaveLength(2);
  });

  test("beside a config that was named, or in the folder for it, a .env may say all that it could", () => {
    const files = { "/work/own.yaml": "", "/work/.env": "CLAUDE_BIN=/opt/claude\nHOST=127.0.0.9" };
    const backends = new Set(["claude-cli"] as const);
    const named = loadConfig(inputOf({ files, named: "own.yaml", backends }));
    expect(named.config.cli?.bin).toBe("/opt/claude");
    expect([named.isUnnamed, named.notices]).toEqual([false, []]);
    const own = {
      "/home/user/.config/clawgate/config.yaml": "",
      "/home/user/.config/clawgate/.env": files["/work/.env"],
    };
    expect(loadConfig(inputOf({ files: own, backends })).config.cli?.bin).toBe("/opt/claude");
    const inside = { ...inputOf({ files: own, backends }), workingDirectory: "/home/user/.config/clawgate" };
    expect(loadConfig(inside).config.cli?.bin).toBe("/opt/claude");
  });
});

describe("places in a config", () => {
  const provider = (more: object): string =>
    JSON.stringify({ providers: { p: { base_url: "http://good", api_key: "${K}", model: "m", ...more } } });
  const address = (config: string, text: string, environment: Record<string, string> = {}): string | null =>
    load(config, dotEnv(text, { environment })).config.providers["p"]?.base_url ?? null;
  const variable = { base_url: "${U:-http://good}" };

  test.each<[string, object, string, Record<string, string>, string]>([
    ["the key of the same file", variable, "U=http://new\nK=k", {}, "http://new/v1"],
    ["a key of the environment", variable, "U=http://new", { K: "k" }, "http://good/v1"],
    ["the environment's key before the file's", variable, "U=http://new\nK=k", { K: "k" }, "http://good/v1"],
    ["an address of the environment", variable, "K=k", { U: "http://new" }, "http://new/v1"],
    [
      "one key of two from elsewhere",
      { ...variable, api_keys: ["${L}"] },
      "U=http://new\nK=k",
      { L: "l" },
      "http://good/v1",
    ],
    [
      "a header from elsewhere",
      { ...variable, headers: { a: "${H}" } },
      "U=http://new\nK=k",
      { H: "h" },
      "http://good/v1",
    ],
    [
      "a token of the environment",
      { ...variable, auth: { type: "bearer-env", variable: "T" } },
      "U=http://new\nK=k",
      { T: "t" },
      "http://good/v1",
    ],
    [
      "a token of the file",
      { ...variable, auth: { type: "bearer-env", variable: "T" } },
      "U=http://new\nT=t\nK=k",
      {},
      "http://new/v1",
    ],
    [
      "a token of another file",
      { ...variable, auth: { type: "bearer-file", path: "/t" } },
      "U=http://new\nK=k",
      {},
      "http://good/v1",
    ],
    ["half of an address", { base_url: "http://${U:-good}" }, "U=new", { K: "k" }, "http://good/v1"],
  ])("%s", (_name, more, text, environment, expected) => {
    expect(address(provider(more), text, environment)).toBe(expected);
  });

  test("a key that is written in a named config goes nowhere new either", () => {
    const config = provider({ ...variable, api_key: "written" });
    const files = { "/etc/own.yaml": config, "/work/.env": "U=http://new" };
    const loaded = loadConfig(inputOf({ files, named: "/etc/own.yaml" }));
    expect(loaded.config.providers["p"]?.base_url).toBe("http://good/v1");
    expect(loaded.notices).toEqual([notTaken("U")]);
  });

  test("a proxy is an address too", () => {
    const { config } = load(
      provider({ proxy: "${X:-http://good}" }),
      dotEnv("X=http://new", { environment: { K: "k" } }),
    );
    expect(config.providers["p"]?.proxy).toBe("http://good");
  });

  test("without a default it is said why there is no value", () => {
    const [problem] = problems(
      provider({ base_url: "${U}" }),
      dotEnv("U=http://new", { environment: { K: "k" } }),
    );
    expect(problem?.message).toContain("the variable U is not taken from /work/.env: an address for a key");
  });

  const backends = new Set(["claude-cli", "demo"] as const);
  test.each<[string, object]>([
    ["cli.bin", { cli: { bin: "${X:-claude}" } }],
    ["cli.config_dir", { cli: { config_dir: "${X:-/a}" } }],
    ["cli.working_dir", { cli: { working_dir: "${X:-/a}" } }],
    ["cli.add_dirs", { cli: { add_dirs: ["${X:-/a}"] } }],
    ["cli.skill_file", { cli: { skill_file: "${X:-/a}" } }],
    ["cli.jail", { cli: { jail: "${X:-off}" } }],
    ["cli.permission_mode", { cli: { permission_mode: "${X:-plan}" } }],
    ["cli.env.ANTHROPIC_BASE_URL", { cli: { env: { ANTHROPIC_BASE_URL: "${X:-}" } } }],
    ["providers.p.bin", { providers: { p: { backend: "claude-cli", bin: "${X:-claude}" } } }],
    ["tenants.config_dir", { tenants: [{ name: "t", api_key: "0123456789abcdef", config_dir: "${X:-/a}" }] }],
    ["tenants.uid", { tenants: [{ name: "t", api_key: "0123456789abcdef", uid: "${X:-1}" }] }],
    ["metrics.db_path", { metrics: { db_path: "${X:-/a}" } }],
    ["skills.dir", { skills: { dir: "${X:-/a}" } }],
    ["alerts.webhook.url", { alerts: { webhook: { url: "${X:-http://a}" } } }],
    ["alerts.command", { alerts: { command: ["${X:-cat}"] } }],
    ["request_log.path", { request_log: { path: "${X:-/a}" } }],
    ["server.host", { server: { host: "${X:-127.0.0.1}" } }],
    ["server.allowed_hosts", { server: { allowed_hosts: ["${X:-a}"] } }],
    ["server.allowed_origins", { server: { allowed_origins: ["${X:-http://a}"] } }],
    ["server.trusted_proxies", { server: { trusted_proxies: ["${X:-127.0.0.1}"] } }],
    ["mcp_servers.command", { mcp_servers: { a: { command: "${X:-cat}" } } }],
    ["mcp_servers.url", { mcp_servers: { a: { type: "http", url: "${X:-http://a}" } } }],
  ])("%s stays as it is", (_path, config) => {
    const text = JSON.stringify(config);
    const loaded = load(text, dotEnv("X=evil", { backends }));
    expect(loaded.config).toEqual(load(text, { backends }).config);
    expect(loaded.notices).toContainEqual(notTaken("X"));
  });

  test.each<[string, object]>([
    ["a key of the CLI", { cli: { env: { ANTHROPIC_API_KEY: "${X}" } } }],
    ["a tenant's key", { tenants: [{ name: "t", api_key: "${X}" }] }],
    ["a key of an MCP server", { mcp_servers: { a: { command: "cat", env: { SOME_TOKEN: "${X}" } } } }],
    [
      "a header of an MCP server",
      { mcp_servers: { a: { type: "http", url: "http://a", headers: { A: "${X}" } } } },
    ],
    ["a webhook's secret", { alerts: { webhook: { url: "http://a", secret: "${X}" } } }],
    ["a token of ntfy", { alerts: { ntfy: { url: "http://a/b", token: "${X}" } } }],
    ["the gateway's key", { auth: { keys: ["${X}"] } }],
    ["a model", { cli: { default_model: "${X}" } }],
  ])("%s may come out of it", (_path, config) => {
    const loaded = load(JSON.stringify(config), dotEnv("X=0123456789abcdef", { backends }));
    expect(JSON.stringify(loaded.config)).toContain("0123456789abcdef");
    expect(loaded.notices.filter((each) => each.startsWith("not taken"))).toEqual([]);
  });
});

test("property: whatever the file says, a key of the environment never leaves its address, and no program changes", () => {
  const name = fc.constantFrom(
    "DEEPSEEK_API_KEY",
    "DEEPSEEK_BASE_URL",
    "U",
    "K",
    "P",
    "CLAUDE_BIN",
    "HOST",
    "HTTPS_PROXY",
    "CLAWGATE_DB_PATH",
  );
  const entries = fc.array(fc.tuple(name, fc.constantFrom("http://evil", "http://evil.example/v1")), {
    maxLength: 12,
  });
  const provider = fc.record(
    {
      base_url: fc.constantFrom(
        "${U:-http://good}",
        "${DEEPSEEK_BASE_URL:-http://good}",
        "http://good/${P:-x}",
      ),
      api_key: fc.constantFrom("${K}", "${DEEPSEEK_API_KEY:-}", "x${K:-y}"),
      headers: fc.constantFrom({}, { a: "${K:-}" }, { b: "Bearer ${DEEPSEEK_API_KEY:-}" }),
      proxy: fc.constantFrom("${P:-http://good}"),
    },
    { requiredKeys: ["base_url", "api_key"] },
  );
  const inEnvironment = fc.subarray(["K", "DEEPSEEK_API_KEY"]);
  fc.assert(
    fc.property(entries, provider, inEnvironment, fc.boolean(), (lines, wanted, set, isNamed) => {
      const config = JSON.stringify({
        providers: { p: { ...wanted, model: "m" }, demo: { backend: "demo" } },
        cli: { bin: "${CLAUDE_BIN:-claude}" },
      });
      const path = isNamed ? "/etc/own.yaml" : "/work/config.yaml";
      const text = lines.map(([key, value]) => `${key}=${value}`).join("\n");
      const environment = Object.fromEntries(set.map((each) => [each, `secret-${each}`]));
      const input = inputOf({ files: { [path]: config, "/work/.env": text }, environment });
      const loaded = loadConfig(isNamed ? { ...input, argvConfigPath: path } : input);
      const { p } = loaded.config.providers;
      const sends = JSON.stringify([p?.api_keys, p?.headers]);
      if (sends.includes("secret-")) expect(JSON.stringify([p?.base_url, p?.proxy])).not.toContain("evil");
      expect(loaded.config.cli?.bin).toBe("claude");
      expect(loaded.config.server.host).toBe("127.0.0.1");
      expect(Object.keys(loaded.environment)).not.toContain("HTTPS_PROXY");
      expect(loaded.config.metrics.db_path).toBeUndefined();
    }),
    { numRuns: 500, verbose: true },
  );
});

describe("a config.yaml that was merely found, and what it may start", () => {
  const place = mkdtempSync(join(tmpdir(), "clawgate-found-"));
  afterAll(() => rmSync(place, { recursive: true, force: true }));
  for (const name of ["evil", "evil.sh"]) writeFileSync(join(place, name), "#!/bin/sh\n", { mode: 0o755 });
  const environment = { PWD: place, HOME: join(place, ".."), PATH: `.:${place}:/usr/bin:/bin` };
  const backends = new Set(["openai-compat", "claude-cli", "demo"] as const);
  const found = (config: object, more: object = {}) =>
    loadConfig({
      ...inputOf({ environment: { ...environment, ...more }, backends }),
      workingDirectory: place,
      readFile: (path) => (path === join(place, "config.yaml") ? JSON.stringify(config) : null),
    });
  const inHome = place.slice(place.lastIndexOf("/") + 1);

  test.each<[string, object]>([
    ["bin", { cli: { bin: "./evil" } }],
    ["bin on a PATH entry that is the folder", { cli: { bin: "evil" } }],
    ["bin by a variable", { cli: { bin: "${PWD}/evil" } }],
    ["bin by the home", { cli: { bin: `~/${inHome}/evil` } }],
    ["bin by /proc", { cli: { bin: "/proc/self/cwd/evil" } }],
    ["bin by /proc, more slashes", { cli: { bin: "//proc/self/../self/cwd/evil" } }],
    ["bin by a file descriptor", { cli: { bin: "/dev/fd/9" } }],
    ["config_dir", { cli: { config_dir: ".claude" } }],
    ["CLAUDE_CONFIG_DIR", { cli: { env: { CLAUDE_CONFIG_DIR: "./x" } } }],
    ["SHELL", { cli: { env: { SHELL: "${PWD}/evil" } } }],
    [
      "SHELL of a provider",
      { providers: { "claude-cli": { backend: "claude-cli", env: { SHELL: "./evil" } } } },
    ],
    [
      "BASH_ENV of a tenant",
      {
        cli: {},
        tenants: [{ name: "t", api_key: "0123456789abcdef", env: { BASH_ENV: "/proc/self/cwd/x" } }],
      },
    ],
  ])("%s: the provider is left out, and the config has forgotten it", (_name, config) => {
    const loaded = found(config);
    expect(Object.keys(loaded.config.providers)).toEqual([]);
    expect(loaded.skippedProviders[0]?.reason).toContain(
      "config.yaml was found in the working directory and not named explicitly",
    );
    expect(JSON.stringify(loaded.config.cli ?? {})).not.toContain("evil");
  });

  test("whole paths and names on PATH are started, and so is all that the environment names", () => {
    for (const bin of ["claude", "/usr/bin/env", join(place, "evil")])
      expect(Object.keys(found({ cli: { bin } }).config.providers)).toEqual(["claude-cli"]);
    const own = found({ cli: { bin: "./evil" } }, { CLAUDE_BIN: "./evil" });
    expect(own.config.cli?.bin).toBe("./evil");
    expect(Object.keys(own.config.providers)).toEqual(["claude-cli"]);
  });

  test("MCP servers by a file of the folder, by their arguments or variables", () => {
    const { config, notices } = found({
      cli: {},
      mcp_servers: {
        a: { command: "./evil" },
        b: { command: "node", args: ["evil.sh"] },
        c: { command: "sh", args: ["-c", "cd /; exec ${PWD}/evil"] },
        d: { command: "npx", args: ["-y", "@scope/server", "--port=1"] },
        e: { command: "cat", env: { LIB: "${PWD}/evil" } },
        f: { type: "http", url: "http://a" },
        g: { command: "python3", args: ["-m", "evil", `${place}/evil.sh`] },
      },
    });
    expect(Object.keys(config.mcp_servers)).toEqual(["d", "f"]);
    expect(notices.filter((each) => each.includes("is left out"))).toHaveLength(5);
  });

  test("a program that is told of alerts", () => {
    const evil = found({ alerts: { command: ["sh", "evil.sh"], command_timeout_s: 5 } });
    expect([evil.config.alerts.command, evil.config.alerts.command_timeout_s]).toEqual([[], 5]);
    expect(evil.notices.filter((each) => each.startsWith("alerts.command is left out"))).toHaveLength(1);
    const good = found({ alerts: { command: ["/usr/bin/env", "true"] } });
    expect(good.config.alerts.command).toEqual(["/usr/bin/env", "true"]);
  });

  test("named, it may start what it likes", () => {
    const path = join(place, "config.yaml");
    const loaded = loadConfig({
      ...inputOf({ environment, backends, named: path }),
      workingDirectory: place,
      readFile: (each) => (each === path ? JSON.stringify({ cli: { bin: "./evil" } }) : null),
    });
    expect([loaded.isUnnamed, loaded.config.cli?.bin]).toEqual([false, "./evil"]);
  });
});
