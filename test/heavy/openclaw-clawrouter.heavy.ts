// The real OpenClaw with its bundled plugin clawrouter pointed at the gateway: its models, its budget, a tool turn in each format,
// its agent in the record, and what `doctor --fix` leaves of our config. Run it by path:
// bun test ./test/heavy/openclaw-clawrouter.heavy.ts. Never leaves loopback but for npm.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { openTimeoutMs } from "../clients/targets.ts";
import { eventually } from "../support/eventually.ts";
import { openOpenclawGateway, type OpenclawGateway, readingTurn, version } from "./openclaw-gateway.ts";
import { readJson5 } from "../../src/openclaw/json5-text.ts";

const limitMs = 240_000;
const state = ".openclaw";
const words = "the heron stands still";
const admin = "admin-key-0123456789";

let stack: OpenclawGateway;
beforeAll(async () => {
  stack = await openOpenclawGateway(
    { [state]: words },
    {
      auth: { admin_key: admin },
      tenants: [
        {
          name: "local",
          api_key: "local-key-0123456789",
          limits: { budget: { usd_per_month: 50 }, unknown_price: "allow" },
        },
      ],
    },
  );
}, openTimeoutMs + 300_000);
afterAll(() => stack?.close());

async function succeed(args: readonly string[]): Promise<string> {
  const done = await stack.openclaw(args);
  if (done.code !== 0)
    throw new Error(`${args.join(" ")}: ${done.stdout.slice(-1500)}\n${done.stderr.slice(-1500)}`);
  return done.stdout;
}

test(
  "set up: accepted, and the plugin lists the models of the gateway",
  async () => {
    const done = await stack.clawgate("setup", "--yes", "--primary", "--json", "--provider", "clawrouter");
    if (done.code !== 0) throw new Error(`${done.stdout}\n${done.stderr}`);
    expect(JSON.parse(done.stdout)).toMatchObject({
      ok: true,
      instances: [{ tenant: "local", provider: "clawrouter" }],
      outcome: [{ verdict: "set up; OpenClaw accepts its config" }],
    });
    await stack.keyIsKnown(state);
    const listed = await succeed([
      "models",
      "list",
      "--all",
      "--provider",
      "clawrouter",
      "--refresh",
      "--json",
    ]);
    const ids = (JSON.parse(listed.slice(listed.indexOf("{"))) as { models: { key: string }[] }).models.map(
      ({ key }) => key,
    );
    expect(ids).toEqual(
      expect.arrayContaining([
        "clawrouter/auto",
        "clawrouter/oai",
        "clawrouter/ant/fake-large",
        "clawrouter/goo/fake-small",
        "clawrouter/test-openai",
      ]),
    );
  },
  limitMs,
);

test.each([
  ["oai", "chat"],
  ["ant", "messages"],
  ["goo", "gemini"],
])(
  "a tool turn with %s in the vendor's own format (%s), its agent, session and request in the record",
  async (model, door) => {
    const before = stack.upstream.requests.length;
    const printed = await succeed([...readingTurn(stack, state), "--model", `clawrouter/${model}`]);
    expect(printed).toContain(words);
    const seen = stack.upstream.requests.slice(before);
    expect(seen.length).toBeGreaterThanOrEqual(2);
    expect(seen.map((request) => request.breach).filter(Boolean)).toEqual([]);
    const record = { tenant: "local", client: "openclaw", agent: "main", door, provider: model };
    await eventually(async () => {
      const answer = await fetch(`${stack.gateway.url}/api/requests?limit=2`, {
        headers: { authorization: `Bearer ${admin}` },
      });
      const { requests } = (await answer.json()) as { readonly requests: readonly Record<string, unknown>[] };
      expect(requests).toMatchObject([record, record]);
      expect(requests[0]?.["session"]).toBe(requests[1]?.["session"]);
      expect(requests[0]?.["client_request_id"]).toMatch(/:model:\d+$/);
    });
  },
  limitMs,
);

test(
  "OpenClaw's status shows the tenant's budget, ours the spending of its agent",
  async () => {
    const ours = await stack.clawgate("openclaw", "status", "--json");
    expect(JSON.parse(ours.stdout).instances).toMatchObject([
      { openclaw: version, connection: "current", providers: ["clawrouter"], spend: [{ agent: "main" }] },
    ]);
    const shown = await succeed(["status", "--usage"]);
    expect(shown).toContain("ClawRouter (Managed monthly budget)");
    expect(shown).toMatch(/\d+ requests · [\d,]+ tokens/);
    expect(shown).toContain("/ $50.00");
  },
  limitMs,
);

test(
  "doctor --fix changes nothing of ours, and set-up finds nothing to change afterwards",
  async () => {
    const added = await stack.clawgate("setup", "--yes", "--json", "--provider", "clawgate");
    expect({ code: added.code, stderr: added.stderr }).toEqual({ code: 0, stderr: "" });
    type Config = { models: { providers: object }; agents: { defaults: object } };
    const ours = () => {
      const { models, agents } = readJson5(stack.read(`${state}/openclaw.json`)) as Config;
      return { providers: models.providers, defaults: agents.defaults };
    };
    const before = ours();
    expect(Object.keys(before.providers)).toEqual(["clawrouter", "clawgate"]);
    await succeed(["doctor", "--fix", "--non-interactive", "--yes"]);
    expect(ours()).toEqual(before);
    expect(JSON.parse((await stack.openclaw(["config", "validate", "--json"])).stdout)).toMatchObject({
      valid: true,
    });
    const again = await stack.clawgate("setup", "--yes");
    expect(again.stdout).toContain("nothing to change");
    const status = await stack.clawgate("openclaw", "status", "--json");
    expect(JSON.parse(status.stdout).instances).toMatchObject([
      { tenant: "local", connection: "current", models_missing: [] },
    ]);
    // Reverted beside what doctor wrote.
    for (let round = 0; round < 2; round++) expect((await stack.clawgate("setup", "--undo")).code).toBe(0);
    const left = stack.read(`${state}/openclaw.json`);
    expect(left).not.toContain("clawgate");
    expect(left).not.toContain('"clawrouter": {\n        "baseUrl"');
  },
  limitMs,
);
