// The real `claude` program and the gateway: a spent budget is shown at once, and what it says of its turns is in the records.
// Run it by path: bun test ./test/heavy/claude-gateway.heavy.ts. It never logs in and never leaves loopback but for npm.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { runProgram } from "../support/program-run.ts";
import { startUpstream } from "../support/upstream.ts";
import { claudeProgram, claudeVersion } from "./claude-program.ts";

/** The first version that tells a gateway of its turns. */
const hintsSince = "2.1.273";
const key = "sk-alice-0123456789abcdef";
const vendor = startUpstream();
let gateway: TestGateway;
let program: string;
let dir: string;

beforeAll(async () => {
  program = claudeProgram();
  dir = mkdtempSync(join(tmpdir(), "claude-gateway-"));
  mkdirSync(join(dir, "work"));
  gateway = await startTestGateway({
    config: {
      providers: {
        anth: {
          backend: "anthropic",
          base_url: vendor.url,
          api_key: "vendor-secret-key",
          models: ["claude-opus-5"],
          pricing: { input: 10, output: 10 },
        },
      },
      aliases: { "claude-*": "anth/claude-opus-5" },
      tenants: [
        { name: "alice", api_key: key, limits: { budget: { usd_per_day: 0.000_01 } } },
        { name: "bob", api_key: "sk-bob-0123456789abcdef" },
      ],
    },
  });
}, 330_000);
afterAll(async () => {
  await gateway?.stop();
  vendor.stop();
  if (dir) rmSync(dir, { recursive: true, force: true });
});

function ask(prompt: string, apiKey: string) {
  return runProgram(
    [program, "-p", prompt, "--output-format", "json", "--model", "claude-opus-5", "--strict-mcp-config"],
    {
      cwd: join(dir, "work"),
      env: {
        PATH: process.env["PATH"] ?? "",
        HOME: dir,
        CLAUDE_CONFIG_DIR: join(dir, "claude"),
        LANG: "C.UTF-8",
        NO_PROXY: "127.0.0.1,localhost",
        ANTHROPIC_BASE_URL: gateway.url,
        ANTHROPIC_API_KEY: apiKey,
        CLAUDE_CODE_GATEWAY_HINT_HEADERS: "1",
        DISABLE_TELEMETRY: "1",
        DISABLE_ERROR_REPORTING: "1",
        DISABLE_AUTOUPDATER: "1",
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
      },
      timeoutMs: 90_000,
    },
  );
}

test("a turn is recorded with its class", async () => {
  const done = await ask("[[say:good morning]]", "sk-bob-0123456789abcdef");
  expect(done.stdout).toContain("good morning");
  await eventually(() => expect(gateway.records().length).toBeGreaterThan(0));
  const classes = (): readonly string[] =>
    gateway.records().flatMap(({ requestClass }) => requestClass ?? []);
  if (Bun.semver.order(claudeVersion, hintsSince) >= 0)
    await eventually(() => expect(classes()).toContain("main"));
  else expect(classes()).toEqual([]);
}, 100_000);

test("a spent budget is printed at once and asked for only once", async () => {
  const spending = await fetch(`${gateway.url}/v1/messages`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-api-key": key },
    body: JSON.stringify({
      model: "claude-opus-5",
      max_tokens: 10,
      messages: [{ role: "user", content: "spend it" }],
    }),
  });
  expect(spending.status).toBe(200);
  await spending.text();
  // A turn that is not charged yet would let the next one in.
  await gateway.recordOf(spending);
  const before = gateway.records().length;
  const startedMs = performance.now();
  const done = await ask("hello", key);
  const seconds = (performance.now() - startedMs) / 1_000;
  console.log(`claude ${claudeVersion}: ${seconds.toFixed(1)} s, ${done.stdout.slice(0, 600)}`);
  const refused = (): number =>
    gateway
      .records()
      .slice(before)
      .filter(({ failure }) => failure === "over-budget").length;
  await eventually(() => expect(refused()).toBeGreaterThan(0));
  // The program asks with its main model, and perhaps once more with a small one; it retries none of them.
  expect(refused()).toBeLessThanOrEqual(2);
  expect(`${done.stdout}${done.stderr}`).toMatch(/budget/i);
  expect(seconds).toBeLessThan(60);
}, 100_000);
