// Alerts over the real services: what requests, budgets, prices, stores and the config file of a running app lead to.

import { afterEach, expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AlertView } from "../../src/alerts/alert.ts";
import { ConfigProblem } from "../../src/config/problems.ts";
import { fakeClock } from "../support/clock.ts";
import { eventually } from "../support/eventually.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

const invalid = new ConfigProblem([
  { path: null, line: null, key: "server", message: "is wrong", hint: null },
]);
const key = "alice-key-0123456789";
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

async function open(provider: object, more: object = {}) {
  const clock = fakeClock(Date.UTC(2026, 0, 1, 22));
  const vendor = startUpstream();
  ends.push(() => vendor.stop());
  const config = {
    health: { check_interval_seconds: 0 },
    providers: {
      only: { base_url: vendor.url, api_key: "vendor-secret-key", models: ["fake-large"], ...provider },
    },
    ...more,
  };
  const gateway = await startTestGateway({ config, clock });
  ends.push(() => gateway.stop());
  return { gateway, vendor, clock, config };
}

async function ask(gateway: TestGateway, body: object = {}): Promise<number> {
  const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
    body: JSON.stringify({
      model: "only",
      max_tokens: 20,
      messages: [{ role: "user", content: "hi" }],
      ...body,
    }),
  });
  await answer.text();
  await gateway.recordOf(answer);
  return answer.status;
}

async function alertsOf(gateway: TestGateway): Promise<{ alerts: AlertView[]; recent: AlertView[] }> {
  const answer = await fetch(`${gateway.url}/api/alerts`);
  return (await answer.json()) as { alerts: AlertView[]; recent: AlertView[] };
}

/** The checks need real turns of the loop: prices are loaded from their file. */
async function judged(gateway: TestGateway, clock: { advance(ms: number): Promise<void> }, kind: string) {
  for (let tries = 0; tries < 50; tries++) {
    await clock.advance(10_000);
    await new Promise((resolve) => void setTimeout(resolve, 5));
    const { alerts } = await alertsOf(gateway);
    const found = alerts.find((each) => each.kind === kind);
    if (found !== undefined) return found;
  }
  throw new Error(`there is no alert ${kind}: ${JSON.stringify(await alertsOf(gateway))}`);
}

const answerOf =
  (completion: number): Parameters<Upstream["script"]>[0] =>
  () => ({
    body: {
      id: "x",
      object: "chat.completion",
      created: 1,
      model: "fake-large",
      choices: [{ index: 0, message: { role: "assistant", content: "ok" }, finish_reason: "stop" }],
      usage: { prompt_tokens: 0, completion_tokens: completion, total_tokens: completion },
    },
  });

test("a tenant's budget: 80 %, then 100 %, by what its requests really cost", async () => {
  const tenants = [{ name: "alice", api_key: key, limits: { budget: { usd_per_day: 100 } } }];
  const alerts = { rules: { projection: false } };
  // A million tokens cost $1,000,000: 10 tokens are $10.
  const { gateway, vendor, clock } = await open(
    { pricing: { input: 0, output: 1_000_000 } },
    { tenants, alerts },
  );
  vendor.script(answerOf(17));
  for (let i = 0; i < 5; i++) expect(await ask(gateway, { max_tokens: 17 })).toBe(200);
  expect(await judged(gateway, clock, "budget")).toMatchObject({
    subject: "alice/day",
    severity: "warning",
    value: 85,
    limit: 80,
    message: "Tenant alice: 85 % of the budget of this day is spent ($85.00 of $100.00).",
  });
  vendor.script(answerOf(15));
  expect(await ask(gateway, { max_tokens: 15 })).toBe(200);
  for (let i = 0; i < 10; i++) await clock.advance(10_000);
  const [alert] = (await alertsOf(gateway)).alerts;
  expect(alert).toMatchObject({ kind: "budget", severity: "critical", value: 100 });
  expect(gateway.log.filter((line) => line.includes('"message":"alert: Tenant alice'))).toHaveLength(2);
});

test("a model that answers without a price, until a reload names one", async () => {
  const { gateway, clock, config } = await open({});
  expect(await ask(gateway)).toBe(200);
  expect(await judged(gateway, clock, "unknown-price")).toMatchObject({ subject: "only/fake-large" });
  gateway.write({
    ...config,
    providers: { only: { ...config.providers.only, pricing: { input: 1, output: 1 } } },
  });
  expect((await gateway.app.reload("test")).ok).toBe(true);
  for (let i = 0; i < 10; i++) await clock.advance(10_000);
  const { alerts, recent } = await alertsOf(gateway);
  expect([alerts, recent.map(({ kind }) => kind)]).toEqual([[], ["unknown-price"]]);
});

test("an error rate over real failures, as a part of the provider that they take out", async () => {
  const { gateway, vendor, clock } = await open({}, { alerts: { rules: { min_requests: 3 } } });
  vendor.script(() => ({ status: 500, body: { error: { message: "broken" } } }));
  for (let i = 0; i < 6; i++) await ask(gateway);
  expect(await judged(gateway, clock, "error-rate")).toMatchObject({ value: 100, limit: 25 });
  const lines = gateway.log.filter((line) => line.includes('"message":"alert: '));
  expect(lines.some((line) => line.includes('"kind":"provider-out"'))).toBe(true);
});

test("failures that are older than the window do not count", async () => {
  const rules = { min_requests: 4, window_s: 60 };
  for (const [window_s, isRaised] of [
    [600, true],
    [60, false],
  ] as const) {
    const { gateway, vendor, clock } = await open(
      {},
      { alerts: { check_interval_s: 10, rules: { ...rules, window_s } } },
    );
    vendor.script((request) => (request.index % 2 === 0 ? { status: 500, body: {} } : undefined));
    for (let i = 0; i < 4; i++) await ask(gateway);
    await clock.advance(200_000);
    vendor.script(() => undefined);
    for (let i = 0; i < 4; i++) await ask(gateway);
    if (isRaised) await judged(gateway, clock, "error-rate");
    else {
      for (let i = 0; i < 3; i++) {
        await clock.advance(10_000);
        await new Promise((resolve) => void setTimeout(resolve, 10));
      }
      expect((await alertsOf(gateway)).alerts.map(({ kind }) => kind)).not.toContain("error-rate");
    }
  }
});

test("a config on disk that is not valid, and its repair; alerts that are switched off by a reload", async () => {
  const { gateway, clock, config } = await open({});
  gateway.unreadable = invalid;
  await gateway.app.reload("test");
  expect(await judged(gateway, clock, "config")).toMatchObject({ severity: "warning", subject: "config" });
  gateway.unreadable = null;
  await gateway.app.reload("test");
  await eventually(async () => {
    await clock.advance(10_000);
    expect((await alertsOf(gateway)).recent.map(({ kind }) => kind)).toEqual(["config"]);
  });
  gateway.unreadable = invalid;
  await gateway.app.reload("test");
  await judged(gateway, clock, "config");
  gateway.unreadable = null;
  gateway.write({ ...config, alerts: { enabled: false } });
  await gateway.app.reload("test");
  await clock.advance(20_000);
  expect((await alertsOf(gateway)).alerts).toEqual([]);
});

test("who asks is told that alerts are switched off", async () => {
  const { gateway } = await open({}, { alerts: { enabled: false } });
  expect(await alertsOf(gateway)).toMatchObject({ enabled: false, alerts: [] });
});

test("a store that fails is critical", async () => {
  const clock = fakeClock();
  const path = join(tmpdir(), `clawgate-alerts-${process.pid}`);
  writeFileSync(path, "");
  ends.push(() => rmSync(path, { force: true }));
  const gateway = await startTestGateway({
    config: { providers: { demo: { backend: "demo" } } },
    clock,
    environment: { CLAWGATE_STATE_DIR: path },
  });
  ends.push(() => gateway.stop());
  expect(await judged(gateway, clock, "store")).toMatchObject({
    severity: "critical",
    subject: "state.directory",
  });
});

test("secrets of webhook and topic are in no report and no log", async () => {
  const { gateway } = await open(
    {},
    {
      alerts: {
        webhook: {
          url: "http://127.0.0.1:1/services/T0/verysecretpath99",
          secret: "webhook-secret-0123456789",
        },
        ntfy: { url: "http://127.0.0.1:1/topic-name", token: "tk_0123456789abcdef" },
        command: ["/bin/false", "--key", "argument-secret"],
      },
    },
  );
  const config = await (await fetch(`${gateway.url}/api/config`)).text();
  expect(config).toContain("http://127.0.0.1:1/***");
  for (const secret of ["verysecretpath99", "webhook-secret", "tk_0123", "topic-name", "argument-secret"])
    expect(config).not.toContain(secret);
  const tested = await fetch(`${gateway.url}/api/alerts/test`, {
    method: "POST",
    headers: { authorization: `Bearer ${gateway.token()}` },
  });
  const answer = (await tested.json()) as { ok: boolean; deliveries: { channel: string; ok: boolean }[] };
  expect(answer).toMatchObject({
    ok: false,
    deliveries: [
      { channel: "webhook", ok: false },
      { channel: "ntfy", ok: false },
      { channel: "command", ok: false, error: "it ended with code 1" },
    ],
  });
  expect(JSON.stringify(answer) + gateway.log.join("\n")).not.toMatch(
    /verysecretpath99|webhook-secret|tk_0123/,
  );
  const { redact } = gateway.app.services;
  expect(redact("webhook-secret-0123456789 tk_0123456789abcdef verysecretpath99")).toBe("*** *** ***");
});
