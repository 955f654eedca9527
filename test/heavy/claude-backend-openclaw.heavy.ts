// A real OpenClaw turn with a tool over the built program and the real `claude` behind it, against a fake Anthropic API.
// Run it by path: bun test ./test/heavy/claude-backend-openclaw.heavy.ts. It never logs in and never leaves loopback but for npm.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { openTimeoutMs } from "../clients/targets.ts";
import { type GatewayWithClaude, model, startGatewayWithClaude } from "./gateway-with-claude.ts";
import { installed } from "./install.ts";
import { runProgram } from "../support/program-run.ts";

const openclawVersion = "2026.9.6";
const nodePackage = `node-${process.platform}-${process.arch}`;

// With the profile the model knows OpenClaw's `read` as `Read`, in both directions.
const cases = [
  { api: "openai-completions", hasProfile: false, path: "/v1", modelsTool: "read" },
  { api: "anthropic-messages", hasProfile: true, path: "", modelsTool: "Read" },
] as const;

describe.each(cases)("OpenClaw over the real claude, $api", ({ api, hasProfile, path, modelsTool }) => {
  let behind: GatewayWithClaude;
  let dir: string;
  beforeAll(async () => {
    behind = await startGatewayWithClaude({ keys: { openclaw: hasProfile } });
    dir = mkdtempSync(join(tmpdir(), "openclaw-client-"));
    mkdirSync(join(dir, ".openclaw", "workspace"), { recursive: true });
    mkdirSync(join(dir, "work"));
    writeFileSync(join(dir, ".openclaw", "openclaw.json"), JSON.stringify(openclawConfig()));
    writeFileSync(join(dir, ".openclaw", "workspace", "note.txt"), "the heron stands still\n");
  }, openTimeoutMs + 300_000);
  afterAll(async () => {
    await behind?.stop();
    if (dir) rmSync(dir, { recursive: true, force: true });
  });

  /** The working minimal provider. */
  const openclawConfig = (): object => {
    const card = { name: "Test", reasoning: false, input: ["text"], contextWindow: 200_000, maxTokens: 8192 };
    const provider = {
      baseUrl: `${behind.target.url}${path}`,
      apiKey: behind.target.key,
      api,
      models: [{ id: model, ...card }],
    };
    return {
      models: { mode: "merge", providers: { gateway: provider } },
      agents: { defaults: { model: { primary: `gateway/${model}`, fallbacks: [] } } },
    };
  };

  test("a tool turn: it reads a file, and the process that waits gets the text", async () => {
    const packages = [`${nodePackage}@24.21.0`, `openclaw@${openclawVersion}`];
    const script = join("node_modules", "openclaw", "openclaw.mjs");
    const folder = installed("openclaw", packages, script);
    const node = join(folder, "node_modules", nodePackage, "bin", "node");
    const env = {
      PATH: `${dirname(node)}:${process.env["PATH"] ?? ""}`,
      HOME: dir,
      LANG: "C.UTF-8",
      NO_PROXY: "127.0.0.1,localhost",
      NO_COLOR: "1",
    };
    const note = join(dir, ".openclaw", "workspace", "note.txt");
    const prompt = `[[tool:${modelsTool} ${JSON.stringify({ path: note })}]]`;
    const session = `agent:main:gateway-${crypto.randomUUID()}`;
    const flags = ["--local", "--agent", "main", "--session-key", session, "--model", `gateway/${model}`];
    const command = [node, join(folder, script), "agent", ...flags, "-m", prompt, "--json"];
    const done = await runProgram(command, { cwd: join(dir, "work"), env, timeoutMs: 140_000 });
    if (done.code !== 0) throw new Error(`${done.stdout.slice(-1500)}\n${done.stderr.slice(-1500)}`);
    expect(done.stdout).toContain("the heron stands still");
    expect(JSON.stringify(behind.results())).toContain("the heron stands still");
    expect(behind.asked()).toEqual({ times: 2, processes: 1 });
    const called = behind.conversation().flatMap(([, blocks]) => blocks.map(({ name }) => name));
    expect(called).toContain(modelsTool);
    behind.next();
  }, 450_000);
});
