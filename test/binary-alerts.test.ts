// The compiled program tells the operator: a provider goes out and comes back, a restart in between, a webhook that verifies the
// signature, a program, the API and the command.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { goodAnswer } from "./pipeline/test-pipeline.ts";
import { binaryPath, type RunningBinary, runBinary, startBinary } from "./support/binary.ts";
import { startUpstream, type Upstream } from "./support/upstream.ts";

const admin = "admin-key-0123456789";
const secret = "webhook-secret-0123456789";
let vendor: Upstream;
let dir: string;
type Told = {
  readonly status: string;
  readonly kind?: string;
  readonly message: string;
  readonly id?: string;
};
const told: Told[] = [];
const wrong: string[] = [];
let isAway = false;
const receiver = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  async fetch(request) {
    const body = await request.text();
    if (isAway) return new Response(null, { status: 503 });
    const wanted = `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
    if (request.headers.get("x-clawgate-signature") !== wanted) wrong.push(body);
    told.push(JSON.parse(body) as Told);
    return new Response(null, { status: 204 });
  },
});

beforeAll(() => {
  binaryPath();
  vendor = startUpstream();
  dir = mkdtempSync(join(tmpdir(), "clawgate-alerts-"));
}, 120_000);
afterAll(() => {
  vendor.stop();
  void receiver.stop(true);
  rmSync(dir, { recursive: true, force: true });
});

const start = (): Promise<RunningBinary> =>
  startBinary({
    dir,
    config: {
      health: {
        check_interval_seconds: 0,
        consecutive_failures_before_skip: 2,
        recovery_check_interval_seconds: 1,
      },
      auth: { admin_key: admin },
      providers: { only: { base_url: vendor.url, api_key: "vendor-secret-key", models: ["fake-large"] } },
      alerts: {
        check_interval_s: 1,
        resolve_after_s: 1,
        webhook: { url: `http://127.0.0.1:${receiver.port}/hook/topsecretpath1`, secret },
        command: ["/bin/sh", join(dir, "tell.sh")],
        rules: { error_rate: 0 },
      },
    },
  });

const ask = (gateway: RunningBinary): Promise<Response> =>
  fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "only", messages: [{ role: "user", content: "hi" }] }),
  });
const read = async (gateway: RunningBinary, path: string): Promise<unknown> =>
  (await fetch(gateway.url + path, { headers: { authorization: `Bearer ${admin}` } })).json();

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const giveUpMs = performance.now() + 15_000;
  while (!(await holds())) {
    if (performance.now() > giveUpMs) throw new Error(`not in time: ${what}; told: ${JSON.stringify(told)}`);
    await new Promise((resolve) => void setTimeout(resolve, 50));
  }
}

const outOnly = (): Told[] => told.filter(({ kind }) => kind === "provider-out");

test("a provider goes out: one alert, nothing more after a restart, one when it is back", async () => {
  writeFileSync(join(dir, "tell.sh"), `cat >> "${dir}/told.txt"\n`);
  mkdirSync(join(dir, "work"), { recursive: true });
  const first = await start();
  vendor.script(() => ({ status: 500, body: { error: { message: "broken" } } }));
  for (let i = 0; i < 3; i++) await (await ask(first)).text();
  await until("the alert", () => outOnly().length > 0);
  expect(outOnly()[0]).toMatchObject({ status: "firing", severity: "critical", subject: "only" });
  const { alerts } = (await read(first, "/api/alerts")) as { alerts: Told[] };
  expect(alerts.map(({ kind }) => kind)).toContain("provider-out");
  expect(JSON.stringify(await read(first, "/api/config"))).not.toMatch(/webhook-secret|topsecretpath1/);
  const listed = await runBinary(["alerts"], join(dir, "work"), {
    CLAWGATE_STATE_DIR: join(dir, "clawgate-state"),
  });
  expect([listed.code, listed.stdout]).toEqual([0, expect.stringContaining("critical")]);
  expect(await first.stop()).toBe(0);

  const second = await start();
  await (await ask(second)).text();
  await new Promise((resolve) => void setTimeout(resolve, 2_500));
  expect(outOnly()).toHaveLength(1);
  vendor.script(goodAnswer);
  await until("its end", async () => {
    await (await ask(second)).text();
    return outOnly().length > 1;
  });
  expect(outOnly().map(({ status, id }) => [status, id])).toEqual([
    ["firing", outOnly()[0]?.id],
    ["resolved", outOnly()[0]?.id],
  ]);
  expect(wrong).toEqual([]);
  await until("the program", () => existsSync(join(dir, "told.txt")));
  expect(readFileSync(join(dir, "told.txt"), "utf8")).toContain('"kind":"provider-out"');

  const after = await runBinary(["alerts"], join(dir, "work"), {
    CLAWGATE_STATE_DIR: join(dir, "clawgate-state"),
  });
  expect(after.stdout).toMatch(
    /\n\nEnded lately:\nSINCE \(UTC\) +ENDED \(UTC\) .*\n20\S+ \S+ +20\S+ \S+ +critical +Provider only/,
  );

  const tried = await runBinary(["alerts", "--test"], join(dir, "work"), {
    CLAWGATE_STATE_DIR: join(dir, "clawgate-state"),
  });
  expect([tried.code, tried.stdout]).toEqual([0, "webhook works\ncommand works\n"]);
  expect(told.at(-1)?.status).toBe("test");
  expect((await fetch(`${second.url}/api/alerts`)).status).toBe(401);
  const unasked = await fetch(`${second.url}/api/alerts/test`, { method: "POST" });
  expect(unasked.status).toBe(401);
  expect(second.output()).not.toMatch(/webhook-secret|topsecretpath1/);
  await second.stop();
}, 60_000);

test("a quota with the end that its vendor named, and a config that is not valid with its mistake", async () => {
  const gateway = await start();
  vendor.script(() => ({
    status: 429,
    headers: { "retry-after": "7200" },
    body: { error: { message: "You exceeded your current quota", code: "insufficient_quota" } },
  }));
  const askedMs = Date.now();
  await (await ask(gateway)).text();
  const ofKind = (kind: string) => told.find((each) => each.kind === kind && each.status === "firing");
  await until("the quota", () => ofKind("quota") !== undefined);
  const untilMs = Number((ofKind("quota") as { until_ms?: unknown } | undefined)?.until_ms);
  expect(Math.abs(untilMs - askedMs - 7_200_000)).toBeLessThan(60_000);
  writeFileSync(gateway.configPath, readFileSync(gateway.configPath, "utf8").replace('"alerts"', '"alertz"'));
  await until("the config", () => ofKind("config") !== undefined);
  expect(ofKind("config")?.message).toMatch(/; the one before it stays active: .*alertz.*alerts/);
  await gateway.stop();
}, 60_000);

test("an alert that could not be delivered before a restart is delivered after it, once", async () => {
  const first = await start();
  isAway = true;
  const before = told.length;
  vendor.script(() => ({ status: 401, body: { error: { message: "Incorrect API key" } } }));
  await (await ask(first)).text();
  const isThere = async (): Promise<boolean> =>
    JSON.stringify(await read(first, "/api/alerts")).includes('"credential"');
  await until("the alert", isThere);
  expect(await first.stop()).toBe(0);
  isAway = false;
  const second = await start();
  await until("its message", () => told.slice(before).some(({ kind }) => kind === "credential"));
  await new Promise((resolve) => void setTimeout(resolve, 2_500));
  expect(told.slice(before).filter(({ kind }) => kind === "credential")).toHaveLength(1);
  await second.stop();
  vendor.script(goodAnswer);
}, 60_000);
