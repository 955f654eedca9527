// What the CLI's answers cost a tenant: what the program tells, and where it tells nothing (an answer that was left, a turn that
// ended in a call of the client's) what its model costs. The scripted stand-in in the whole app.

import { expect, test } from "bun:test";
import { createProviderPrice } from "../../../src/app/providers/provider-price.ts";
import { providerSettings } from "../../../src/backends/settings.ts";
import { createPriceBook } from "../../../src/catalog/prices.ts";
import { scriptedClaude } from "../../support/claude.ts";
import { cleanupsAfterEach } from "../../support/cleanups.ts";
import { spentOf as spentOfMeter } from "../../support/local-meter.ts";
import { startTestGateway, type TestGateway } from "../../support/gateway.ts";
import { recordOf } from "../../support/upstream/json.ts";

const key = "alice-key-0123456789";
const cleanups = cleanupsAfterEach();

async function app(): Promise<TestGateway> {
  const claude = scriptedClaude();
  cleanups.push(claude.remove);
  const gateway = await startTestGateway({
    config: {
      cli: { bin: claude.bin, warm: 0, env: { ANTHROPIC_API_KEY: "key-of-the-program" } },
      tenants: [{ name: "alice", api_key: key, limits: { budget: { usd_per_day: 1_000 } } }],
    },
  });
  cleanups.push(gateway.stop);
  return gateway;
}

const tools = [
  { type: "function", function: { name: "look_up", parameters: { type: "object", properties: {} } } },
];
const ask = (gateway: TestGateway, messages: object[], more: object = {}, signal?: AbortSignal) =>
  fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
    body: JSON.stringify({ model: "sonnet", messages, ...more }),
    ...(signal === undefined ? {} : { signal }),
  });
const spentOf = (gateway: TestGateway): number =>
  spentOfMeter(gateway.app.services.meters.of("alice")).day.nanoUsd;

test("a whole answer costs what the program says, and no price of it is ever unknown", async () => {
  const gateway = await app();
  const answer = await ask(gateway, [{ role: "user", content: "[[say:hello]]" }]);
  expect(answer.status).toBe(200);
  const record = await gateway.recordOf(answer);
  expect(record.costNanoUsd).toBeGreaterThan(0);
  expect(spentOf(gateway)).toBe(record.costNanoUsd ?? -1);
  expect(gateway.log.filter((line) => line.includes("unknown_price"))).toEqual([]);
});

test("an answer that was left is paid by its model's price", async () => {
  const gateway = await app();
  const leaver = new AbortController();
  const prompt = `[[say:${"word ".repeat(40)}]][[mode:hang-end]]`;
  const answer = await ask(gateway, [{ role: "user", content: prompt }], { stream: true }, leaver.signal);
  const id = answer.headers.get("x-request-id");
  let raw = "";
  try {
    for await (const chunk of answer.body ?? []) {
      raw += Buffer.from(chunk).toString();
      if (raw.includes("word")) leaver.abort();
    }
  } catch (thrown) {
    if (!leaver.signal.aborted) throw thrown;
  }
  const record = await gateway.waitForRecord((each) => each.id === id);
  expect([record.failure, record.tags]).toEqual(["cancelled", ["estimated"]]);
  expect(spentOf(gateway)).toBeGreaterThan(0);
  expect(record.costNanoUsd).toBe(spentOf(gateway));
});

test("a turn that ends in a call is paid at once, and not again with the answer's cost", async () => {
  const gateway = await app();
  const question = { role: "user", content: "[[tools:look_up {}]] [[then:found]]" };
  const first = await ask(gateway, [question], { tools });
  const reply = recordOf(await first.json());
  const message = recordOf(recordOf((reply["choices"] as unknown[])[0])["message"]);
  const [call] = message["tool_calls"] as { id: string }[];
  await gateway.recordOf(first);
  const afterCall = spentOf(gateway);
  expect(afterCall).toBeGreaterThan(0);
  const result = { role: "tool", tool_call_id: call?.id, content: "found" };
  const second = await ask(gateway, [question, message, result], { tools });
  expect(second.status).toBe(200);
  await gateway.recordOf(second);
  const told = gateway.records().map(({ costNanoUsd }) => costNanoUsd ?? 0);
  expect(told.reduce((sum, each) => sum + each, 0)).toBe(spentOf(gateway));
});

test.each([
  ["haiku", 5],
  ["sonnet", 15],
  ["opus[1m]", 25],
  ["fable", 50],
  ["claude-nobody-knows-9", 50],
])("a name that is not known yet is held to be the dearest of its family: %s", async (model, usd) => {
  const prices = createPriceBook({ onTableLost: (error) => expect(error).toBeNull() });
  await prices.load();
  const settings = providerSettings.parse({ backend: "claude-cli", model: "sonnet" });
  const most = createProviderPrice("cc", settings, prices, (name) => name).maxCostOf(
    model,
    0,
    1e6,
    Date.now(),
  );
  // What the program sends by itself comes on top.
  expect((most ?? 0) / 1e9).toBeGreaterThanOrEqual(usd);
  expect((most ?? 0) / 1e9).toBeLessThan(usd * 1.1);
});
