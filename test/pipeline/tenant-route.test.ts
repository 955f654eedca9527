// POST /api/route as a tenant: the same restrictions as for a real request, and nothing of it is counted.

import { expect, test } from "bun:test";
import type { TestGateway } from "../support/gateway.ts";
import { atHand } from "../support/local-meter.ts";
import { ask, type Json, keys, openTenantGateways } from "./tenant-gateways.ts";

const { vendor, open } = openTenantGateways();

async function explain(
  gateway: TestGateway,
  tenant: string | null,
  model = "auto",
): Promise<{ readonly status: number; readonly body: Json }> {
  const query = tenant === null ? "" : `?tenant=${encodeURIComponent(tenant)}`;
  const answer = await fetch(`${gateway.url}/api/route${query}`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${keys.admin}` },
    body: JSON.stringify({ model, max_tokens: 100, messages: [{ role: "user", content: "hi" }] }),
  });
  return { status: answer.status, body: (await answer.json()) as Json };
}

const messageOf = (body: Json): string => String((body["error"] as Json)["message"]);

test("models, provider: what the tenant would get, and what it may not ask for", async () => {
  const gateway = await open({ tenant: { models: ["auto", "fast"], provider: "cheap" } });
  expect((await explain(gateway, null)).body).toMatchObject({ tenant: null, provider: "dear" });
  expect((await explain(gateway, "bob")).body).toMatchObject({ tenant: "bob", provider: "dear" });
  expect((await explain(gateway, "alice")).body).toMatchObject({
    tenant: "alice",
    provider: "cheap",
    rule: "tenant-provider",
  });
  for (const model of ["auto", "dear", "fast"]) {
    const { status } = await explain(gateway, "alice", model);
    expect([model, status]).toEqual([model, (await ask(gateway, { model })).status]);
  }
  expect((await explain(gateway, "alice", "dear")).status).toBe(404);
  const unknown = await explain(gateway, "alcie");
  expect(unknown.status).toBe(400);
  expect(messageOf(unknown.body)).toBe('There is no tenant "alcie". Did you mean "alice"?');
});

test("without auto in its models only those that it may use are candidates", async () => {
  const gateway = await open({ tenant: { models: ["dear"] } });
  const { body } = await explain(gateway, "alice", "dear");
  expect(body["fallbacks"]).toEqual([]);
  expect(body["candidates"]).toMatchObject([
    { provider: "dear", kept: true },
    { provider: "cheap", kept: false, note: "dropped: not one of the tenant's models" },
  ]);
});

test("a spent budget: the refusal, or the cheaper model; nothing is counted", async () => {
  const limits = { budget: { usd_per_day: 0.012 } };
  const gateway = await open({ tenant: { limits } });
  const meter = gateway.app.services.meters.of("alice");
  for (let i = 0; i < 20; i++) await explain(gateway, "alice", "dear");
  const { requests, tokens, spent } = atHand(meter.usage());
  expect([meter.running(), requests, tokens, spent.day]).toEqual([0, 0, 0, { tokens: 0, nanoUsd: 0 }]);
  expect(vendor.count()).toBe(0);
  expect((await explain(gateway, "alice", "dear")).status).toBe(200);
  // 12 tokens of a thousand dollars a million: then nothing is left.
  expect((await ask(gateway)).status).toBe(200);
  const refused = await explain(gateway, "alice", "dear");
  expect([refused.status, messageOf(refused.body)]).toEqual([429, "The budget of this day is spent."]);

  const often = await open({ tenant: { limits: { requests_per_minute: 5 } } });
  expect((await explain(often, "alice", "cheap")).status).toBe(200);
  for (let i = 0; i < 5; i++) await ask(often, { model: "cheap" });
  expect(messageOf((await explain(often, "alice", "cheap")).body)).toContain("5 requests a minute");

  const kind = await open({
    tenant: { limits: { budget: { usd_per_day: 0.012 }, over_budget_model: "fast" } },
  });
  await ask(kind);
  expect((await explain(kind, "alice", "dear")).body).toMatchObject({
    provider: "cheap",
    rule: "over-budget",
    fallbacks: [],
  });
});
