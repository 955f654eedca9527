// POST /v1/responses/compact with the openai package: by a summary where the provider has no compaction, and what becomes of its item.

import { afterEach, describe, expect, test } from "bun:test";
import OpenAI from "openai";
import { startTestGateway, type TestGateway } from "../../support/gateway.ts";
import { startUpstream, type Upstream } from "../../support/upstream.ts";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

async function start(): Promise<{ client: OpenAI; vendor: Upstream; url: string; gateway: TestGateway }> {
  const vendor = startUpstream({ strict: true });
  const provider = { base_url: vendor.url, api_key: "vendor-secret-key", models: ["fake-large"] };
  const gateway = await startTestGateway({
    config: {
      health: { check_interval_seconds: 0 },
      providers: {
        oai: { ...provider, backend: "openai-compat" },
        ant: { ...provider, backend: "anthropic" },
        goo: { ...provider, backend: "google-genai" },
        rsp: { ...provider, backend: "openai-responses" },
      },
    },
  });
  ends.push(
    () => vendor.stop(),
    () => gateway.stop(),
  );
  const client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: "none", maxRetries: 0, timeout: 10_000 });
  return { client, vendor, url: gateway.url, gateway };
}

const history = [
  { role: "user" as const, content: "Build the nest. [[say:the nest is half built]]" },
  {
    type: "message" as const,
    id: "msg_1",
    status: "completed" as const,
    role: "assistant" as const,
    content: [{ type: "output_text" as const, text: "I begin.", annotations: [] }],
  },
  { type: "function_call" as const, call_id: "call_1", name: "get_weather", arguments: "{}" },
  { type: "function_call_output" as const, call_id: "call_1", output: "wind" },
];

describe.each(["oai", "ant", "goo", "rsp"])("over %s", (provider) => {
  const model = `${provider}/fake-large`;

  test("a conversation becomes its user's words and a summary, which a later request reads", async () => {
    const { client, vendor } = await start();
    const compacted = await client.responses.compact({ model, input: history, instructions: "Be a bird." });
    expect(compacted.object).toBe("response.compaction");
    expect(compacted.output.map(({ type }) => type as string)).toEqual(["message", "compaction"]);
    expect(JSON.stringify(compacted.output[0])).toContain("Build the nest.");
    expect(compacted.usage.output_tokens).toBeGreaterThan(0);
    const asked = vendor.requests.at(-1)?.rawBody ?? "";
    expect(asked).toContain("Summarise the conversation");
    expect(asked).toContain("wind");

    await client.responses.create({
      model,
      input: [
        ...(compacted.output as OpenAI.Responses.ResponseInputItem[]),
        { role: "user", content: "go on [[say:yes]]" },
      ],
    });
    const sent = vendor.requests.at(-1)?.rawBody ?? "";
    expect(sent).toContain("replaced by this summary");
    expect(sent).toContain("the nest is half built");
    expect(sent).not.toContain("clawgate.");
    expect(
      vendor.requests
        .filter(({ path }) => !path.endsWith("/compact"))
        .map(({ breach }) => breach)
        .filter(Boolean),
    ).toEqual([]);
  });

  test("a kept conversation is compacted by its id", async () => {
    if (provider === "rsp") return;
    const { client, vendor } = await start();
    const made = await client.responses.create({ model, input: "Fly. [[say:I flew south]]", store: true });
    const compacted = await client.responses.compact({ model, previous_response_id: made.id });
    expect(compacted.output.at(-1)?.type as string).toBe("compaction");
    expect(vendor.requests.at(-1)?.rawBody).toContain("I flew south");
    const unknown = client.responses.compact({ model, previous_response_id: `${made.id.slice(0, -3)}000` });
    expect(((await unknown.catch((thrown: unknown) => thrown)) as { status?: number }).status).toBe(404);
  });
});

test.each(["oai", "ant", "goo"])(
  "over %s Codex's item that asks for a compaction is answered with one",
  async (provider) => {
    const { client, vendor } = await start();
    const body = {
      model: `${provider}/fake-large`,
      // The package has the item's type only in newer versions.
      input: [...history, { type: "compaction_trigger" }] as OpenAI.Responses.ResponseInputItem[],
    };
    const whole = await client.responses.create(body);
    expect(whole.output.map(({ type }) => type as string)).toEqual(["compaction"]);
    const done: string[] = [];
    const events = await client.responses.create({ ...body, stream: true });
    for await (const event of events) {
      if (event.type === "response.output_item.done") done.push(event.item.type);
      if (event.type === "response.completed") expect(event.response.output).toHaveLength(1);
    }
    expect(done).toEqual(["compaction"]);
    expect(vendor.requests.at(-1)?.rawBody).toContain("Summarise the conversation");
    expect(vendor.requests.at(-1)?.rawBody).not.toContain("compaction_trigger");
    expect(vendor.requests.map(({ breach }) => breach).filter(Boolean)).toEqual([]);
    const cut = await client.responses
      .create(
        { ...body, input: [{ role: "user", content: "x [[stop:length]]" }, body.input.at(-1) as never] },
        { headers: { "x-clawgate-fallback": "off" } },
      )
      .catch((thrown: unknown) => thrown);
    expect((cut as { status?: number }).status).toBe(502);
  },
);

test("a vendor that has it compacts itself, and gets the bytes", async () => {
  const { client, vendor } = await start();
  const own = { id: "resp_1", object: "response.compaction", created_at: 1, output: [], usage: null };
  vendor.script(({ path }) =>
    path.endsWith("/responses/compact")
      ? { status: 200, headers: { "content-type": "application/json" }, body: JSON.stringify(own) }
      : undefined,
  );
  const compacted = await client.responses.compact({ model: "rsp/fake-large", input: history });
  expect(compacted.id).toBe("resp_1");
  expect(vendor.requests).toHaveLength(1);
  expect(vendor.requests[0]?.body).toMatchObject({ model: "fake-large", input: history });
});

test("what a vendor had in its cache is no new input of its own compaction", async () => {
  const { client, vendor, gateway } = await start();
  const own = {
    id: "resp_2",
    object: "response.compaction",
    created_at: 1,
    usage: {
      input_tokens: 5_000,
      input_tokens_details: { cached_tokens: 4_000, cache_write_tokens: 200 },
      output_tokens: 300,
      output_tokens_details: { reasoning_tokens: 40 },
      total_tokens: 5_300,
    },
    output: [{ id: "cmp_1", type: "compaction", encrypted_content: "x".repeat(4_000) }],
  };
  vendor.script(({ path }) =>
    path.endsWith("/responses/compact")
      ? { status: 200, headers: { "content-type": "application/json" }, body: JSON.stringify(own) }
      : undefined,
  );
  await client.responses.compact({ model: "rsp/fake-large", input: history });
  const { usage } = await gateway.waitForRecord(({ door }) => door === "compact");
  expect(usage).toEqual({
    input: 5_000,
    inputUncached: 800,
    inputCached: 4_000,
    inputCacheWrite: 200,
    output: 300,
    outputReasoning: 40,
  });
});

test("no whole summary is a failure, not an empty conversation", async () => {
  const { client } = await start();
  const asked = client.responses.compact({ model: "oai/fake-large", input: "x [[stop:length]]" });
  expect(((await asked.catch((thrown: unknown) => thrown)) as { status?: number }).status).toBe(502);
});
