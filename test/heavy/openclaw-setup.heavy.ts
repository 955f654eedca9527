// The real OpenClaw in a scratch home, set up by the built program: accepted by its own validation, and turns with a tool
// call on both APIs. Run it by path: bun test ./test/heavy/openclaw-setup.heavy.ts. Never leaves loopback but for npm.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openTimeoutMs } from "../clients/targets.ts";
import { byHand, openOpenclawGateway, type OpenclawGateway, readingTurn } from "./openclaw-gateway.ts";

const limitMs = 180_000;
const state = ".openclaw";
const words = "the heron stands still";

let stack: OpenclawGateway;
beforeAll(async () => {
  stack = await openOpenclawGateway({ [state]: words });
}, openTimeoutMs + 300_000);
afterAll(() => stack?.close());

test.each(["openai-completions", "anthropic-messages"])(
  "set up, accepted, and a tool turn: %s",
  async (api) => {
    const done = await stack.clawgate("setup", "--yes", "--primary", "--json", "--api", api);
    if (done.code !== 0) throw new Error(`${done.stdout}\n${done.stderr}`);
    expect(JSON.parse(done.stdout)).toMatchObject({
      ok: true,
      outcome: [{ tenant: "local", ok: true, verdict: "set up; OpenClaw accepts its config" }],
    });
    expect(stack.read(`${state}/openclaw.json`)).toContain("// the usual place");
    expect(readFileSync(stack.gateway.configPath, "utf8")).toStartWith("# of the user\n");
    await stack.keyIsKnown(state);

    const before = stack.upstream.requests.length;
    const turn = await stack.openclaw(readingTurn(stack, state));
    if (turn.code !== 0) throw new Error(`${turn.stdout.slice(-1500)}\n${turn.stderr.slice(-1500)}`);
    expect(turn.stdout).toContain(words);
    const seen = stack.upstream.requests.slice(before);
    expect(seen.length).toBeGreaterThanOrEqual(2);
    expect(seen.map((request) => request.breach).filter(Boolean)).toEqual([]);
  },
  limitMs,
);

test(
  "the integration file, merged by hand, is accepted as well; --undo gives every byte back",
  async () => {
    const printed = await stack.clawgate("setup", "--print");
    expect({ code: printed.code, stderr: printed.stderr }).toEqual({ code: 0, stderr: "" });
    const file = join(stack.dir, "integration.json5");
    writeFileSync(file, printed.stdout);
    const judged = await stack.openclaw(["config", "validate", "--json"], {
      OPENCLAW_CONFIG_PATH: file,
      CLAWGATE_API_KEY: "0123456789abcdef",
    });
    expect(JSON.parse(judged.stdout)).toMatchObject({ valid: true });
    expect((await stack.clawgate("setup", "--undo")).code).toBe(0);
    expect((await stack.clawgate("setup", "--undo")).code).toBe(0);
    expect(stack.read(`${state}/openclaw.json`)).toBe(byHand(state));
    expect(readFileSync(stack.gateway.configPath, "utf8")).not.toContain("tenants");
  },
  limitMs,
);
