// A reload of the real app: all of the new config or all of the old one, what it reports, and what stays.

import { describe, expect, test } from "bun:test";
import { type Clock, systemClock } from "../../src/system/clock.ts";
import { Scarcity } from "../../src/system/descriptors.ts";
import { cleanupsAfterEach } from "../support/cleanups.ts";
import { fakeClock } from "../support/clock.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { until } from "../pipeline/test-pipeline.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

const cleanups = cleanupsAfterEach();

function startVendor(keys?: readonly string[]): Upstream {
  return cleanups.stopAtEnd(startUpstream(keys === undefined ? {} : { keys }));
}

const provider = (vendor: Upstream, more: object = {}): object => ({
  backend: "openai-compat",
  base_url: vendor.url,
  api_key: "vendor-key-1",
  models: ["fake-large"],
  ...more,
});

async function open(config: string | object, clock?: Clock): Promise<TestGateway> {
  return cleanups.stopAtEnd(await startTestGateway({ config, ...(clock === undefined ? {} : { clock }) }));
}

function ask(gateway: TestGateway, model: string, more: RequestInit & { prompt?: string } = {}) {
  return fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", ...more.headers },
    body: JSON.stringify({ model, messages: [{ role: "user", content: more.prompt ?? "[[say:hello]]" }] }),
    ...(more.signal === undefined ? {} : { signal: more.signal }),
  });
}

const statusOf = async (answer: Promise<Response>): Promise<number> => {
  const { status, body } = await answer;
  await body?.cancel();
  return status;
};

const quiet = { health: { check_interval_seconds: 0 } };

describe("what it says", () => {
  test("names what changed by its keys, and never a value", async () => {
    const vendor = startVendor();
    const gateway = await open({
      providers: { kept: provider(vendor), gone: provider(vendor), edited: provider(vendor) },
      aliases: { fast: "kept" },
    });
    gateway.write({
      providers: {
        kept: provider(vendor),
        edited: provider(vendor, { api_key: "vendor-key-2" }),
        came: provider(vendor),
      },
      aliases: { fast: "came" },
      auth: { keys: ["client-key-number-1"] },
      streaming: { keepalive_s: 7 },
    });
    const report = await gateway.app.reload("test");
    expect(report).toEqual({
      ok: true,
      reason: "test",
      config: expect.stringContaining("config.yaml"),
      changed: {
        providers: { added: ["came"], removed: ["gone"], changed: ["edited"] },
        sections: ["auth.keys", "aliases", "streaming.keepalive_s", "fallback_chain"],
      },
      needsRestart: [],
      notices: [],
      error: null,
    });
    expect(JSON.stringify(report) + gateway.log.join("")).not.toMatch(/vendor-key|client-key/);
    expect(await statusOf(ask(gateway, "came"))).toBe(401);
    expect(
      await statusOf(ask(gateway, "came", { headers: { authorization: "Bearer client-key-number-1" } })),
    ).toBe(200);
  });

  test("what only a restart can change is told, and told again until the restart", async () => {
    const vendor = startVendor();
    const first = { providers: { one: provider(vendor) } };
    const gateway = await open(first);
    gateway.write({
      ...first,
      server: { host: "localhost", body_limit_mb: 64 },
      metrics: { retention_days: 3 },
    });
    const keys = ["server.host", "metrics.retention_days"];
    expect((await gateway.app.reload("test")).needsRestart).toEqual(keys);
    expect((await gateway.app.reload("test")).needsRestart).toEqual(keys);
    expect(gateway.log.join("")).toContain(`takes effect only after a restart: ${keys.join(", ")}`);
    gateway.write(first);
    expect((await gateway.app.reload("test")).needsRestart).toEqual([]);
  });
});

test("a larger limit of the body's size holds after a reload", async () => {
  const vendor = startVendor();
  const config = (limit: number) => ({
    server: { body_limit_mb: limit },
    providers: { one: provider(vendor) },
  });
  const gateway = await open(config(1));
  const send = () =>
    fetch(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "one", messages: [{ role: "user", content: "x".repeat(4_000_000) }] }),
    });
  const refused = await send();
  expect(refused.status).toBe(413);
  expect(await refused.json()).toHaveProperty("error.message");
  gateway.write(config(8));
  expect((await gateway.app.reload("test")).needsRestart).toEqual([]);
  expect((await send()).status).toBe(200);
});

describe("a config that is not valid", () => {
  const cases: readonly (readonly [string, string, object])[] = [
    ["broken YAML", "providers:\n  one: [", { line: 2 }],
    ["no map", "- providers", { line: 1, key: "", message: expect.stringContaining("must be a map") }],
    [
      "a typing error",
      "providers:\n  demo:\n    backend: demo\n    modle: x\n",
      { line: 4, key: "providers.demo.modle", message: "unknown key", hint: 'did you mean "model"?' },
    ],
    [
      "a name that nobody declares",
      "providers:\n  demo:\n    backend: demo\naliases:\n  fast: nobody\n",
      { line: 5, key: "aliases.fast" },
    ],
  ];
  test.each(cases)("%s: the old one stays, and why is told", async (_name, text, problem) => {
    const vendor = startVendor();
    const gateway = await open({ providers: { one: provider(vendor) }, ...quiet });
    const before = gateway.app.current();
    gateway.write(text);
    const report = await gateway.app.reload("test");
    expect(report).toMatchObject({ ok: false, error: { code: "config_invalid", problems: [problem] } });
    expect(report.error?.problems[0]?.path).toEndWith("config.yaml");
    expect(gateway.app.current()).toBe(before);
    expect(gateway.app.snapshotsInUse()).toBe(1);
    expect(gateway.log.join("")).toContain("the new config is not valid; the current one stays active");
    expect(gateway.log.join("")).toContain(`config.yaml:${report.error?.problems[0]?.line}`);
    expect(await statusOf(ask(gateway, "one"))).toBe(200);
    gateway.write({ providers: { one: provider(vendor), two: provider(vendor) }, ...quiet });
    expect((await gateway.app.reload("test")).ok).toBe(true);
    expect(await statusOf(ask(gateway, "two"))).toBe(200);
  });

  test("POST /api/reload: for the operator only; 200 with the report, 400 when it is not valid", async () => {
    const vendor = startVendor();
    const config = { providers: { one: provider(vendor) }, auth: { admin_key: "operator-key-number-1" } };
    const gateway = await open(config);
    const post = (key: string): Promise<Response> =>
      fetch(`${gateway.url}/api/reload`, { method: "POST", headers: { authorization: `Bearer ${key}` } });
    expect(await statusOf(post("somebody"))).toBe(401);
    expect(await statusOf(fetch(`${gateway.url}/api/reload`, { method: "POST" }))).toBe(401);
    gateway.write({ ...config, aliases: { fast: "one" } });
    const done = await post("operator-key-number-1");
    expect(done.status).toBe(200);
    expect(await done.json()).toMatchObject({
      ok: true,
      reason: "api",
      changed: { sections: ["aliases"] },
      needs_restart: [],
      error: null,
    });
    gateway.write({ ...config, aliases: { fast: "nobody" } });
    const refused = await post("operator-key-number-1");
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({
      ok: false,
      error: { code: "config_invalid", message: expect.stringContaining("aliases.fast") },
    });
    expect(await statusOf(ask(gateway, "fast"))).toBe(200);
    gateway.write({ ...config, auth: { admin_key: "another-operator-key" } });
    expect(await statusOf(post("operator-key-number-1"))).toBe(200);
    expect(await statusOf(post("operator-key-number-1"))).toBe(401);
    expect(await statusOf(post("another-operator-key"))).toBe(200);
  });
});

describe("never mixed", () => {
  test("under requests, every one sees all of the old config or all of the new one", async () => {
    const vendor = startVendor();
    const config = (n: number): object => ({
      providers: { one: provider(vendor, { api_key: `vendor-key-${n}`, models: ["a", `model-${n}`] }) },
      aliases: { pick: `one/model-${n}` },
      ...quiet,
    });
    const gateway = await open(config(0));
    const seen = new Set<string>();
    vendor.script(({ body, headers }) => {
      const model = String(body["model"]).replace("model-", "");
      const key = String(headers["authorization"]).replace("Bearer vendor-key-", "");
      seen.add(model);
      if (model !== key) return { status: 400, body: { error: { message: `mixed: ${model} and ${key}` } } };
      return undefined;
    });
    let isOver = false;
    const client = async (): Promise<number[]> => {
      const statuses: number[] = [];
      while (!isOver) statuses.push(await statusOf(ask(gateway, "pick")));
      return statuses;
    };
    const clients = Array.from({ length: 8 }, client);
    for (let n = 1; n <= 40; n++) {
      gateway.write(n % 5 === 0 ? "providers: [half" : config(n));
      expect((await gateway.app.reload("test")).ok).toBe(n % 5 !== 0);
      const before = vendor.requests.length;
      await vendor.waitFor((request) => request.index >= before + 4);
    }
    isOver = true;
    const statuses = (await Promise.all(clients)).flat();
    expect(statuses.filter((status) => status !== 200)).toEqual([]);
    expect(seen.size).toBeGreaterThan(20);
    await until("the old snapshots are released", () => gateway.app.snapshotsInUse() === 1);
    await gateway.assertClean(vendor.requests);
  }, 20_000);

  test("reloads that are asked for at the same time: one runs, the others share the next one", async () => {
    const vendor = startVendor();
    const gateway = await open({ providers: { one: provider(vendor) } });
    const first = gateway.app.reload("first");
    gateway.write({ providers: { one: provider(vendor), two: provider(vendor) } });
    const second = gateway.app.reload("second");
    const third = gateway.app.reload("third");
    expect(third).toBe(second);
    expect(await first).toMatchObject({ ok: true, reason: "first" });
    expect(await second).toMatchObject({ ok: true, reason: "second" });
    expect(gateway.app.current().pipeline.providers.has("two")).toBe(true);
    expect(await gateway.app.reload("fourth")).toMatchObject({ ok: true, reason: "fourth" });
  });

  test("fifty reloads leave no timer, no queue and no snapshot behind", async () => {
    const timers = new Set<symbol>();
    const clock: Clock = {
      ...systemClock,
      setTimer(delayMs, run) {
        const timer = Symbol();
        timers.add(timer);
        const cancel = systemClock.setTimer(delayMs, () => {
          timers.delete(timer);
          run();
        });
        return () => {
          timers.delete(timer);
          cancel();
        };
      },
    };
    const vendor = startVendor();
    const gateway = await open({ providers: { p0: provider(vendor) } }, clock);
    expect(await statusOf(ask(gateway, "p0"))).toBe(200);
    // One each of: descriptors, liveness, sessions, state directory, what the gateway stands on, alerts, request log, kept answers.
    await until("the request's timers are gone", () => timers.size <= 8);
    const before = timers.size;
    for (let n = 1; n <= 50; n++) {
      gateway.write({ providers: { [`p${n}`]: provider(vendor, { max_concurrent: n }) } });
      await gateway.app.reload("test");
      expect(await statusOf(ask(gateway, `p${n}`))).toBe(200);
    }
    await until("nothing is left", () => gateway.app.snapshotsInUse() === 1 && timers.size <= before);
    expect(gateway.app.services.queues.names()).toEqual(["p50"]);
  }, 20_000);

  test("a config that cannot be opened just now is put off, told once, and taken over when it can be", async () => {
    const clock = fakeClock();
    const gateway = await open({ providers: { demo: { backend: "demo" } } }, clock);
    gateway.write({ providers: { other: { backend: "demo" } } });
    gateway.unreadable = new Scarcity(null);
    const refused = { ok: false, error: { code: "at_capacity" } };
    expect(await gateway.app.reload("file")).toMatchObject(refused);
    expect(await gateway.app.reload("signal")).toMatchObject(refused);
    await clock.advance(5_000);
    expect([...gateway.app.current().pipeline.providers.keys()]).toEqual(["demo"]);
    const answer = await fetch(`${gateway.url}/api/reload`, {
      method: "POST",
      headers: { authorization: `Bearer ${gateway.token()}` },
    });
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "2"]);
    const isTold = (line: string): boolean =>
      line.includes("the config cannot be read because no file descriptors");
    expect(gateway.log.filter(isTold)).toHaveLength(1);
    expect(gateway.log.join("")).not.toMatch(/(?:met|because of) a bug/);
    gateway.unreadable = null;
    await clock.advance(1_500);
    await until("the new one is in force", () => gateway.app.current().pipeline.providers.has("other"));
  });

  test("an app that stops reloads no more", async () => {
    const gateway = await open({ providers: { demo: { backend: "demo" } } });
    await gateway.stop();
    expect(await gateway.app.reload("test")).toMatchObject({ ok: false, error: { code: "shutting_down" } });
  });
});
