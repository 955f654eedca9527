// `clawgate connect`, `disconnect` and `run` as a script meets them: options, exit codes, what is printed and what is written, without a
// gateway and with one that asks for keys or does not.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type Home, ownHome } from "./command-run.ts";

let home: Home;
beforeEach(() => {
  home = ownHome();
  mkdirSync(home.stateDir, { mode: 0o700 });
});
afterEach(() => home.remove());

const settings = ".claude/settings.json";
const mine = '{\n  // mine\n  "model": "opus"\n}\n';
const demo = "server: { port: 4567 }\nproviders: { demo: { backend: demo } }\n";

/** The config file that `--config` names. */
function config(text: string): string {
  home.put("clawgate.yaml", text);
  return home.at("clawgate.yaml");
}

function stubClient(name: string, script: string): string {
  mkdirSync(home.at("bin"), { recursive: true });
  writeFileSync(home.at(join("bin", name)), `#!/bin/sh\n${script}\n`);
  chmodSync(home.at(join("bin", name)), 0o755);
  return `${home.at("bin")}:/usr/bin:/bin`;
}

type Printed = {
  readonly [key: string]: unknown;
  readonly files: readonly { readonly path: string; readonly text: string }[];
  readonly notes: readonly string[];
};

type Report = {
  readonly [key: string]: unknown;
  readonly files: readonly { path: string; diff: string[] }[];
};

describe("connect", () => {
  test("a client that is connected by hand: told how, and nothing written", async () => {
    const done = await home.run(["connect", "cursor"]);
    expect(done.code).toBe(0);
    expect(done.stdout).toContain("Override OpenAI Base URL");
    const { written, steps } = JSON.parse((await home.run(["connect", "cursor", "--json"])).stdout) as {
      readonly written: unknown;
      readonly steps: readonly string[];
    };
    expect([written, steps.length]).toEqual([false, 5]);
    expect((await home.run(["disconnect", "cursor"])).code).toBe(64);
    expect(existsSync(home.at("state/connections.json"))).toBe(false);
  });

  test("a program is asked in a folder of its own, and what it tells is written", async () => {
    const models = [{ slug: "x", visibility: "list", base_instructions: "You are X." }];
    const PATH = stubClient(
      "codex",
      `[ "$1" = --version ] && echo codex 9.9.9 && exit
[ "$3" = --bundled ] && [ "$CODEX_HOME" = "${home.at(".codex")}" ] && exit 3
cat <<'END'
${JSON.stringify({ models })}
END`,
    );
    home.put(".codex/config.toml", "# mine\n");
    const named = ["--yes", "--config", config(demo)];
    const done = await home.run(["connect", "codex", ...named], {
      environment: { PATH, CODEX_HOME: home.at(".codex") },
    });
    expect([done.code, done.stderr]).toEqual([0, ""]);
    expect(home.read(".codex/config.toml")).toContain(
      `model_catalog_json = "${home.at(".codex/clawgate-models.json")}"`,
    );
    expect(JSON.parse(home.read(".codex/clawgate-models.json"))).toMatchObject({
      models: [{ slug: "auto", base_instructions: "You are X." }, { slug: "demo" }],
    });
    expect((await home.run(["disconnect", "codex", ...named], { environment: { PATH } })).code).toBe(0);
    expect(home.read(".codex/config.toml")).toBe("# mine\n");
    expect(existsSync(home.at(".codex/clawgate-models.json"))).toBe(false);
  });

  test("a program that cannot answer: connected all the same, and said", async () => {
    const PATH = stubClient("codex", 'case "$*" in *--bundled*) exit 1 ;; esac; echo \'{"models":[]}\'');
    const done = await home.run(["connect", "codex", "--yes", "--config", config(demo)], {
      environment: { PATH },
    });
    expect(done.code).toBe(0);
    expect(done.stdout).toContain("no metadata for the model");
    expect(home.read(".codex/config.toml")).toContain("model_context_window = 128000");
  });

  test("without a terminal and --yes: 64, the diff, and nothing written", async () => {
    home.put(settings, mine);
    const done = await home.run(["connect", "claude-code", "--config", config(demo)]);
    expect(done.code).toBe(64);
    expect(done.stdout).toContain('+    "ANTHROPIC_BASE_URL": "http://127.0.0.1:4567",');
    expect(done.stderr).toContain("pass --yes");
    expect(home.read(settings)).toBe(mine);
    expect(existsSync(home.at("state/connections.json"))).toBe(false);
  });

  test("--dry-run and --print write nothing; --json says what would be", async () => {
    home.put(settings, mine);
    const named = ["--config", config(demo)];
    const dry = await home.run(["connect", "claude-code", "--dry-run", "--yes", "--json", ...named]);
    expect(dry.code).toBe(0);
    const report = JSON.parse(dry.stdout) as Report;
    expect(report).toMatchObject({ client: "claude-code", scope: "user", written: false, ok: true });
    expect(report.files.map(({ path }) => path)).toEqual([home.at(settings)]);
    const print = await home.run(["connect", "claude-code", "--print", ...named]);
    expect(print.code).toBe(0);
    expect(JSON.parse(print.stdout.replace(/^#.*$/gm, ""))).toHaveProperty(
      "env.ANTHROPIC_AUTH_TOKEN",
      "clawgate-claude-code",
    );
    expect(home.read(settings)).toBe(mine);
  });

  test.each<[string, (home: Home) => void]>([
    ["is missing", () => undefined],
    ["cannot be parsed", (each) => each.put(settings, "{ broken")],
    ["is read-only", (each) => each.put(settings, "{}\n", 0o444)],
    ["is no text", (each) => writeFileSync(each.at(settings), new Uint8Array([0xff, 0xfe]))],
    ["is a folder", (each) => mkdirSync(each.at(settings), { recursive: true })],
    ["is a link out of the home", (each) => symlinkSync("/nonexistent/x", each.at(settings))],
  ])("--print says what belongs into a file that %s", async (_name, make) => {
    mkdirSync(home.at(".claude"));
    make(home);
    const print = await home.run(["connect", "claude-code", "--print", "--config", config(demo)]);
    expect(print).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(print.stdout.replace(/^#.*$/gm, ""))).toHaveProperty(
      "env.ANTHROPIC_BASE_URL",
      "http://127.0.0.1:4567",
    );
    expect(readdirSync(home.stateDir)).toEqual([]);
  });

  test("--print as JSON; where keys are asked for, with the place of one", async () => {
    const keyed = config(`auth: { keys: [a-key-of-the-operator-1] }\n${demo}`);
    const print = await home.run(["connect", "codex", "--print", "--json", "--config", keyed]);
    const { files, notes, ...rest } = JSON.parse(print.stdout) as Printed;
    expect(rest).toEqual({ client: "codex", scope: "user", url: "http://127.0.0.1:4567", written: false });
    expect(files.map(({ path }) => path)).toEqual([home.at(".codex/config.toml")]);
    expect(Bun.TOML.parse(files[0]?.text ?? "")).toMatchObject({
      model_providers: { clawgate: { experimental_bearer_token: "<its-own-key>" } },
    });
    expect(notes[0]).toBe("put one of the gateway's keys in the place of <its-own-key>");
    const text = await home.run(["connect", "codex", "--print", "--config", keyed]);
    expect(text.stdout).toContain("# put one of the gateway's keys in the place of <its-own-key>");
  });

  test("--yes writes it, --list and doctor know it, disconnect takes it back", async () => {
    home.put(settings, mine, 0o640);
    const named = ["--config", config(demo)];
    const PATH = stubClient("claude", "echo '9.8.7 (Claude Code)'");
    const done = await home.run(["connect", "claude-code", "--yes", ...named], { environment: { PATH } });
    expect(done).toMatchObject({ code: 0, stderr: "" });
    expect(done.stdout).toContain("not checked: no gateway is running");
    expect(home.read(`${settings}.clawgate-backup`)).toBe(mine);
    const list = await home.run(["connect", "--list", "--json", ...named], { environment: { PATH } });
    expect(JSON.parse(list.stdout)).toMatchObject({
      clients: expect.arrayContaining([
        expect.objectContaining({ client: "claude-code", version: "9.8.7", state: "connected" }),
        expect.objectContaining({ client: "vscode-claude", version: null, state: "not connected" }),
      ]),
    });
    const doctor = await home.run(["doctor", "--quick", "--json", ...named]);
    expect(doctor.stdout).toContain('"section": "clients"');
    home.put(settings, home.read(settings).replace("http://127.0.0.1:4567", "http://127.0.0.1:1"));
    expect((await home.run(["connect", "--list", ...named])).stdout).toContain("env.ANTHROPIC_BASE_URL");
    expect((await home.run(["disconnect", "claude-code", ...named])).code).toBe(64);
    const back = await home.run(["disconnect", "claude-code", "--yes", ...named]);
    expect(back.code).toBe(0);
    expect(back.stdout).toContain("was changed since and is left");
    expect(JSON.parse(home.read(settings).replace("// mine", ""))).toEqual({
      model: "opus",
      env: { ANTHROPIC_BASE_URL: "http://127.0.0.1:1" },
    });
    const again = await home.run(["disconnect", "claude-code", "--yes", ...named]);
    expect(again).toMatchObject({ code: 0, stdout: "Claude Code is not connected.\n" });
  });

  test("an hour of cache where Anthropic's API bills by key, `auto` where nobody serves Claude's models", async () => {
    const env = async (text: string): Promise<Record<string, string>> => {
      const print = await home.run(["connect", "claude-code", "--print", "--config", config(text)]);
      return (JSON.parse(print.stdout.replace(/^#.*$/gm, "")) as { env: Record<string, string> }).env;
    };
    const billed =
      "server: { port: 4567 }\nproviders: { claude: { backend: anthropic, api_key: sk-1, models: [claude-x] } }\n";
    expect(await env(billed)).toHaveProperty("ENABLE_PROMPT_CACHING_1H", "1");
    expect(await env(billed)).not.toHaveProperty("ANTHROPIC_MODEL");
    const other = billed
      .replace("claude:", "other:")
      .replace("claude-x", "m")
      .replace("api_key", "base_url: 'http://127.0.0.1:9', api_key");
    expect(await env(other)).not.toHaveProperty("ENABLE_PROMPT_CACHING_1H");
    expect(await env(other)).toHaveProperty("ANTHROPIC_DEFAULT_HAIKU_MODEL", "claude-auto");
  });

  test("the scope of a project: its own file, its own entry", async () => {
    const named = ["--config", config(demo)];
    const done = await home.run(["connect", "claude-code", "--scope", "project", "--yes", ...named]);
    expect(done.code).toBe(0);
    expect(existsSync(home.at(".claude/settings.local.json"))).toBe(true);
    expect((await home.run(["disconnect", "claude-code", "--yes", ...named])).stdout).toContain(
      "is not connected",
    );
    expect(
      (await home.run(["disconnect", "claude-code", "--scope", "project", "--yes", ...named])).code,
    ).toBe(0);
    expect(existsSync(home.at(".claude"))).toBe(false);
  });

  test("an own status line and another's secret: the first is kept, the second is not shown", async () => {
    home.put(
      settings,
      '{"statusLine":{"type":"command","command":"mine"},\n"env":{"ANTHROPIC_AUTH_TOKEN":"sk-ant-api03-0123456789abcdef"}}\n',
    );
    const before = home.read(settings);
    const named = ["--config", config(demo)];
    const done = await home.run(["connect", "claude-code", "--yes", ...named]);
    expect(done.stdout).toContain("your own statusLine is kept");
    expect(done.stdout).not.toContain("0123456789abcdef");
    expect(home.read(settings)).toContain('"command":"mine"');
    await home.run(["disconnect", "claude-code", "--yes", ...named]);
    expect(home.read(settings)).toBe(before);
  });

  test("VS Code: elements of a list, beside the user's own", async () => {
    const path = ".config/Code/User/settings.json";
    const before =
      '{\n  "claudeCode.environmentVariables": [\n    { "name": "MY", "value": "1" }, // mine\n  ],\n}\n';
    home.put(path, before);
    const named = ["--config", config(demo)];
    expect((await home.run(["connect", "vscode-claude", "--yes", ...named])).code).toBe(0);
    expect(home.read(path)).toContain('"value": "clawgate-vscode-claude"');
    expect(home.read(path)).toContain('{ "name": "MY", "value": "1" }, // mine');
    expect((await home.run(["disconnect", "vscode-claude", "--yes", ...named])).code).toBe(0);
    expect(home.read(path)).toBe(before);
  });

  test.each([
    [["connect"], "name a client"],
    [["connect", "claude-cod"], "did you mean claude-code"],
    [["connect", "claude-code", "--scope", "machine"], "--scope must be user or project"],
    [["disconnect", "codec\u001b[31m"], "there is no client"],
    [["run"], "name a client"],
    [["run", "vscode-claude"], "cannot be started from here"],
    [["connect", "claude-code", "--no"], "unknown option --no"],
  ])("%j: 64", async (args, words) => {
    const done = await home.run(args);
    expect(done.code).toBe(64);
    expect(done.stderr).toContain(words);
  });

  test("a config that is invalid: 78; a port that nobody knows: 1; a gateway's keys without a file: nothing is written", async () => {
    const invalid = await home.run(["connect", "claude-code", "--yes", "--config", config("providers: 5\n")]);
    expect(invalid.code).toBe(78);
    const unknown = await home.run([
      "connect",
      "claude-code",
      "--yes",
      "--config",
      config("server: { port: 0 }\n"),
    ]);
    expect(unknown.code).toBe(1);
    expect(unknown.stderr).toContain("only a running gateway knows its port");
    const environment = { PROXY_API_KEYS: "a-key-of-the-operator-1" };
    const keyed = await home.run(["connect", "claude-code", "--yes"], { environment });
    expect(keyed.code).toBe(78);
    expect(keyed.stderr).toContain("no config file");
    expect(existsSync(home.at(settings))).toBe(false);
  });
});

describe("where keys are asked for", () => {
  const before =
    '# all\nauth: { keys: ["a-key-of-the-operator-1"] }   # mine\nserver: { port: 4567 }\nproviders: { demo: { backend: demo } }\n';

  test("a key is made, shown nowhere, kept as a hash, kept when connected again, and gone afterwards", async () => {
    const named = ["--config", config(before)];
    const done = await home.run(["connect", "claude-code", "--yes", ...named]);
    expect(done.code).toBe(0);
    const keyIn = (): string =>
      (JSON.parse(home.read(settings)) as { env: Record<string, string> }).env["ANTHROPIC_AUTH_TOKEN"] ?? "";
    const key = keyIn();
    expect(key).toMatch(/^[0-9a-f]{64}$/);
    const hash = new Bun.CryptoHasher("sha256").update(key).digest("hex");
    expect(home.read("clawgate.yaml")).toContain(hash);
    expect(home.read("clawgate.yaml")).toContain("# mine");
    for (const text of [
      done.stdout,
      done.stderr,
      home.read("clawgate.yaml"),
      home.read("state/connections.json"),
    ])
      expect(text).not.toContain(key);
    await home.run(["connect", "claude-code", "--yes", ...named]);
    expect(keyIn()).toBe(key);
    expect((await home.run(["connect", "vscode-claude", "--yes", ...named])).code).toBe(0);
    const list = await home.run(["connect", "--list", ...named]);
    expect(list.stdout).not.toContain("was changed");
    const back = await home.run(["disconnect", "claude-code", "--yes", ...named]);
    expect(back.stdout).not.toContain(key);
    expect(existsSync(home.at(settings))).toBe(false);
    expect(home.read("clawgate.yaml")).not.toContain(hash);
    await home.run(["disconnect", "vscode-claude", "--yes", ...named]);
    expect(Bun.YAML.parse(home.read("clawgate.yaml"))).toMatchObject({
      auth: { keys: ["a-key-of-the-operator-1"] },
    });
  });

  test("what cannot be written leaves no key behind", async () => {
    const named = ["--config", config(before)];
    home.put(settings, "{", 0o600);
    const done = await home.run(["connect", "claude-code", "--yes", ...named]);
    expect(done.code).toBe(1);
    expect(done.stderr).toContain("line 1, column");
    expect(home.read("clawgate.yaml")).toBe(before);
  });

  test("the last key of all stays", async () => {
    const named = ["--config", config(before)];
    await home.run(["connect", "claude-code", "--yes", ...named]);
    home.put(
      "clawgate.yaml",
      readFileSync(home.at("clawgate.yaml"), "utf8").replace('"a-key-of-the-operator-1"', ""),
    );
    const back = await home.run(["disconnect", "claude-code", "--yes", ...named]);
    expect(back.code).toBe(0);
    expect(back.stdout).toContain("the gateway's last one");
    expect(home.read("clawgate.yaml")).toContain("sha256:");
  });
});
