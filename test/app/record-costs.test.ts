// What a record says of money: parts that add up to the cost, and the estimates beside it (by the list, without routing, without a
// prompt cache). The whole app with a vendor whose answers and prices are known to the token.

import { expect, test } from "bun:test";
import type { RequestRecord } from "../../src/canon/record.ts";
import { cleanupsAfterEach } from "../support/cleanups.ts";
import { scriptedClaude } from "../support/claude.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

const cleanups = cleanupsAfterEach();
const million = 1_000_000;

function openVendor(): Upstream {
  const vendor = startUpstream();
  cleanups.push(() => vendor.stop());
  return vendor;
}

/** 1000 tokens in, of which 600 cached and 100 written, and 50 out. */
const usage = {
  input_tokens: 300,
  cache_read_input_tokens: 600,
  cache_creation_input_tokens: 100,
  output_tokens: 50,
};
const answerWith = (used: object) => ({
  status: 200,
  body: {
    id: "msg_1",
    type: "message",
    role: "assistant",
    model: "m",
    content: [{ type: "text", text: "hello" }],
    stop_reason: "end_turn",
    stop_sequence: null,
    usage: used,
  },
});

const dear = { input: 10, output: 40, cache_read: 1, cache_write: 12 };
const cheap = { input: 1, output: 4, cache_read: 0.1, cache_write: 1.2 };

async function open(
  more: object = {},
  providers: object = {},
): Promise<{ gateway: TestGateway; vendor: Upstream }> {
  const vendor = openVendor();
  vendor.script(() => answerWith(usage));
  const provider = (pricing?: object) => ({
    backend: "anthropic",
    base_url: vendor.url,
    api_key: "vendor-secret-key",
    models: ["m"],
    ...(pricing === undefined ? {} : { pricing }),
  });
  const gateway = await startTestGateway({
    config: {
      health: { check_interval_seconds: 0 },
      providers: { cheap: provider(cheap), dear: provider(dear), unpriced: provider(), ...providers },
      fallback_chain: ["cheap", "dear", "unpriced"],
      aliases: { premium: "dear" },
      ...more,
    },
  });
  cleanups.push(gateway.stop);
  return { gateway, vendor };
}

async function recordOf(gateway: TestGateway, model: string): Promise<RequestRecord> {
  const answer = await fetch(`${gateway.url}/v1/messages`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model, max_tokens: 10, messages: [{ role: "user", content: "hi" }] }),
  });
  expect(answer.status).toBe(200);
  await answer.text();
  const record = await gateway.recordOf(answer);
  // The record is priced when the table is there.
  await gateway.app.services.prices.load();
  return record;
}

const costAt = ({ input, output, cache_read, cache_write }: typeof dear): number =>
  300 * input * 1_000 + 600 * cache_read * 1_000 + 100 * cache_write * 1_000 + 50 * output * 1_000;

test("parts add up to the cost, and without a cache every input token costs the full price", async () => {
  const { gateway } = await open();
  const record = await recordOf(gateway, "cheap");
  expect(record.costNanoUsd).toBe(costAt(cheap));
  expect(record.costParts).toEqual({ input: 300_000, cached: 60_000, cacheWrite: 120_000, output: 200_000 });
  expect(record.uncachedNanoUsd).toBe(1_000 * 1_000 + 50 * 4_000);
  // The client named it: nothing was saved or lost by routing.
  expect(record).not.toHaveProperty("baselineNanoUsd");
  expect(record).not.toHaveProperty("listNanoUsd");
});

test("without routing: the dearest priced candidate, for requests that routing decided", async () => {
  const { gateway } = await open();
  const record = await recordOf(gateway, "auto");
  expect(record.provider).toBe("cheap");
  expect([record.costNanoUsd, record.baselineNanoUsd]).toEqual([costAt(cheap), costAt(dear)]);
});

test("without routing: the named model, by its alias or as provider/model, dearer or cheaper", async () => {
  const byAlias = await open({ metrics: { baseline_model: "premium" } });
  expect((await recordOf(byAlias.gateway, "auto")).baselineNanoUsd).toBe(costAt(dear));
  const byName = await open({ metrics: { baseline_model: "cheap/m" }, fallback_chain: ["dear"] });
  const record = await recordOf(byName.gateway, "auto");
  expect([record.costNanoUsd, record.baselineNanoUsd]).toEqual([costAt(dear), costAt(cheap)]);
});

test("without a priced candidate the dearest configured model is the measure", async () => {
  const { gateway } = await open({ fallback_chain: ["unpriced"] });
  const record = await recordOf(gateway, "auto");
  expect([record.provider, record.costNanoUsd, record.baselineNanoUsd]).toEqual([
    "unpriced",
    null,
    costAt(dear),
  ]);
});

test("a baseline that the config does not know is a problem of the config", async () => {
  for (const name of ["nobody/m", "premiun"])
    await expect(open({ metrics: { baseline_model: name } })).rejects.toThrow(
      /metrics\.baseline_model.*not a declared/,
    );
});

test("without metrics.track_metrics nothing of the cache is told, and the cost is the same", async () => {
  const { gateway } = await open({ prompt_caching: { track_metrics: false } });
  await recordOf(gateway, "cheap");
  const page = await fetch(`${gateway.url}/api/recent`).then((answer) => answer.text());
  expect(page).toContain(String(costAt(cheap) / 1_000 / million));
  expect(gateway.records()[0]).not.toHaveProperty("uncachedNanoUsd");
});

test("a subscription's answers cost nothing and have a value; those of an API key cost it", async () => {
  for (const env of [{}, { ANTHROPIC_API_KEY: "key-of-the-program" }]) {
    const claude = scriptedClaude();
    cleanups.push(claude.remove);
    const gateway = await startTestGateway({
      config: {
        cli: { bin: claude.bin, warm: 0, env },
        metrics: { baseline_model: "claude-cli/claude-opus-5" },
      },
    });
    cleanups.push(gateway.stop);
    const record = await recordOf(gateway, "claude-cli");
    const isFlatRate = !("ANTHROPIC_API_KEY" in env);
    if (isFlatRate) {
      expect(record.costNanoUsd).toBe(0);
      expect(record.listNanoUsd).toBeGreaterThan(0);
      expect(record).not.toHaveProperty("costParts");
    } else {
      expect(record.costNanoUsd).toBeGreaterThan(0);
      expect(record).not.toHaveProperty("listNanoUsd");
      const { input = 0, cached = 0, cacheWrite = 0, output = 0 } = record.costParts ?? {};
      expect(input + cached + cacheWrite + output).toBe(record.costNanoUsd ?? -1);
    }
  }
});
