// Whose key it is and what it opens, through the whole gateway: models that are allowed, keys that expire, the operator's routes.

import { describe, expect, test } from "bun:test";
import { fakeClock } from "../support/clock.ts";
import type { TestGateway } from "../support/gateway.ts";
import { ask, endpointFormats, get, type Json, keys, openTenantGateways } from "./tenant-gateways.ts";

const { vendor, configOf, open } = openTenantGateways();

const tenantsOf = async (gateway: TestGateway): Promise<readonly Json[]> =>
  (await get(gateway, "/api/tenants"))["tenants"] as readonly Json[];

describe("models", () => {
  const names = async (gateway: TestGateway, key: string): Promise<readonly string[]> =>
    ((await get(gateway, "/v1/models", key))["data"] as readonly { id: string }[]).map(({ id }) => id);

  test("only those that are allowed are listed and answered, by whatever name", async () => {
    const gateway = await open({ tenant: { models: ["cheap"] } });
    expect(await names(gateway, keys.alice)).toEqual(["cheap", "cheap/fake-small", "fast"]);
    expect(await names(gateway, keys.bob)).toContain("dear");
    for (const model of ["cheap", "fast", "cheap/fake-small", "fake-small"])
      expect((await ask(gateway, { model })).status).toBe(200);
    const before = vendor.count();
    for (const model of ["dear", "dear/fake-large", "fake-large", "auto", "any", "nothing-at-all"])
      for (const door of endpointFormats) {
        const answer = await ask(gateway, { model, door });
        expect(answer.status).toBe(404);
        expect(await answer.text()).toContain("may not use it");
      }
    expect(vendor.count()).toBe(before);
    const hidden = await fetch(`${gateway.url}/v1/models/dear`, { headers: { "x-api-key": keys.alice } });
    expect(hidden.status).toBe(404);
    await gateway.assertClean(vendor.requests);
  });

  test("without auto no fallback leaves the list; with it routing may choose any", async () => {
    const gateway = await open({ tenant: { models: ["dear*"] } });
    vendor.script(({ body }) => (body["model"] === "fake-large" ? { status: 500, body: {} } : undefined));
    const refused = await ask(gateway, { model: "dear" });
    expect(refused.status).toBe(502);
    expect(vendor.requests.map(({ body }) => body["model"])).toEqual(["fake-large"]);
    gateway.write(configOf({ tenant: { models: ["dear*", "auto"] } }));
    await gateway.app.reload("test");
    const helped = await ask(gateway, { model: "dear" });
    expect(helped.headers.get("x-clawgate-provider")).toBe("cheap");
  });

  test("a tenant's provider gets all of its auto and nothing else of it", async () => {
    const gateway = await open({ tenant: { provider: "cheap" } });
    for (const model of ["auto", "any"]) {
      const answer = await ask(gateway, { model });
      expect(answer.headers.get("x-clawgate-provider")).toBe("cheap");
      expect((await gateway.recordOf(answer)).rule).toBe("tenant-provider");
    }
    expect((await ask(gateway, { model: "dear" })).headers.get("x-clawgate-provider")).toBe("dear");
    expect((await ask(gateway, { model: "auto", key: keys.bob })).headers.get("x-clawgate-provider")).toBe(
      "dear",
    );
  });
});

describe("keys", () => {
  test("several give access until they expire; the reason is in the log and not in the answer", async () => {
    const clock = fakeClock(Date.UTC(2026, 0, 1));
    const [short, hashed] = ["short-lived-key-0123456789", "known-by-its-hash-0123456789"];
    const sha256 = new Bun.CryptoHasher("sha256").update(hashed).digest("hex");
    const gateway = await open({
      tenant: { keys: [{ key: short, expires: "2026-01-01T00:01:00Z" }, { sha256 }] },
      clock,
    });
    for (const key of [keys.alice, short, hashed]) expect((await ask(gateway, { key })).status).toBe(200);
    await clock.advance(60_000);
    const expired = await ask(gateway, { key: short });
    const wrong = await ask(gateway, { key: "a-key-that-never-was-0123456789" });
    expect([expired.status, wrong.status]).toEqual([401, 401]);
    const message = async (answer: Response) => ((await answer.json()) as { error: Json }).error["message"];
    expect(await message(expired)).toBe(await message(wrong));
    await ask(gateway, { key: short });
    const told = gateway.log.filter((line) => line.includes("it has expired"));
    expect(told.length).toBe(1);
    expect(told[0]).not.toContain(short);
    expect((await ask(gateway, { key: hashed })).status).toBe(200);
  });

  test("a key that a reload took away is refused at once", async () => {
    const gateway = await open({ tenant: { keys: [{ key: "second-key-0123456789" }] } });
    expect((await ask(gateway, { key: "second-key-0123456789" })).status).toBe(200);
    gateway.write(configOf({}));
    await gateway.app.reload("test");
    expect((await ask(gateway, { key: "second-key-0123456789" })).status).toBe(401);
  });

  test.each(["with an admin key", "without one"])(
    "no tenant's key opens what is the operator's, %s",
    async (kind) => {
      const gateway = await open(kind === "with an admin key" ? {} : { more: { auth: {} } });
      const bearer = { authorization: `Bearer ${keys.alice}`, "content-type": "application/json" };
      const status = async (method: string, path: string): Promise<number> =>
        (
          await fetch(gateway.url + path, {
            method,
            headers: bearer,
            ...(method === "POST" ? { body: "{}" } : {}),
          })
        ).status;
      const writes = [
        "/api/reload",
        "/api/providers/dear/reset",
        "/api/providers/dear/test",
        "/api/requests/x/cancel",
      ];
      for (const path of writes) expect(await status("POST", path)).toBe(401);
      // Without an admin key the operator's routes are for the own machine, whoever asks.
      const readable = kind === "with an admin key" ? 401 : 200;
      for (const path of ["/api/tenants", "/api/stats", "/api/recent", "/api/live", "/api/providers"])
        expect(await status("GET", path)).toBe(readable);
    },
  );
});

test("the operator sees keys by their fingerprints, limits and what is used; totals are told apart", async () => {
  const gateway = await open({
    tenant: {
      keys: [{ key: "second-key-0123456789", expires: "2020-01-01" }],
      limits: { requests_per_minute: 5, budget: { usd_per_day: 1 } },
    },
  });
  await ask(gateway);
  await ask(gateway);
  await ask(gateway, { key: keys.bob });
  const [alice, bob] = await tenantsOf(gateway);
  const print = (key: string): string => new Bun.CryptoHasher("sha256").update(key).digest("hex").slice(0, 8);
  expect(alice).toEqual({
    name: "alice",
    keys: [
      { fingerprint: print(keys.alice), created: null, expires: null, is_expired: false },
      {
        fingerprint: print("second-key-0123456789"),
        created: null,
        expires: "2020-01-01T00:00:00.000Z",
        is_expired: true,
      },
    ],
    models: null,
    provider: null,
    limits: { requests_per_minute: 5, budget: { usd_per_day: 1 } },
    used: {
      running: 0,
      requests_last_minute: 2,
      tokens_last_minute: 24,
      today: { tokens: 24, usd: 0.024 },
      this_month: { tokens: 24, usd: 0.024 },
      reserved: { tokens: 0, usd: 0 },
      is_over_budget: false,
      budget_resets_in_s: null,
    },
  });
  expect(bob).toMatchObject({ name: "bob", limits: null, used: null });
  expect(JSON.stringify([alice, bob])).not.toContain("0123456789");
  for (const [query, total] of [
    ["?tenant=alice", 2],
    ["?tenant=bob", 1],
    ["", 3],
  ] as const)
    expect((await get(gateway, `/api/stats${query}`))["totals"]).toMatchObject({ total_requests: total });
});
