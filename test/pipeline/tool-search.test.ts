// A search for deferred tools that Anthropic would make at its own place, on three kinds of targets that have none: one answer for
// the client, one record, and an end however often the model searches.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { findTools } from "../../src/pipeline/tool-index.ts";
import { openGatewayForTest, type TestGateway } from "../support/gateway.ts";

type Json = Record<string, unknown>;
type Call = { readonly name: string; readonly input: Json };

const frames = (list: readonly Json[]): Response =>
  new Response(list.map((each) => `data: ${JSON.stringify(each)}\n\n`).join(""), {
    headers: { "content-type": "text/event-stream" },
  });

/** One answer in the format of the path. */
function answer(path: string, said: string | Call, id: string): Response {
  if (path.endsWith("/chat/completions")) {
    const delta =
      typeof said === "string"
        ? { content: said }
        : {
            tool_calls: [
              {
                index: 0,
                id,
                type: "function",
                function: { name: said.name, arguments: JSON.stringify(said.input) },
              },
            ],
          };
    const finish_reason = typeof said === "string" ? "stop" : "tool_calls";
    return frames([
      { id: "c", model: "m", choices: [{ index: 0, delta }] },
      {
        id: "c",
        model: "m",
        choices: [{ index: 0, delta: {}, finish_reason }],
        usage: { prompt_tokens: 10, completion_tokens: 2 },
      },
    ]);
  }
  if (path.endsWith("/responses")) {
    const item =
      typeof said === "string"
        ? { type: "message", id: "msg_1", role: "assistant", content: [{ type: "output_text", text: said }] }
        : {
            type: "function_call",
            id: "fc_1",
            call_id: id,
            name: said.name,
            arguments: JSON.stringify(said.input),
          };
    const usage = { input_tokens: 10, output_tokens: 2 };
    return frames([
      { type: "response.created", response: { id: "r", model: "m", output: [] } },
      { type: "response.output_item.added", output_index: 0, item },
      { type: "response.output_item.done", output_index: 0, item },
      {
        type: "response.completed",
        response: { id: "r", model: "m", status: "completed", output: [item], usage },
      },
    ]);
  }
  const part =
    typeof said === "string" ? { text: said } : { functionCall: { id, name: said.name, args: said.input } };
  return frames([
    {
      candidates: [{ content: { role: "model", parts: [part] }, finishReason: "STOP" }],
      usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 2 },
    },
  ]);
}

let bodies: string[] = [];
let script: (round: number) => string | Call = () => "ok";
let vendor: ReturnType<typeof Bun.serve>;
let gateway: TestGateway;

beforeAll(async () => {
  vendor = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      bodies.push(await request.text());
      const round = bodies.length - 1;
      return answer(new URL(request.url).pathname, script(round), `call_${round}`);
    },
  });
  const base_url = `http://127.0.0.1:${vendor.port}/v1`;
  const provider = (backend: string): Json => ({ backend, base_url, api_key: "k", models: ["m"] });
  gateway = await openGatewayForTest({
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

const search: Call = { name: "tool_search_tool_regex", input: { query: "WEATHER" } };
const weather: Call = { name: "get_weather", input: { city: "Oslo" } };

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
    const recent = (await (await fetch(`${gateway.url}/api/recent?limit=1`)).json()) as { requests: Json[] };
    expect(recent.requests[0]).toMatchObject({ prompt_tok: 20, compl_tok: 4 });
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
