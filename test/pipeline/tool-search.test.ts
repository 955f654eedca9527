// A search for deferred tools that Anthropic would make at its own place, on three kinds of targets that have none: one answer for
// the client, one record, and an end however often the model searches.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { findTools } from "../../src/pipeline/plans/tool-index.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { type Json, type ScriptedCall, scriptedAnswer } from "../support/scripted-answers.ts";

let bodies: string[] = [];
let script: (round: number) => string | ScriptedCall = () => "ok";
let vendor: ReturnType<typeof Bun.serve>;
let gateway: TestGateway;

beforeAll(async () => {
  vendor = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      bodies.push(await request.text());
      const round = bodies.length - 1;
      return scriptedAnswer(new URL(request.url).pathname, script(round), `call_${round}`);
    },
  });
  const base_url = `http://127.0.0.1:${vendor.port}/v1`;
  const provider = (backend: string): Json => ({ backend, base_url, api_key: "k", models: ["m"] });
  gateway = await startTestGateway({
    config: {
      providers: {
        chat: provider("openai-compat"),
        answers: provider("openai-responses"),
        google: provider("google-genai"),
      },
    },
  });
});
afterAll(async () => {
  await gateway.stop();
  await vendor.stop(true);
});

const tools = [
  { type: "tool_search_tool_regex_20251119", name: "tool_search_tool_regex" },
  { name: "look", description: "Looks.", input_schema: { type: "object", properties: {} } },
  {
    name: "get_weather",
    description: "The weather of a place",
    input_schema: { type: "object", properties: { city: { type: "string" } } },
    defer_loading: true,
  },
  { name: "send_mail", input_schema: { type: "object", properties: {} }, defer_loading: true },
];

async function ask(
  model: string,
  more: Json = {},
): Promise<{ status: number; headers: Headers; said: Json }> {
  bodies = [];
  const answered = await fetch(`${gateway.url}/v1/messages`, {
    method: "POST",
    headers: { "content-type": "application/json", "anthropic-version": "2023-06-01" },
    body: JSON.stringify({
      model,
      max_tokens: 500,
      tools,
      messages: [{ role: "user", content: "Weather?" }],
      ...more,
    }),
  });
  const text = await answered.text();
  return {
    status: answered.status,
    headers: answered.headers,
    said: text.startsWith("{") ? (JSON.parse(text) as Json) : { text },
  };
}

const search: ScriptedCall = { name: "tool_search_tool_regex", input: { query: "WEATHER" } };
const weather: ScriptedCall = { name: "get_weather", input: { city: "Oslo" } };

describe.each(["chat/m", "answers/m", "google/m"])("behind %s", (model) => {
  test("the search is made here, and the found tool goes up with its schema", async () => {
    script = (round) => (round === 0 ? search : weather);
    const { status, headers, said } = await ask(model);
    expect(status).toBe(200);
    expect(headers.get("x-clawgate-adapted")).toContain("tool-search-emulated");
    expect(said["content"]).toMatchObject([
      { type: "server_tool_use", name: "tool_search_tool_regex", input: { query: "WEATHER" } },
      {
        type: "tool_search_tool_result",
        content: {
          type: "tool_search_tool_search_result",
          tool_references: [{ type: "tool_reference", tool_name: "get_weather" }],
        },
      },
      { type: "tool_use", name: "get_weather", input: { city: "Oslo" } },
    ]);
    expect(said["stop_reason"]).toBe("tool_use");
    expect(said["usage"]).toMatchObject({ input_tokens: 20, output_tokens: 4 });
    expect(bodies).toHaveLength(2);
    expect(bodies[0]).toContain("tool_search_tool_regex");
    expect(bodies[0]).not.toContain("get_weather");
    expect(bodies[1]).toContain('"city"');
    expect(bodies.join()).not.toContain("send_mail");
    const record = await gateway.waitForRecord(({ id }) => id === headers.get("x-request-id"));
    expect(record.attempts).toHaveLength(1);
    expect(record).toMatchObject({ usage: { input: 20, output: 4 } });
  });

  test("as a stream it is one message, its blocks numbered through", async () => {
    script = (round) => (round === 0 ? search : "It rains.");
    const { said } = await ask(model, { stream: true });
    const text = String(said["text"]);
    expect(text.match(/event: message_start/g)).toHaveLength(1);
    expect(text.match(/event: message_stop/g)).toHaveLength(1);
    const starts = [
      ...text.matchAll(/"type":"content_block_start","index":(\d+),"content_block":\{"type":"(\w+)"/g),
    ];
    expect(starts.map(([, index, type]) => `${index} ${type}`)).toEqual([
      "0 server_tool_use",
      "1 tool_search_tool_result",
      "2 text",
    ]);
    expect(text).toContain("It rains.");
    expect(text).toContain('"stop_reason":"end_turn"');
  });

  test("a model that never stops searching comes to an end", async () => {
    script = () => search;
    const { status, said } = await ask(model);
    expect(status).toBe(200);
    expect(bodies).toHaveLength(5);
    expect(bodies.at(-1)).not.toContain("Searches for further tools");
    expect(said["stop_reason"]).toBe("end_turn");
  });

  test("what was found in an earlier answer is loaded from the beginning", async () => {
    script = () => weather;
    const { said } = await ask(model, {
      messages: [
        { role: "user", content: "Weather?" },
        {
          role: "assistant",
          content: [
            {
              type: "server_tool_use",
              id: "srvtoolu_1",
              name: "tool_search_tool_regex",
              input: { query: "w" },
            },
            {
              type: "tool_search_tool_result",
              tool_use_id: "srvtoolu_1",
              content: {
                type: "tool_search_tool_search_result",
                tool_references: [{ type: "tool_reference", tool_name: "get_weather" }],
              },
            },
          ],
        },
        { role: "user", content: "go on" },
      ],
    });
    expect(bodies).toHaveLength(1);
    expect(bodies[0]).toContain('"city"');
    expect(said["content"]).toMatchObject([{ type: "tool_use", name: "get_weather" }]);
  });
});

describe("finding tools", () => {
  const list = tools.slice(1).map((tool) => ({
    name: String(tool.name),
    description: "description" in tool ? String(tool.description) : null,
    schema: "input_schema" in tool ? tool.input_schema : {},
  }));

  test.each([
    ["regex", '{"query":"get_.*"}', ["get_weather"]],
    ["regex", '{"pattern":"city"}', ["get_weather"]],
    ["regex", '{"query":"nothing"}', []],
    ["bm25", '{"query":"weather of Oslo"}', ["get_weather"]],
    ["bm25", '{"query":"mail"}', ["send_mail"]],
  ] as const)("by %s %s", (kind, input, names) => {
    expect(findTools(list, kind, input)).toEqual({ names: [...names] });
  });

  test.each([
    "{}",
    "not JSON",
    '{"query":"("}',
    JSON.stringify({ query: "x".repeat(300) }),
    '{"query":"(a)\\\\1"}',
  ])("%s is told to be wrong", (input) => {
    expect(findTools(list, "regex", input)).toMatchObject({ code: "invalid_tool_input" });
  });
});
