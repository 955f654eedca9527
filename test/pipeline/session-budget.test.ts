// The cap of a session, by `x-clawgate-budget` and by `limits.budget.usd_per_session`: what is refused, in whose words, and that neither
// a restart nor parallel requests get around it.

import { expect, test } from "bun:test";
import type { UnpricedRecord } from "../../src/canon/record.ts";
import { eventually } from "../support/eventually.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { get, keys, openTenantGateways } from "./tenant-gateways.ts";

const { vendor, cleanups, configOf, open } = openTenantGateways();

type Asking = {
  readonly budget?: string;
  readonly session?: string;
  readonly model?: string;
  readonly key?: string;
  readonly path?: string;
  readonly maxTokens?: number;
};

/** `dear` answers with some tokens for a tenth of a cent each. */
function ask(gateway: TestGateway, asking: Asking = {}): Promise<Response> {
  const { budget, session, model = "dear", key = keys.alice, path = "/v1/chat/completions" } = asking;
  const isGoogle = path.includes("v1beta");
  const isResponses = path.endsWith("responses");
  const text = "hi";
  return fetch(gateway.url + path, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      authorization: `Bearer ${key}`,
      ...(budget === undefined ? {} : { "x-clawgate-budget": budget }),
      ...(session === undefined ? {} : { "x-session-id": session }),
    },
    body: JSON.stringify(
      isGoogle
        ? { contents: [{ role: "user", parts: [{ text }] }] }
        : isResponses
          ? { model, input: text }
          : { model, max_tokens: asking.maxTokens ?? 100, messages: [{ role: "user", content: text }] },
    ),
  });
}

const errorOf = async (answer: Response): Promise<string> => JSON.stringify(await answer.json());

async function costOf(gateway: TestGateway, answer: Response): Promise<number> {
  const record = await gateway.recordOf(answer);
  // It is priced when its prompt has been read.
  const { prompt } = record as UnpricedRecord;
  while (prompt?.outline === null) await new Promise((resolve) => setImmediate(resolve));
  const { costNanoUsd } = record;
  if (costNanoUsd === null || costNanoUsd === 0) throw new Error("the answer cost nothing");
  return costNanoUsd;
}

const paths = [
  "/v1/chat/completions",
  "/v1/messages",
  "/v1/responses",
  "/v1beta/models/dear:generateContent",
] as const;

test("a value that is not a number of dollars is a 400 that names the header, in every format", async () => {
  const gateway = await open({});
  for (const path of paths)
    for (const budget of ["five", "-1", "$5", "1e3", "5,00", "", "5.00, 9.00", "NaN", "0x10"]) {
      const answer = await ask(gateway, { path, budget });
      expect([path, budget, answer.status]).toEqual([path, budget, 400]);
      expect(await errorOf(answer)).toContain("x-clawgate-budget");
    }
  expect(vendor.requests).toHaveLength(0);
});

test("a session is refused once it has spent its cap, in every format, and another one is not", async () => {
  const gateway = await open({});
  // Less than one answer costs: a single request may have the rest, and the next finds it spent.
  for (const path of paths) {
    const asking = { path, session: `of ${path}`, budget: "0.000001" };
    const first = await ask(gateway, asking);
    expect([path, first.status]).toEqual([path, 200]);
    await first.text();
    await gateway.recordOf(first);
    const second = await ask(gateway, asking);
    expect([path, second.status]).toEqual([path, 429]);
    expect(second.headers.get("retry-after")).toBeNull();
    expect(await errorOf(second)).toContain("Start a new session");
    // Neither a higher cap nor none gets around it.
    expect((await ask(gateway, { ...asking, budget: "1000" })).status).toBe(429);
    expect((await ask(gateway, { path, session: asking.session })).status).toBe(429);
    // It is the caller's own session, not everybody's of that name.
    expect((await ask(gateway, { path, session: asking.session, key: keys.bob })).status).toBe(200);
    expect((await ask(gateway, { path, session: `${asking.session} 2`, budget: "5" })).status).toBe(200);
  }
  expect(vendor.requests.every(({ headers }) => !("x-clawgate-budget" in headers))).toBe(true);
});

test("without a session it caps the request itself", async () => {
  const gateway = await open({});
  const refused = await ask(gateway, { budget: "0.05" });
  expect(refused.status).toBe(429);
  expect(await errorOf(refused)).toContain("of this request (0.05 USD)");
  expect(vendor.requests).toHaveLength(0);
  for (let count = 0; count < 3; count++) expect((await ask(gateway, { budget: "1" })).status).toBe(200);
  // What costs nothing needs no budget.
  expect((await ask(gateway, { budget: "0", model: "cheap" })).status).toBe(200);
  expect((await ask(gateway, { budget: "0" })).status).toBe(429);
});

test("callers without a tenant have it too, and models without a price are refused under a cap", async () => {
  const gateway = await open({
    more: {
      auth: { keys: ["plain-key-0123456789"], admin_key: keys.admin },
      providers: {
        dear: {
          base_url: vendor.url,
          api_key: "k",
          models: ["fake-large"],
          pricing: { input: 1_000, output: 1_000 },
        },
        unpriced: { base_url: vendor.url, api_key: "k", models: ["fake-large"] },
      },
      fallback_chain: ["dear"],
      aliases: {},
    },
  });
  const key = "plain-key-0123456789";
  const asking = { key, session: "s", budget: "0.000001" };
  await (await ask(gateway, asking)).text();
  expect((await ask(gateway, asking)).status).toBe(429);
  const unpriced = await ask(gateway, { key, session: "t", budget: "1", model: "unpriced" });
  expect(unpriced.status).toBe(400);
  expect(await errorOf(unpriced)).toContain("x-clawgate-budget");
  expect((await ask(gateway, { key, session: "u", model: "unpriced" })).status).toBe(200);
});

test("the tenant's sessions have one, which the header can only lower", async () => {
  const gateway = await open({ tenant: { limits: { budget: { usd_per_session: 0.05 } } } });
  const first = await ask(gateway, { session: "s", budget: "500" });
  const spent = await costOf(gateway, first);
  let [status, total] = [200, spent];
  for (let count = 0; count < 60 && status === 200; count++) {
    const answer = await ask(gateway, { session: "s", budget: "500" });
    status = answer.status;
    if (status === 200) total += await costOf(gateway, answer);
    else expect(await errorOf(answer)).toContain("(0.05 USD)");
  }
  expect(status).toBe(429);
  expect(total).toBeGreaterThanOrEqual(0.05e9);
  expect(total).toBeLessThan(0.05e9 + 2 * spent);
  expect((await ask(gateway, { session: "other" })).status).toBe(200);
});

test("over_budget_model answers when the tenant's cap is reached, but not beyond the client's own", async () => {
  const gateway = await open({
    tenant: { limits: { budget: { usd_per_session: 0.000001 }, over_budget_model: "cheap" } },
  });
  await (await ask(gateway, { session: "s" })).text();
  const cheaper = await ask(gateway, { session: "s" });
  expect([cheaper.status, cheaper.headers.get("x-clawgate-provider")]).toEqual([200, "cheap"]);
  expect(cheaper.headers.get("x-clawgate-over-budget")).toBe("cheap");
  const dearer = await open({
    tenant: { limits: { budget: { usd_per_session: 5 }, over_budget_model: "dear" } },
  });
  const own = { session: "t", budget: "0.000001" };
  await (await ask(dearer, own)).text();
  expect((await ask(dearer, own)).status).toBe(429);
});

test("parallel requests of one session reserve what they may cost", async () => {
  const gateway = await open({});
  // About 0.1 dollars each: three have room in 0.35.
  const answers = await Promise.all(
    Array.from({ length: 12 }, () => ask(gateway, { session: "s", budget: "0.35" })),
  );
  const statuses = answers.map(({ status }) => status);
  expect(statuses.filter((status) => status === 200).length).toBeGreaterThan(0);
  expect(statuses.filter((status) => status === 200).length).toBeLessThanOrEqual(3);
  expect(new Set(statuses)).toEqual(new Set([200, 429]));
  for (const answer of answers) await answer.text();
  // What was reserved and not used is free again.
  expect((await ask(gateway, { session: "s", budget: "0.35" })).status).toBe(200);
});

test("a failed request gives back what it had reserved", async () => {
  const gateway = await open({});
  vendor.script([{ status: 400, body: { error: { message: "no", type: "invalid_request_error" } } }]);
  expect((await ask(gateway, { session: "s", budget: "0.15" })).status).toBe(400);
  expect((await ask(gateway, { session: "s", budget: "0.15" })).status).toBe(200);
});

test("what a session has spent outlives the process", async () => {
  const gateway = await open({});
  const asking = { session: "s", budget: "0.000001" };
  await (await ask(gateway, asking)).text();
  expect((await ask(gateway, asking)).status).toBe(429);
  const saved = () => gateway.app.services.state.list("session-spent");
  await eventually(async () => expect(await saved()).toHaveLength(1));
  const [row] = await saved();
  if (row === undefined) throw new Error("nothing was saved");
  const next = await startTestGateway({ config: configOf({}) });
  cleanups.push(() => next.stop());
  await next.app.services.state.set("session-spent", row.key, row.value, row.expiresAtMs);
  await next.app.services.savedSessions.load();
  expect((await ask(next, { session: "s" })).status).toBe(429);
  expect((await ask(next, { session: "t" })).status).toBe(200);
});

test("counting tokens is free, and the operator reads the limit", async () => {
  const gateway = await open({ tenant: { limits: { budget: { usd_per_session: 0.5 } } } });
  const counted = await ask(gateway, { path: "/v1/messages/count_tokens", session: "s", budget: "0.000001" });
  expect(counted.status).toBe(200);
  expect(JSON.stringify(await get(gateway, "/api/tenants"))).toContain('"usd_per_session":0.5');
});
