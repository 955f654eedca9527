// Requests whose model does not take all of them, through the whole gateway: what goes up, what is named, and when a client's own
// bytes are left as they are.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

type Json = Record<string, unknown>;

let vendor: Upstream;
let down: Upstream;
let gateway: TestGateway;

const claude = "claude-sonnet-5-5";

beforeAll(async () => {
  vendor = startUpstream();
  down = startUpstream();
  down.script(() => ({ status: 503, body: { error: { message: "no room" } } }));
  const provider = (backend: string, models: readonly unknown[], of = vendor): Json => ({
    backend,
    base_url: of.url,
    models,
  });
  gateway = await startTestGateway({
    config: {
      providers: {
        anth: provider("anthropic", [
          claude,
          "claude-opus-4-1",
          "claude-opus-4-8",
          { id: "claude-opus-5-5", takes: { sampling: "all", forced_tools: true, thinking_off: true } },
          { id: "house-claude", takes: { sampling: "none", thinking: "adaptive", prefill: false } },
        ]),
        chat: provider("openai-compat", ["gpt-5", "gpt-4o", "plain", "anthropic/claude-sonnet-5.5"]),
        answers: provider("openai-responses", ["gpt-5", "gpt-4o"]),
        gem: provider("google-genai", ["gemini-2.5-pro", "gemini-3.8-flash"]),
        away: provider("anthropic", ["claude-sonnet-4-5"], down),
      },
      aliases: {
        smart: `anth/${claude}`,
        thinker: "chat/gpt-5",
        older: "chat/gpt-4o",
        "thinker-answers": "answers/gpt-5",
        "g-pro": "gem/gemini-2.5-pro",
      },
      fallback_chain: ["away", "anth"],
    },
  });
});
afterAll(async () => {
  await gateway.stop();
  vendor.stop();
  down.stop();
});
beforeEach(() => {
  vendor.reset();
  for (const id of ["anth", "chat", "answers", "gem", "away"]) gateway.app.services.health.reset(id);
});

const requests = {
  chat: {
    path: () => "/v1/chat/completions",
    body: (model: string, prompt: string): Json => ({ model, messages: [{ role: "user", content: prompt }] }),
  },
  responses: {
    path: () => "/v1/responses",
    body: (model: string, prompt: string): Json => ({ model, input: prompt }),
  },
  messages: {
    path: () => "/v1/messages",
    body: (model: string, prompt: string): Json => ({
      model,
      max_tokens: 2_000,
      messages: [{ role: "user", content: prompt }],
    }),
  },
  gemini: {
    path: (model: string) => `/v1beta/models/${model}:generateContent`,
    body: (_model: string, prompt: string): Json => ({
      contents: [{ role: "user", parts: [{ text: prompt }] }],
    }),
  },
};

async function ask(
  door: keyof typeof requests,
  model: string,
  more: Json,
): Promise<{ sent: Json; raw: string; adapted: readonly string[]; said: string }> {
  const { path, body } = requests[door];
  const asked = JSON.stringify({ ...body(model, "say:done"), ...more });
  const answer = await fetch(gateway.url + path(model), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: asked,
  });
  const said = await answer.text();
  expect([answer.status, said]).toEqual([200, said]);
  const last = vendor.requests.at(-1);
  return {
    sent: last?.body ?? {},
    raw: last?.rawBody ?? "",
    adapted: (answer.headers.get("x-clawgate-adapted") ?? "").split(", "),
    said,
  };
}

const schema = { type: "object", properties: {} };

describe("ClawGate's own default model", () => {
  test.each([
    ["chat", { temperature: 0.2, top_p: 0.8 }],
    ["responses", { temperature: 0.2, top_p: 0.8 }],
    ["gemini", { generationConfig: { temperature: 0.2, topP: 0.8 } }],
  ] as const)("gets no sampling parameters from %s", async (door, more) => {
    const { sent, adapted } = await ask(door, `anth/${claude}`, more);
    expect(sent["model"]).toBe(claude);
    expect(sent).not.toHaveProperty("temperature");
    expect(sent).not.toHaveProperty("top_p");
    expect(adapted).toContain("temperature-dropped");
    expect(adapted).toContain("top-p-dropped");
  });

  test.each([
    ["chat", { reasoning_effort: "high" }],
    ["responses", { reasoning: { effort: "high" } }],
    ["gemini", { generationConfig: { thinkingConfig: { thinkingLevel: "HIGH" } } }],
  ] as const)("is asked to think in its own words from %s", async (door, more) => {
    const { sent } = await ask(door, `anth/${claude}`, more);
    expect(sent).toMatchObject({ thinking: { type: "adaptive" }, output_config: { effort: "high" } });
    expect(sent["thinking"]).toEqual({ type: "adaptive" });
  });

  test.each([
    ["chat", { reasoning_effort: "none" }],
    ["gemini", { generationConfig: { thinkingConfig: { thinkingBudget: 0 } } }],
  ] as const)("thinks at least where %s switches it off", async (door, more) => {
    const { sent, adapted } = await ask(door, `anth/${claude}`, more);
    expect(sent).not.toHaveProperty("thinking");
    expect(sent).toMatchObject({ output_config: { effort: "low" } });
    expect(adapted).toContain("thinking-at-least");
  });

  test("a demand for a call becomes a choice, said in words and in the header", async () => {
    const tools = [{ type: "function", function: { name: "look", parameters: schema } }];
    const { sent, adapted } = await ask("chat", `anth/${claude}`, {
      tools,
      tool_choice: { type: "function", function: { name: "look" } },
      reasoning_effort: "medium",
    });
    expect(sent).toMatchObject({ tool_choice: { type: "auto" }, thinking: { type: "adaptive" } });
    expect(JSON.stringify(sent["system"])).toContain("look");
    expect(adapted).toContain("tool-choice-auto");
  });

  test("a last word of the assistant's is followed by a turn of the user's", async () => {
    const { sent, adapted } = await ask("chat", `anth/${claude}`, {
      messages: [
        { role: "user", content: "say:done" },
        { role: "assistant", content: "Sure," },
      ],
    });
    expect(sent["messages"]).toMatchObject([
      { role: "user" },
      { role: "assistant" },
      { role: "user", content: [{ text: "(continued)" }] },
    ]);
    expect(adapted).toContain("prefill-continued");
  });
});

test("tokens are counted in words that the chosen model takes", async () => {
  const count = async (model: string): Promise<Json> => {
    await fetch(`${gateway.url}/v1/messages/count_tokens`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        model,
        messages: [{ role: "user", content: "x" }],
        thinking: { type: "enabled", budget_tokens: 2_000 },
        tools: [{ name: "look", input_schema: schema }],
        tool_choice: { type: "any" },
      }),
    });
    return vendor.requests.at(-1)?.body ?? {};
  };
  expect(await count("smart")).toMatchObject({
    model: claude,
    thinking: { type: "adaptive" },
    tool_choice: { type: "auto" },
  });
  expect(await count(claude)).toMatchObject({ thinking: { type: "enabled" }, tool_choice: { type: "any" } });
});

test("a schema is told in words to a model that is not held to one", async () => {
  const format = {
    type: "json_schema",
    json_schema: { name: "a", schema: { type: "object", title: "Weather" } },
  };
  const { sent, adapted } = await ask("chat", "anth/claude-sonnet-4-0", { response_format: format });
  expect(sent).not.toHaveProperty("output_config");
  expect(JSON.stringify(sent["system"])).toContain("Weather");
  expect(adapted).toContain("json-schema-in-words");
});

test("temperature goes alone to models that take one of the two", async () => {
  const { sent, adapted } = await ask("chat", "anth/claude-opus-4-1", { temperature: 0.2, top_p: 0.8 });
  expect(sent).toMatchObject({ temperature: 0.2 });
  expect(sent).not.toHaveProperty("top_p");
  expect(adapted).toContain("top-p-dropped");
});

test("a forced tool is still forced where the model takes it, and then it does not think", async () => {
  const tools = [{ type: "function", function: { name: "look", parameters: schema } }];
  const more = { tools, tool_choice: "required", reasoning_effort: "high" };
  const { sent, adapted } = await ask("chat", "anth/claude-opus-4-8", more);
  expect(sent).toMatchObject({ tool_choice: { type: "any" }, thinking: { type: "disabled" } });
  expect(adapted).toContain("thinking-off");
});

describe("a body in the vendor's own format", () => {
  const much = {
    temperature: 0.2,
    thinking: { type: "enabled", budget_tokens: 1_500 },
    tools: [{ name: "look", input_schema: schema }],
  };

  test.each([`anth/${claude}`, claude])("passes as it is where the client named %s itself", async (model) => {
    const { sent, adapted } = await ask("messages", model, much);
    expect(sent).toMatchObject(much);
    expect(adapted).toEqual([""]);
  });

  test.each(["smart", "anth"])("is put right where %s chose the model", async (model) => {
    const { sent, adapted } = await ask("messages", model, much);
    expect(sent).toMatchObject({
      model: claude,
      thinking: { type: "adaptive" },
      output_config: { effort: "low" },
    });
    expect(sent).not.toHaveProperty("temperature");
    expect(adapted).toEqual(expect.arrayContaining(["temperature-dropped", "thinking-budget-dropped"]));
  });

  test("is put right where the next target has another model", async () => {
    const { sent } = await ask("messages", "away/claude-sonnet-4-5", { temperature: 0.2, top_p: 0.9 });
    expect(sent["model"]).toBe(claude);
    expect(sent).not.toHaveProperty("temperature");
  });

  test("passes as it is through an alias when the model takes all of it", async () => {
    const fine = {
      thinking: { type: "adaptive" },
      output_config: { effort: "xhigh" },
      beta_member: { a: [1, 2] },
    };
    const { raw, sent } = await ask("messages", "smart", fine);
    expect(sent).toMatchObject(fine);
    expect(raw).toContain('"beta_member":{"a":[1,2]}');
    expect(sent["messages"]).toEqual([{ role: "user", content: "say:done" }]);
  });

  test("of chat completions keeps what only it can say", async () => {
    const { sent, adapted } = await ask("chat", "thinker", {
      n: 2,
      temperature: 0.3,
      max_tokens: 50,
      frequency_penalty: 0.5,
      reasoning_effort: "xhigh",
      messages: [{ role: "user", content: "say:done" }],
    });
    expect(sent).toMatchObject({ n: 2, max_completion_tokens: 50, reasoning_effort: "high" });
    for (const key of ["temperature", "max_tokens", "frequency_penalty"])
      expect(sent).not.toHaveProperty(key);
    expect(adapted).toEqual(
      expect.arrayContaining(["temperature-dropped", "frequency-penalty-dropped", "effort-set:high"]),
    );
  });

  test("of Responses and of Google likewise", async () => {
    const answers = await ask("responses", "thinker-answers", {
      temperature: 0.3,
      reasoning: { effort: "max" },
    });
    expect(answers.sent).not.toHaveProperty("temperature");
    expect(answers.sent).toMatchObject({ reasoning: { effort: "high" } });
    const config = { generationConfig: { thinkingConfig: { thinkingBudget: 0 } } };
    const google = await ask("gemini", "g-pro", config);
    expect(google.sent).toMatchObject({ generationConfig: { thinkingConfig: { thinkingBudget: 128 } } });
    const own = await ask("gemini", "gemini-2.5-pro", config);
    expect(own.sent).toMatchObject(config);
  });
});

describe("OpenAI's reasoning models behind any address", () => {
  test.each(["chat/gpt-5", "answers/gpt-5"])(
    "%s gets neither sampling nor an unknown level",
    async (model) => {
      const { sent, adapted } = await ask("gemini", model, {
        generationConfig: {
          temperature: 0.2,
          maxOutputTokens: 200,
          thinkingConfig: { thinkingBudget: 0 },
        },
      });
      expect(sent).not.toHaveProperty("temperature");
      expect(sent).not.toHaveProperty("max_tokens");
      expect(JSON.stringify(sent)).toContain('"minimal"');
      expect(adapted).toEqual(expect.arrayContaining(["temperature-dropped", "thinking-at-least"]));
    },
  );

  test("stop sequences are looked for here", async () => {
    const { sent, adapted, said } = await ask("messages", "chat/gpt-5", {
      messages: [{ role: "user", content: "say:one END two" }],
      stop_sequences: ["END"],
    });
    expect(sent).not.toHaveProperty("stop");
    expect(sent).toHaveProperty("max_completion_tokens", 2_000);
    expect(adapted).toContain("stop-emulated");
    expect(said).not.toContain("two");
  });

  test("a model that does not think keeps its sampling and its limit's name", async () => {
    const { sent } = await ask("messages", "older", { temperature: 0.2, stop_sequences: ["END"] });
    expect(sent).toMatchObject({ temperature: 0.2, max_tokens: 2_000, stop: ["END"] });
  });

  test("a Claude model sold in OpenAI's format is a Claude model", async () => {
    const { sent, adapted } = await ask("messages", "chat/anthropic/claude-sonnet-5.5", { temperature: 0.2 });
    expect(sent).not.toHaveProperty("temperature");
    expect(adapted).toContain("temperature-dropped");
  });

  test("a name of no family loses nothing", async () => {
    const { sent } = await ask("messages", "chat/plain", {
      temperature: 0.2,
      top_p: 0.9,
      stop_sequences: ["END"],
    });
    expect(sent).toMatchObject({ temperature: 0.2, top_p: 0.9, stop: ["END"] });
  });
});

describe("`models[].takes`", () => {
  test("gives back what the table denies", async () => {
    const tools = [{ type: "function", function: { name: "look", parameters: schema } }];
    const { sent } = await ask("chat", "anth/claude-opus-5-5", {
      temperature: 0.2,
      top_p: 0.8,
      tools,
      tool_choice: "required",
    });
    expect(sent).toMatchObject({ temperature: 0.2, top_p: 0.8, tool_choice: { type: "any" } });
    const off = await ask("chat", "anth/claude-opus-5-5", { reasoning_effort: "none" });
    expect(off.sent).toMatchObject({ thinking: { type: "disabled" } });
  });

  test("denies what no table knows, from every endpoint and under the model's own name", async () => {
    const foreign = await ask("chat", "anth/house-claude", { temperature: 0.2, reasoning_effort: "low" });
    expect(foreign.sent).not.toHaveProperty("temperature");
    expect(foreign.sent).toMatchObject({ thinking: { type: "adaptive" }, output_config: { effort: "low" } });
    const own = await ask("messages", "anth/house-claude", {
      temperature: 0.2,
      messages: [
        { role: "user", content: "say:done" },
        { role: "assistant", content: "Sure," },
      ],
    });
    expect(own.sent).not.toHaveProperty("temperature");
    expect((own.sent["messages"] as Json[]).at(-1)).toMatchObject({ role: "user" });
    expect(own.adapted).toEqual(expect.arrayContaining(["temperature-dropped", "prefill-continued"]));
  });
});
