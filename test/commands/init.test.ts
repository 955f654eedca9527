// `clawgate init` without a terminal: what it finds, tests and writes, and what it never touches.

import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { commentedConfig } from "../../src/config/commented-config.ts";
import { loadConfig } from "../../src/config/load.ts";
import { startUpstream } from "../support/upstream.ts";
import { type Home, ownHome } from "./command-run.ts";

const vendor = startUpstream();
const homes: Home[] = [];
afterAll(async () => {
  for (const each of homes) each.remove();
  await vendor.stop();
});

let home: Home;
beforeEach(() => {
  home = ownHome();
  homes.push(home);
});

const key = "sk-init-key-that-nobody-may-see-0123456789";
const openai = (): Record<string, string> => ({ OPENAI_API_KEY: key, OPENAI_BASE_URL: vendor.url });

type Report = {
  readonly config: string;
  readonly kept: string | null;
  readonly env: string | null;
  readonly providers: readonly { readonly id: string; readonly key_variable: string | null }[];
  readonly claude_code: { readonly signed_in: boolean | null; readonly detail: string } | null;
  readonly openclaw: readonly { readonly name: string }[];
  readonly tests: readonly { readonly provider: string; readonly ok: boolean }[];
  readonly next: readonly string[];
};

async function reported(args: readonly string[], environment: Record<string, string>): Promise<Report> {
  const { code, stdout, stderr } = await home.run(["init", "--yes", "--json", ...args], { environment });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).not.toContain(key);
  return JSON.parse(stdout) as Report;
}

test("a key in a variable: the provider is tested, and the config is one that the other commands take", async () => {
  const report = await reported([], openai());
  expect(report).toMatchObject({
    config: home.at("config.yaml"),
    kept: null,
    env: null,
    providers: [{ id: "openai", key_variable: "OPENAI_API_KEY" }],
    tests: [{ provider: "openai", ok: true }],
  });
  expect(statSync(report.config).mode & 0o777).toBe(0o600);
  const text = home.read("config.yaml");
  expect(text).not.toContain(key);
  expect(text).toContain("\n  # OpenAI: key from OPENAI_API_KEY");
  for (const config of [[], ["--config", report.config]]) {
    const listed = await home.run(["providers", "list", "--json", ...config], { environment: openai() });
    expect(listed.code).toBe(0);
    expect(JSON.parse(listed.stdout)).toMatchObject({ providers: [{ id: "openai" }], skipped: [] });
  }
  // A shell without the variable: the provider is left out, and the config stays valid.
  const without = await home.run(["providers", "list", "--json"]);
  expect(JSON.parse(without.stdout)).toMatchObject({ providers: [], skipped: [{ id: "openai" }] });
});

test("a provider that refuses the key is told, and the config is written all the same", async () => {
  const environment = { OPENAI_API_KEY: key, OPENAI_BASE_URL: "http://127.0.0.1:1" };
  const { code, stdout } = await home.run(["init", "--yes"], { environment });
  expect(code).toBe(0);
  expect(stdout).toContain("failed  openai");
  expect(stdout).toContain("Did not answer: openai.");
  expect(existsSync(home.at("config.yaml"))).toBe(true);
});

test("--no-test sends nothing", async () => {
  const before = vendor.requests.length;
  expect((await reported(["--no-test"], openai())).tests).toEqual([]);
  expect(vendor.requests.length).toBe(before);
});

test("nothing found: the demonstration, and what to do", async () => {
  const { code, stdout } = await home.run(["init", "--yes"]);
  expect(code).toBe(0);
  expect(stdout).toContain("only the built-in demonstration answers");
  const route = await home.run(["route", "Hello", "--json"]);
  expect(route.code).toBe(0);
  expect(route.stdout).toContain('"demo"');
});

describe("what is there stays there", () => {
  test("a config only goes with --force, and is kept", async () => {
    home.put("config.yaml", "# mine\n");
    const refused = await home.run(["init", "--yes"], { environment: openai() });
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("--force");
    expect(home.read("config.yaml")).toBe("# mine\n");
    const report = await reported(["--force", "--no-test"], openai());
    expect(report.kept).toBe(home.at("config.yaml.bak"));
    expect(home.read("config.yaml.bak")).toBe("# mine\n");
    expect(home.read("config.yaml")).toContain("openai:");
  });

  test.each([[["init"]], [["init", "--json"]], [["init", "--force"]], [["init", "--yes", "now"]]])(
    "%j without a terminal is refused and writes nothing",
    async (args) => {
      const { code, stdout, stderr } = await home.run(args, { environment: openai() });
      expect({ code, stdout }).toEqual({ code: 64, stdout: "" });
      expect(stderr).toStartWith("clawgate init: ");
      expect(readdirSync(home.dir)).toEqual([]);
    },
  );
});

describe("the place", () => {
  test("--out, also in a folder that is not there yet", async () => {
    const report = await reported(["--no-test", "--out", "new/place/gate.yaml"], openai());
    expect(report.config).toBe(home.at("new/place/gate.yaml"));
    expect(report.next[0]).toBe(`clawgate --config ${report.config}`);
    expect(existsSync(home.at("config.yaml"))).toBe(false);
  });

  test("--out that names a folder", async () => {
    mkdirSync(home.at("there"), { mode: 0o700 });
    const report = await reported(["--no-test", "--out", "there"], openai());
    expect(report.config).toBe(home.at("there/config.yaml"));
  });

  test("a place in which nothing can be written: said, and nothing is half done", async () => {
    home.put("file", "");
    const { code, stderr } = await home.run(["init", "--yes", "--no-test", "--out", "file/config.yaml"], {
      environment: openai(),
    });
    expect(code).toBe(1);
    expect(stderr).toStartWith("clawgate: ");
    expect(readdirSync(home.dir)).toEqual(["file"]);
  });

  test("$CLAWGATE_CONFIG", async () => {
    const report = await reported(["--no-test"], { ...openai(), CLAWGATE_CONFIG: home.at("named.yaml") });
    expect(report.config).toBe(home.at("named.yaml"));
  });

  test.skipIf(process.platform === "win32")(
    "a folder of everybody's is not used: no start would read it",
    async () => {
      chmodSync(home.dir, 0o777);
      const xdg = home.at("own");
      mkdirSync(xdg, { mode: 0o700 });
      const report = await reported(["--no-test"], { ...openai(), XDG_CONFIG_HOME: xdg });
      expect(report.config).toBe(join(xdg, "clawgate", "config.yaml"));
      const listed = await home.run(["providers", "list", "--json"], {
        environment: { ...openai(), XDG_CONFIG_HOME: xdg },
      });
      expect(JSON.parse(listed.stdout)).toMatchObject({ providers: [{ id: "openai" }] });
    },
  );
});

describe.skipIf(process.platform === "win32")("programs of this machine", () => {
  const program = (answer: string): string => `#!/bin/sh\n[ "$1 $2" = "auth status" ] && echo '${answer}'\n`;

  test.each([
    ['{"loggedIn":true}', true],
    ['{"loggedIn":false}', false],
    ["no JSON", null],
  ])("Claude Code that says %s of its sign-in", async (answer, isIn) => {
    home.put("bin/claude", program(answer), 0o700);
    const report = await reported(["--no-test"], { PATH: `${home.at("bin")}:/usr/bin:/bin` });
    expect(report.providers.map(({ id }) => id)).toEqual(["claude-cli"]);
    expect(report.claude_code?.signed_in).toBe(isIn);
    const listed = await home.run(["providers", "list", "--json"], {
      environment: { PATH: `${home.at("bin")}:/usr/bin:/bin` },
    });
    expect(JSON.parse(listed.stdout)).toMatchObject({ providers: [{ id: "claude-cli" }], skipped: [] });
  });

  test("an OpenClaw: set-up is named", async () => {
    home.put(".openclaw/openclaw.json", "{}");
    const report = await reported(["--no-test"], openai());
    expect(report.openclaw).toHaveLength(1);
    expect(report.next).toContain("clawgate setup");
    expect(home.read(".openclaw/openclaw.json")).toBe("{}");
  });
});

describe("--write-example", () => {
  test("both files, without a key, and only once", async () => {
    const { code, stdout } = await home.run(["init", "--write-example"], { environment: openai() });
    expect(code).toBe(0);
    expect(stdout).toContain(".env.example");
    expect(readdirSync(home.dir).toSorted()).toEqual([".env.example", "openclaw-integration.jsonc"]);
    const variables = home.read(".env.example");
    expect(variables).toMatch(/^DEEPSEEK_API_KEY=$/m);
    expect(variables).toMatch(/^#GROQ_API_KEY=$/m);
    const integration = home.read("openclaw-integration.jsonc");
    expect(variables + integration).not.toContain(key);
    expect(integration).toBe((await home.run(["setup", "--print"], { environment: openai() })).stdout);
    const parsed = Bun.JSONC.parse(integration) as { models: { providers: { clawgate: object } } };
    expect(parsed.models.providers.clawgate).toMatchObject({
      baseUrl: "http://127.0.0.1:8090/v1",
      apiKey: "clawgate-openclaw",
    });

    home.put("openclaw-integration.jsonc", "mine");
    const again = await home.run(["init", "--write-example"]);
    expect(again.code).toBe(1);
    expect(again.stderr).toContain("--force");
    expect(home.read("openclaw-integration.jsonc")).toBe("mine");
    expect((await home.run(["init", "--write-example", "--force"])).code).toBe(0);
    expect(home.read("openclaw-integration.jsonc.bak")).toBe("mine");
  });

  test("the example as .env, with a key put in, is enough for a start", async () => {
    await home.run(["init", "--write-example"]);
    home.put(".env", home.read(".env.example").replace("GEMINI_API_KEY=", `GEMINI_API_KEY=${key}`));
    const listed = await home.run(["providers", "list", "--json"]);
    expect(JSON.parse(listed.stdout)).toMatchObject({ providers: [{ id: "gemini" }] });
  });
});

test.each(["${HOME}", "${X:-y}", "a:b", "-x", "#no", "'", '"', "@a", "{}", "*", "null", "012"])(
  "a model that is called %j is written so that it stays one",
  (name) => {
    const text = commentedConfig({
      head: ["a comment", `with ${name}`],
      port: 8090,
      providers: [
        {
          id: "local",
          comment: `local: ${name}`,
          value: { base_url: "http://127.0.0.1:1/v1", model: name, models: [name, "m"] },
        },
      ],
      chain: ["local"],
    });
    const loaded = loadConfig({
      argvConfigPath: "/c.yaml",
      environment: { HOME: "/expanded" },
      workingDirectory: "/w",
      homeDirectory: "/h",
      readFile: (path) => (path === "/c.yaml" ? text : null),
      availableBackends: new Set(["openai-compat"]),
    });
    expect(loaded.config.providers["local"]?.model).toBe(name);
    expect(loaded.config.server.port).toBe(8090);
  },
);

test.skipIf(process.platform === "win32")(
  "Claude Code that does not answer is a matter of that program, not of an address",
  async () => {
    home.put("bin/claude", "#!/bin/sh\nexit 1\n", 0o755);
    const report = await reported([], { PATH: `${home.at("bin")}:/usr/bin:/bin` });
    expect(report.tests).toMatchObject([
      { provider: "claude-cli", ok: false, error: { hint: expect.stringContaining("clawgate doctor") } },
    ]);
  },
  30_000,
);
