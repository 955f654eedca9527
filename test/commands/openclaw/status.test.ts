// `clawgate openclaw status` with an `openclaw` that answers as the real one of 2026.9.6 does.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { type Home, ownHome } from "../command-run.ts";
import { startStandIn } from "../stand-in.ts";

let home: Home;
beforeEach(() => {
  home = ownHome();
});
afterEach(() => home.remove());

const key = "k".repeat(20);
const config = `server: {port: 9123}
providers:
  dear: { backend: openai-compat, base_url: "http://127.0.0.1:1/v1", api_key: x, model: big, pricing: { input: 10, output: 50 } }
  lite: { backend: openai-compat, base_url: "http://127.0.0.1:1/v1", api_key: x, model: small, pricing: { input: 0.1, output: 0.4 } }
fallback_chain: [dear, lite]
tenants:
  - name: local
    api_key: "${key}"
`;

const every = { kind: "every", everyMs: 21_600_000 };
const jobs = [
  {
    id: "hb-1",
    displayName: "Heartbeat (main)",
    enabled: true,
    schedule: every,
    sessionTarget: "main",
    payload: { kind: "heartbeat" },
    effectiveAgentId: "main",
  },
  {
    id: "job-1",
    name: "check\u001b[31m",
    enabled: true,
    schedule: every,
    sessionTarget: "isolated",
    payload: { kind: "agentTurn" },
    effectiveAgentId: "main",
  },
  {
    id: "job-2",
    name: "cheap",
    enabled: true,
    schedule: every,
    sessionTarget: "isolated",
    payload: { kind: "agentTurn", model: "clawgate/lite" },
    effectiveAgentId: "main",
  },
  {
    id: "$(touch x)",
    name: "hostile",
    enabled: true,
    schedule: every,
    sessionTarget: "isolated",
    payload: { kind: "agentTurn" },
    effectiveAgentId: "main",
  },
];
const usage = { input_tokens: 20_000, output_tokens: 1_000 };
const runs: Readonly<Record<string, readonly object[]>> = {
  "hb-1": [{ sessionId: "shared", provider: "clawgate", model: "dear", usage }],
  "job-1": [
    { sessionId: "run-a", provider: "clawgate", model: "auto", usage },
    { sessionId: "run-b", provider: "clawgate", model: "auto", usage },
  ],
  "job-2": [{ sessionId: "run-c", provider: "openai", model: "gpt", usage }],
};

function fakeOpenclaw(version = "2026.9.6"): Readonly<Record<string, string>> {
  home.put("bin/jobs.json", JSON.stringify({ jobs }));
  for (const [id, entries] of Object.entries(runs))
    home.put(`bin/runs-${id}.json`, JSON.stringify({ entries }));
  const bin = home.at("bin");
  home.put(
    "bin/openclaw",
    `#!/bin/sh
case "$1 $2" in
  "--version "*) echo "OpenClaw ${version} (eb377ac)";;
  "cron list") cat '${bin}/jobs.json';;
  "cron runs") cat "${bin}/runs-$3.json";;
  *) echo '{"valid":true,"issues":[]}';;
esac
`,
    0o755,
  );
  return { PATH: `${bin}:/usr/bin:/bin` };
}

/** Sums of the requests of one session, or of each agent. */
const totals = (requests: number, cost_usd: number) => ({ requests, cost_usd, unknown_cost_requests: 0 });
const costs: Readonly<Record<string, number>> = { "run-a": 0.02, "run-b": 0.04 };

const openGateway = () =>
  startStandIn({
    stateDir: home.stateDir,
    answer({ path }) {
      const query = new URL(path, "http://x").searchParams;
      expect(query.get("tenant")).toBe("local");
      const session = query.get("session");
      if (session !== null) {
        const usd = costs[session];
        return Response.json({ groups: [], totals: totals(usd === undefined ? 0 : 1, usd ?? 0) });
      }
      expect(query.get("by")).toBe("agent");
      return Response.json({
        groups: [
          { name: "main", totals: totals(7, 1.25) },
          { name: "", totals: totals(1, 0.5) },
        ],
        totals: totals(8, 1.75),
      });
    },
  });

test("instances, spending, and idle burn with the command that moves it", async () => {
  home.put("config.yaml", config);
  home.put(".openclaw/openclaw.json", "{ agents: { defaults: { heartbeat: { every: '6h' } } } }");
  const environment = fakeOpenclaw();
  expect((await home.run(["setup", "--yes", "--no-skills"], { environment })).code).toBe(0);
  const gateway = await openGateway();
  try {
    const ran = await home.run(["openclaw", "status", "--json"], { environment });
    expect({ code: ran.code, stderr: ran.stderr }).toEqual({ code: 0, stderr: "" });
    expect(ran.stdout).not.toContain(key);
    const [found] = JSON.parse(ran.stdout).instances;
    expect(found).toMatchObject({
      tenant: "local",
      openclaw: "2026.9.6",
      connection: "current",
      providers: ["clawgate"],
      models_missing: [],
      cheapest: "lite",
      spend: [
        { agent: "main", requests: 7, cost_usd: 1.25 },
        { agent: null, requests: 1, cost_usd: 0.5 },
      ],
    });
    const byId = new Map(
      found.idle.automations.map((each: { readonly id: string }) => [each.id, each] as const),
    );
    // The mean of the two sessions that were its own: 4 runs a day at $0.03.
    expect(byId.get("job-1")).toMatchObject({
      basis: "measured",
      usd_per_run: 0.03,
      usd_per_day: 0.12,
      command: "openclaw cron edit job-1 --model clawgate/lite",
    });
    // A session that others share is not its cost: 20,000 tokens in at $10 and 1,000 out at $50 a million.
    expect(byId.get("hb-1")).toMatchObject({
      basis: "estimated",
      usd_per_run: 0.25,
      command: "openclaw config set agents.defaults.heartbeat.model clawgate/lite",
    });
    expect(byId.get("job-2")).toMatchObject({ basis: "elsewhere", usd_per_run: null, command: null });
    expect(byId.get("$(touch x)")).toMatchObject({ basis: null, command: null });
    expect(found.idle.usd_per_day).toBeCloseTo(1.12, 6);

    const { stdout } = await home.run(["openclaw"], { environment, columns: 200 });
    expect(stdout).toContain("idle burn: $1.12 a day");
    expect(stdout).toContain("openclaw cron edit job-1 --model clawgate/lite");
    expect(stdout).toContain("$1.00 (estimate)");
    // Other people's names do not control the terminal.
    expect(stdout).not.toContain("check\u001b[31m");
    expect(stdout).not.toContain("touch x");
  } finally {
    gateway.stop();
  }
});

test("an agent's own heartbeat is moved where it is written; a profile's program is named", async () => {
  home.put("config.yaml", config.replace("name: local", "name: work"));
  home.put(
    ".openclaw-work/openclaw.json",
    "{ agents: { defaults: {}, entries: { main: { heartbeat: { model: 'openai/x' } } } } }",
  );
  const { stdout } = await home.run(["openclaw", "--json"], { environment: fakeOpenclaw() });
  const [found] = JSON.parse(stdout).instances;
  expect(found.connection).toBe("none");
  expect(found.idle.automations.find((each: { readonly id: string }) => each.id === "hb-1")).toMatchObject({
    model: "openai/x",
    command: "openclaw --profile work config set agents.entries.main.heartbeat.model clawgate/lite",
  });
});

test("what an older version wrote is said, and set-up brings it up to date", async () => {
  home.put("config.yaml", config);
  const model = {
    id: "auto",
    name: "ClawGate auto",
    reasoning: false,
    input: ["text", "image"],
    contextWindow: 200_000,
    maxTokens: 8192,
  };
  const entry = {
    baseUrl: "http://127.0.0.1:9123/v1",
    apiKey: key,
    api: "openai-completions",
    models: [model],
  };
  home.put(
    ".openclaw/openclaw.json",
    `{\n  // mine\n  models: { providers: { clawgate: ${JSON.stringify(entry)} } },\n}\n`,
  );
  const environment = fakeOpenclaw();
  const before = await home.run(["openclaw", "status"], { environment });
  expect(before.code).toBe(1);
  expect(before.stdout).toContain("written by an older version: `clawgate setup` brings it up to date");
  expect(before.stdout).toContain("4 of them unknown to it");
  expect((await home.run(["setup", "--yes", "--no-skills"], { environment })).code).toBe(0);
  const written = home.read(".openclaw/openclaw.json");
  expect(written).toContain("// mine");
  expect(written).not.toContain(key);
  expect(home.read(".openclaw/.env")).toContain(`CLAWGATE_API_KEY=${key}\n`);
  expect((await home.run(["openclaw", "status"], { environment })).code).toBe(0);
  // The config of the gateway changes: said again.
  home.put(
    "config.yaml",
    home.read("config.yaml").replace("model: small", "model: smaller, models: [other]"),
  );
  const since = await home.run(["openclaw", "status", "--json"], { environment });
  expect(JSON.parse(since.stdout).instances[0]).toMatchObject({
    connection: "differs",
    models_missing: expect.arrayContaining(["lite/other"]),
  });
});

test("an OpenClaw before 2026.9 keeps the shape that it knows", async () => {
  home.put("config.yaml", config);
  home.put(".openclaw/openclaw.json", "{}");
  const environment = fakeOpenclaw("2026.6.4");
  const done = await home.run(["setup", "--yes", "--primary", "--no-skills"], { environment });
  expect(done.code).toBe(0);
  const written = home.read(".openclaw/openclaw.json");
  expect(written).toContain(`"apiKey": "${key}"`);
  expect(written).not.toMatch(/sendSession|supportsJsonSchema|utilityModel/);
  expect((await home.run(["openclaw", "status"], { environment })).code).toBe(0);
  const router = await home.run(["setup", "--yes", "--provider", "clawrouter"], { environment });
  expect(router.code).toBe(1);
  expect(router.stdout).toContain("its OpenClaw 2026.6.4 has no plugin clawrouter");
  // No program, and the config says which version wrote it.
  home.put(".openclaw/openclaw.json", "{ meta: { lastTouchedVersion: '2026.5.1' } }");
  expect((await home.run(["setup", "--yes", "--no-skills"])).code).toBe(0);
  expect(home.read(".openclaw/openclaw.json")).toContain(`"apiKey":"${key}"`);
});

test("--provider clawrouter: written, kept by manage apply, taken back; a real one is refused with words", async () => {
  home.put("config.yaml", config);
  const byHand = "{\n  // by hand\n  plugins: { allow: ['telegram'] },\n}\n";
  home.put(".openclaw/openclaw.json", byHand);
  const environment = fakeOpenclaw();
  expect(
    (
      await home.run(["setup", "--yes", "--primary", "--no-skills", "--provider", "clawrouter"], {
        environment,
      })
    ).code,
  ).toBe(0);
  const written = home.read(".openclaw/openclaw.json");
  expect(written).toContain('"baseUrl": "http://127.0.0.1:9123"');
  expect(written).toContain("clawrouter/auto");
  expect(written).not.toContain('"clawgate": {');
  expect(written).not.toContain(key);
  expect((await home.run(["manage", "apply", "local"], { environment })).stdout).toContain(
    "nothing to change",
  );
  expect((await home.run(["openclaw", "status"], { environment })).code).toBe(0);
  expect((await home.run(["setup", "--undo"])).code).toBe(0);
  expect(home.read(".openclaw/openclaw.json")).toBe(byHand);

  home.put(".openclaw/.env", "CLAWROUTER_API_KEY=theirs\n");
  const refused = await home.run(["setup", "--yes", "--provider", "clawrouter"], { environment });
  expect(refused.code).toBe(1);
  expect(refused.stdout).toContain("it has the key of a real ClawRouter (CLAWROUTER_API_KEY)");
  expect(home.read(".openclaw/openclaw.json")).toBe(byHand);
  expect(home.read(".openclaw/.env")).toBe("CLAWROUTER_API_KEY=theirs\n");
  expect((await home.run(["setup", "--yes", "--provider", "other"])).code).toBe(64);
});
