// However a tenant with `models` spells a name: what goes up is a listed model in the listed spelling, or nothing.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { inConfigSpelling } from "../../src/app/tenants/model-spelling.ts";
import { PricedModels, pricedTarget } from "../../src/catalog/priced-target.ts";
import type { PricedTarget } from "../../src/catalog/prices.ts";
import { providerSettings } from "../../src/backends/settings.ts";
import { startUpstream } from "../support/upstream.ts";
import { startTestGateway } from "../support/gateway.ts";
import { goodAnswer } from "./test-pipeline.ts";
import { ask, keys, openTenantGateways } from "./tenant-gateways.ts";

const { vendor, open, cleanups } = openTenantGateways();

/** Two providers of one vendor; `dear` answers what nothing knows. */
const more = () => ({
  providers: {
    dear: { base_url: vendor.url, api_key: "vendor-secret-key", models: ["fake-large"] },
    router: {
      base_url: vendor.url,
      api_key: "vendor-secret-key",
      models: ["vendor/Cheap-Model", "vendor/other"],
    },
    last: { base_url: vendor.url, api_key: "vendor-secret-key", models: ["unlisted-too"] },
  },
  fallback_chain: [],
  default_model: "dear",
  aliases: {
    quick: "router/vendor/Cheap-Model",
    speedy: "router/vendor/Cheap-Model",
    grand: "dear",
    "x-*": "router/*",
  },
});

/** What went up: the model, or null where nothing did. */
async function sentFor(gateway: Awaited<ReturnType<typeof open>>, model: string): Promise<unknown> {
  const before = vendor.requests.length;
  const answer = await ask(gateway, { model });
  const sent = vendor.requests.slice(before).map(({ body }) => body["model"]);
  expect([model, answer.status === 200 ? 1 : 0, [400, 404].includes(answer.status)]).toEqual([
    model,
    sent.length,
    answer.status !== 200,
  ]);
  return sent[0] ?? null;
}

const cheap = "vendor/Cheap-Model";
const variants = [
  "router/vendor/cheap-model",
  "router/VENDOR/CHEAP-MODEL",
  "ROUTER/vendor/Cheap-Model",
  "vendor/Cheap-Model",
  "vendor/cheap-model",
  "quick",
  "Quick",
  "SPEEDY",
  "speedy",
  "x-vendor/Cheap-Model",
  "x-vendor/cheap-model",
];
const elsewhere = [
  "router/vendor/other",
  "router//vendor/Cheap-Model",
  "router/vendor//Cheap-Model",
  "router/vendor/Cheap-Model/",
  "router/vendor/Cheap-Model ",
  " router/vendor/Cheap-Model",
  "router/vendor/Cheap-Model\t",
  "router/vendor/Cheap-Model:free",
  "router/vendor/Cheap-Model:online",
  "router/vendor/Cheap-Model:nitro",
  "router/vendor/Cheap-Model[1m]",
  "router/vendor/Cheap-Model-thinking",
  "router/vendor/Cheap-Model@preset/evil",
  "router/@preset/evil",
  "router/vendor/Cheap-Model,vendor/other",
  "router/vendor%2FCheap-Model",
  "router/vendor/../vendor/other",
  "router/vendor/Chеap-Model",
  "router/vendor/Ｃheap-Model",
  "dear/vendor/Cheap-Model",
  "last/vendor/Cheap-Model",
  "dear",
  "grand",
  "fake-large",
  "x-vendor/other",
  "GRAND",
  "nothing-knows-it",
  "auto",
  "Auto",
  "clawgate/auto",
  "constructor",
  "__proto__",
  "router",
];

describe.each([
  ["the whole name", "router/vendor/Cheap-Model"],
  ["an alias", "quick"],
])("a tenant whose models are %s", (_, listed) => {
  test("reaches it by its names, in the config's spelling, and nothing else", async () => {
    const gateway = await open({ tenant: { models: [listed] }, more: more() });
    for (const model of variants) {
      const sent = await sentFor(gateway, model);
      expect([model, sent === null || sent === cheap]).toEqual([model, true]);
    }
    expect(await sentFor(gateway, listed)).toBe(cheap);
    expect(await sentFor(gateway, listed.toUpperCase())).toBe(cheap);
    for (const model of elsewhere)
      if (model !== "router") expect([model, await sentFor(gateway, model)]).toEqual([model, null]);
  });
});

test("a wildcard allows what it says, letter by letter, and no list, path or preset in its place", async () => {
  const gateway = await open({ tenant: { models: ["router/vendor/*"] }, more: more() });
  expect(await sentFor(gateway, "router/vendor/brand-new:free")).toBe("vendor/brand-new:free");
  // What the config lists goes up as it is listed there.
  expect(await sentFor(gateway, "router/vendor/cheap-model")).toBe(cheap);
  expect(await sentFor(gateway, "ROUTER/VENDOR/CHEAP-MODEL")).toBe(cheap);
  for (const model of [
    "ROUTER/vendor/unknown",
    "router/VENDOR/unknown",
    "router/vendor/a,fake-large",
    "router/vendor/../fake-large",
    "router/vendor//x",
    "router/vendor/a@preset/b",
    "router/vendor/a b",
    "router/vendor/é",
    "dear",
  ])
    expect([model, await sentFor(gateway, model)]).toEqual([model, null]);
});

test("a wildcard over bare names does not lead to what answers unknown ones, nor to another provider", async () => {
  const gateway = await open({ tenant: { models: ["vendor/*"] }, more: more() });
  expect(await sentFor(gateway, "vendor/other")).toBe("vendor/other");
  expect(await sentFor(gateway, "router/vendor/other")).toBe("vendor/other");
  for (const model of ["vendor/unknown", "nothing-knows-it", "dear/vendor/other", "last/vendor/other"])
    expect([model, await sentFor(gateway, model)]).toEqual([model, null]);
});

test.each([
  ["router/VENDOR/cheap-model", ["router/vendor/other"]],
  ["Router/vendor/Cheap-Model", ["router/vendor/other"]],
  ["vendor/cheap-model", ["router/vendor/other"]],
  ["ROUTER/VENDOR/CHEAP*", ["router/vendor/other", "router/vendor/cheap-unheard-of"]],
  ["VENDOR/cheap*", ["vendor/other", "dear/vendor/Cheap-Model"]],
  ["Quick", ["grand"]],
])("a list in other letters than the config's (%s) locks nobody out", async (listed, others) => {
  const gateway = await open({ tenant: { models: [listed] }, more: more() });
  expect(await sentFor(gateway, "router/vendor/Cheap-Model")).toBe(cheap);
  expect(await sentFor(gateway, "router/vendor/cheap-model")).toBe(cheap);
  for (const model of [...others, "fake-large", "dear"])
    expect([model, await sentFor(gateway, model)]).toEqual([model, null]);
});

test("a list that means something as it is written means nothing in other letters", () => {
  const provider = (...ids: readonly string[]) =>
    providerSettings.parse({ base_url: "https://x.example.com/v1", models: ids });
  const providers = { one: provider("cheap-a", "CHEAP-A", "Cheap-B"), ONE: provider("cheap-c") };
  const known = ["one", "ONE", "one/cheap-a", "one/CHEAP-A", "one/Cheap-B", "ONE/cheap-c", "fast"];
  const meant = (...listed: readonly string[]) => inConfigSpelling(listed, providers, known);
  expect(meant("cheap-a", "CHEAP-A", "one", "ONE", "one/*", "cheap-*", "ONE/*")).toEqual([
    "cheap-a",
    "CHEAP-A",
    "one",
    "ONE",
    "one/*",
    "cheap-*",
    "ONE/*",
  ]);
  expect(meant("One/*", "FAST", "unheard-of", "*-b")).toEqual([
    "one/*",
    "fast",
    "unheard-of",
    "*-b",
    "one/Cheap-B",
    "Cheap-B",
  ]);
});

test("any spelling at all of a listed name: the listed model in the listed spelling, or nothing", async () => {
  const gateway = await open({ tenant: { models: ["router/vendor/Cheap-Model"] }, more: more() });
  const mutated = fc
    .tuple(
      fc.array(fc.boolean(), { minLength: 25, maxLength: 25 }),
      fc.constantFrom("", " ", "/", ":free", ",", "%2F", "\u0000", "\u200b", "[1m]", "*", "auto", "/../x"),
      fc.nat({ max: 25 }),
    )
    .map(([cases, extra, at]) => {
      const name = [..."router/vendor/Cheap-Model"]
        .map((letter, index) => (cases[index] === true ? letter.toUpperCase() : letter))
        .join("");
      return name.slice(0, at) + extra + name.slice(at);
    });
  await fc.assert(
    fc.asyncProperty(mutated, async (model) => {
      const sent = await sentFor(gateway, model);
      return sent === null || sent === cheap;
    }),
    { numRuns: 60, verbose: true },
  );
});

test("GET and POST with the name in the path, escaped once more", async () => {
  const gateway = await open({
    tenant: { models: ["goo/fake-large"] },
    more: {
      providers: {
        goo: {
          backend: "google-genai",
          base_url: vendor.url,
          api_key: "k-0123456789",
          models: ["fake-large", "pro"],
        },
      },
      fallback_chain: [],
      aliases: {},
    },
  });
  vendor.script([]);
  const post = (name: string): Promise<Response> =>
    fetch(`${gateway.url}/v1beta/models/${name}:generateContent`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-goog-api-key": keys.alice },
      body: JSON.stringify({ contents: [{ role: "user", parts: [{ text: "hi" }] }] }),
    });
  for (const name of ["goo%2Ffake-large", "goo%2FFAKE-Large", "goo/fake-large"]) {
    expect([name, (await post(name)).status]).toEqual([name, 200]);
    expect(vendor.requests.at(-1)?.path).toContain("/models/fake-large:");
  }
  const before = vendor.count();
  for (const name of [
    "goo%2Fpro",
    "goo%2Ffake-large%2F..%2Fpro",
    "goo%252Ffake-large",
    "tunedModels%2Fx",
    "pro",
  ])
    expect([name, [400, 404].includes((await post(name)).status)]).toEqual([name, true]);
  expect(vendor.count()).toBe(before);
});

describe("the price follows the model that answered", () => {
  const pricedAt = (answered: string) => async (): Promise<number | null> => {
    const upstream = startUpstream();
    cleanups.push(() => upstream.stop());
    upstream.script((request) => {
      const answer = goodAnswer(request);
      const text = JSON.stringify(answer).replaceAll(
        /"model\\":\\"[^"\\]*\\"/g,
        `"model\\":\\"${answered}\\"`,
      );
      return JSON.parse(text.replaceAll(/"model":"[^"]*"/g, `"model":"${answered}"`)) as typeof answer;
    });
    const gateway = await startTestGateway({
      config: {
        health: { check_interval_seconds: 0 },
        providers: {
          one: {
            base_url: upstream.url,
            api_key: "vendor-secret-key",
            models: [
              { id: "vendor/cheap", pricing: { input: 1, output: 1 } },
              { id: "vendor/dear", pricing: { input: 1000, output: 1000 } },
            ],
          },
        },
      },
    });
    cleanups.push(() => gateway.stop());
    const answer = await ask(gateway, { model: "one/vendor/cheap", key: "" });
    expect(answer.status).toBe(200);
    const record = await gateway.recordOf(answer);
    expect(record.upstreamModel).toBe(answered);
    const { usage } = record;
    const tokens = (usage.input ?? 0) + (usage.output ?? 0);
    expect(tokens).toBeGreaterThan(0);
    const cost = await gateway.app.services.costOf(record, usage);
    return cost === null ? null : cost / tokens / 1_000;
  };
  test.each([
    ["vendor/cheap", 1],
    ["vendor/dear", 1000],
    ["dear", 1000],
    ["vendor/cheap-2026-01-31", 1],
    ["cheap", 1],
    ["somebody-elses", 1],
  ])("answered by %s: %d", async (answered, price) => {
    expect(await pricedAt(answered)()).toBe(price);
  });

  test("another spelling of a listed model has its price", () => {
    const dear = { input: 1_000, output: 1_000 };
    const settings = providerSettings.parse({
      base_url: "https://x.example.com/v1",
      models: [
        { id: "vendor/Dear", pricing: dear },
        { id: "vendor/DEAR", pricing: { input: 2, output: 2 } },
      ],
      pricing: { input: 1, output: 1 },
    });
    const priceOf = (model: string): unknown => pricedTarget(settings, model).modelPricing?.input;
    expect(["vendor/dear", "vendor/Dear", "vendor/DEAR", "vendor/other"].map(priceOf)).toEqual([
      1_000,
      1_000,
      2,
      undefined,
    ]);
  });

  test("a name of the operator's own keeps the price that was written for it; a vendor's own name does not", () => {
    const pricing = { input: 1, output: 1 };
    const target = (model: string): PricedTarget => ({ model, seller: { baseUrl: "https://x" } });
    const isKnown = ({ model }: PricedTarget): boolean => ["gpt-4o", "gpt-4o-mini"].includes(model);
    const models = new PricedModels({ base_url: "https://x", models: [] });
    const priced = (model: string, answered: string) =>
      models.answered({ ...target(model), modelPricing: pricing }, answered, isKnown)?.model;
    expect(priced("our-deployment", "gpt-4o")).toBe("our-deployment");
    expect(priced("gpt-4o-mini", "gpt-4o")).toBe("gpt-4o");
    expect(priced("gpt-4o-mini", "gpt-4o-mini-2024-07-18")).toBe("gpt-4o-mini");
    expect(priced("gpt-4o-mini", "unheard-of")).toBe("gpt-4o-mini");
    expect(models.answered(target("gpt-4o-mini"), "gpt-4o", null)).toBeNull();
  });
});
