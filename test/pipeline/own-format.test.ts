// A request whose vendor speaks the client's own format, but which must not pass as it came: what the vendor would refuse is
// put right, and what only this format can say stays. And a target that cannot carry a request is never the client's fault.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

type Json = Record<string, unknown>;

let vendor: Upstream;
let down: Upstream;
let gateway: TestGateway;

beforeAll(async () => {
  vendor = startUpstream({ strict: true, models: ["m", "plain", "gpt-4o"] });
  down = startUpstream({ models: ["m"] });
  down.script(() => ({ status: 503, body: { error: { message: "no room" } } }));
  const provider = (backend: string, of: Upstream): Json => ({ backend, base_url: of.url, model: "m" });
  // OpenAI's address stands for the fake vendor: what OpenAI refuses goes by the address.
  const reach = ((input, init) =>
    fetch(String(input).replace("https://api.openai.com", vendor.url), init)) as typeof fetch;
  gateway = await startTestGateway({
    fetch: Object.assign(reach, { preconnect: fetch.preconnect }),
    config: {
      providers: {
        chat: {
          ...provider("openai-compat", vendor),
          models: [{ id: "plain", max_output: 64, capabilities: { thinking: false } }],
        },
        openai: { base_url: "https://api.openai.com/v1", api_key: "sk-test", model: "gpt-4o" },
        "openai-answers": {
          backend: "openai-responses",
          base_url: "https://api.openai.com/v1",
          api_key: "sk-test",
          model: "m",
        },
        claude: { ...provider("anthropic", vendor), max_tokens: 50 },
        gone: provider("openai-responses", down),
        last: { ...provider("anthropic", vendor), fallback: false },
      },
      fallback_chain: ["gone", "claude"],
    },
  });
});
afterAll(async () => {
  await gateway.stop();
  vendor.stop();
  down.stop();
});
beforeEach(() => vendor.reset());

async function post(path: string, body: Json): Promise<{ answer: Response; said: Json }> {
  const answer = await fetch(gateway.url + path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return { answer, said: (await answer.json()) as Json };
}

const oddId = `call_${"x".repeat(60)}`;
const toolTurn = [
  { role: "user", content: "say:done" },
  {
    role: "assistant",
    content: null,
    tool_calls: [{ id: oddId, type: "function", function: { name: "look", arguments: "{}" } }],
  },
  { role: "tool", tool_call_id: oddId, content: "seen" },
];
const look = { name: "look", parameters: { type: "object", properties: {} } };

describe("a chat request for a vendor of chat completions", () => {
  test("with ids that OpenAI refuses gets new ones, the same for a call and its result", async () => {
    const { answer } = await post("/v1/chat/completions", {
      model: "openai",
      messages: toolTurn,
      tools: [{ type: "function", function: look }],
    });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("x-clawgate-adapted")).toContain("tool-ids-rewritten");
    const id: unknown = expect.stringMatching(/^call_[0-9a-f]{32}$/);
    const sent = vendor.requests[0]?.body.messages as Json[];
    expect(sent).toMatchObject([{}, { tool_calls: [{ id }] }, { tool_call_id: id }]);
  });

  test("keeps them where the vendor may have made them itself", async () => {
    await post("/v1/chat/completions", { model: "chat", messages: toolTurn });
    expect(vendor.requests[0]?.rawBody).toContain(oddId);
  });

  test.each([{ n: 2 }, { logprobs: true }])("keeps %j where OpenAI's limit must be renamed", async (more) => {
    const { answer } = await post("/v1/chat/completions", {
      model: "openai",
      messages: [{ role: "user", content: "say:done" }],
      max_tokens: 20,
      ...more,
    });
    expect(answer.status).toBe(200);
    const sent = vendor.requests[0]?.body ?? {};
    expect(sent).toMatchObject({ max_completion_tokens: 20, ...more });
    expect(sent).not.toHaveProperty("max_tokens");
  });

  test.each([
    ["several answers", { n: 2 }],
    ["log probabilities", { logprobs: true }],
    ["obsolete functions", { functions: [look] }],
  ])("with a developer's word and %s keeps both", async (_what, more: Json) => {
    const { answer } = await post("/v1/chat/completions", {
      model: "chat",
      messages: [
        { role: "developer", content: "Be brief." },
        { role: "user", content: [{ type: "input_text", text: "say:done" }] },
      ],
      ...more,
    });
    expect(answer.status).toBe(200);
    const [sent] = vendor.requests;
    expect(sent?.body).toMatchObject(more);
    expect(sent?.body.messages).toEqual([
      { role: "system", content: "Be brief." },
      { role: "user", content: [{ type: "text", text: "say:done" }] },
    ]);
  });

  test("with a file, old ids and thinking, at a model that does not", async () => {
    const file = {
      type: "file",
      file: { filename: "a.pdf", file_data: "data:application/pdf;base64,JVBERi0=" },
    };
    const { answer } = await post("/v1/chat/completions", {
      model: "chat/plain",
      messages: [...toolTurn, { role: "user", content: [file, { type: "text", text: "say:done" }] }],
      tools: [{ type: "function", function: look }],
      reasoning_effort: "high",
      max_tokens: 5_000,
    });
    expect(answer.status).toBe(200);
    const adapted = answer.headers.get("x-clawgate-adapted") ?? "";
    for (const word of ["tool-ids-rewritten", "thinking-off", "max-tokens-cut:64"])
      expect(adapted).toContain(word);
    const sent = vendor.requests[0]?.body ?? {};
    expect(sent).toMatchObject({ model: "plain", max_tokens: 64 });
    expect(sent).not.toHaveProperty("reasoning_effort");
    expect((sent.messages as Json[]).at(-1)?.content).toContainEqual(file);
  });

  test("as bytes has its limit cut to what the model can write", async () => {
    const { answer } = await post("/v1/chat/completions", {
      model: "chat/plain",
      messages: [{ role: "user", content: "say:done" }],
      max_completion_tokens: 5_000,
    });
    expect(answer.headers.get("x-clawgate-adapted")).toBe("max-tokens-cut:64");
    expect(vendor.requests[0]?.body.max_completion_tokens).toBe(64);
  });

  test("of a wrong kind is refused as ever", async () => {
    const { answer, said } = await post("/v1/chat/completions", {
      model: "chat",
      messages: [{ role: "developer", content: 7 }],
      n: 2,
    });
    expect(answer.status).toBe(400);
    expect(said).toMatchObject({ error: { param: "messages[0].content" } });
    expect(vendor.requests).toHaveLength(0);
  });
});

test("an Anthropic vendor gets ids that it takes", async () => {
  const { answer } = await post("/v1/messages", {
    model: "claude",
    max_tokens: 20,
    tools: [{ name: "look", input_schema: { type: "object" } }],
    messages: [
      { role: "user", content: "say:done" },
      { role: "assistant", content: [{ type: "tool_use", id: "a:b.c", name: "look", input: {} }] },
      { role: "user", content: [{ type: "tool_result", tool_use_id: "a:b.c", content: "seen" }] },
    ],
  });
  expect(answer.status).toBe(200);
  expect(answer.headers.get("x-clawgate-adapted")).toContain("tool-ids-rewritten");
});

test("OpenAI's Responses API gets ids that it takes", async () => {
  const id = `call_${"y".repeat(80)}`;
  const { answer } = await post("/v1/responses", {
    model: "openai-answers",
    store: false,
    tools: [{ type: "function", ...look }],
    input: [
      { role: "user", content: "say:done" },
      { type: "function_call", call_id: id, name: "look", arguments: "{}" },
      { type: "function_call_output", call_id: id, output: "seen" },
    ],
  });
  expect(answer.status).toBe(200);
  expect(answer.headers.get("x-clawgate-adapted")).toContain("tool-ids-rewritten");
});

describe("where the provider that could carry the request is down", () => {
  const body = { model: "auto", input: "say:done", previous_response_id: "resp_1" };

  test("the client hears of that, not that its request were wrong", async () => {
    const { answer, said } = await post("/v1/responses", body);
    expect(answer.status).toBe(503);
    expect(said).toMatchObject({ error: { code: "overloaded" } });
  });

  test("the record says why the next one was not asked", async () => {
    await post("/v1/responses", body);
    const recent = (await (await fetch(`${gateway.url}/api/recent?limit=1`)).json()) as {
      requests: { candidates: { provider: string; note: string; kept: boolean }[] }[];
    };
    const next = recent.requests[0]?.candidates.find((each) => each.provider === "claude");
    expect(next).toMatchObject({ kept: false });
    expect(next?.note).toContain("Previous response with id 'resp_1' not found.");
  });

  test("one that the client names and that cannot is refused by name", async () => {
    const { answer, said } = await post("/v1/responses", { ...body, model: "last" });
    expect(answer.status).toBe(404);
    expect(said).toMatchObject({ error: { param: "previous_response_id" } });
  });
});
