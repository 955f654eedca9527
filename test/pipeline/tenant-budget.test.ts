// Budgets before anything is sent: many at once, more expensive targets behind cheap ones, a second target asked in parallel, attempts
// that fail after they were billed, prices that nobody knows. What is sent is what the vendors saw.

import { describe, expect, test } from "bun:test";
import { fakeClock, settleQueues } from "../support/clock.ts";
import { enterLocally } from "../support/local-meter.ts";
import type { Scripted } from "../support/upstream.ts";
import { goodAnswer } from "./test-pipeline.ts";
import { ask, type Json, keys, spentOf, openTenantGateways } from "./tenant-gateways.ts";

const { vendor, configOf, open } = openTenantGateways();

/** A whole answer that uses so many tokens; the limit of these requests is 100. */
const using = (tokens: number) => (): Scripted => ({
  body: {
    id: "c",
    object: "chat.completion",
    created: 1,
    model: "fake-large",
    choices: [{ index: 0, message: { role: "assistant", content: "hi" }, finish_reason: "stop" }],
    usage: { prompt_tokens: 5, completion_tokens: tokens - 5, total_tokens: tokens },
  },
});
const errorOf = async (answer: Response): Promise<Json> => ((await answer.json()) as { error: Json }).error;
/** What 100 tokens of `dear` cost. */
const answerUsd = 0.1;

describe("many at once", () => {
  test.each([
    ["dollars", { budget: { usd_per_day: answerUsd / 2 } }],
    ["dollars of a month", { budget: { usd_per_month: answerUsd / 2 } }],
    ["tokens of a day", { budget: { tokens_per_day: 50 } }],
    ["tokens a minute", { tokens_per_minute: 125 }],
  ])("%s: one answer goes beyond, whoever comes meanwhile waits for its end", async (name, limits) => {
    const gateway = await open({ tenant: { limits: { ...limits, over_budget_model: "cheap" } } });
    vendor.script(using(100));
    const answers = await Promise.all(Array.from({ length: 40 }, () => ask(gateway)));
    expect(answers.filter(({ status }) => status === 200).length).toBe(1);
    expect(vendor.count()).toBe(1);
    const refused = answers.find(({ status }) => status === 429);
    if (refused === undefined) throw new Error("nobody was refused");
    // Not spent, so nobody is sent to the model for that, nor away until the end of the day.
    expect(refused.headers.get("x-clawgate-over-budget")).toBeNull();
    expect(refused.headers.get("retry-after")).toBe("5");
    const error = await errorOf(refused);
    expect(error["code"]).toBe("rate_limit_exceeded");
    expect(error["message"]).toContain(name === "tokens a minute" ? "is not reached" : "is not used up");
    expect(error["message"]).toContain("running requests may use the rest");
    expect(spentOf(gateway).tokens).toBe(100);
    await gateway.assertClean();
  });

  test("as many as the rest surely bears", async () => {
    // Each may use 100 tokens and its question, which is held to be 23.
    const gateway = await open({ tenant: { limits: { budget: { tokens_per_day: 1_000 } } } });
    vendor.script(using(10));
    const answers = await Promise.all(Array.from({ length: 40 }, () => ask(gateway)));
    expect(answers.filter(({ status }) => status === 200).length).toBe(8);
    expect((await ask(gateway)).status).toBe(200);
  });

  test("a vendor that does not keep to limits is not taken at them again", async () => {
    const gateway = await open({ tenant: { limits: { budget: { tokens_per_day: 4_000 } } } });
    vendor.script(using(900));
    expect((await ask(gateway)).status).toBe(200);
    const answers = await Promise.all(Array.from({ length: 40 }, () => ask(gateway)));
    expect(answers.filter(({ status }) => status === 200).length).toBe(3);
    expect(spentOf(gateway).tokens).toBe(3_600);
  });

  test("several answers to one question count as several", async () => {
    const gateway = await open({ tenant: { limits: { budget: { tokens_per_day: 1_000 } } } });
    vendor.script(using(10));
    const both = [1, 2].map(() =>
      fetch(`${gateway.url}/v1/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${keys.alice}` },
        body: JSON.stringify({
          model: "dear",
          max_tokens: 100,
          n: 6,
          messages: [{ role: "user", content: "hi" }],
        }),
      }),
    );
    expect((await Promise.all(both)).map(({ status }) => status).toSorted()).toEqual([200, 429]);
  });
});

describe("further targets", () => {
  const twoPrices = (cheapUsd: number, more: object = {}): object => {
    const provider = { base_url: vendor.url, api_key: "vendor-secret-key" };
    return {
      providers: {
        cheap: { ...provider, models: ["fake-small"], pricing: { input: cheapUsd, output: cheapUsd } },
        dear: { ...provider, models: ["fake-large"], pricing: { input: 1_000_000, output: 1_000_000 } },
        ...more,
      },
      fallback_chain: ["cheap", "dear"],
    };
  };
  const limits = { budget: { usd_per_day: 1 } };
  const failing = (model: string, failure: Scripted) =>
    vendor.script((request) => (request.body["model"] === model ? failure : goodAnswer(request)));
  const broken: Scripted = { status: 500, body: { error: { message: "out of order" } } };

  test("one that the rest does not bear is not asked, and the record says why", async () => {
    const gateway = await open({ tenant: { limits }, more: twoPrices(1) });
    failing("fake-small", broken);
    const answer = await ask(gateway, { model: "cheap" });
    expect(answer.status).toBe(429);
    const error = await errorOf(answer);
    expect(error["message"]).toBe(
      "What is left of the budget of this day does not cover what an answer of dear/fake-large may cost.",
    );
    expect(vendor.requests.map(({ body }) => body["model"])).toEqual(["fake-small"]);
    const { candidates, attempts } = await gateway.recordOf(answer);
    expect(candidates.find(({ provider }) => provider === "dear")).toMatchObject({
      kept: false,
      note: expect.stringContaining("skipped: What is left of the budget of this day") as string,
    });
    expect(attempts.length).toBe(1);
    expect(spentOf(gateway).nanoUsd).toBe(0);
  });

  test("one that costs no more than the first may is asked, however little is left", async () => {
    const gateway = await open({
      tenant: { limits: { budget: { usd_per_day: 0.000_001 } } },
      more: twins(10),
    });
    failing("fake-large", broken);
    expect((await ask(gateway)).headers.get("x-clawgate-provider")).toBe("twin");
  });

  test("an attempt that was billed before it failed stays on the bill, and counts for what comes next", async () => {
    const gateway = await open({ tenant: { limits }, more: twins(1_000) });
    // It began to answer, and then it broke off.
    failing("fake-large", {
      headers: { "content-type": "text/event-stream" },
      body: ": \n\n",
      ending: "fin",
    });
    const answer = await ask(gateway, { stream: true });
    expect(answer.headers.get("x-clawgate-provider")).toBe("twin");
    await answer.text();
    const record = await gateway.recordOf(answer);
    expect(record.attempts.map((each) => each.maybeBilled)).toEqual([true, false]);
    // 12 tokens of the good answer; of the other one its question and the limit.
    const { nanoUsd, tokens } = spentOf(gateway);
    expect(tokens).toBeGreaterThan(12 + 100);
    expect(nanoUsd).toBe(tokens * 1_000_000);
    expect(record.costNanoUsd).toBe(nanoUsd);
    expect(record.tags).toContain("estimated");
  });
  const twins = (usd: number): object => {
    const provider = {
      base_url: vendor.url,
      api_key: "vendor-secret-key",
      pricing: { input: usd, output: usd },
    };
    return {
      providers: {
        dear: { ...provider, models: ["fake-large"] },
        twin: { ...provider, models: ["fake-small"] },
      },
      fallback_chain: ["dear", "twin"],
      aliases: {},
    };
  };

  test("a target beside a silent one is asked where the budget bears both, else not; both are on the bill", async () => {
    for (const [usd, isAsked] of [
      [1, true],
      [0.15, false],
    ] as const) {
      const clock = fakeClock();
      const gateway = await open({
        tenant: { limits: { budget: { usd_per_day: usd } } },
        more: { ...twins(1_000), routing: { hedge_after_s: 2 } },
        clock,
      });
      const before = vendor.requests.length;
      vendor.script((request) =>
        request.body["model"] === "fake-large" ? { isSilent: true } : goodAnswer(request),
      );
      const leaver = new AbortController();
      const answer = ask(gateway, { stream: true, signal: leaver.signal }).catch(() => null);
      await vendor.waitFor(({ index }) => index >= before);
      await clock.advance(2_100);
      if (isAsked) {
        const heard = await answer;
        await heard?.text();
        if (heard) await gateway.recordOf(heard);
        expect(heard?.headers.get("x-clawgate-hedged")).toBe("dear");
        expect(spentOf(gateway).tokens).toBeGreaterThan(12 + 100);
      } else {
        for (let i = 0; i < 20; i++) await settleQueues();
        expect(vendor.requests.length - before).toBe(1);
        leaver.abort();
        await answer;
        await gateway.waitForRecord(({ failure }) => failure === "cancelled");
      }
      await gateway.assertClean();
      vendor.reset();
    }
  });
});

describe("prices that nobody knows", () => {
  const provider = () => ({ base_url: vendor.url, api_key: "vendor-secret-key", models: ["fake-large"] });
  const config = (more: object = {}): object => ({
    providers: {
      dear: provider(),
      cheap: { ...provider(), models: ["fake-small"], pricing: { input: 1, output: 1 } },
      ...more,
    },
    fallback_chain: ["dear", "cheap"],
  });
  const budgetOnly = { budget: { usd_per_day: 1 } };
  const off = { "x-clawgate-fallback": "off" };
  const askAlone = (url: string, model = "dear", path = "/v1/chat/completions") =>
    fetch(url + path, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${keys.alice}`, ...off },
      body: JSON.stringify({ model, max_tokens: 10, messages: [{ role: "user", content: "hi" }] }),
    });

  test.each(["/v1/chat/completions", "/v1/messages"])(
    "are refused where the budget counts dollars alone: %s",
    async (path) => {
      const gateway = await open({ tenant: { limits: budgetOnly }, more: config() });
      const answer = await askAlone(gateway.url, "dear", path);
      expect(answer.status).toBe(400);
      const { message } = await errorOf(answer);
      expect(message).toContain("dear/fake-large is not known");
      expect(message).toContain("tenants[].limits.unknown_price: refuse");
      expect(vendor.count()).toBe(0);
      const told = gateway.log.filter(
        (line) => line.includes("limits.unknown_price") && line.includes(`"warn"`),
      );
      expect(told.length).toBe(1);
      expect(told[0]).toContain("tenant alice");
      expect(told[0]).toContain("are refused");
      expect(told[0]).toContain("dear/fake-large");
      expect(told[0]).not.toContain("cheap/fake-small");
    },
  );

  test("with a priced target at hand that one is asked, but not in place of the one that the client named", async () => {
    const gateway = await open({ tenant: { limits: budgetOnly }, more: config() });
    const refused = await ask(gateway);
    expect(refused.status).toBe(400);
    expect((await errorOf(refused))["code"]).toBe("unknown_price");
    expect(vendor.count()).toBe(0);
    const routed = await fetch(`${gateway.url}/api/route?tenant=alice`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${keys.admin}` },
      body: JSON.stringify({ model: "dear", messages: [{ role: "user", content: "hi" }] }),
    });
    expect(routed.status).toBe(400);

    const answer = await ask(gateway, { model: "auto" });
    expect(answer.headers.get("x-clawgate-provider")).toBe("cheap");
    const { candidates } = await gateway.recordOf(answer);
    expect(candidates[0]).toMatchObject({ provider: "dear", kept: false });
    expect(candidates[0]?.note).toContain("unknown_price");
  });

  test.each([
    ["the setting", { ...budgetOnly, unknown_price: "allow" }],
    ["a budget of tokens beside it", { budget: { usd_per_day: 1, tokens_per_day: 1_000 } }],
    ["no budget in dollars", { budget: { tokens_per_day: 1_000 } }],
  ])("are allowed by %s", async (_name, limits) => {
    const gateway = await open({ tenant: { limits }, more: config() });
    expect((await askAlone(gateway.url)).status).toBe(200);
    expect(spentOf(gateway)).toEqual({ tokens: 12, nanoUsd: 0 });
  });

  test("are refused by the setting beside a budget of tokens too", async () => {
    const limits = { budget: { usd_per_day: 1, tokens_per_day: 1_000 }, unknown_price: "refuse" };
    const gateway = await open({ tenant: { limits }, more: config() });
    expect((await askAlone(gateway.url)).status).toBe(400);
  });

  test("a server on this machine and the demo cost nothing, which is a price", async () => {
    const gateway = await open({
      tenant: { limits: budgetOnly },
      more: config({ ollama: provider(), litellm: provider(), toy: { backend: "demo" } }),
    });
    expect((await askAlone(gateway.url, "ollama/fake-large")).status).toBe(200);
    expect((await askAlone(gateway.url, "toy/demo")).status).toBe(200);
    // It runs here and sells what others sell.
    expect((await askAlone(gateway.url, "litellm/fake-large")).status).toBe(400);
    expect(spentOf(gateway).nanoUsd).toBe(0);
  });

  test("a reload says so again, and a model for the time behind the budget that costs money is told of", async () => {
    const gateway = await open({ tenant: {}, more: config() });
    expect(gateway.log.filter((line) => line.includes("unknown_price"))).toEqual([]);
    const limits = { ...budgetOnly, unknown_price: "allow", over_budget_model: "cheap" };
    gateway.write(configOf({ tenant: { limits }, more: config() }));
    expect((await gateway.app.reload("test")).ok).toBe(true);
    await gateway.app.services.prices.load();
    await settleQueues();
    expect(gateway.log.filter((line) => line.includes("counted as free")).length).toBe(1);
    expect(gateway.log.filter((line) => line.includes("over_budget_model cheap may cost money")).length).toBe(
      1,
    );
  });

  test("what a route would be says the same", async () => {
    const gateway = await open({ tenant: { limits: budgetOnly }, more: config() });
    const answer = await fetch(`${gateway.url}/api/route?tenant=alice`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${keys.admin}`, ...off },
      body: JSON.stringify({ model: "dear", messages: [{ role: "user", content: "hi" }] }),
    });
    expect(answer.status).toBe(400);
    expect((await errorOf(answer))["message"]).toContain("unknown_price");
  });
});

test("embeddings are promised and paid by their question", async () => {
  const gateway = await open({ tenant: { limits: { budget: { tokens_per_day: 100 } } } });
  vendor.script(() => ({
    body: { object: "list", data: [{ embedding: [1] }], usage: { prompt_tokens: 60, total_tokens: 60 } },
  }));
  const embed = () =>
    fetch(`${gateway.url}/v1/embeddings`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${keys.alice}` },
      body: JSON.stringify({ model: "dear", input: "x".repeat(200) }),
    });
  const answers = await Promise.all([embed(), embed(), embed()]);
  expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 429, 429]);
  expect(spentOf(gateway).tokens).toBe(60);
  const [good] = answers.filter(({ status }) => status === 200);
  expect(good === undefined ? null : (await gateway.recordOf(good)).tags).toEqual([]);
});

describe("what the gateway asks on a tenant's behalf", () => {
  const config = (judgeUsd: number): object => {
    const provider = { base_url: vendor.url, api_key: "vendor-secret-key" };
    return {
      providers: {
        cheap: { ...provider, models: ["fake-small"], pricing: { input: 1, output: 1 } },
        judge: { ...provider, models: ["fake-large"], pricing: { input: judgeUsd, output: judgeUsd } },
      },
      fallback_chain: ["cheap"],
      llm_classifier: {
        enabled: true,
        classifier_provider: "judge",
        category_routing: { SIMPLE: "cheap" },
        fallback_on_timeout: "cheap",
      },
    };
  };
  const limits = { budget: { usd_per_day: 0.001 } };
  const models = (): unknown[] => vendor.requests.map(({ body }) => body["model"]);

  test("the classifier's question is on the tenant's bill, and in its records", async () => {
    const gateway = await open({ tenant: { limits }, more: config(1) });
    const answer = await ask(gateway, { model: "auto" });
    expect(answer.status).toBe(200);
    expect(models()).toEqual(["fake-large", "fake-small"]);
    // 12 tokens each of a dollar a million; nobody's place was taken for it.
    expect(spentOf(gateway)).toEqual({ tokens: 24, nanoUsd: 24_000 });
    const classified = await gateway.waitForRecord(({ rule }) => rule === "classifier");
    expect(classified.tenant).toBe("alice");
    expect(gateway.app.services.meters.of("alice").running()).toBe(0);
  });

  test("is not asked where the budget is promised to others, and routing goes on without it", async () => {
    const gateway = await open({ tenant: { limits }, more: config(1_000_000) });
    const other = enterLocally(gateway.app.services.meters.of("alice"));
    expect(other.reserve({ tokens: 1, nanoUsd: 1 })).toBeNull();
    const answer = await ask(gateway, { model: "auto" });
    expect(answer.headers.get("x-clawgate-provider")).toBe("cheap");
    expect(models()).toEqual(["fake-small"]);
    other.leave();
    other.charge({ tokens: 0, nanoUsd: 0 });
  });

  test("somebody without limits pays nothing", async () => {
    const gateway = await open({ tenant: { limits }, more: config(1) });
    expect((await ask(gateway, { model: "auto", key: keys.bob })).status).toBe(200);
    expect(spentOf(gateway)).toEqual({ tokens: 0, nanoUsd: 0 });
    expect((await gateway.waitForRecord(({ rule }) => rule === "classifier")).tenant).toBeNull();
  });
});
