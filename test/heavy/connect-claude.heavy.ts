// The real `claude` connected by `clawgate connect`: a text turn, a tool turn, the status line, and its settings as they were after
// `disconnect`, also with the user's edit in between; `run` without writing anything.
// Run it by path: bun test ./test/heavy/connect-claude.heavy.ts. It never logs in and never leaves loopback but for npm.

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { openTimeoutMs } from "../clients/targets.ts";
import { binaryPath, type RunningBinary, startBinary } from "../support/binary.ts";
import { eventually } from "../support/eventually.ts";
import { type Finished, runProgram } from "../support/program-run.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";
import { claudeProgram, claudeVersion } from "./claude-program.ts";
import { offlineEnvironment } from "./install.ts";
import { printSeen } from "./vendor-log.ts";

const limitMs = 120_000;
const ownKey = "a-key-of-the-operator-0123";

let upstream: Upstream;
let open: RunningBinary;
let keyed: RunningBinary;
let program: string;
let dir: string;

const provider = (): object => ({
  ant: { backend: "anthropic", base_url: upstream.url, api_key: "k", models: ["fake-large"] },
});

beforeAll(async () => {
  program = claudeProgram();
  upstream = startUpstream({ strict: true });
  open = await startBinary({ config: { providers: provider() } });
  keyed = await startBinary({
    config: `# my gateway\nproviders: ${JSON.stringify(provider())}\nauth:\n  keys: ["${ownKey}"] # mine\n`,
  });
}, openTimeoutMs + 300_000);
afterAll(async () => {
  await open?.stop();
  await keyed?.stop();
  upstream?.stop();
});
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "connect-claude-"));
  mkdirSync(join(dir, "work"));
  mkdirSync(join(dir, "bin"));
  symlinkSync(program, join(dir, "bin", "claude"));
  writeFileSync(join(dir, "work", "note.txt"), "the heron stands still\n");
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const settingsPath = (): string => join(dir, ".claude", "settings.json");

const environment = (gateway: RunningBinary): Record<string, string> => ({
  ...offlineEnvironment,
  PATH: `${join(dir, "bin")}:${process.env["PATH"] ?? ""}`,
  HOME: dir,
  LANG: "C.UTF-8",
  CLAWGATE_STATE_DIR: gateway.stateDir,
  CLAUDE_CODE_MAX_RETRIES: "1",
  DISABLE_TELEMETRY: "1",
  DISABLE_ERROR_REPORTING: "1",
  DISABLE_AUTOUPDATER: "1",
  CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
});

function clawgate(gateway: RunningBinary, ...args: string[]): Promise<Finished> {
  return runProgram([binaryPath(), ...args], {
    cwd: join(dir, "work"),
    env: environment(gateway),
    timeoutMs: limitMs,
  });
}

const flags = [
  "--output-format",
  "json",
  "--model",
  "ant/fake-large",
  "--allowedTools",
  "Read",
  "--strict-mcp-config",
];

type Result = { readonly is_error: boolean; readonly result: string; readonly session_id: string };

function resultOf(done: Finished): Result {
  if (done.stdout.trim() === "") throw new Error(`claude printed nothing: ${done.stderr}`);
  return JSON.parse(done.stdout) as Result;
}

async function ask(gateway: RunningBinary, prompt: string): Promise<Result> {
  const before = upstream.requests.length;
  const done = await runProgram([program, "-p", prompt, ...flags], {
    cwd: join(dir, "work"),
    env: environment(gateway),
    timeoutMs: limitMs,
  });
  printSeen(`claude ${claudeVersion}`, done, upstream.requests.slice(before));
  return resultOf(done);
}

async function turns(gateway: RunningBinary): Promise<Result> {
  expect(await ask(gateway, "[[say:good morning from the vendor]]")).toMatchObject({
    is_error: false,
    result: "good morning from the vendor",
  });
  const path = join(dir, "work", "note.txt");
  const tool = await ask(gateway, `[[tool:Read {"file_path":${JSON.stringify(path)}}]]`);
  expect(tool.is_error).toBe(false);
  expect(tool.result).toContain("the heron stands still");
  return tool;
}

type Row = { readonly client: string | null; readonly status: number };

async function requestsOf(gateway: RunningBinary, session: string): Promise<readonly Row[]> {
  let rows: readonly Row[] = [];
  await eventually(async () => {
    const answer = await fetch(`${gateway.url}/api/requests?session=${session}`, {
      headers: { authorization: `Bearer ${gateway.token}` },
    });
    rows = ((await answer.json()) as { requests: Row[] }).requests;
    expect(rows.length).toBeGreaterThan(0);
  });
  return rows;
}

const written = '{\n  // mine\n  "env": { "MY_OWN": "1" }, // stays\n  "includeCoAuthoredBy": false\n}\n';
const strict = '{\r\n\t"env": {"MY_OWN": "1"},\r\n\t"includeCoAuthoredBy": false\r\n}';

test.each([null, strict])(
  "settings %j: connected, used, and as before",
  async (before) => {
    if (before !== null) {
      mkdirSync(dirname(settingsPath()));
      writeFileSync(settingsPath(), before);
    }
    const done = await clawgate(open, "connect", "claude-code", "--yes");
    expect(done.stderr).toBe("");
    expect(done.code).toBe(0);
    const { session_id: session } = await turns(open);
    const rows = await requestsOf(open, session);
    expect(rows.length).toBeGreaterThan(0);
    for (const { client } of rows) expect(client).toBe("claude-code");
    const headers = upstream.requests.map(({ headers: each }) =>
      new Headers(each).get("x-claude-code-session-id"),
    );
    expect(headers.every((each) => each === null || each.length > 0)).toBe(true);
    const list = await clawgate(open, "connect", "--list", "claude-code", "--json");
    expect(JSON.parse(list.stdout)).toMatchObject({
      clients: [
        { client: "claude-code", state: "connected", version: claudeVersion, config: [settingsPath()] },
      ],
    });
    expect((await clawgate(open, "disconnect", "claude-code", "--yes")).code).toBe(0);
    if (before === null) expect(existsSync(settingsPath())).toBe(false);
    else {
      expect(readFileSync(settingsPath(), "utf8")).toBe(before);
      expect(readdirSync(dirname(settingsPath())).filter((name) => name.startsWith("settings.json"))).toEqual(
        ["settings.json"],
      );
    }
  },
  3 * limitMs,
);

test(
  "the status line shows what the gateway recorded",
  async () => {
    await clawgate(open, "connect", "claude-code", "--yes");
    const { session_id: session } = await turns(open);
    const { statusLine } = JSON.parse(readFileSync(settingsPath(), "utf8")) as {
      statusLine: { command: string };
    };
    expect(statusLine.command).toContain("statusline");
    const input = JSON.stringify({
      session_id: session,
      model: { id: "x", display_name: "Opus" },
      cost: { total_cost_usd: 9 },
    });
    const shown = await runProgram(["sh", "-c", `printf %s "$1" | ${statusLine.command}`, "sh", input], {
      cwd: dir,
      env: environment(open),
      timeoutMs: 60_000,
    });
    expect(shown).toMatchObject({ code: 0, stderr: "" });
    expect(shown.stdout).toMatch(/^ClawGate · fake-large · .*cache \d+ %\n$/);
  },
  3 * limitMs,
);

test(
  "the user's edits in between stay, what is ours goes, and a value of ours that was changed is left and said",
  async () => {
    mkdirSync(dirname(settingsPath()));
    writeFileSync(settingsPath(), written);
    await clawgate(open, "connect", "claude-code", "--yes");
    const connected = readFileSync(settingsPath(), "utf8");
    const edited = connected
      .replace("// mine", "// mine, still")
      .replace('"includeCoAuthoredBy": false', '"cleanupPeriodDays": 7,\n  "includeCoAuthoredBy": true')
      .replace('"ENABLE_TOOL_SEARCH": "true"', '"ENABLE_TOOL_SEARCH": "auto"');
    writeFileSync(settingsPath(), edited);
    const doctor = await clawgate(open, "doctor", "--quick", "--json");
    expect(doctor.stdout).toContain("env.ENABLE_TOOL_SEARCH in");
    const done = await clawgate(open, "disconnect", "claude-code", "--yes");
    expect(done.stdout).toContain("env.ENABLE_TOOL_SEARCH in");
    expect(readFileSync(settingsPath(), "utf8")).toBe(
      '{\n  // mine, still\n  "env": { "MY_OWN": "1", "ENABLE_TOOL_SEARCH": "auto" }, // stays\n' +
        '  "cleanupPeriodDays": 7,\n  "includeCoAuthoredBy": true\n}\n',
    );
  },
  limitMs,
);

test(
  "a gateway with keys: the client has one of its own, shown nowhere, and it is gone afterwards",
  async () => {
    const config = readFileSync(keyed.configPath, "utf8");
    const done = await clawgate(keyed, "connect", "claude-code", "--yes");
    expect(done).toMatchObject({ code: 0, stderr: "" });
    const key = (
      JSON.parse(readFileSync(settingsPath(), "utf8")) as { env: { ANTHROPIC_AUTH_TOKEN: string } }
    ).env.ANTHROPIC_AUTH_TOKEN;
    expect(key).toMatch(/^[0-9a-f]{64}$/);
    expect(done.stdout).not.toContain(key);
    expect(readFileSync(join(keyed.stateDir, "connections.json"), "utf8")).not.toContain(key);
    const after = readFileSync(keyed.configPath, "utf8");
    expect(after).toContain('keys: ["a-key-of-the-operator-0123"] # mine');
    expect(after).toContain("name: claude-code");
    expect(after).not.toContain(key);
    const { session_id: session } = await turns(keyed);
    for (const { client } of await requestsOf(keyed, session)) expect(client).toBe("claude-code");
    expect((await clawgate(keyed, "disconnect", "claude-code", "--yes")).code).toBe(0);
    expect(existsSync(settingsPath())).toBe(false);
    expect(readFileSync(keyed.configPath, "utf8")).toBe(config);
    expect(
      (await fetch(`${keyed.url}/v1/models`, { headers: { authorization: `Bearer ${key}` } })).status,
    ).toBe(401);
  },
  3 * limitMs,
);

test(
  "run: connected for this once, whatever its settings say, and nothing is written",
  async () => {
    mkdirSync(dirname(settingsPath()));
    const before = '{"env":{"ANTHROPIC_BASE_URL":"http://127.0.0.1:9","ANTHROPIC_AUTH_TOKEN":"other"}}';
    writeFileSync(settingsPath(), before);
    const done = await clawgate(open, "run", "claude-code", "-p", "[[say:only once]]", ...flags);
    const result = resultOf(done);
    expect(result).toMatchObject({ is_error: false, result: "only once" });
    for (const { client } of await requestsOf(open, result.session_id)) expect(client).toBe("claude-code");
    expect(readFileSync(settingsPath(), "utf8")).toBe(before);
    const refused = await clawgate(keyed, "run", "claude-code", "--", "-p", "hello");
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("CLAWGATE_API_KEY");
  },
  limitMs,
);

test(
  "where nobody serves Claude's models, its own names for them are answered by the routing",
  async () => {
    await clawgate(open, "connect", "claude-code", "--yes");
    const done = await runProgram([program, "-p", "[[say:routed]]", "--output-format", "json"], {
      cwd: join(dir, "work"),
      env: environment(open),
      timeoutMs: limitMs,
    });
    expect(resultOf(done)).toMatchObject({ is_error: false, result: "routed" });
    expect(upstream.requests.at(-1)?.body["model"]).toBe("fake-large");
  },
  limitMs,
);

const nowhere = "http://127.0.0.1:9";
/** Settings of a user that lead it elsewhere, or add a credential that the gateway would refuse. */
const rivals: readonly (readonly [string, object])[] = [
  ["another key", { env: { ANTHROPIC_API_KEY: "sk-ant-api03-of-the-user" } }],
  ["a helper for keys", { apiKeyHelper: "echo of-the-user" }],
  ["a header with a key", { env: { ANTHROPIC_CUSTOM_HEADERS: "x-clawgate-key: of-the-user" } }],
  [
    "Bedrock",
    {
      env: {
        CLAUDE_CODE_USE_BEDROCK: "1",
        CLAUDE_CODE_SKIP_BEDROCK_AUTH: "1",
        ANTHROPIC_BEDROCK_BASE_URL: nowhere,
        AWS_REGION: "us-east-1",
      },
    },
  ],
  [
    "Vertex",
    {
      env: {
        CLAUDE_CODE_USE_VERTEX: "1",
        CLAUDE_CODE_SKIP_VERTEX_AUTH: "1",
        ANTHROPIC_VERTEX_BASE_URL: nowhere,
        ANTHROPIC_VERTEX_PROJECT_ID: "p",
        CLOUD_ML_REGION: "us-east5",
      },
    },
  ],
  [
    "Foundry",
    {
      env: {
        CLAUDE_CODE_USE_FOUNDRY: "1",
        ANTHROPIC_FOUNDRY_BASE_URL: nowhere,
        ANTHROPIC_FOUNDRY_API_KEY: "of-the-user",
      },
    },
  ],
];

test.each([...rivals])(
  "%s in the user's settings: out of the way for the user, a project and one start, and back afterwards",
  async (name, settings) => {
    mkdirSync(dirname(settingsPath()));
    const before = `${JSON.stringify(settings, null, 2)}\n`;
    writeFileSync(settingsPath(), before);
    const said = { is_error: false, result: name };
    expect((await clawgate(keyed, "connect", "claude-code", "--yes")).code).toBe(0);
    expect(await ask(keyed, `[[say:${name}]]`)).toMatchObject(said);
    const once = await clawgate(keyed, "run", "claude-code", "-p", `[[say:${name}]]`, ...flags);
    expect(resultOf(once)).toMatchObject(said);
    expect((await clawgate(keyed, "disconnect", "claude-code", "--yes")).code).toBe(0);
    expect(readFileSync(settingsPath(), "utf8")).toBe(before);
    const inProject = ["claude-code", "--scope", "project", "--yes"];
    expect((await clawgate(keyed, "connect", ...inProject)).code).toBe(0);
    expect(await ask(keyed, `[[say:${name}]]`)).toMatchObject(said);
    expect((await clawgate(keyed, "disconnect", ...inProject)).code).toBe(0);
    expect(existsSync(join(dir, "work", ".claude"))).toBe(false);
    expect(readFileSync(settingsPath(), "utf8")).toBe(before);
  },
  4 * limitMs,
);

test(
  "a proxy of the user's is not asked for the gateway by a start for once",
  async () => {
    mkdirSync(dirname(settingsPath()));
    writeFileSync(settingsPath(), JSON.stringify({ env: { HTTPS_PROXY: nowhere, NO_PROXY: "corp.test" } }));
    const done = await clawgate(open, "run", "claude-code", "-p", "[[say:not by the proxy]]", ...flags);
    expect(resultOf(done)).toMatchObject({ is_error: false, result: "not by the proxy" });
  },
  limitMs,
);
