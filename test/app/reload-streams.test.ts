// What a reload leaves alone: running streams to the last byte, turns and waiting requests, health; and what it takes away:
// keys, cooldowns of a credential that is not used any more, and the old config snapshot with its last stream.

import { expect, test } from "bun:test";
import { until } from "../pipeline/test-pipeline.ts";
import { cleanupsAfterEach } from "../support/cleanups.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { startUpstream } from "../support/upstream.ts";
import { type HeldVendor, startHeldVendor } from "./streaming-vendor.ts";
import { streamOverSocket } from "./raw-stream.ts";

const cleanups = cleanupsAfterEach();

const quiet = { health: { check_interval_seconds: 0 } };
const provider = (vendor: { url: string }, more: object = {}): object => ({
  backend: "openai-compat",
  base_url: vendor.url,
  api_key: "vendor-key-1",
  models: ["held"],
  ...more,
});

function heldVendor(): HeldVendor {
  return cleanups.stopAtEnd(startHeldVendor());
}

async function open(config: object): Promise<TestGateway> {
  return cleanups.stopAtEnd(await startTestGateway({ config: { ...quiet, ...config } }));
}

async function take(gateway: TestGateway, config: object): Promise<void> {
  gateway.write({ ...quiet, ...config });
  const report = await gateway.app.reload("test");
  expect(report.error).toBeNull();
}

const stream = (gateway: TestGateway, model: string, prompt: string, key?: string): Promise<Response> =>
  fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
    },
    body: JSON.stringify({ model, stream: true, messages: [{ role: "user", content: prompt }] }),
  });

test("200 live streams over reloads that change, remove and bring back their provider: not a byte is lost", async () => {
  const vendor = heldVendor();
  const other = heldVendor();
  const gateway = await open({ providers: { one: provider(vendor) }, fallback_chain: ["one"] });
  const prompts = Array.from({ length: 200 }, (_, index) => `p${index}`);
  const texts = prompts.map((prompt) =>
    streamOverSocket(gateway.url, "/v1/chat/completions", {
      model: "one",
      stream: true,
      messages: [{ role: "user", content: prompt }],
    }),
  );
  await vendor.waitForHeld(200);

  await take(gateway, { providers: { one: provider(other, { api_key: "vendor-key-2" }) } });
  gateway.write("providers: [half");
  expect((await gateway.app.reload("test")).ok).toBe(false);
  await take(gateway, { providers: { two: provider(other) } });
  await take(gateway, { providers: { one: provider(vendor, { max_concurrent: 3 }), two: provider(other) } });
  expect(gateway.app.snapshotsInUse()).toBe(2);
  expect(gateway.app.services.live.count()).toBe(200);
  const late = stream(gateway, "two", "late").then((answer) => answer.text());
  await other.waitForHeld(1);

  vendor.release();
  other.release();
  const got = await Promise.all(texts);
  for (const [index, prompt] of prompts.entries()) {
    expect(got[index]).toEndWith("data: [DONE]\n\n");
    expect(got[index]).toBe(vendor.sentTo(prompt));
  }
  expect(await late).toBe(other.sentTo("late"));
  await until("the old snapshot is released", () => gateway.app.snapshotsInUse() === 1);
  await gateway.assertClean();
  expect(gateway.records().filter((each) => each.status !== 200 || each.failure !== null)).toEqual([]);
  expect(gateway.records()).toHaveLength(201);
}, 30_000);

test("a removed key is refused at once, and the stream that it brought ends as it began", async () => {
  const vendor = heldVendor();
  const base = { providers: { one: provider(vendor) } };
  const gateway = await open({ ...base, auth: { keys: ["client-key-number-1", "client-key-number-2"] } });
  const running = stream(gateway, "one", "running", "client-key-number-1").then((answer) => answer.text());
  await vendor.waitForHeld(1);
  await take(gateway, { ...base, auth: { keys: ["client-key-number-2"] } });
  const refused = await stream(gateway, "one", "refused", "client-key-number-1");
  expect([refused.status, vendor.keyOf("refused")]).toEqual([401, undefined]);
  await refused.body?.cancel();
  vendor.release();
  expect(await running).toBe(vendor.sentTo("running"));
});

test("a request that waits for its turn keeps its place, and a higher limit lets it in", async () => {
  const vendor = heldVendor();
  const config = (limit: number): object => ({
    providers: { one: provider(vendor, { max_concurrent: limit }) },
  });
  const gateway = await open(config(1));
  const ask = (prompt: string): Promise<string> =>
    stream(gateway, "one", prompt).then((answer) => answer.text());
  const queue = gateway.app.current().pipeline.providers.get("one")?.queue;
  const first = ask("first");
  await vendor.waitForHeld(1);
  const others = ["second", "third"].map(ask);
  await until("two wait", () => queue?.counts().waiting === 2);
  await take(gateway, config(2));
  await vendor.waitForHeld(2);
  expect(gateway.app.current().pipeline.providers.get("one")?.queue).toBe(queue);
  expect(queue?.counts()).toEqual({ running: 2, waiting: 1 });
  await take(gateway, config(1));
  expect(queue?.counts()).toEqual({ running: 2, waiting: 1 });
  vendor.release();
  await until("the last one has its turn", () => queue?.counts().waiting === 0);
  await vendor.waitForHeld(1);
  vendor.release();
  const heard: readonly string[] = await Promise.all([first, ...others]);
  expect(heard).toEqual(["first", "second", "third"].map((prompt) => vendor.sentTo(prompt)));
  await until("the old snapshots are released", () => gateway.app.snapshotsInUse() === 1);
  await gateway.assertClean();
});

test("the queue of a provider that vanished goes with its last request", async () => {
  const vendor = heldVendor();
  const gateway = await open({ providers: { one: provider(vendor), two: provider(vendor) } });
  const running = stream(gateway, "one", "running").then((answer) => answer.text());
  await vendor.waitForHeld(1);
  await take(gateway, { providers: { two: provider(vendor) } });
  const { queues } = gateway.app.services;
  expect(queues.names()).toEqual(["one", "two"]);
  vendor.release();
  await running;
  await until("only the other one is left", () => queues.names().join() === "two");
});

test("health: kept for the same upstream, fresh for another key, deaf to what the old key still has to say", async () => {
  const vendor = cleanups.stopAtEnd(startUpstream());
  const gate = Promise.withResolvers<void>();
  const slow = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch() {
      await gate.promise;
      return Response.json({ error: { message: "bad key" } }, { status: 401 });
    },
  });
  cleanups.push(() => slow.stop(true));
  const health = (gateway: TestGateway) => gateway.app.services.health.view("one");
  const refusing = { url: `http://127.0.0.1:${slow.port}` };
  const gateway = await open({ providers: { one: provider(refusing), two: provider(vendor) } });
  const early = stream(gateway, "one", "early");
  await until("the early request is under way", () => gateway.app.services.live.count() === 1);
  gate.resolve();
  await (await early).body?.cancel();
  expect(health(gateway).healthy).toBe(false);

  await take(gateway, {
    providers: { one: provider(refusing, { max_tokens: 9 }), two: provider(vendor) },
  });
  expect(health(gateway).healthy).toBe(false);
  await take(gateway, {
    providers: { one: provider(refusing, { api_key: "vendor-key-2" }), two: provider(vendor) },
  });
  expect(health(gateway)).toMatchObject({ healthy: true, lastError: null });
});

test("a late refusal of the old key does not keep the new one away", async () => {
  const gate = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const vendor = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch() {
      asked.resolve();
      await gate.promise;
      return Response.json({ error: { message: "bad key" } }, { status: 401 });
    },
  });
  cleanups.push(() => vendor.stop(true));
  const place = { url: `http://127.0.0.1:${vendor.port}` };
  const gateway = await open({ providers: { one: provider(place) } });
  const early = stream(gateway, "one", "early");
  await asked.promise;
  await take(gateway, { providers: { one: provider(place, { api_key: "vendor-key-2" }) } });
  gate.resolve();
  expect((await early).status).toBe(502);
  expect(gateway.app.services.health.view("one")).toMatchObject({ healthy: true, lastError: null });
});

test("secrets: those of the old config are masked while its streams run, those of the new one from its first moment", async () => {
  const vendor = heldVendor();
  const keyed = (key: string): object => ({ providers: { one: provider(vendor, { api_key: key }) } });
  const gateway = await open(keyed("plain-words-old"));
  const { redact } = gateway.app.services;
  const running = stream(gateway, "one", "running").then((answer) => answer.text());
  await vendor.waitForHeld(1);
  await take(gateway, keyed("plain-words-new"));
  expect(redact("plain-words-old, plain-words-new")).toBe("***, ***");
  vendor.release();
  await running;
  await until("the old secrets are let go", () => redact("plain-words-old") === "plain-words-old");
  expect(redact("plain-words-new")).toBe("***");
});

test("a stream whose provider was removed is recorded with what it cost", async () => {
  const vendor = heldVendor();
  const priced = provider(vendor, { pricing: { input: 1, output: 1 } });
  const gateway = await open({ providers: { one: priced, two: provider(vendor) } });
  const running = stream(gateway, "one", "running");
  await vendor.waitForHeld(1);
  await take(gateway, { providers: { two: provider(vendor) } });
  vendor.release();
  const answer = await running;
  await answer.text();
  expect(await gateway.recordOf(answer)).toMatchObject({ provider: "one", status: 200, failure: null });
  const { requests } = (await (await fetch(`${gateway.url}/api/recent`)).json()) as {
    requests: { provider: string; cost_usd: number }[];
  };
  expect(requests).toEqual([expect.objectContaining({ provider: "one", cost_usd: 0.000015 })]);
});
