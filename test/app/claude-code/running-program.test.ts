// A claude-cli provider in the whole app, over the scripted stand-in: tenants, names, request options, files, reload and stop.

import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { neutralFolderPaths } from "../../../src/backends/agent-process/neutral-folders.ts";
import { type ClaudeRun, scriptedClaude, type ScriptedClaude } from "../../support/claude.ts";
import { cleanupsAfterEach } from "../../support/cleanups.ts";
import { startTestGateway, type TestGateway } from "../../support/gateway.ts";
import { parsed, recordOf } from "../../support/upstream/json.ts";

const cleanups = cleanupsAfterEach();

const keys = { alice: "alice-key-0123456789", bob: "bob-key-0123456789" };
const tenants = [
  { name: "alice", api_key: keys.alice, env: { MINE: "alice's" } },
  { name: "bob", api_key: keys.bob, env: { MINE: "bob's" }, tools: ["Read"], mcp_servers: [] },
];

type World = { readonly claude: ScriptedClaude; readonly gateway: TestGateway; readonly state: string };

async function world(cli: object, more: object = {}): Promise<World> {
  const claude = scriptedClaude();
  cleanups.push(claude.remove);
  const state = join(claude.dir, "state");
  const gateway = await startTestGateway({
    config: configOf(claude, cli, more),
    environment: { CLAWGATE_STATE_DIR: state, ANTHROPIC_API_KEY: "not-for-the-program" },
  });
  cleanups.push(gateway.stop);
  return { claude, gateway, state };
}

const configOf = (claude: ScriptedClaude, cli: object, more: object): object => ({
  cli: { bin: claude.bin, warm: 0, parked: 0, env: { ANTHROPIC_API_KEY: "key-of-the-program" }, ...cli },
  ...more,
});

function ask(
  { gateway }: World,
  prompt: string,
  more: { body?: object; headers?: Record<string, string> } = {},
) {
  return fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", ...more.headers },
    body: JSON.stringify({ model: "sonnet", messages: [{ role: "user", content: prompt }], ...more.body }),
  });
}

const as = (tenant: keyof typeof keys) => ({ authorization: `Bearer ${keys[tenant]}` });
const isOver = (runs: readonly ClaudeRun[]): boolean => runs.every(({ pid }) => !existsSync(`/proc/${pid}`));
const after = (run: ClaudeRun | undefined, flag: string): string | undefined =>
  run?.argv[run.argv.indexOf(flag) + 1];

/** The request that the model was sent, as the stand-in says it back. */
async function sentOf(answer: Response): Promise<Record<string, unknown>> {
  const reply = recordOf(await answer.json());
  const [choice] = reply["choices"] as unknown[];
  return recordOf(parsed(String(recordOf(recordOf(choice)["message"])["content"])));
}

describe("a request", () => {
  test("runs in its tenant's workspace with its variables, and nothing of the gateway's own", async () => {
    const here = await world({}, { tenants });
    for (const name of ["alice", "bob"] as const)
      expect((await ask(here, "[[say:hello]]", { headers: as(name) })).status).toBe(200);
    const [first, second] = here.claude.sessions();
    expect([first?.env["MINE"], second?.env["MINE"]]).toEqual(["alice's", "bob's"]);
    expect([first?.cwd === second?.cwd, first?.env["HOME"] === second?.env["HOME"]]).toEqual([false, false]);
    expect(first?.env["CLAUDE_CONFIG_DIR"]).not.toBe(second?.env["CLAUDE_CONFIG_DIR"]);
    expect(JSON.stringify(first?.env)).not.toContain("CLAWGATE_STATE_DIR");
    const record = await here.gateway.waitForRecord(({ tenant }) => tenant === "bob");
    expect([record.provider, record.status]).toEqual(["claude-cli", 200]);
    const told = here.gateway.log.find((line) => line.includes('"Claude Code process"'));
    expect(told).toContain('"tenant":"alice","provider":"claude-cli","what":"a new process"');
  });

  test("of a tenant called default has that tenant's own home, login and folder, not the operator's", async () => {
    const key = "default-key-0123456789";
    const here = await world({}, { tenants: [...tenants, { name: "default", api_key: key }] });
    const answer = await ask(here, "[[say:hello]]", { headers: { authorization: `Bearer ${key}` } });
    expect(answer.status).toBe(200);
    const [run] = here.claude.sessions();
    const own = join(here.state, "cli", "tenants", "default-");
    for (const place of [run?.env["HOME"], run?.env["CLAUDE_CONFIG_DIR"]]) expect(place).toStartWith(own);
    const nobodys = await world({ tools: ["Read"] });
    expect((await ask(nobodys, "[[say:hello]]")).status).toBe(200);
    expect(nobodys.claude.sessions()[0]?.cwd).toBe(join(nobodys.state, "cli", "no-tenant", "work"));
  });

  test("of a program that tells where it runs names no tenant, no user and nothing of ours to the vendor", async () => {
    const claude = scriptedClaude({ misbehaves: ["tells-surroundings"] });
    cleanups.push(claude.remove);
    const state = join(claude.dir, "state");
    const login = { name: "bob", api_key: keys.bob, env: { CLAUDE_CODE_OAUTH_TOKEN: "token" } };
    const gateway = await startTestGateway({
      config: {
        cli: { bin: claude.bin, warm: 0, parked: 0 },
        tenants: [{ ...tenants[0], env: { ANTHROPIC_API_KEY: "key-of-alice" } }, login],
      },
      environment: { CLAWGATE_STATE_DIR: state },
    });
    cleanups.push(gateway.stop);
    const here = { claude, gateway, state };
    const heard = async (name: keyof typeof keys) =>
      JSON.stringify(await sentOf(await ask(here, "[[request]]", { headers: as(name) })));
    expect(await heard("alice")).not.toContain("# Environment");
    const told = await heard("bob");
    expect(told).toMatch(/Primary working directory: (?:\/private)?\/tmp\/work-[0-9a-f]{10}\/\d+\\n/);
    for (const word of ["bob", state, "clawgate"]) expect(told.split("metadata")[0]).not.toContain(word);
    const folder = claude.sessions().at(-1)?.cwd ?? "";
    expect([statSync(folder).mode & 0o777, readdirSync(folder)]).toEqual([0o700, []]);
    // Machines clean their temporary folders up.
    rmSync(dirname(folder), { recursive: true });
    expect((await ask(here, "[[say:again]]", { headers: as("bob") })).status).toBe(200);
    expect(claude.sessions().at(-1)?.cwd).toBe(folder);
    await gateway.stop();
    expect(existsSync(dirname(folder))).toBe(false);
  });

  test.each([
    ["haiku", "haiku"],
    ["cc-gateway/claude-opus-4", "opus"],
    ["openai/claude-sonnet-4-6", "claude-sonnet-4-6"],
    ["claude-cli/opus", "opus"],
    ["claude-cli", "sonnet"],
    ["auto", "sonnet"],
  ])("for %s starts the program with --model %s", async (model, started) => {
    const here = await world({});
    expect((await ask(here, "[[say:hello]]", { body: { model } })).status).toBe(200);
    expect(after(here.claude.sessions()[0], "--model")).toBe(started);
  });

  test("for a name that nothing knows is a 404, unless default_model says otherwise", async () => {
    const strict = await world({});
    const refused = await ask(strict, "[[say:hello]]", { body: { model: "gpt-9" } });
    expect([refused.status, strict.claude.sessions().length]).toEqual([404, 0]);
    const lenient = await world({ default_model: "opus" });
    expect((await ask(lenient, "[[say:hello]]", { body: { model: "gpt-9" } })).status).toBe(200);
    expect(after(lenient.claude.sessions()[0], "--model")).toBe("opus");
  });

  test("with a wrong option is refused before anything is started", async () => {
    const here = await world({}, { mcp_servers: { notes: { command: "/bin/false" } }, tenants });
    const effort = await ask(here, "[[say:x]]", { headers: { ...as("alice"), "x-effort": "bogus" } });
    const server = await ask(here, "[[say:x]]", {
      headers: as("alice"),
      body: { metadata: { mcp_servers: ["note"] } },
    });
    const forbidden = await ask(here, "[[say:x]]", { headers: { ...as("bob"), "x-mcp-servers": "notes" } });
    expect([effort.status, server.status, forbidden.status]).toEqual([400, 400, 400]);
    expect(await effort.text()).toContain("low, medium, high, xhigh, max");
    expect(await server.text()).toContain('Did you mean \\"notes\\"? Known are: notes.');
    expect(here.claude.sessions()).toEqual([]);
  });

  test("has the effort that it asks for, else the operator's", async () => {
    const here = await world({ effort: "low" });
    const wished = await sentOf(await ask(here, "[[request]]", { headers: { "x-effort": "max" } }));
    const told = await sentOf(await ask(here, "[[request]]"));
    expect([wished["output_config"], told["output_config"]]).toEqual([{ effort: "max" }, { effort: "low" }]);
  });

  test("names what had no effect", async () => {
    const here = await world({});
    const answer = await ask(here, "[[say:hello]]", {
      body: { temperature: 0.3, seed: 7, frequency_penalty: 0.5 },
      headers: { "x-effort": "low" },
    });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("x-clawgate-unsupported")).toBe("seed, frequency_penalty, temperature");
  });
});

describe("files", () => {
  test("MCP servers stand in a private file while a process may read it, never in the arguments", async () => {
    const here = await world(
      {},
      { mcp_servers: { notes: { command: "/bin/false", env: { NOTES_TOKEN: "notes-secret-value" } } } },
    );
    expect((await ask(here, "[[say:hello]]", { headers: { "x-mcp-servers": "notes" } })).status).toBe(200);
    const [run] = here.claude.sessions();
    expect(after(run, "--mcp-config")).toStartWith(join(here.state, "cli", "runs"));
    expect(run?.argv).toContain("mcp__notes");
    expect(JSON.stringify([run?.argv, run?.env])).not.toContain("notes-secret-value");
    await here.claude.waitFor(isOver);
    await here.gateway.stop();
    expect(existsSync(after(run, "--mcp-config") ?? "/")).toBe(false);
  });

  test("a tenant's skills are a plugin, and the prompt comes with a shell; at both endpoints", async () => {
    const skills = join(import.meta.dir, "nowhere");
    const here = await world({ tools: ["Bash"] }, { tenants, skills: { prompt: "auto" } });
    mkdirSync(join(here.state, "skills", "alice", "hello"), { recursive: true });
    writeFileSync(join(here.state, "skills", "alice", "hello", "SKILL.md"), "Say hello.");
    const chat = await sentOf(await ask(here, "[[request]]", { headers: as("alice") }));
    expect(JSON.stringify(chat["system"])).toContain("<!-- openclaw-tenant: alice -->");
    const messages = await fetch(`${here.gateway.url}/v1/messages`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-api-key": keys.alice },
      body: JSON.stringify({
        model: "sonnet",
        max_tokens: 50_000,
        messages: [{ role: "user", content: "[[request]]" }],
      }),
    });
    expect(await messages.text()).toContain("openclaw-tenant: alice");
    expect(JSON.stringify(chat["system"])).toContain("- openclaw:hello: The skill hello.");
    const bob = await sentOf(await ask(here, "[[request]]", { headers: as("bob") }));
    expect(JSON.stringify(bob["system"])).not.toContain("openclaw-tenant");
    expect(JSON.stringify(bob["system"])).not.toContain("openclaw:hello");
    const [first, , third] = here.claude.sessions();
    expect(readdirSync(join(after(first, "--plugin-dir") ?? skills, "skills"))).toEqual(["hello"]);
    expect([first?.argv.includes("--disable-slash-commands"), third?.argv.includes("--plugin-dir")]).toEqual([
      false,
      false,
    ]);
    expect([after(first, "--tools"), after(third, "--tools")]).toEqual(["Bash,Skill", ""]);
  });
});

describe("the list of models", () => {
  test("has the aliases at once and what the program says when it was asked, over a restart too", async () => {
    const here = await world({});
    const ids = async (): Promise<string[]> => {
      const list = recordOf(await (await fetch(`${here.gateway.url}/v1/models`)).json());
      return (list["data"] as unknown[]).map((each) => String(recordOf(each)["id"]));
    };
    expect(await ids()).toContain("claude-cli/opus");
    expect(here.claude.sessions().length).toBeLessThanOrEqual(1);
    await here.gateway.app.services.claudePrograms.refreshedModels();
    const listed = await ids();
    expect(listed).toEqual(expect.arrayContaining(["auto", "sonnet", "claude-cli/haiku"]));
    expect(listed.some((id) => id.startsWith("claude-cli/claude-"))).toBe(true);
    expect(new Set(listed).size).toBe(listed.length);
    const one = await fetch(`${here.gateway.url}/v1/models/${encodeURIComponent("claude-cli/haiku")}`);
    expect(one.status).toBe(200);
    await here.claude.waitFor(isOver);
    expect(here.claude.sessions()).toHaveLength(1);
  });
});

describe("a reload", () => {
  test("leaves processes that it does not concern, and what is parked", async () => {
    const here = await world({ warm: 1, parked: { max: 4 } });
    expect((await ask(here, "[[say:hello]]")).status).toBe(200);
    await here.claude.waitFor((runs) => runs.filter(({ argv }) => argv.includes("-p")).length >= 2);
    const counts = () => here.gateway.app.services.claudePrograms.counts().get("claude-cli");
    expect(counts()).toMatchObject({ parked: { calls: 0, idle: 1 } });
    here.gateway.write(configOf(here.claude, { warm: 1, parked: { max: 4 }, effort: "high" }, {}));
    expect((await here.gateway.app.reload("test")).ok).toBe(true);
    expect(counts()).toMatchObject({ parked: { calls: 0, idle: 1 } });
    const told = await sentOf(await ask(here, "[[request]]"));
    expect(told["output_config"]).toEqual({ effort: "high" });
  });

  test("to another program is a new start: the operator who wrote it waits for no cooldown", async () => {
    const here = await world({ bin: "/nowhere/claude" }, { health: { consecutive_failures_before_skip: 1 } });
    expect((await ask(here, "[[say:hello]]")).status).toBe(502);
    const verdict = () => here.gateway.app.services.health.judge("claude-cli", "sonnet").go;
    expect(verdict()).not.toBe("yes");
    here.gateway.write(configOf(here.claude, {}, { health: { consecutive_failures_before_skip: 1 } }));
    expect((await here.gateway.app.reload("test")).ok).toBe(true);
    expect(verdict()).toBe("yes");
    expect((await ask(here, "[[say:hello]]")).status).toBe(200);
  });

  test("stops those of a provider that is gone, and those that another program takes over from", async () => {
    const here = await world({ warm: 1, parked: { max: 4 } });
    expect((await ask(here, "[[say:hello]]")).status).toBe(200);
    const old = new Set(here.claude.runs().map(({ pid }) => pid));
    here.gateway.write(configOf(here.claude, { warm: 1, parked: { max: 3 } }, {}));
    await here.gateway.app.reload("test");
    // Those that take over may have begun before the last of these has ended.
    await here.claude.waitFor((runs) => isOver(runs.filter(({ pid }) => old.has(pid))));
    expect((await ask(here, "[[say:hello]]")).status).toBe(200);
    here.gateway.write({ providers: { demo: { backend: "demo" } } });
    await here.gateway.app.reload("test");
    await here.claude.waitFor(isOver);
    expect(here.gateway.app.services.claudePrograms.counts().size).toBe(0);
  });
});

test("a stop leaves no process and no file", async () => {
  const here = await world(
    { warm: 2, parked: { max: 4 } },
    { mcp_servers: { a: { command: "/bin/false" } } },
  );
  expect((await ask(here, "[[say:hello]]", { headers: { "x-mcp-servers": "a" } })).status).toBe(200);
  await here.gateway.stop();
  expect(isOver(here.claude.runs())).toBe(true);
  expect(readdirSync(join(here.state, "cli", "runs"))).toEqual([]);
  expect(readdirSync(join(here.state, "cli", "gateways"))).toEqual([]);
});

test("folders of a gateway that was killed are taken away by the next one", async () => {
  const claude = scriptedClaude();
  cleanups.push(claude.remove);
  const state = join(claude.dir, "state");
  const killed = crypto.randomUUID().replaceAll("-", "").slice(0, 16);
  const [folder = ""] = neutralFolderPaths(killed);
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, "1"), { recursive: true });
  const list = join(state, "cli", "gateways", `${killed}.json`);
  mkdirSync(join(state, "cli", "runs", killed), { recursive: true, mode: 0o700 });
  mkdirSync(dirname(list), { mode: 0o700 });
  writeFileSync(list, "{}");
  const gateway = await startTestGateway({
    config: configOf(claude, {}, {}),
    environment: { CLAWGATE_STATE_DIR: state },
  });
  cleanups.push(gateway.stop);
  await gateway.app.services.claudePrograms.sweep();
  for (const path of [folder, list, join(state, "cli", "runs", killed)])
    expect([path, existsSync(path)]).toEqual([path, false]);
});
