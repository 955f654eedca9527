import { describe, expect, test } from "bun:test";
import {
  applyQuirks,
  type Quirk,
  quirks,
  type QuirkName,
  quirkJudgeOf,
} from "../../../src/backends/http/quirks.ts";
import { quirksAt } from "../../../src/backends/http/vendors.ts";
import { scanObject } from "../../../src/wire/json.ts";

/** Why a vendor with these quirks takes a body (JSON) for the model only rewritten. */
function reasonsAt(names: Parameters<typeof quirkJudgeOf>[0]) {
  const judge = quirkJudgeOf(names);
  return (json: string, model: string): string | null => {
    const bytes = Buffer.from(json);
    return judge({ scan: scanObject(bytes, 64), bytes }, model);
  };
}

const tools = [{ type: "function", function: { name: "look", parameters: {} } }];

const at = (baseUrl: string, body: Record<string, unknown>): Record<string, unknown> =>
  applyQuirks(quirksAt(baseUrl, "openai-compat"), body);

test("old servers never see stream_options", () => {
  expect(
    applyQuirks(["no-stream-options"], { stream: true, stream_options: { include_usage: true } }),
  ).toEqual({ stream: true });
});

test("several are applied in their order, and the body handed in is not touched", () => {
  const body = Object.freeze({ max_tokens: 5, stream_options: {} });
  expect(applyQuirks(["no-stream-options", "max-completion-tokens"], body)).toEqual({
    max_completion_tokens: 5,
  });
  expect(applyQuirks([], body)).toBe(body);
});

test.each(Object.entries(quirks).map(([name, quirk]) => [name, quirk] as const))(
  "%s has a reason and names what it touches",
  (name, quirk: Quirk) => {
    expect(quirk.reason).toMatch(/\w+ \w+/);
    const acts = [quirk.declines, quirk.toolNames].some((each) => each !== undefined);
    expect(quirk.touches.length > 0 || acts).toBe(true);
    // A body without any touched member passes as bytes, so the rewrite must leave it alone.
    const bare = { model: "some-model", messages: [{ role: "user", content: "hi" }] };
    const untouched = Object.keys(bare).every((key) => !(quirk.touches as readonly string[]).includes(key));
    expect(untouched ? applyQuirks([name as QuirkName], bare) : bare).toEqual(bare);
  },
);

test.each([
  ["https://api.openai.com/v1", "openai-compat", "gpt-5.5", "tool_call_id", 40],
  ["https://openrouter.ai/api/v1", "openai-compat", "openai/gpt-6-sol", "tool_call_id", 40],
  ["https://api.openai.com/v1", "openai-responses", "gpt-5.5", "call_id", 64],
] as const)("%s, %s: longer ids do not pass as bytes for %s", (baseUrl, backend, model, member, longest) => {
  const reasonFor = reasonsAt(quirksAt(baseUrl, backend));
  const body = (length: number, between = ""): string =>
    `{"a":"${member}","messages":[{"${member}"${between}:${between}"${"x".repeat(length)}"}]}`;
  expect(reasonFor(body(longest), model)).toBeNull();
  expect(reasonFor(body(longest + 1), model)).toMatch(/^quirk:openai-(?:tool|call)-ids$/);
  expect(reasonFor(body(longest + 1, " \n"), model)).toMatch(/^quirk:openai-(?:tool|call)-ids$/);
  expect(reasonFor(`{"${member}":7,"b":"${member}"}`, model)).toBeNull();
});

test("another maker's model at a reseller takes whatever ids there are", () => {
  const body = `{"tool_call_id":"${"x".repeat(90)}"}`;
  for (const baseUrl of ["https://openrouter.ai/api/v1", "https://api.deepseek.com/v1"])
    expect(reasonsAt(quirksAt(baseUrl, "openai-compat"))(body, "deepseek/deepseek-v4.1-flash")).toBeNull();
});

test.each([
  ["https://api.openai.com/v1", "gpt-6-luna", "max_tokens", "quirk:max-completion-tokens"],
  ["https://api.openai.com/v1", "gpt-6-luna", "tools", "quirk:openai-tools-without-effort"],
  ["https://api.openai.com/v1", "gpt-4o", "max_tokens", "quirk:max-completion-tokens"],
  ["https://api.openai.com/v1", "gpt-4o", "tools", null],
  ["https://api.deepseek.com/v1", "deepseek-chat", "model", "quirk:deepseek-retired-names"],
  ["https://api.deepseek.com/v1", "deepseek-flash", "model", null],
  ["https://api.deepseek.com/v1", "deepseek-flash", "tools", "quirk:reasoning-content-returned"],
  ["https://example.org/v1", "gpt-4o", "tools", null],
])("%s, %s: a body with %s passes as bytes unless %s", (baseUrl, model, member, reason) => {
  expect(reasonsAt(quirksAt(baseUrl, "openai-compat"))(`{"${member}":[]}`, model)).toBe(reason as null);
});

describe("OpenAI", () => {
  const openai = "https://api.openai.com/v1";

  test("is sent max_completion_tokens, and the client's own one stays", () => {
    expect(at(openai, { max_tokens: 5 })).toEqual({ max_completion_tokens: 5 });
    expect(at(openai, { max_tokens: 5, max_completion_tokens: 7 })).toEqual({ max_completion_tokens: 7 });
    expect(at(openai, { model: "m" })).toEqual({ model: "m" });
  });

  test("gets tools for models since gpt-5.4 with effort none, which it takes nowhere else", () => {
    for (const model of ["gpt-5.4", "gpt-5.4-mini", "gpt-5.6-terra", "gpt-6-luna", "gpt-6.1-sol"]) {
      expect(at(openai, { model, tools, reasoning_effort: "high" })["reasoning_effort"]).toBe("none");
      expect(at(openai, { model, tools })["reasoning_effort"]).toBe("none");
      expect(at(openai, { model, reasoning_effort: "high" })["reasoning_effort"]).toBe("high");
      expect(at(openai, { model, tools: [] })["reasoning_effort"]).toBeUndefined();
    }
    for (const model of ["gpt-4o", "gpt-5", "gpt-5.1", "gpt-5-mini", "o3", "gpt-oss-120b"])
      expect(at(openai, { model, tools, reasoning_effort: "high" })["reasoning_effort"]).toBe("high");
  });
});

describe("DeepSeek", () => {
  const deepseek = "https://api.deepseek.com/v1";

  test("gets its retired names as what they were: its flash model without and with thinking", () => {
    expect(at(deepseek, { model: "deepseek-chat", stream: true })).toEqual({
      model: "deepseek-flash",
      stream: true,
      thinking: { type: "disabled" },
    });
    expect(at(deepseek, { model: "deepseek-reasoner" })).toEqual({
      model: "deepseek-flash",
      thinking: { type: "enabled" },
    });
  });

  test("hears the client where it speaks of thinking itself, and other names stay", () => {
    expect(at(deepseek, { model: "deepseek-chat", reasoning_effort: "high" })).toEqual({
      model: "deepseek-flash",
      reasoning_effort: "high",
    });
    expect(at(deepseek, { model: "deepseek-reasoner", thinking: { type: "disabled" } })).toEqual({
      model: "deepseek-flash",
      thinking: { type: "disabled" },
    });
    for (const model of ["deepseek-flash", "deepseek-v4-pro", "deepseek-chat-v3"])
      expect(at(deepseek, { model })).toEqual({ model });
  });

  test("gets reasoning_content with every earlier answer, empty where the client kept none", () => {
    const call = { id: "call_1", type: "function", function: { name: "look", arguments: "{}" } };
    const messages = [
      { role: "user", content: "look" },
      { role: "assistant", content: null, tool_calls: [call] },
      { role: "tool", tool_call_id: "call_1", content: "sunny" },
      { role: "assistant", content: "ok", reasoning_content: "because" },
    ];
    expect(at(deepseek, { model: "deepseek-flash", messages, tools })["messages"]).toEqual([
      messages[0],
      { ...messages[1], reasoning_content: "" },
      messages[2],
      messages[3],
    ]);
  });
});

describe("Mistral", () => {
  const mistral = "https://api.mistral.ai/v1";

  test("gets ids of nine letters and digits, the same for a call and its result in every turn", () => {
    const idsOf = (id: string): readonly unknown[] => {
      const { messages } = at(mistral, {
        model: "mistral-medium-latest",
        tools,
        messages: [
          { role: "assistant", content: null, tool_calls: [{ id, type: "function", function: {} }] },
          { role: "tool", tool_call_id: id, content: "ok" },
        ],
      }) as { messages: [{ tool_calls: [{ id: string }] }, { tool_call_id: string }] };
      return [messages[0].tool_calls[0].id, messages[1].tool_call_id];
    };
    const [call, result] = idsOf("toolu_01A09q90qw90lq917835lq9");
    expect(call).toMatch(/^[a-zA-Z0-9]{9}$/);
    expect(result).toBe(call);
    expect(idsOf("toolu_01A09q90qw90lq917835lq9")).toEqual([call, call]);
    expect(idsOf("call_2")[0]).not.toBe(idsOf("call_3")[0]);
    expect(idsOf("D681PevKs")).toEqual(["D681PevKs", "D681PevKs"]);
  });

  test("sees no member that it does not know, and its own names for two of them", () => {
    const body = {
      model: "mistral-medium-latest",
      messages: [{ role: "assistant", content: "a", reasoning_content: "r", name: "n" }],
      stream: true,
      stream_options: { include_usage: true },
      store: false,
      user: "u",
      metadata: {},
      logit_bias: {},
      prompt_cache_key: "p",
      seed: 0,
      max_completion_tokens: 9,
      temperature: 0.5,
    };
    expect(at(mistral, body)).toEqual({
      model: "mistral-medium-latest",
      messages: [{ role: "assistant", content: "a" }],
      stream: true,
      random_seed: 0,
      max_tokens: 9,
      temperature: 0.5,
    });
  });

  test("does not pass a stream as bytes, which would ask for usage", () => {
    expect(reasonsAt(quirksAt(mistral, "openai-compat"))('{"stream":true}', "mistral-large-latest")).toBe(
      "quirk:mistral-members",
    );
  });
});

test("Groq sees none of the members that it answers with 400", () => {
  const body = { model: "openai/gpt-oss-120b", logprobs: true, top_logprobs: 3, logit_bias: {}, seed: 1 };
  expect(at("https://api.groq.com/openai/v1", body)).toEqual({ model: "openai/gpt-oss-120b", seed: 1 });
});

test("Cerebras sees none of the members that it answers with 400", () => {
  const body = {
    model: "gpt-oss-120b",
    frequency_penalty: 0,
    presence_penalty: 0,
    logit_bias: {},
    store: false,
    verbosity: "low",
    prompt_cache_key: "p",
    stop: ["x"],
  };
  expect(at("https://api.cerebras.ai/v1", body)).toEqual({ model: "gpt-oss-120b", stop: ["x"] });
});

test("xAI's reasoning models see no penalties and no stop words, the others do", () => {
  const rest = { presence_penalty: 0, frequency_penalty: 0, stop: ["x"] };
  expect(at("https://api.x.ai/v1", { model: "grok-4.7", top_p: 1, ...rest })).toEqual({
    model: "grok-4.7",
    top_p: 1,
  });
  const other = { model: "grok-4.20-non-reasoning", ...rest };
  expect(at("https://api.x.ai/v1", other)).toEqual(other);
});

test("Kimi models at both addresses keep their own sampling, Moonshot's older models take the client's", () => {
  const sampling = { temperature: 0.2, top_p: 0.9, n: 1, presence_penalty: 0, frequency_penalty: 0 };
  expect(at("https://api.moonshot.ai/v1", { model: "kimi-k2.6", ...sampling })).toEqual({
    model: "kimi-k2.6",
  });
  expect(at("https://api.kimi.com/coding/v1", { model: "k3", ...sampling })).toEqual({ model: "k3" });
  const older = { model: "moonshot-v1-8k", ...sampling };
  expect(at("https://api.moonshot.ai/v1", older)).toEqual(older);
});

test("MiniMax's newer models decide themselves how much they think", () => {
  const enabled = { type: "enabled", budget_tokens: 2_000 };
  const sent = (model: string, thinking: object): unknown =>
    applyQuirks(quirksAt("https://api.minimax.io/anthropic/v1", "anthropic"), { model, thinking })[
      "thinking"
    ];
  expect(sent("MiniMax-M3", enabled)).toEqual({ type: "adaptive" });
  expect(sent("MiniMax-M3", { type: "disabled" })).toEqual({ type: "disabled" });
  expect(sent("MiniMax-M2.7", enabled)).toEqual(enabled);
});

test("DeepSeek's Messages address: calls without their thoughts, and no thinking then", () => {
  const names = quirksAt("https://api.deepseek.com/anthropic/v1", "anthropic");
  const call = { type: "tool_use", id: "t", name: "f", input: {} };
  const thought = { type: "thinking", thinking: "Hm.", signature: "s" };
  const body = (...content: object[]): Record<string, unknown> => ({
    model: "deepseek-v4-pro",
    thinking: { type: "enabled", budget_tokens: 2_000 },
    messages: [
      { role: "user", content: "x" },
      { role: "assistant", content },
    ],
  });
  const notes: string[] = [];
  const sent = applyQuirks(names, body(call), (each) => notes.push(each));
  expect(sent["thinking"]).toEqual({ type: "disabled" });
  expect(notes).toEqual(["thinking-off"]);
  expect(applyQuirks(names, body(thought, call))["thinking"]).toEqual({
    type: "enabled",
    budget_tokens: 2_000,
  });
  const reasonFor = reasonsAt(names);
  expect(reasonFor(JSON.stringify(body(call)), "deepseek-v4-pro")).toBe("quirk:tool-thoughts-or-none");
  expect(reasonFor(JSON.stringify(body(thought, call)), "deepseek-v4-pro")).toBeNull();
});

test("Groq gets thoughts under its own name only, and models that do not think none", () => {
  const names = quirksAt("https://api.groq.com/openai/v1", "openai-compat");
  const said = { role: "assistant", content: "a" };
  const body = (model: string, thought: object): Record<string, unknown> => ({
    model,
    messages: [
      { role: "user", content: "x" },
      { ...said, ...thought },
    ],
  });
  const sent = (model: string, thought: object): unknown =>
    (applyQuirks(names, body(model, thought))["messages"] as unknown[])[1];
  expect(sent("openai/gpt-oss-120b", { reasoning_content: "Hm." })).toEqual(said);
  expect(sent("openai/gpt-oss-120b", { reasoning: "Hm." })).toEqual({ ...said, reasoning: "Hm." });
  expect(sent("llama-3.3-70b-versatile", { reasoning: "Hm." })).toEqual(said);
  const plain = body("openai/gpt-oss-120b", {});
  expect(applyQuirks(names, plain)).toBe(plain);
  const reasonFor = reasonsAt(names);
  expect(reasonFor(JSON.stringify(body("m", { reasoning_content: "Hm." })), "m")).toBe("quirk:groq-thoughts");
  expect(reasonFor(JSON.stringify(plain), "m")).toBeNull();
});

test("Mistral gets an answer back without what OpenAI's SDK keeps beside it", () => {
  const kept = { role: "assistant", content: "a" };
  const echo = { ...kept, refusal: null, annotations: [], audio: null, function_call: null };
  const sent = applyQuirks(["mistral-members"], { model: "m", messages: [echo] });
  expect(sent["messages"]).toEqual([kept]);
});
