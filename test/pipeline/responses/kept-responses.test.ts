// Kept answers of /v1/responses with the openai package, over a provider of each format: kept, asked for, continued, listed, deleted.

import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import OpenAI from "openai";
import { startTestGateway, type TestGateway } from "../../support/gateway.ts";
import { startUpstream, type Upstream } from "../../support/upstream.ts";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

const keys = { alice: "alice-key-0123456789", bob: "bob-key-0123456789ab" };

type Setup = { readonly gateway: TestGateway; readonly vendor: Upstream; client(key?: string): OpenAI };

async function start(more: object = {}, clock = {}): Promise<Setup> {
  const vendor = startUpstream({ strict: true });
  const provider = { base_url: vendor.url, api_key: "vendor-secret-key", models: ["fake-large"] };
  const gateway = await startTestGateway({
    ...clock,
    config: {
      health: { check_interval_seconds: 0 },
      auth: { admin_key: "admin-key-0123456789" },
      providers: {
        oai: { ...provider, backend: "openai-compat" },
        ant: { ...provider, backend: "anthropic" },
        goo: { ...provider, backend: "google-genai" },
        rsp: { ...provider, backend: "openai-responses" },
        forgetful: { ...provider, backend: "openai-responses", quirks: ["responses-not-kept"] },
      },
      tenants: Object.entries(keys).map(([name, api_key]) => ({ name, api_key })),
      ...more,
    },
  });
  ends.push(
    () => vendor.stop(),
    () => gateway.stop(),
  );
  const client = (apiKey = keys.alice): OpenAI =>
    new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey, maxRetries: 0, timeout: 10_000 });
  return { gateway, vendor, client };
}

/** The status and words of what an SDK call threw. */
async function refusal(
  asking: Promise<unknown>,
): Promise<{ status: number; message: string; code: unknown }> {
  try {
    await asking;
  } catch (thrown) {
    if (thrown instanceof OpenAI.APIError)
      return { status: Number(thrown.status), message: thrown.message, code: thrown.code };
    throw thrown;
  }
  throw new Error("It was not refused.");
}

const weather = {
  type: "function" as const,
  name: "get_weather",
  parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  strict: false,
};

describe.each(["oai", "ant", "goo", "forgetful"])("over %s", (provider) => {
  const model = `${provider}/fake-large`;

  test("an answer is kept, asked for, continued over three turns, listed and deleted", async () => {
    const { client, vendor } = await start();
    const { responses } = client();
    const first = await responses.create({
      model,
      input: "[[say:The password is heron]] one",
      instructions: "Be brief.",
      store: true,
      metadata: { topic: "birds" },
    });
    expect(first.id).toMatch(/^resp_clawgate_/);
    expect(first).toMatchObject({ store: true, status: "completed", metadata: { topic: "birds" } });
    const again = await responses.retrieve(first.id);
    expect(again).toEqual(first);
    const second = await responses.create({
      model,
      input: [{ role: "user", content: "[[say:second]] two" }],
      previous_response_id: first.id,
      store: true,
    });
    expect(second.previous_response_id).toBe(first.id);
    const sent = vendor.requests.at(-1)?.rawBody ?? "";
    for (const words of ["one", "The password is heron", "two"]) expect(sent).toContain(words);
    // Instructions are the request's own.
    expect(sent).not.toContain("Be brief.");
    const third = await responses.create({
      model,
      input: "[[say:third]] three",
      previous_response_id: second.id,
      store: false,
    });
    expect(third.output_text).toBe("third");
    expect(third.previous_response_id).toBe(second.id);
    const last = vendor.requests.at(-1)?.rawBody ?? "";
    for (const words of ["one", "heron", "two", "second", "three"]) expect(last).toContain(words);
    expect((await refusal(responses.retrieve(third.id))).status).toBe(404);

    const listed: { id?: string | null; type?: string }[] = [];
    for await (const item of responses.inputItems.list(second.id, { limit: 2, order: "asc" }))
      listed.push(item);
    expect(listed.map(({ type }) => type)).toEqual(["message", "message", "message"]);
    expect(new Set(listed.map(({ id }) => id)).size).toBe(3);
    expect(JSON.stringify(listed[0])).toContain("one");
    expect(JSON.stringify(listed[2])).toContain("two");

    await responses.delete(first.id);
    expect((await refusal(responses.retrieve(first.id))).status).toBe(404);
    expect((await refusal(responses.delete(first.id))).status).toBe(404);
    // What continues it keeps what it shares with it.
    expect(
      (await responses.create({ model, input: "[[say:x]]", previous_response_id: second.id })).id,
    ).toBeTruthy();
    expect(vendor.requests.at(-1)?.rawBody).toContain("heron");
    expect(vendor.requests.map(({ breach }) => breach).filter(Boolean)).toEqual([]);
  });

  test("a stream is kept as it ended, and a tool turn is continued by its id", async () => {
    const { client, vendor } = await start();
    const { responses } = client();
    const stream = responses.stream({
      model,
      input: '[[tool:get_weather {"city":"Paris"}]]',
      tools: [weather],
      store: true,
    });
    const streamed = await stream.finalResponse();
    expect(streamed.id).toMatch(/^resp_clawgate_/);
    const { output } = await responses.retrieve(streamed.id);
    const call = output.find((item) => item.type === "function_call");
    expect(call).toMatchObject({ name: "get_weather", arguments: '{"city":"Paris"}' });
    const answer = await responses.create({
      model,
      previous_response_id: streamed.id,
      input: [{ type: "function_call_output", call_id: call?.call_id ?? "", output: "18 degrees" }],
      tools: [weather],
      store: true,
    });
    expect(answer.output_text).toContain("18 degrees");
    expect(vendor.requests.map(({ breach }) => breach).filter(Boolean)).toEqual([]);
  });
});

test("structured output is kept and continued", async () => {
  const { client } = await start();
  const { responses } = client();
  const schema = {
    type: "object",
    properties: { a: { type: "number" } },
    required: ["a"],
    additionalProperties: false,
  };
  const made = await responses.create({
    model: "oai/fake-large",
    input: '[[json:{"a":1}]]',
    text: { format: { type: "json_schema", name: "x", schema, strict: true } },
    store: true,
  });
  expect(JSON.parse((await responses.retrieve(made.id)).output_text)).toEqual({ a: 1 });
});

test("another tenant's id and an unknown one are refused with the same words everywhere", async () => {
  const { client, gateway } = await start();
  const model = "oai/fake-large";
  const made = await client().responses.create({ model, input: "hello", store: true });
  const other = client(keys.bob).responses;
  const unknown = `${made.id.slice(0, -4)}0000`;
  const asks = [
    (id: string) => other.retrieve(id),
    (id: string) => other.delete(id),
    (id: string) => other.cancel(id),
    async (id: string) => other.inputItems.list(id),
    (id: string) => other.create({ model, input: "x", previous_response_id: id }),
    (id: string) => other.create({ model: "rsp/fake-large", input: "x", previous_response_id: id }),
  ];
  for (const ask of asks) {
    const foreign = await refusal(ask(made.id));
    const missing = await refusal(ask(unknown));
    expect(foreign.status).toBe(404);
    expect({ ...foreign, message: foreign.message.replaceAll(made.id, "ID") }).toEqual({
      ...missing,
      message: missing.message.replaceAll(unknown, "ID"),
    });
  }
  expect((await client().responses.retrieve(made.id)).id).toBe(made.id);
  expect(gateway.log.join("\n")).not.toContain("hello");
});

test("a vendor's own id passes to a vendor of the format, and is unknown at every other", async () => {
  const { client, vendor } = await start();
  const { responses } = client();
  const made = await responses.create({ model: "rsp/fake-large", input: "hello", store: true });
  expect(made.id).not.toMatch(/^resp_clawgate_/);
  expect(vendor.requests.at(-1)?.body).toMatchObject({ store: true });
  await responses.create({
    model: "rsp/fake-large",
    input: "on",
    previous_response_id: made.id,
    store: true,
  });
  expect(vendor.requests.at(-1)?.body).toMatchObject({ previous_response_id: made.id, input: "on" });
  const elsewhere = await refusal(
    responses.create({ model: "ant/fake-large", input: "on", previous_response_id: made.id }),
  );
  expect(elsewhere).toMatchObject({ status: 404, code: "previous_response_not_found" });
});

test("a vendor's id that one tenant was given is unknown to every other, also after a restart", async () => {
  const state = mkdtempSync(join(tmpdir(), "clawgate-kept-"));
  ends.push(() => rmSync(state, { recursive: true, force: true }));
  const environment = { CLAWGATE_STATE_DIR: state };
  const model = "rsp/fake-large";
  const first = await start({}, { environment });
  const made = await first.client().responses.create({ model, input: "hello" });
  const stream = await first.client().responses.create({ model, input: "hello", stream: true });
  let streamed = "";
  for await (const event of stream) if (event.type === "response.completed") streamed = event.response.id;
  const untold = await first.client().responses.create({ model, input: "hello", store: false });
  const go = ({ client }: Setup, previous_response_id: string, key = keys.alice) =>
    client(key).responses.create({ model, input: "on", previous_response_id });
  for (const id of [made.id, streamed]) {
    await go(first, id);
    expect(first.vendor.requests.at(-1)?.body["previous_response_id"]).toBe(id);
    const foreign = await refusal(go(first, id, keys.bob));
    const missing = await refusal(go(first, "resp_nobody_was_given_this", keys.bob));
    expect(foreign).toMatchObject({ status: 404, code: "previous_response_not_found" });
    expect({ ...foreign, message: "" }).toEqual({ ...missing, message: "" });
  }
  expect(await refusal(go(first, untold.id))).toMatchObject({ status: 404 });
  await first.gateway.stop();
  const second = await start({}, { environment });
  await go(second, streamed);
  expect(await refusal(go(second, streamed, keys.bob))).toMatchObject({ status: 404 });
});

test("a vendor's id is its tenant's from the event on that names it, before the stream has ended", async () => {
  const { vendor } = await start();
  const response = {
    id: "resp_named_early",
    object: "response",
    status: "completed",
    model: "m",
    output: [],
  };
  const event = (type: string): string => `event: ${type}\ndata: ${JSON.stringify({ type, response })}\n\n`;
  const item = { type: "message", id: "msg_1", role: "assistant", content: [] };
  const done = `event: response.output_item.done\ndata: ${JSON.stringify({ type: "response.output_item.done", output_index: 0, item })}\n\n`;
  let close = (): void => undefined;
  const held = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () =>
      new Response(
        new ReadableStream({
          start(controller) {
            controller.enqueue(event("response.created") + done + event("response.completed"));
            close = () => controller.close();
          },
        }),
        { headers: { "content-type": "text/event-stream" } },
      ),
  });
  ends.push(() => held.stop(true));
  const setup = await start({
    providers: {
      held: { backend: "openai-responses", base_url: `http://127.0.0.1:${held.port}/v1`, models: ["m"] },
      rsp: {
        backend: "openai-responses",
        base_url: vendor.url,
        api_key: "vendor-secret-key",
        models: ["fake-large"],
      },
    },
  });
  const stream = await setup.client().responses.create({ model: "held/m", input: "x", stream: true });
  for await (const told of stream) {
    if (told.type !== "response.completed") continue;
    const asked = { model: "rsp/fake-large", input: "on", previous_response_id: told.response.id };
    await setup.client().responses.create(asked);
    expect((await refusal(setup.client(keys.bob).responses.create(asked))).status).toBe(404);
    close();
  }
  expect(vendor.requests.at(-1)?.body["previous_response_id"]).toBe("resp_named_early");
});

test.each(["memory", "off"])(
  "no way leads to what a vendor keeps for another tenant: mode %s",
  async (mode) => {
    const { gateway, vendor } = await start({ responses_store: { mode } });
    const post = async (path: string, more: object): Promise<number> =>
      (
        await fetch(gateway.url + path, {
          method: "POST",
          headers: { authorization: `Bearer ${keys.bob}`, "content-type": "application/json" },
          body: JSON.stringify({ model: "rsp/fake-large", input: "x", ...more }),
        })
      ).status;
    for (const path of ["/v1/responses", "/v1/chat/completions", "/v1/responses/compact"])
      for (const more of [
        { previous_response_id: "resp_of_alice" },
        { conversation: "conv_of_alice" },
        { conversation: { id: "conv_of_alice" } },
        { conversation: { id: 1, also: "conv_of_alice" } },
      ])
        expect([path, more, await post(path, more)]).toEqual([path, more, 404]);
    expect(vendor.requests).toEqual([]);
    expect(
      await post("/v1/responses", { input: [{ type: "item_reference" }], model: "oai/fake-large" }),
    ).toBe(400);
  },
);

test("a gateway of one caller lets a vendor's id through that it has never seen", async () => {
  const model = "rsp/fake-large";
  for (const more of [{ tenants: [] }, { tenants: [{ name: "alice", api_key: keys.alice }] }]) {
    const { client, vendor } = await start(more);
    await client().responses.create({ model, input: "on", previous_response_id: "resp_of_yesterday" });
    expect(vendor.requests.at(-1)?.body["previous_response_id"]).toBe("resp_of_yesterday");
  }
  const { client } = await start({
    auth: { keys: ["a-key-of-nobody-0123"] },
    tenants: [{ name: "alice", api_key: keys.alice }],
  });
  const asked = client().responses.create({
    model,
    input: "on",
    previous_response_id: "resp_of_yesterday",
  });
  expect(await refusal(asked)).toMatchObject({ status: 404 });
});

test("a kept conversation goes on at a vendor of the format, with its history", async () => {
  const { client, vendor } = await start();
  const { responses } = client();
  const made = await responses.create({ model: "ant/fake-large", input: "[[say:heron]] one", store: true });
  await responses.create({ model: "rsp/fake-large", input: "two", previous_response_id: made.id });
  const { body } = vendor.requests.at(-1) ?? {};
  expect(body?.["previous_response_id"]).toBeNull();
  expect(JSON.stringify(body?.["input"])).toMatch(/one.*heron.*two/);
});

test("without store nothing is kept; with mode off everything of it is 400", async () => {
  const { client, vendor } = await start({ responses_store: { mode: "off" } });
  const { responses } = client();
  const model = "oai/fake-large";
  const plain = await responses.create({ model, input: "x" });
  const id = `resp_clawgate_${"0".repeat(26)}`;
  for (const asking of [
    responses.create({ model, input: "x", store: true }),
    responses.create({ model, input: "x", previous_response_id: id }),
    responses.retrieve(plain.id),
    responses.delete(id),
    responses.cancel(id),
  ])
    expect(await refusal(asking)).toMatchObject({ status: 400 });
  // A provider that keeps answers itself goes on doing so.
  await responses.create({ model: "rsp/fake-large", input: "x", store: true });
  expect(vendor.requests.at(-1)?.body["store"]).toBe(true);
});

test("a vendor of the format that keeps nothing is never asked to, and its own ids are unknown", async () => {
  const { client, vendor } = await start();
  const { responses } = client();
  const model = "forgetful/fake-large";
  const made = await responses.create({ model, input: "one", store: true });
  expect(vendor.requests.at(-1)?.body).toMatchObject({ store: false });
  await responses.create({ model, input: "two", store: false });
  expect(vendor.requests.at(-1)?.rawBody).not.toContain("previous_response_id");
  expect((await responses.retrieve(made.id)).id).toBe(made.id);
  expect(
    await refusal(responses.create({ model, input: "x", previous_response_id: "resp_1" })),
  ).toMatchObject({
    status: 404,
    code: "previous_response_not_found",
  });
  const off = await start({ responses_store: { mode: "off" } });
  expect(await refusal(off.client().responses.create({ model, input: "x", store: true }))).toMatchObject({
    status: 400,
  });
});

test("a stream that its client leaves is kept as cancelled, with what was finished", async () => {
  const { client, gateway } = await start();
  const { responses } = client();
  const stream = await responses.create({
    model: "oai/fake-large",
    input: "[[long:400]] [[pace:20]]",
    store: true,
    stream: true,
  });
  let id = "";
  for await (const event of stream) {
    if (event.type === "response.created") ({ id } = event.response);
    if (event.type === "response.output_text.delta") break;
  }
  await gateway.waitForRecord(({ failure }) => failure === "cancelled");
  expect(await responses.retrieve(id)).toMatchObject({ id, status: "cancelled" });
  expect(
    await refusal(responses.create({ model: "oai/fake-large", input: "x", previous_response_id: id })),
  ).toMatchObject({ status: 400 });
});

test("a running answer is shown, refuses to be continued, and is cancelled by its id", async () => {
  const { client, vendor } = await start();
  const { responses } = client();
  const stream = await responses.create({
    model: "oai/fake-large",
    input: "[[long:400]] [[pace:20]]",
    store: true,
    stream: true,
  });
  const iterator = stream[Symbol.asyncIterator]();
  const { value } = await iterator.next();
  const id = value?.type === "response.created" ? value.response.id : "";
  expect(await responses.retrieve(id)).toMatchObject({ id, status: "in_progress" });
  expect(
    await refusal(responses.create({ model: "oai/fake-large", input: "x", previous_response_id: id })),
  ).toMatchObject({ status: 400 });
  expect((await refusal(client(keys.bob).responses.cancel(id))).status).toBe(404);
  expect(await responses.cancel(id)).toMatchObject({ id, status: "cancelled" });
  await vendor.waitFor(({ isAborted }) => isAborted);
  expect(await responses.cancel(id)).toMatchObject({ id, status: "cancelled" });
  const done = await responses.create({ model: "oai/fake-large", input: "x", store: true });
  expect((await refusal(responses.cancel(done.id))).status).toBe(400);
});

test("background: the id at once, the answer by polling, its end by cancel, and what it cannot do", async () => {
  const { client } = await start();
  const { responses } = client();
  const model = "ant/fake-large";
  const input = "[[long:30]] [[pace:10]]";
  const queued = await responses.create({ model, input, background: true, store: true });
  expect(queued).toMatchObject({ status: "queued", background: true, output: [] });
  let now = queued;
  const deadline = Date.now() + 8_000;
  while (now.status === "queued" || now.status === "in_progress") {
    if (Date.now() > deadline) throw new Error(`still ${now.status}`);
    await Bun.sleep(20);
    now = await responses.retrieve(queued.id);
  }
  expect(now).toMatchObject({ id: queued.id, status: "completed", background: true });
  expect(now.output_text.split(" ").length).toBeGreaterThan(20);

  const long = await responses.create({
    model,
    input: "[[long:400]] [[pace:20]]",
    background: true,
    store: true,
  });
  expect(await responses.cancel(long.id)).toMatchObject({ id: long.id, status: "cancelled" });
  expect(await responses.retrieve(long.id)).toMatchObject({ status: "cancelled" });

  const failed = await responses.create({ model, input: "[[mode:400]]", background: true, store: true });
  for (;;) {
    now = await responses.retrieve(failed.id);
    if (now.status !== "queued" && now.status !== "in_progress") break;
    await Bun.sleep(10);
  }
  expect(now).toMatchObject({ status: "failed" });
  expect(now.error?.message).toBeTruthy();

  expect(await refusal(responses.create({ model, input, background: true }))).toMatchObject({ status: 400 });
  expect(
    await refusal(responses.create({ model, input, background: true, store: true, stream: true })),
  ).toMatchObject({ status: 400 });
});

test("background at a vendor of the format runs here, and its answer is kept under our id", async () => {
  const { client, vendor } = await start();
  const { responses } = client();
  const queued = await responses.create({
    model: "rsp/fake-large",
    input: "[[say:heron]]",
    background: true,
    store: true,
  });
  expect(queued.id).toMatch(/^resp_clawgate_/);
  let now = queued;
  while (now.status === "queued" || now.status === "in_progress") now = await responses.retrieve(queued.id);
  expect(now).toMatchObject({ id: queued.id, status: "completed" });
  expect(now.output_text).toBe("heron");
  expect(vendor.requests.at(-1)?.body["background"]).toBe(false);
});

test("references to items of kept answers are resolved", async () => {
  const { client, vendor } = await start();
  const { responses } = client();
  const model = "ant/fake-large";
  const made = await responses.create({ model, input: "[[say:heron]] one", store: true });
  const id = made.output[0]?.id ?? "";
  await responses.create({
    model,
    input: [
      { role: "user", content: "one" },
      { type: "item_reference", id },
      { role: "user", content: "two" },
    ],
    store: true,
  });
  expect(vendor.requests.at(-1)?.rawBody).toContain("heron");
});

test("references are resolved whatever the request says of store, and an unknown one is OpenAI's own error", async () => {
  const { client, vendor } = await start();
  const { responses } = client();
  const made = await responses.create({
    model: "ant/fake-large",
    input: "[[say:heron]] one",
    store: true,
  });
  const id = made.output[0]?.id ?? "";
  const input = [
    { role: "user" as const, content: "one" },
    { type: "item_reference" as const, id },
    { role: "user" as const, content: "[[say:x]] two" },
  ];
  for (const model of ["oai/fake-large", "ant/fake-large", "rsp/fake-large"])
    for (const store of [undefined, false]) {
      await responses.create({ model, input, ...(store === undefined ? {} : { store }) });
      const sent = vendor.requests.at(-1)?.rawBody ?? "";
      expect(sent).toContain("heron");
      expect(sent).not.toContain("item_reference");
    }
  const other = client(keys.bob).responses.create({ model: "oai/fake-large", input });
  const unknown = responses.create({
    model: "oai/fake-large",
    input: [{ type: "item_reference", id: `${id.slice(0, -1)}7` }, ...input.slice(2)],
  });
  for (const asked of [other, unknown]) {
    const { status, message } = await refusal(asked);
    expect(status).toBe(404);
    expect(message).toMatch(/Item with id 'msg_\w+' not found\. Items are not persisted when `store`/);
  }
  // A vendor that keeps items has ids of its own.
  await responses.create({
    model: "rsp/fake-large",
    input: [{ type: "item_reference", id: "msg_68aa00" }, ...input.slice(2)],
  });
  expect(vendor.requests.at(-1)?.rawBody).toContain("msg_68aa00");
});

test("many references to one long item are refused before they are put together", async () => {
  const { client } = await start({ server: { body_limit_mb: 1 } });
  const { responses } = client();
  const model = "ant/fake-large";
  const made = await responses.create({ model, input: `[[say:${"x".repeat(60_000)}]]`, store: true });
  const id = made.output[0]?.id ?? "";
  const input = Array.from({ length: 2_000 }, () => ({ type: "item_reference" as const, id }));
  expect(await refusal(responses.create({ model, input, store: true }))).toMatchObject({ status: 413 });
});

test("a history beyond the limit of a body is refused", async () => {
  const { client } = await start({ server: { body_limit_mb: 1 } });
  const { responses } = client();
  const model = "oai/fake-large";
  const made = await responses.create({ model, input: `[[say:x]] ${"a".repeat(600_000)}`, store: true });
  expect(
    await refusal(responses.create({ model, input: "b".repeat(600_000), previous_response_id: made.id })),
  ).toMatchObject({ status: 413 });
});

test("thoughts go back to their vendor with the signature that they came with", async () => {
  const { client, vendor } = await start();
  const { responses } = client();
  const asked = { model: "ant/fake-large", tools: [weather], reasoning: { effort: "low" as const } };
  const made = await responses.create({
    ...asked,
    input: '[[think:I look at the sky]] [[tool:get_weather {"city":"Paris"}]]',
    store: true,
  });
  const thought = made.output.find(({ type }) => type === "reasoning");
  const kept = (await responses.retrieve(made.id)).output.find(({ type }) => type === "reasoning");
  expect(thought).toBeDefined();
  expect(kept).toEqual(thought);
  const call = made.output.find((item) => item.type === "function_call");
  await responses.create({
    ...asked,
    previous_response_id: made.id,
    input: [{ type: "function_call_output", call_id: call?.call_id ?? "", output: "sun" }],
  });
  // The vendor refuses a thought whose signature is not the one that it gave.
  const sent = vendor.requests.at(-1);
  expect(sent?.rawBody).toContain("I look at the sky");
  expect(sent?.rawBody).toContain('"signature":"');
  expect(vendor.requests.map(({ breach }) => breach).filter(Boolean)).toEqual([]);
});

test("an answer that breaks off is kept as failed, with its error", async () => {
  const { client } = await start();
  const { responses } = client();
  const stream = await responses.create({
    model: "oai/fake-large",
    input: "[[long:40]] [[mode:error-mid]]",
    store: true,
    stream: true,
  });
  let id = "";
  const told = (async () => {
    for await (const event of stream) if (event.type === "response.created") ({ id } = event.response);
  })();
  await told.catch(() => undefined);
  const kept = await responses.retrieve(id);
  expect(kept).toMatchObject({ id, status: "failed" });
  expect(kept.error?.message).toBeTruthy();
});

test("a count of tokens covers the history", async () => {
  const { client } = await start();
  const { responses } = client();
  const model = "ant/fake-large";
  const made = await responses.create({ model, input: `[[say:x]] ${"word ".repeat(1_000)}`, store: true });
  const alone = await responses.inputTokens.count({ model, input: "on" });
  const whole = await responses.inputTokens.count({ model, input: "on", previous_response_id: made.id });
  expect(whole.input_tokens).toBeGreaterThan(alone.input_tokens + 1_000);
});

test("the request log and the store read the same answer", async () => {
  const { client, gateway } = await start({ request_log: { enabled: true, tenants: ["alice"] } });
  const made = await client().responses.create({
    model: "oai/fake-large",
    input: "[[say:heron]]",
    store: true,
  });
  expect((await client().responses.retrieve(made.id)).output_text).toBe("heron");
  const logged = await fetch(`${gateway.url}/api/request-log/${made.id.slice("resp_clawgate_".length)}`, {
    headers: { authorization: "Bearer admin-key-0123456789" },
  });
  expect(await logged.text()).toContain("heron");
});

test("with mode disk an answer outlives a restart, written after it was given", async () => {
  const vendor = startUpstream({ strict: true });
  const state = mkdtempSync(join(tmpdir(), "clawgate-kept-"));
  ends.push(
    () => rmSync(state, { recursive: true, force: true }),
    () => vendor.stop(),
  );
  const begin = async (): Promise<{ gateway: TestGateway; client: OpenAI }> => {
    const provider = { backend: "openai-compat", base_url: vendor.url, api_key: "k", models: ["fake-large"] };
    const gateway = await startTestGateway({
      config: { responses_store: { mode: "disk" }, providers: { oai: provider } },
      environment: { CLAWGATE_STATE_DIR: state },
    });
    ends.push(() => gateway.stop());
    const baseURL = `${gateway.url}/v1`;
    return { gateway, client: new OpenAI({ baseURL, apiKey: "none", maxRetries: 0 }) };
  };
  const first = await begin();
  const model = "oai/fake-large";
  const made = await first.client.responses.create({ model, input: "[[say:heron]] one", store: true });
  await first.gateway.stop();
  expect(statSync(join(state, "responses", "responses.db")).mode & 0o777).toBe(0o600);
  const second = await begin();
  expect(await second.client.responses.retrieve(made.id)).toMatchObject({
    id: made.id,
    output_text: "heron",
  });
  await second.client.responses.create({ model, input: "two", previous_response_id: made.id });
  expect(vendor.requests.at(-1)?.rawBody).toContain("heron");
});

test("a stop lets background answers end; what does not end is kept as failed", async () => {
  const vendor = startUpstream({ strict: true });
  const state = mkdtempSync(join(tmpdir(), "clawgate-kept-"));
  ends.push(
    () => rmSync(state, { recursive: true, force: true }),
    () => vendor.stop(),
  );
  const begin = async (): Promise<{ gateway: TestGateway; client: OpenAI }> => {
    const provider = { backend: "openai-compat", base_url: vendor.url, api_key: "k", models: ["fake-large"] };
    const gateway = await startTestGateway({
      config: { responses_store: { mode: "disk" }, providers: { oai: provider } },
      environment: { CLAWGATE_STATE_DIR: state },
    });
    ends.push(() => gateway.stop());
    return { gateway, client: new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: "none", maxRetries: 0 }) };
  };
  const ask = ({ responses }: OpenAI, input: string) =>
    responses.create({ model: "oai/fake-large", input, background: true, store: true });
  const first = await begin();
  const short = await ask(first.client, "[[long:20]] [[pace:20]]");
  const startedMs = performance.now();
  await first.gateway.app.stop(8_000);
  expect(performance.now() - startedMs).toBeLessThan(6_000);
  await first.gateway.stop();

  const second = await begin();
  const ended = await second.client.responses.retrieve(short.id);
  expect(ended).toMatchObject({ status: "completed", background: true });
  expect(ended.output_text).not.toBe("");
  const long = await ask(second.client, "[[long:900]] [[pace:20]]");
  await second.gateway.app.stop(300);
  await second.gateway.stop();

  const third = await begin();
  const failed = await third.client.responses.retrieve(long.id);
  expect(failed).toMatchObject({ id: long.id, status: "failed" });
  expect(failed.error?.message).toContain("shutting down");
});

test("the operator sees how much is kept and deletes a tenant's", async () => {
  const { client, gateway } = await start();
  const model = "oai/fake-large";
  const mine = await client().responses.create({ model, input: "secret words", store: true });
  const other = await client(keys.bob).responses.create({ model, input: "x", store: true });
  const ask = (path: string, method = "GET"): Promise<Response> =>
    fetch(gateway.url + path, { method, headers: { authorization: "Bearer admin-key-0123456789" } });
  const report = await (await ask("/api/responses")).text();
  expect(JSON.parse(report)).toMatchObject({ mode: "memory", answers: 2 });
  expect(report).not.toContain("secret words");
  expect((await ask("/api/responses", "DELETE")).status).toBe(400);
  expect(await (await ask("/api/responses?tenant=alice", "DELETE")).json()).toEqual({
    tenant: "alice",
    deleted: 1,
  });
  expect((await refusal(client().responses.retrieve(mine.id))).status).toBe(404);
  expect((await client(keys.bob).responses.retrieve(other.id)).id).toBe(other.id);
  const foreign = await fetch(`${gateway.url}/api/responses?tenant=bob`, {
    method: "DELETE",
    headers: { authorization: `Bearer ${keys.alice}` },
  });
  expect([401, 403]).toContain(foreign.status);
});

test("ids and members that nobody would send are refused, never a failure of the gateway", async () => {
  const { gateway } = await start();
  const headers = { authorization: `Bearer ${keys.alice}`, "content-type": "application/json" };
  const post = async (body: string): Promise<number> =>
    (await fetch(`${gateway.url}/v1/responses`, { method: "POST", headers, body })).status;
  const bodyWith = (more: string): string => `{"model":"oai/fake-large","input":"x",${more}}`;
  for (const [more, status] of [
    ['"previous_response_id":"resp_clawgate_\\q"', 400],
    ['"previous_response_id":"resp_clawgate___proto__"', 404],
    [`"previous_response_id":"resp_clawgate_${"x".repeat(100_000)}"`, 404],
    ['"previous_response_id":5', 400],
    ['"store":"true"', 400],
    ['"store":false,"store":true', 400],
    ['"store":true,"background":"yes"', 400],
    ['"store":true,"metadata":[1]', 400],
  ] as const)
    expect([more.slice(0, 60), await post(bodyWith(more))]).toEqual([more.slice(0, 60), status]);
  for (const id of ["__proto__", "..%2F..%2Fetc", "a%00b", "%3Cscript%3E", "x".repeat(5_000)])
    for (const method of ["GET", "DELETE"])
      expect((await fetch(`${gateway.url}/v1/responses/${id}`, { method, headers })).status).toBe(404);
});

test("a page that does not exist, and events of a kept answer, are refused with words", async () => {
  const { client, gateway } = await start();
  const made = await client().responses.create({ model: "oai/fake-large", input: "x", store: true });
  const headers = { authorization: `Bearer ${keys.alice}` };
  for (const query of [
    "?stream=true",
    "/input_items?limit=0",
    "/input_items?order=up",
    "/input_items?after=no",
  ]) {
    const answer = await fetch(`${gateway.url}/v1/responses/${made.id}${query}`, { headers });
    expect(answer.status).toBe(400);
    expect(JSON.stringify(await answer.json())).toContain("message");
  }
});
