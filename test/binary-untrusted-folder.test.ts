// A folder that somebody else has prepared, a checkout perhaps, must not take over whoever starts the program in it: not by its
// `.env`, and not by what lies there under a program's name.

import { beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, chownSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { binaryPath } from "./support/binary.ts";
import { cleanupsAfterEach } from "./support/cleanups.ts";
import { chat, UntrustedFolder, recordingVendor } from "./support/untrusted-folder.ts";

beforeAll(() => void binaryPath(), 180_000);

const cleanups = cleanupsAfterEach();

describe("a key and its address", () => {
  test("a key from the environment does not go where a .env of the folder points", async () => {
    const folder = new UntrustedFolder(cleanups);
    const evil = recordingVendor(cleanups);
    folder.write(
      ".env",
      `DEEPSEEK_BASE_URL=${evil.url}\nOPENAI_BASE_URL=${evil.url}\nDEFAULT_MODEL=deepseek\n`,
    );
    const gateway = await folder.serve({ DEEPSEEK_API_KEY: "sk-of-the-user", OPENAI_API_KEY: "sk-another" });
    await chat(gateway, "deepseek");
    await chat(gateway, "openai");
    expect(evil.keys).toEqual([]);
    expect(gateway.output()).toContain(
      `not taken from ${folder.work}/.env: DEEPSEEK_BASE_URL, OPENAI_BASE_URL (an address for a key`,
    );
    expect(gateway.stdout()).toContain(`taken from ${folder.work}/.env: DEFAULT_MODEL\n`);
    expect(gateway.output()).not.toContain("sk-of-the-user");
  });

  test("both from the same file belong together", async () => {
    const folder = new UntrustedFolder(cleanups);
    const own = recordingVendor(cleanups);
    folder.write(".env", `DEEPSEEK_BASE_URL=${own.url}\nDEEPSEEK_API_KEY=sk-of-the-file\n`);
    const gateway = await folder.serve();
    expect((await chat(gateway, "deepseek")).status).toBe(200);
    expect(own.keys).toEqual(["Bearer sk-of-the-file"]);
  });

  test.each(["named", "found"] as const)("the same where a %s config mentions the variables", async (how) => {
    const folder = new UntrustedFolder(cleanups);
    const [evil, good] = [recordingVendor(cleanups), recordingVendor(cleanups)];
    const provider = {
      base_url: `\${THE_BASE_URL:-${good.url}}`,
      api_key: "${THE_KEY}",
      model: "m",
      headers: { "x-mine": "${OTHER:-}" },
    };
    const config = JSON.stringify({ providers: { mine: provider } });
    if (how === "found") folder.write("config.yaml", config);
    else writeFileSync(join(folder.dir, "own.yaml"), config);
    folder.write(".env", `THE_BASE_URL=${evil.url}\n`);
    const named = how === "found" ? [] : ["--config", join(folder.dir, "own.yaml")];
    const gateway = await folder.serve({ THE_KEY: "sk-of-the-user" }, named);
    expect((await chat(gateway, "mine")).status).toBe(200);
    expect([evil.keys, good.keys]).toEqual([[], ["Bearer sk-of-the-user"]]);
    expect(gateway.output()).toContain("THE_BASE_URL (an address for a key");
  });

  test("a .env that appears while it runs is no better", async () => {
    const folder = new UntrustedFolder(cleanups);
    const evil = recordingVendor(cleanups);
    const gateway = await folder.serve({ DEEPSEEK_API_KEY: "sk-of-the-user" });
    folder.write(
      ".env",
      `DEEPSEEK_BASE_URL=${evil.url}\nCLAUDE_BIN=${folder.program("evil")}\nGROQ_API_KEY=k\n`,
    );
    await gateway.waitForOutput("config reloaded");
    await gateway.waitForOutput("DEEPSEEK_BASE_URL (an address for a key");
    await chat(gateway, "deepseek");
    expect(evil.keys).toEqual([]);
    expect(folder.wasStarted).toBe(false);
    expect(gateway.output()).toContain(`taken from ${folder.work}/.env: GROQ_API_KEY`);
  });
});

describe("programs, paths and listening addresses of a .env", () => {
  test.each(["CLAUDE_BIN", "CLAUDE_PATH"])("doctor starts no program that %s of it names", async (name) => {
    const folder = new UntrustedFolder(cleanups);
    folder.program("evil");
    for (const value of ["./evil", "evil", join(folder.work, "evil")]) {
      folder.write(".env", `${name}=${value}\n`);
      const ran = await folder.run(["doctor", "--quick", "--json"], { PATH: `.:${process.env["PATH"]}` });
      expect(folder.wasStarted).toBe(false);
      expect(ran.stdout).toContain(`not taken from ${folder.work}/.env: ${name} (it sets a program)`);
    }
  });

  test("nor does any other command, and each says what it left aside", async () => {
    const folder = new UntrustedFolder(cleanups);
    folder.program("evil");
    folder.write(".env", "CLAUDE_BIN=./evil\nPROXY_MCP_CONFIG=./mcp.json\nMODEL=x\n");
    folder.write("mcp.json", JSON.stringify({ mcpServers: { evil: { command: "./evil" } } }));
    const env = { OPENAI_API_KEY: "sk-of-the-user" };
    for (const args of [
      ["route", "Hello"],
      ["providers"],
      ["login", "default", "--status"],
      ["setup", "--print"],
    ]) {
      const ran = await folder.run(args, env);
      expect(ran.stderr).toContain("CLAUDE_BIN (it sets a program)");
      expect(ran.stderr).toContain("PROXY_MCP_CONFIG");
    }
    expect(folder.wasStarted).toBe(false);
  });

  test("nothing that opens the gateway, moves its files or changes the program itself", async () => {
    const folder = new UntrustedFolder(cleanups);
    const stolen = join(folder.dir, "stolen");
    folder.write(
      ".env",
      [
        "HOST=0.0.0.0",
        "REQUIRE_AUTH=false",
        `CLAWGATE_DB_PATH=${stolen}/x.db`,
        `CLAWGATE_STATE_DIR=${stolen}`,
        `XDG_STATE_HOME=${stolen}`,
        `XDG_DATA_HOME=${stolen}`,
        `CLAUDE_CONFIG_DIR=${stolen}`,
        "HTTPS_PROXY=http://127.0.0.1:1",
        "NODE_TLS_REJECT_UNAUTHORIZED=0",
        "DOCKER_HOST=tcp://127.0.0.1:1",
        "DOCKER_HOST_IP=192.0.2.1",
        "LOG_LEVEL=critical",
        "MAX_CONCURRENT=2",
        "PROXY_API_KEYS=key-of-the-file-0123456789",
      ].join("\n"),
    );
    const gateway = await folder.serve({ XDG_DATA_HOME: undefined, XDG_STATE_HOME: undefined });
    const said = gateway.output();
    for (const name of [
      "HOST",
      "REQUIRE_AUTH",
      "CLAWGATE_DB_PATH",
      "XDG_DATA_HOME",
      "DOCKER_HOST_IP",
      "LOG_LEVEL",
    ])
      expect(said).toMatch(new RegExp(`not taken from [^:]*: [^(]*\\b${name}\\b`));
    expect(said).toContain("taken from " + join(folder.work, ".env") + ": MAX_CONCURRENT, PROXY_API_KEYS");
    expect(gateway.url).toStartWith("http://127.0.0.1:");
    expect((await chat(gateway, "demo")).status).toBe(401);
    expect(existsSync(stolen)).toBe(false);
  });
});

const isRoot = process.getuid?.() === 0;

describe("whose file it is", () => {
  const cases: readonly (readonly [string, (folder: UntrustedFolder) => void])[] = [
    ["a file that everybody may write", ({ work }) => chmodSync(join(work, ".env"), 0o666)],
    ["a folder that everybody may write", ({ work }) => chmodSync(work, 0o777)],
    ["a sticky folder, as /tmp is", ({ work }) => chmodSync(work, 0o1777)],
    [
      "a link into a folder that everybody may write",
      ({ work, dir }) => {
        const open = join(dir, "open");
        mkdirSync(open);
        chmodSync(open, 0o777);
        writeFileSync(join(open, "env"), "GROQ_API_KEY=k\n");
        rmSync(join(work, ".env"));
        symlinkSync(join(open, "env"), join(work, ".env"));
      },
    ],
    [
      "a pipe",
      ({ work }) => {
        rmSync(join(work, ".env"));
        Bun.spawnSync(["mkfifo", join(work, ".env")]);
      },
    ],
    ["a file larger than anybody writes", (folder) => folder.write(".env", "A=1\n".repeat(300_000))],
  ];
  const ofOthers: typeof cases = [
    ["another user's file", ({ work }) => chownSync(join(work, ".env"), 65_534, 0)],
    ["another user's folder", ({ work }) => chownSync(work, 65_534, 0)],
    [
      "a file of a group with others in it",
      ({ work }) => {
        chownSync(join(work, ".env"), 0, 65_534);
        chmodSync(join(work, ".env"), 0o660);
      },
    ],
  ];
  test.each(isRoot ? [...cases, ...ofOthers] : cases)("%s is not read", async (_name, prepare) => {
    const folder = new UntrustedFolder(cleanups);
    folder.write(".env", "GROQ_API_KEY=k\n");
    prepare(folder);
    const gateway = await folder.serve();
    expect(gateway.output()).toContain(`${folder.work}/.env was not read: `);
    expect(gateway.output()).not.toContain("GROQ_API_KEY");
  });

  test("a file that becomes a pipe while it runs holds nothing up", async () => {
    const folder = new UntrustedFolder(cleanups);
    folder.write(".env", "GROQ_API_KEY=k\n");
    const gateway = await folder.serve();
    rmSync(join(folder.work, ".env"));
    Bun.spawnSync(["mkfifo", join(folder.work, ".env")]);
    await gateway.waitForOutput("was not read: it is not a regular file");
    expect((await fetch(`${gateway.url}/health`)).status).toBe(200);
  });

  test("a config.yaml that others may write is as good as none, and the next place counts", async () => {
    const folder = new UntrustedFolder(cleanups);
    folder.write("config.yaml", JSON.stringify({ providers: { evil: { backend: "demo" } } }), 0o666);
    const own = join(folder.dir, "config", "clawgate");
    mkdirSync(own, { recursive: true });
    writeFileSync(join(own, "config.yaml"), JSON.stringify({ providers: { good: { backend: "demo" } } }));
    const gateway = await folder.serve();
    expect(gateway.stdout()).toContain(`Config     ${own}/config.yaml`);
    expect(gateway.output()).toContain(
      `${folder.work}/config.yaml was not read: others may write to ${folder.work}/config.yaml`,
    );
    expect(gateway.output()).toContain("chmod go-w");
  });

  test("a gateway that runs from a found file stays with it when others may suddenly write there", async () => {
    const folder = new UntrustedFolder(cleanups);
    const path = folder.write("config.yaml", JSON.stringify({ providers: { one: { backend: "demo" } } }));
    const gateway = await folder.serve();
    writeFileSync(path, JSON.stringify({ providers: { two: { backend: "demo" } } }));
    chmodSync(path, 0o666);
    const answer = await fetch(`${gateway.url}/api/reload`, {
      method: "POST",
      headers: { authorization: `Bearer ${gateway.token}` },
    });
    expect(answer.ok).toBe(false);
    expect(await answer.text()).toContain("others may write to");
    expect((await chat(gateway, "one")).status).toBe(200);
  });
});

test("a token command of a named config is looked for on the absolute part of PATH only", async () => {
  const folder = new UntrustedFolder(cleanups);
  folder.program("get-token");
  const { url, keys } = recordingVendor(cleanups);
  const auth = { type: "bearer-command", command: ["get-token"] };
  writeFileSync(
    join(folder.dir, "own.yaml"),
    JSON.stringify({ providers: { mine: { base_url: url, model: "m", auth } } }),
  );
  const args = ["--config", join(folder.dir, "own.yaml")];
  const gateway = await folder.serve({ PATH: `.::work:${process.env["PATH"]}` }, args);
  expect((await chat(gateway, "mine")).ok).toBe(false);
  expect([folder.wasStarted, keys]).toEqual([false, []]);
});

test("a project's bunfig.toml, tsconfig.json, package.json and .npmrc mean nothing", async () => {
  const folder = new UntrustedFolder(cleanups);
  const load = `await Bun.write(${JSON.stringify(folder.mark)}, "loaded");`;
  folder.write("preload.ts", load);
  folder.write("bunfig.toml", 'preload = ["./preload.ts"]\n[run]\nbun = true\n');
  folder.write("package.json", JSON.stringify({ name: "x", imports: { "node:os": "./preload.ts" } }));
  folder.write("tsconfig.json", JSON.stringify({ compilerOptions: { paths: { "*": ["./preload.ts"] } } }));
  folder.write(".npmrc", "node-options=--import=./preload.ts\n");
  expect((await folder.run(["version"])).code).toBe(0);
  await folder.run(["doctor", "--quick"]);
  expect(folder.wasStarted).toBe(false);
});
