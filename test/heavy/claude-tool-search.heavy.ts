// The newest `claude` program with its tools held back (ENABLE_TOOL_SEARCH=true), behind three kinds of targets: it searches, the found
// tool goes up with its schema and is called. Run it by path. It never logs in and never leaves loopback but for npm.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openTimeoutMs } from "../clients/targets.ts";
import { type RunningBinary, startBinary } from "../support/binary.ts";
import { type Json, scriptedAnswer } from "../support/scripted-answers.ts";
import { claudeProgram } from "./claude-program.ts";
import { runProgram } from "../support/program-run.ts";

// The pinned one has no such search for models that it does not know.
const version = process.env["CLAUDE_VERSION"] ?? "2.1.332";

/** A tool server in twenty lines: it has one tool. */
const server = `
const tool = { name: "heron", description: "Tells what the heron does", inputSchema: { type: "object", properties: { place: { type: "string" } } } };
const say = (id, result) => console.log(JSON.stringify({ jsonrpc: "2.0", id, result }));
for await (const line of console) {
  const { id, method, params } = JSON.parse(line);
  if (method === "initialize") say(id, { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: "birds", version: "1" } });
  else if (method === "tools/list") say(id, { tools: [tool] });
  else if (method === "tools/call") say(id, { content: [{ type: "text", text: "the heron stands still" }] });
  else if (id !== undefined) say(id, {});
}
`;

const name = "mcp__birds__heron";
let bodies: string[] = [];
let vendor: ReturnType<typeof Bun.serve>;
let gateway: RunningBinary;
let dir: string;
let program: string;

/** Searches, calls what was found, and says what it heard. */
function reply(path: string, body: string): Response {
  bodies.push(body);
  const id = `call_${bodies.length}`;
  if (body.includes("the heron stands still")) return scriptedAnswer(path, "It stands still.", id);
  if (body.includes("Tells what the heron does"))
    return scriptedAnswer(path, { name, input: { place: "river" } }, id);
  if (body.includes('"ToolSearch"'))
    return scriptedAnswer(path, { name: "ToolSearch", input: { query: `select:${name}` } }, id);
  return scriptedAnswer(path, "There is no search.", id);
}

beforeAll(async () => {
  program = claudeProgram(version);
  dir = mkdtempSync(join(tmpdir(), "claude-search-"));
  mkdirSync(join(dir, "work"));
  writeFileSync(join(dir, "birds.ts"), server);
  const birds = { type: "stdio", command: process.execPath, args: [join(dir, "birds.ts")] };
  writeFileSync(join(dir, "mcp.json"), JSON.stringify({ mcpServers: { birds } }));
  vendor = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: async (request) => reply(new URL(request.url).pathname, await request.text()),
  });
  const base_url = `http://127.0.0.1:${vendor.port}/v1`;
  const provider = (backend: string): Json => ({ backend, base_url, api_key: "k", models: ["m"] });
  gateway = await startBinary({
    config: {
      providers: {
        chat: provider("openai-compat"),
        answers: provider("openai-responses"),
        google: provider("google-genai"),
      },
    },
  });
}, openTimeoutMs + 300_000);
afterAll(async () => {
  await gateway?.stop();
  await vendor?.stop(true);
  if (dir) rmSync(dir, { recursive: true, force: true });
});

describe.each(["chat/m", "answers/m", "google/m"])("claude behind %s", (model) => {
  test("finds and calls a tool that was held back", async () => {
    bodies = [];
    const env = {
      PATH: process.env["PATH"] ?? "",
      HOME: dir,
      CLAUDE_CONFIG_DIR: join(dir, "claude"),
      LANG: "C.UTF-8",
      NO_PROXY: "127.0.0.1,localhost",
      ANTHROPIC_BASE_URL: gateway.url,
      ANTHROPIC_API_KEY: "none",
      ANTHROPIC_DEFAULT_HAIKU_MODEL: model,
      ENABLE_TOOL_SEARCH: "true",
      CLAUDE_CODE_MAX_RETRIES: "1",
      DISABLE_TELEMETRY: "1",
      DISABLE_ERROR_REPORTING: "1",
      DISABLE_AUTOUPDATER: "1",
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    };
    const flags = ["--output-format", "json", "--model", model, "--allowedTools", name];
    const servers = ["--mcp-config", join(dir, "mcp.json"), "--strict-mcp-config"];
    const done = await runProgram([program, "-p", "What does the bird do?", ...flags, ...servers], {
      cwd: join(dir, "work"),
      env,
      timeoutMs: 90_000,
    });
    console.log(`claude ${version} behind ${model}: exit ${done.code}, ${bodies.length} requests`);
    expect(JSON.parse(done.stdout)).toMatchObject({ is_error: false, result: "It stands still." });
    const searching = bodies.findIndex((body) => body.includes('"ToolSearch"'));
    expect(bodies[searching]).not.toContain("Tells what the heron does");
    expect(bodies[searching + 1]).toContain("Tells what the heron does");
  }, 120_000);
});
