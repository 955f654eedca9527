// Whose price counts, and that our arithmetic is the price package's own.

import { describe, expect, test } from "bun:test";
import { calcPrice, findProvider } from "@pydantic/genai-prices";
import type { Usage } from "../../src/canon/usage.ts";
import { unknownUsage, usageFromTotal } from "../../src/canon/usage.ts";
import { costsByPricing, costsByTable, nanoOf, type PartCosts, partsOf } from "../../src/catalog/cost.ts";
import { createPriceBook, type PricedTarget } from "../../src/catalog/prices.ts";
import { loadPriceTable, priceTableVersion } from "../../src/catalog/price-table.ts";

const nowMs = Date.UTC(2026, 10, 21, 12);
const openai = { baseUrl: "https://api.openai.com/v1" };

function usage(
  input: number | null,
  output: number | null,
  cached: number | null = null,
  written: number | null = null,
): Usage {
  return usageFromTotal({ input, inputCached: cached, inputCacheWrite: written, output });
}

/** As the price book counts it. */
function costOf<P>(costs: (used: Usage, price: P) => PartCosts | null, used: Usage, price: P): number | null {
  const parts = costs(used, price);
  return parts === null ? null : nanoOf(parts);
}

function book() {
  return createPriceBook({
    onTableLost: (error) => {
      throw error;
    },
  });
}

describe("the operator's own price", () => {
  const pricing = { input: 3, output: 15, cache_read: 0.3, cache_write: 3.75 };

  test("prices each part on its own, in whole nano-USD", () => {
    expect(costOf(costsByPricing, usage(1000, 100), pricing)).toBe(3_000_000 + 1_500_000);
    expect(costOf(costsByPricing, usage(1000, 0, 400, 100), pricing)).toBe(
      500 * 3000 + 400 * 300 + 100 * 3750,
    );
    expect(costOf(costsByPricing, usage(1, 0), { input: 0.0375, output: 0 })).toBe(38);
  });

  test("falls back to the input price for cached parts without one", () => {
    expect(costOf(costsByPricing, usage(1000, 0, 400, 100), { input: 3, output: 15 })).toBe(3_000_000);
  });

  test("unknown usage is an unknown cost, unless the price is 0", () => {
    expect(costOf(costsByPricing, unknownUsage, pricing)).toBeNull();
    expect(costOf(costsByPricing, usage(10, null), pricing)).toBeNull();
    expect(costOf(costsByPricing, usage(null, 10), pricing)).toBeNull();
    expect(costOf(costsByPricing, unknownUsage, { input: 0, output: 0 })).toBe(0);
    expect(costOf(costsByPricing, usage(10, null), { input: 1, output: 0 })).toBe(10_000);
  });

  test("believes the parts when a vendor sends more cached than in all", () => {
    expect(costOf(costsByPricing, usage(100, 0, 300), pricing)).toBe(300 * 300);
  });

  test("of the model beats that of the provider, which beats the table; the table is not even loaded", async () => {
    const prices = createPriceBook({
      onTableLost: () => undefined,
      load: () => Promise.reject(new Error("must not be loaded")),
    });
    const target: PricedTarget = {
      model: "gpt-4o",
      seller: openai,
      modelPricing: { input: 1, output: 1 },
      providerPricing: { input: 2, output: 2 },
    };
    expect(await prices.costOf(target, usage(10, 0), nowMs)).toBe(10_000);
    expect(await prices.costOf({ ...target, modelPricing: null }, usage(10, 0), nowMs)).toBe(20_000);
    expect(prices.priceOf(target, nowMs)).toMatchObject({ source: "model", inputUsdPerMillion: 1 });
    expect(prices.table()).toBeNull();
  });
});

describe("the parts of a cost", () => {
  const pricing = { input: 3, output: 15, cache_read: 0.3, cache_write: 3.75 };
  const costs = costsByPricing(usage(1000, 100, 400, 100), pricing);

  test("are what each part costs", () => {
    if (costs === null) throw new Error("the price is known");
    const whole = nanoOf(costs);
    expect(partsOf(whole, costs)).toEqual({
      input: 500 * 3000,
      cached: 400 * 300,
      cacheWrite: 100 * 3750,
      output: 100 * 15_000,
    });
  });

  test("add up to any bill, to the nano-dollar", () => {
    for (let seed = 1; seed < 3_000; seed++) {
      const of = (factor: number): number => (seed * factor) % 9973;
      const used = usage(of(7919), of(31), of(17), of(13));
      const price = {
        input: of(3) / 1_000,
        output: of(11) / 700,
        cache_read: of(5) / 9_000,
        cache_write: of(2) / 800,
      };
      const each = costsByPricing(used, price);
      if (each === null) throw new Error("the price is known");
      for (const bill of [nanoOf(each), seed * 1_237, 1]) {
        const parts = partsOf(bill, each);
        const { input, cached, cacheWrite, output } = parts ?? {
          input: bill,
          cached: 0,
          cacheWrite: 0,
          output: 0,
        };
        expect(input + cached + cacheWrite + output).toBe(bill);
        expect(Math.min(input, cached, cacheWrite, output)).toBeGreaterThanOrEqual(0);
      }
    }
  });

  test("a bill that came from none of them has no parts", () => {
    expect(partsOf(5, { input: 0, cached: 0, cacheWrite: 0, output: 0, flat: 0 })).toBeNull();
    expect(partsOf(7, { input: 0, cached: 0, cacheWrite: 0, output: 0, flat: 0.007 })).toEqual({
      input: 7,
      cached: 0,
      cacheWrite: 0,
      output: 0,
    });
  });
});

describe("the bundled table", () => {
  test("is the installed version", async () => {
    const installed: unknown = await Bun.file("node_modules/@pydantic/genai-prices/package.json").json();
    expect(installed).toMatchObject({ version: priceTableVersion });
  });

  test("is unknown until it is loaded, and loaded once", async () => {
    let loads = 0;
    const prices = createPriceBook({
      onTableLost: (error) => {
        throw error;
      },
      load: () => {
        loads += 1;
        return loadPriceTable();
      },
    });
    const target = { model: "gpt-4o", seller: openai };
    expect(prices.costNow(target, usage(10, 0), nowMs)).toBeNull();
    await Promise.all([prices.prepare(target), prices.prepare(target)]);
    expect(prices.costNow(target, usage(10, 0), nowMs)).toBe(25_000);
    expect(loads).toBe(1);
  });

  test("that cannot be loaded leaves prices unknown and is told once", async () => {
    const lost: unknown[] = [];
    const prices = createPriceBook({
      onTableLost: (error) => lost.push(error),
      load: () => Promise.reject(new Error("broken")),
    });
    expect(await prices.costOf({ model: "gpt-4o", seller: openai }, usage(10, 0), nowMs)).toBeNull();
    expect(await prices.costOf({ model: "gpt-4o", seller: openai }, usage(10, 0), nowMs)).toBeNull();
    expect(lost).toHaveLength(1);
  });

  test("knows sellers by address or name, and guesses none", async () => {
    const prices = book();
    const cost = (model: string, baseUrl: string | null, providerId?: string) =>
      prices.costOf({ model, seller: { baseUrl, providerId } }, usage(1_000_000, 0), nowMs);
    expect(await cost("gpt-4o", "https://api.openai.com/v1")).toBe(2_500_000_000);
    expect(await cost("claude-haiku-4-5-20251001", "https://api.anthropic.com")).toBe(1_000_000_000);
    expect(await cost("claude-haiku-4-5", null, "anthropic")).toBe(1_000_000_000);
    expect(await cost("gpt-4o", "http://127.0.0.1:11434/v1")).toBeNull();
    expect(await cost("gpt-4o", null)).toBeNull();
    expect(await cost("no-such-model", "https://api.openai.com/v1")).toBeNull();
  });

  test("prices a large input by its tier", async () => {
    const prices = book();
    const target = { model: "gemini-2.5-pro", seller: { baseUrl: null, providerId: "google" } };
    expect(await prices.costOf(target, usage(200_000, 0), nowMs)).toBe(250_000_000);
    expect(await prices.costOf(target, usage(200_001, 0), nowMs)).toBe(500_002_500);
    expect(prices.priceOf(target, nowMs)).toMatchObject({
      source: "bundled",
      inputUsdPerMillion: 1.25,
      hasTiers: true,
    });
  });

  test("an embedding model has no output price and needs no output count", async () => {
    const target = { model: "text-embedding-3-small", seller: openai };
    expect(await book().costOf(target, usage(1_000_000, null), nowMs)).toBe(20_000_000);
  });

  test("gives the package's own result for every model of the large sellers", async () => {
    const table = await loadPriceTable();
    const usages = [usage(1234, 567), usage(1000, 10, 400, 100), usage(300_000, 9, 250_000, 1), usage(0, 0)];
    let compared = 0;
    for (const providerId of [
      "openai",
      "anthropic",
      "google",
      "deepseek",
      "openrouter",
      "groq",
      "mistral",
      "x-ai",
      "perplexity",
    ]) {
      const seller = { baseUrl: null, providerId };
      for (const { id } of findProvider({ providerId })?.models ?? []) {
        const prices = table.find(seller, id)?.pricesAt(nowMs) ?? null;
        if (prices === null) continue;
        for (const used of usages) {
          const theirs = calcPrice(
            {
              input_tokens: used.input ?? 0,
              cache_read_tokens: used.inputCached ?? 0,
              cache_write_tokens: used.inputCacheWrite ?? 0,
              output_tokens: used.output ?? 0,
            },
            id,
            { providerId, timestamp: new Date(nowMs) },
          );
          const ours = costOf(costsByTable, used, prices);
          // Where the table sells no text tokens (speech, pages, free of charge) there is nothing to compare.
          if (ours === null || theirs === null) continue;
          expect([id, Math.abs(ours - Math.round(theirs.total_price * 1e9)) <= 1]).toEqual([id, true]);
          compared += 1;
        }
      }
    }
    expect(compared).toBeGreaterThan(2000);
  });
});

test("a model younger than the price table costs what the model list says", async () => {
  const book = createPriceBook({
    onTableLost(error) {
      throw error;
    },
  });
  const target = { model: "deepseek-flash", seller: { baseUrl: "https://api.deepseek.com/v1" } };
  await book.prepare(target);
  expect(book.priceOf(target, 0)).toMatchObject({
    source: "bundled",
    inputUsdPerMillion: 0.3,
    outputUsdPerMillion: 1.2,
    cacheReadUsdPerMillion: 0.006,
  });
});
