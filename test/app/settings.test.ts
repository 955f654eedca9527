// Config keys whose effect shows only in the whole app: caching, records, prices, liveness, client tags.

import { expect, test } from "bun:test";
import { cleanupsAfterEach } from "../support/cleanups.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

const cleanups = cleanupsAfterEach();

type Open = { gateway: TestGateway; vendor: Upstream };

async function open(config: object, provider: object = {}): Promise<Open> {
  const vendor = cleanups.stopAtEnd(startUpstream());
  const gateway = cleanups.stopAtEnd(
    await startTestGateway({
      config: {
        providers: {
          ant: {
            backend: "anthropic",
            base_url: vendor.url,
            api_key: "vendor-key",
            model: "fake-large",
            ...provider,
          },
        },
        ...config,
      },
    }),
  );
  return { gateway, vendor };
}

const tools = [
  { type: "function", function: { name: "look", description: "Looks.", parameters: { type: "object" } } },
];

function ask(
  gateway: TestGateway,
  more: object = {},
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({
      model: "ant",
      messages: [
        { role: "system", content: "You are terse." },
        { role: "user", content: "[[say:hello]]" },
      ],
      tools,
      ...more,
    }),
  });
}

const marksIn = (vendor: Upstream): number =>
  JSON.stringify(vendor.requests.at(-1)?.body).split("cache_control").length;

async function recent(gateway: TestGateway): Promise<Record<string, unknown>[]> {
  const answer = await fetch(`${gateway.url}/api/recent`);
  return ((await answer.json()) as { requests: Record<string, unknown>[] }).requests;
}

test("prompt_caching.stabilize_prefix marks the system prompt and the last tool, and only when it is on", async () => {
  const on = await open({ prompt_caching: { stabilize_prefix: true } });
  expect((await ask(on.gateway)).status).toBe(200);
  expect(marksIn(on.vendor) - 1).toBe(2);
  const off = await open({});
  expect((await ask(off.gateway)).status).toBe(200);
  expect(marksIn(off.vendor) - 1).toBe(0);
});

test("prompt_caching.track_metrics: false leaves the cached part out of the records and not out of the cost", async () => {
  const pricing = { input: 1, output: 1, cache_read: 0.1 };
  const on = await open({}, { pricing });
  await (await ask(on.gateway)).json();
  const off = await open({ prompt_caching: { track_metrics: false } }, { pricing });
  await (await ask(off.gateway)).json();
  const [withCache] = await recent(on.gateway);
  const [without] = await recent(off.gateway);
  expect(withCache).toMatchObject({ usage: { input_cached: expect.any(Number) } });
  expect(without).toMatchObject({ usage: { input_cached: null } });
  expect(without?.["cost_usd"]).toBe(withCache?.["cost_usd"] as number);
  expect(withCache?.["cost_usd"]).toBeNumber();
});

test("a provider without a price, known to no table, costs null and not 0", async () => {
  const { gateway } = await open({});
  await (await ask(gateway)).json();
  const [row] = await recent(gateway);
  expect(row?.["cost_usd"]).toBeNull();
});

test("metrics.log_requests and metrics.enabled keep nothing when they are off", async () => {
  for (const metrics of [{ log_requests: false }, { enabled: false }]) {
    const { gateway } = await open({ metrics });
    await (await ask(gateway)).json();
    expect(await recent(gateway)).toEqual([]);
  }
});

test("metrics.log_routing_decisions: false keeps the row without the reason", async () => {
  const { gateway } = await open({ metrics: { log_routing_decisions: false } });
  await (await ask(gateway)).json();
  const [row] = await recent(gateway);
  expect(row?.["provider"]).toBe("ant");
  expect(row?.["reason"]).toBeNull();
});

test("x-clawgate-tags reach the record", async () => {
  const { gateway } = await open({});
  await (await ask(gateway, {}, { "x-clawgate-tags": "nightly, build-7," })).json();
  const [row] = await recent(gateway);
  expect(row?.["tags"]).toEqual(["nightly", "build-7"]);
});

test("an idle provider is looked at every health.check_interval_seconds, with its key and without a model call", async () => {
  const { gateway, vendor } = await open({ health: { check_interval_seconds: 0.05 } });
  await vendor.waitFor((request) => request.path === "/v1/models");
  const [look] = vendor.requests;
  expect(look?.headers["x-api-key"]).toBe("vendor-key");
  vendor.script(() => ({ status: 500, body: "{}" }));
  await until(async () => {
    const health = (await (await fetch(`${gateway.url}/health`)).json()) as {
      providers: { ant: { consecutive_failures: number; last_error: string | null } };
    };
    return health.providers.ant.consecutive_failures > 0 && health.providers.ant.last_error !== null;
  });
  expect(vendor.requests.every((request) => request.path === "/v1/models")).toBe(true);
});

async function until(holds: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 15_000;
  while (!(await holds())) if (performance.now() > end) throw new Error("it never came true");
}
