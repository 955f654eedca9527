// The official SDK and Codex's own requests through the running app, before vendors of every format that keep their own rules.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import OpenAI from "openai";
import type { ResponseInputItem, Tool } from "openai/resources/responses/responses";
import { type TestGateway, startTestGateway } from "../../support/gateway.ts";
import { gatewayConfig, gatewayKey, vendorKey } from "../../support/gateway-config.ts";
import { startUpstream, type Upstream } from "../../support/upstream.ts";
import codex from "./requests/codex-tool.json";

const weather: Tool = {
  type: "function",
  name: "get_weather",
  description: "The weather in a city",
  parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  strict: false,
};
const patch: Tool = { type: "custom", name: "apply_patch", description: "Patches files." };
const png =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

let upstream: Upstream;
let gateway: TestGateway;
let client: OpenAI;

beforeAll(async () => {
  upstream = startUpstream({ strict: true, keys: [vendorKey] });
  gateway = await startTestGateway({ config: gatewayConfig(upstream.url) });
  client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: gatewayKey, maxRetries: 0 });
});
afterAll(async () => {
  await gateway.stop();
  upstream.stop();
});

describe.each(["oai", "ant", "rsp", "goo"])("a provider %s", (provider) => {
  const model = `${provider}/fake-large`;
  const lastBody = (): string => upstream.requests.at(-1)?.rawBody ?? "";

  test("text, whole and streamed", async () => {
    const input = "[[say:Grüße, 世界 🦞]]";
    const whole = await client.responses.create({ model, input, store: false });
    expect(whole).toMatchObject({ object: "response", status: "completed", output_text: "Grüße, 世界 🦞" });
    expect(whole.usage?.total_tokens).toBeGreaterThan(0);
    const stream = client.responses.stream({ model, input, store: false });
    let heard = "";
    for await (const event of stream) if (event.type === "response.output_text.delta") heard += event.delta;
    const last = await stream.finalResponse();
    expect([heard, last.output_text, last.status]).toEqual([
      input.slice(6, -2),
      input.slice(6, -2),
      "completed",
    ]);
  });

  test("a tool round trip, streamed, with everything that came before sent back", async () => {
    const input: ResponseInputItem[] = [
      { role: "developer", content: "Use tools." },
      {
        role: "user",
        content: '[[think:Where is it?]] [[tool:get_weather {"city":"Paris"}]] [[toolresult]]',
      },
    ];
    const ask = () =>
      client.responses
        .stream({ model, input, tools: [weather], store: false, reasoning: { effort: "low" } })
        .finalResponse();
    const first = await ask();
    const call = first.output.find((item) => item.type === "function_call");
    if (call === undefined) throw new Error("No call came.");
    expect(call).toMatchObject({ name: "get_weather", arguments: '{"city":"Paris"}' });
    for (const item of first.output)
      if (item.type === "reasoning" || item.type === "message" || item.type === "function_call")
        input.push(item);
    input.push({ type: "function_call_output", call_id: call.call_id, output: "21 degrees" });
    const second = await ask();
    expect(second.output_text).toContain("21 degrees");
    expect(lastBody()).toContain("Use tools.");
  });

  test("two calls at once", async () => {
    const response = await client.responses.create({
      model,
      input: '[[tools:get_weather {"city":"Oslo"};get_weather {"city":"Rome"}]]',
      tools: [weather],
      store: false,
    });
    expect(
      response.output.flatMap((item) => (item.type === "function_call" ? [item.arguments] : [])),
    ).toEqual(['{"city":"Oslo"}', '{"city":"Rome"}']);
  });

  test("an image, and one in a result", async () => {
    const response = await client.responses.create({
      model,
      store: false,
      tools: [weather],
      input: [
        { role: "user", content: [{ type: "input_image", image_url: png, detail: "auto" }] },
        { type: "function_call", call_id: "call_1", name: "get_weather", arguments: "{}" },
        {
          type: "function_call_output",
          call_id: "call_1",
          output: [{ type: "input_image", image_url: png, detail: "auto" }],
        },
        { role: "user", content: "Compare them." },
      ],
    });
    expect(response.status).toBe("completed");
    expect(lastBody().split(png.slice(22)).length - 1).toBe(2);
  });

  test("a structured answer", async () => {
    const schema = { type: "object", properties: { a: { type: "number" } }, required: ["a"] };
    const response = await client.responses.parse({
      model,
      input: '[[json:{"a":1}]]',
      store: false,
      text: { format: { type: "json_schema", name: "answer", schema, strict: false } },
    });
    expect(JSON.parse(response.output_text)).toEqual({ a: 1 });
  });

  test("Codex's own request is answered", async () => {
    const answer = await fetch(`${gateway.url}/v1/responses`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${gatewayKey}` },
      body: JSON.stringify({ ...codex, model }),
    });
    const text = await answer.text();
    expect([answer.status, text.includes("event: response.completed")]).toEqual([200, true]);
  });

  test("a wrong request is refused in this API's shape", async () => {
    const answer = await fetch(`${gateway.url}/v1/responses`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${gatewayKey}` },
      body: JSON.stringify({ model, input: 1 }),
    });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ error: { type: "invalid_request_error", param: "input" } });
  });
});

describe.each(["oai", "ant", "goo"])("a provider %s that does not know free text", (provider) => {
  const model = `${provider}/fake-large`;

  test.each([true, false])("calls come in the client's kind, streamed: %p", async (isStreamed) => {
    const body = {
      model,
      store: false,
      tools: [patch, { type: "web_search" as const }],
      input: '[[tool:apply_patch {"input":"*** Begin Patch\\n+ä"}]]',
    };
    const response = isStreamed
      ? await client.responses.stream(body).finalResponse()
      : await client.responses.create(body);
    expect(response.output.find((item) => item.type === "custom_tool_call")).toMatchObject({
      name: "apply_patch",
      input: "*** Begin Patch\n+ä",
    });
    expect(upstream.requests.at(-1)?.rawBody).not.toContain("web_search");
  });

  test("what only this API can do is refused by name", async () => {
    const mcp: Tool = { type: "mcp", server_label: "x", server_url: "https://a.example" };
    for (const [more, status] of [
      [{ previous_response_id: "resp_1" }, 404],
      [{ tools: [mcp] }, 400],
    ] as const) {
      const refused: unknown = await client.responses
        .create({ model, input: "x", ...more } as never)
        .catch((thrown: unknown) => thrown);
      expect(refused).toMatchObject({ status, param: Object.keys(more)[0] });
    }
  });
});

test("a client of another format is never stored at a vendor of this one", async () => {
  await client.chat.completions.create({
    model: "rsp/fake-large",
    messages: [{ role: "user", content: "hi" }],
    stop: ["x"],
  });
  expect(upstream.requests.at(-1)?.body).toMatchObject({ store: false, stream: true });
});
