// The real OpenClaw in a scratch home, set up by the built program: accepted by its own validation, and turns with a tool
// call on both APIs. Run it by path: bun test ./test/heavy/openclaw-setup.heavy.ts. Never leaves loopback but for npm.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { stringify } from "yaml";
import { openTimeoutMs } from "../clients/targets.ts";
import { binaryPath, cleanEnvironment, type RunningBinary, startBinary } from "../support/binary.ts";
import { gatewayConfig, vendorKey } from "../support/gateway-config.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";
import { installed, type Run, run } from "./install.ts";

const version = "2026.9.6";
const nodePackage = `node-${process.platform}-${process.arch}`;
const limitMs = 180_000;
const original = `{
  // Written by hand.
  gateway: { mode: 'local', },
  "agents": { "defaults": { "workspace": "~/.openclaw/workspace" } }, // the usual place
}
`;

let upstream: Upstream;
let gateway: RunningBinary;
let dir: string;
let env: Record<string, string>;

function freePort(): number {
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("") });
  const { port } = server;
  void server.stop(true);
  return port ?? 0;
}

beforeAll(async () => {
  const packages = [`${nodePackage}@24.21.0`, `openclaw@${version}`];
  const script = join("node_modules", "openclaw", "openclaw.mjs");
  const folder = installed("openclaw", packages, script);
  const node = join(folder, "node_modules", nodePackage, "bin", "node");
  dir = mkdtempSync(join(tmpdir(), "openclaw-setup-"));
  const bin = join(dir, "bin");
  for (const each of [bin, join(dir, ".openclaw", "workspace"), join(dir, "work")])
    mkdirSync(each, { recursive: true });
  writeFileSync(join(bin, "openclaw"), `#!/bin/sh\nexec "${node}" "${join(folder, script)}" "$@"\n`);
  chmodSync(join(bin, "openclaw"), 0o755);
  writeFileSync(join(dir, ".openclaw", "openclaw.json"), original, { mode: 0o600 });
  writeFileSync(join(dir, ".openclaw", "workspace", "note.txt"), "the heron stands still\n");
  const clean = cleanEnvironment(dir);
  env = { ...clean, NO_COLOR: "1", PATH: `${bin}:${dirname(node)}:${clean["PATH"]}` };
  upstream = startUpstream({ strict: true, keys: [vendorKey] });
  const port = freePort();
  const base = gatewayConfig(upstream.url);
  // A config as people write it, with a word in it that must stay.
  const config = `# of the house\n${stringify({ ...base, server: { port }, fallback_chain: ["oai"] })}`;
  gateway = await startBinary({ config, args: ["--port", String(port)], dir });
}, openTimeoutMs + 300_000);

afterAll(async () => {
  await gateway?.stop();
  upstream?.stop();
  if (dir) rmSync(dir, { recursive: true, force: true });
});

const openclawText = (): string => readFileSync(join(dir, ".openclaw", "openclaw.json"), "utf8");

function setup(...args: readonly string[]): Promise<Run> {
  const command = [binaryPath(), "setup", "--config", gateway.configPath, ...args];
  return run(command, { cwd: join(dir, "work"), env, timeoutMs: 120_000 });
}

/** The running gateway follows its file by itself. */
async function keyIsKnown(): Promise<void> {
  const key = /CLAWGATE_API_KEY=(\S+)/.exec(readFileSync(join(dir, ".openclaw", ".env"), "utf8"))?.[1] ?? "";
  for (let round = 0; round < 500; round++) {
    const answer = await fetch(`${gateway.url}/v1/models`, { headers: { authorization: `Bearer ${key}` } });
    await answer.body?.cancel();
    if (answer.ok) return;
    await Bun.sleep(20);
  }
  throw new Error(`The gateway never took the new key. It said:\n${gateway.output()}`);
}

test.each(["openai-completions", "anthropic-messages"])(
  "set up, accepted, and a tool turn: %s",
  async (api) => {
    const done = await setup("--yes", "--primary", "--json", "--api", api);
    if (done.code !== 0) throw new Error(`${done.stdout}\n${done.stderr}`);
    expect(JSON.parse(done.stdout)).toMatchObject({
      ok: true,
      outcome: [{ tenant: "local", ok: true, verdict: "set up; OpenClaw accepts its config" }],
    });
    expect(openclawText()).toContain("// the usual place");
    expect(readFileSync(gateway.configPath, "utf8")).toStartWith("# of the house\n");
    await keyIsKnown();

    const path = join(dir, ".openclaw", "workspace", "note.txt");
    const prompt = `[[tool:read {"path":${JSON.stringify(path)}}]]`;
    const session = `agent:main:${crypto.randomUUID()}`;
    const command = ["openclaw", "agent", "--local", "--agent", "main", "--session-key", session];
    const bin = join(dir, "bin", "openclaw");
    const before = upstream.requests.length;
    const turn = await run([bin, ...command.slice(1), "-m", prompt, "--json"], {
      cwd: join(dir, "work"),
      env,
      timeoutMs: limitMs - 20_000,
    });
    if (turn.code !== 0) throw new Error(`${turn.stdout.slice(-1500)}\n${turn.stderr.slice(-1500)}`);
    expect(turn.stdout).toContain("the heron stands still");
    const seen = upstream.requests.slice(before);
    expect(seen.length).toBeGreaterThanOrEqual(2);
    expect(seen.map((request) => request.breach).filter(Boolean)).toEqual([]);
  },
  limitMs,
);

test(
  "the integration file, merged by hand, is accepted as well; --undo gives every byte back",
  async () => {
    const printed = await setup("--print");
    expect({ code: printed.code, stderr: printed.stderr }).toEqual({ code: 0, stderr: "" });
    const file = join(dir, "integration.json5");
    writeFileSync(file, printed.stdout);
    const judged = await run([join(dir, "bin", "openclaw"), "config", "validate", "--json"], {
      cwd: join(dir, "work"),
      env: { ...env, OPENCLAW_CONFIG_PATH: file, CLAWGATE_API_KEY: "0123456789abcdef" },
      timeoutMs: 60_000,
    });
    expect(JSON.parse(judged.stdout)).toMatchObject({ valid: true });
    expect((await setup("--undo")).code).toBe(0);
    expect((await setup("--undo")).code).toBe(0);
    expect(openclawText()).toBe(original);
    expect(readFileSync(gateway.configPath, "utf8")).not.toContain("tenants");
  },
  limitMs,
);
