// The compiled program keeps texts of the listed tenant, of an answer of Claude Code too, and deletes them: nothing of them is left in
// the state directory.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { binaryPath, runBinary, startBinary } from "./support/binary.ts";
import { scriptedClaude, type ScriptedClaude } from "./support/claude.ts";
import { startUpstream, type Upstream } from "./support/upstream.ts";

const keys = { alice: "alice-key-0123456789", bob: "bob-key-0123456789ab" };
let vendor: Upstream;
let claude: ScriptedClaude;
let dir: string;

beforeAll(() => {
  binaryPath();
  vendor = startUpstream();
  claude = scriptedClaude();
  dir = mkdtempSync(join(tmpdir(), "clawgate-request-log-"));
}, 120_000);
afterAll(() => {
  vendor.stop();
  claude.remove();
  rmSync(dir, { recursive: true, force: true });
});

function holds(folder: string, text: string): boolean {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).some((name) => {
    const path = join(folder, name);
    return statSync(path).isFile() && readFileSync(path, "latin1").includes(text);
  });
}

test("kept for alice and not for bob, shown to the operator, gone after its deletion", async () => {
  const gateway = await startBinary({
    dir,
    config: {
      health: { check_interval_seconds: 0 },
      providers: {
        chat: { base_url: vendor.url, api_key: "vendor-secret-key", models: ["fake-large"] },
      },
      cli: { bin: claude.bin, warm: 0, parked: 0, env: { ANTHROPIC_API_KEY: "key-of-the-program" } },
      tenants: Object.entries(keys).map(([name, api_key]) => ({ name, api_key })),
      request_log: { enabled: true, tenants: ["alice"] },
    },
  });
  const ask = async (who: keyof typeof keys, model: string, text: string): Promise<string> => {
    const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${keys[who]}` },
      body: JSON.stringify({ model, stream: true, messages: [{ role: "user", content: text }] }),
    });
    expect([answer.status, (await answer.text()).length > 0]).toEqual([200, true]);
    return answer.headers.get("x-request-id") ?? "";
  };
  const work = join(dir, "work");
  mkdirSync(work, { recursive: true });
  const command = (...args: string[]) => runBinary(args, work, { CLAWGATE_STATE_DIR: gateway.stateDir });
  const passed = await ask("alice", "chat", "canary-passed");
  const ofProgram = await ask("alice", "claude-cli", "canary-program");
  const ofBob = await ask("bob", "chat", "canary-of-bob");

  for (const [id, text] of [
    [passed, "canary-passed"],
    [ofProgram, "canary-program"],
  ] as const) {
    const shown = await command("request-log", id, "--json");
    expect(shown.code).toBe(0);
    const found = JSON.parse(shown.stdout) as { request: { text: string }[]; response: { text: string }[] };
    expect(found.request.at(-1)?.text).toBe(text);
    expect(found.response.map((each) => each.text).join("").length).toBeGreaterThan(1);
  }
  const foreign = await command("request-log", ofBob);
  expect([foreign.code, foreign.stderr]).toEqual([1, expect.stringContaining("keeps nothing")]);
  expect((await command("request-log")).stdout).toMatch(/^On, for alice\.\n2 requests, \d+ KB, in /);
  // Without an admin key this machine may read reports, but no texts.
  expect((await fetch(`${gateway.url}/api/request-log/${passed}`)).status).toBe(401);
  expect((await fetch(`${gateway.url}/api/request-log`)).status).toBe(200);

  const folder = join(gateway.stateDir, "request-log");
  expect(holds(folder, "canary-passed")).toBe(true);
  expect((await command("request-log", "--delete")).code).toBe(64);
  const deleted = await command("request-log", "--delete", "--tenant", "alice");
  expect([deleted.code, deleted.stdout]).toEqual([0, "The texts of 2 requests were deleted.\n"]);
  expect(holds(folder, "canary")).toBe(false);
  expect(await gateway.stop()).toBe(0);
  expect(holds(gateway.stateDir, "canary")).toBe(false);
}, 60_000);
