// What each format notes of what it changes or leaves out, said at the deed itself; and that it says nothing of what it keeps.

import { describe, expect, test } from "bun:test";
import { type Block, type ChatRequest, type DialectName, emptyRequest } from "../../src/canon/request.ts";
import { takesOf } from "../../src/catalog/model-takes.ts";
import { safeName } from "../../src/dialects/adaptation-notes.ts";
import type { TargetFacts } from "../../src/dialects/dialect.ts";
import { dialects } from "../../src/dialects/dialect-table.ts";

const names = Object.keys(dialects) as DialectName[];
const target: TargetFacts = { model: "m", defaultMaxTokens: 4_096, maxOutput: null };
const image = {
  type: "image",
  source: { kind: "base64", mediaType: "image/png", data: "iVBORw0KGgo=" },
} as const;
const text = (words: string): Block => ({ type: "text", text: words });
const user = (...content: Block[]) => ({ role: "user", content }) as const;
const assistant = (...content: Block[]) => ({ role: "assistant", content }) as const;
const call = (id: string, input = "{}"): Block => ({ type: "tool-call", id, name: "look", input });
const result = (callId: string, ...content: Extract<Block, { type: "tool-result" }>["content"]): Block => ({
  type: "tool-result",
  callId,
  content,
  isError: false,
});
const tools = [{ name: "look", description: null, schema: { type: "object" } }];

function notesOf(
  dialect: DialectName,
  change: Partial<ChatRequest>,
  facts: Partial<TargetFacts> = {},
): string[] {
  const notes = new Set<string>();
  const request = { ...emptyRequest, model: "m", messages: [user(text("hi"))], maxTokens: 100, ...change };
  const { backend } = dialects[dialect];
  const takes = facts.model === undefined ? null : takesOf(facts.model);
  backend.encodeRequest(request, { ...target, takes, ...facts }, (adaptation) => notes.add(adaptation));
  return [...notes].toSorted();
}

type Words = Partial<Record<DialectName, readonly string[]>>;
type Case = readonly [what: string, change: Partial<ChatRequest>, words: Words, facts?: Partial<TargetFacts>];

const everywhere = (...words: readonly string[]): Words =>
  Object.fromEntries(names.map((name) => [name, words]));

const cases: readonly Case[] = [
  ["a plain question", {}, {}],
  [
    "tools, sampling, a schema, a user",
    {
      tools,
      toolChoice: { type: "auto" },
      temperature: 0.5,
      topP: 0.9,
      user: "u",
      format: { type: "json-schema", name: "a", schema: { type: "object" }, strict: true },
      messages: [
        user(text("a"), image),
        assistant(text("b"), call("c1")),
        user(result("c1", { type: "text", text: "r" })),
      ],
    },
    {},
  ],
  [
    "an unsigned thought of nobody's",
    {
      messages: [
        user(text("a")),
        assistant({ type: "thinking", text: "t", signature: null }, text("b")),
        user(text("c")),
      ],
    },
    everywhere("thinking-blocks-dropped"),
  ],
  [
    "redacted thoughts of Anthropic's",
    {
      messages: [
        user(text("a")),
        assistant(
          { type: "opaque", dialect: "anthropic-messages", value: { type: "redacted_thinking", data: "x" } },
          text("b"),
        ),
        user(text("c")),
      ],
    },
    {
      "openai-chat": ["thinking-blocks-dropped"],
      "openai-responses": ["thinking-blocks-dropped"],
      "google-genai": ["thinking-blocks-dropped"],
    },
  ],
  [
    "a picture in a result",
    { tools, messages: [user(text("a")), assistant(call("c1")), user(result("c1", image))] },
    { "openai-chat": ["tool-result-images-moved"] },
  ],
  [
    "a picture in a result, for an older Gemini",
    { tools, messages: [user(text("a")), assistant(call("c1")), user(result("c1", image))] },
    { "openai-chat": ["tool-result-images-moved"], "google-genai": ["tool-result-images-moved"] },
    { model: "gemini-2.5-flash" },
  ],
  [
    "ids that only some vendors make",
    { tools, messages: [user(text("a")), assistant(call("a b")), user(result("a b"))] },
    {
      "openai-chat": ["tool-ids-rewritten"],
      "openai-responses": ["tool-ids-rewritten"],
      "anthropic-messages": ["tool-ids-rewritten"],
    },
  ],
  [
    "arguments that are no JSON",
    { tools, messages: [user(text("a")), assistant(call("c1", "{broken")), user(result("c1"))] },
    {
      "anthropic-messages": ["tool-input-wrapped"],
      "google-genai": ["tool-input-wrapped"],
      "openai-chat": ["tool-input-wrapped"],
      "openai-responses": ["tool-input-wrapped"],
    },
  ],
  [
    "a call whose result is gone, a result whose call is gone",
    { tools, messages: [user(text("a")), assistant(call("c1")), user(result("c2"), text("b"))] },
    {
      "anthropic-messages": ["tool-results-as-text", "tool-results-filled-in"],
      "google-genai": ["tool-results-as-text", "tool-results-filled-in"],
      "openai-chat": ["tool-results-as-text", "tool-results-filled-in"],
      "openai-responses": ["tool-results-as-text", "tool-results-filled-in"],
    },
  ],
  [
    "calls without tools",
    { messages: [user(text("a")), assistant(call("c1")), user(result("c1"))] },
    { "anthropic-messages": ["tools-declared-from-history"] },
  ],
  [
    "a system message in the middle",
    {
      messages: [
        user(text("a")),
        { role: "system", content: [text("s")] },
        assistant(text("b")),
        user(text("c")),
      ],
    },
    {
      "anthropic-messages": ["system-messages-moved"],
      "openai-chat": ["system-messages-moved"],
      "google-genai": ["system-messages-as-user"],
    },
  ],
  [
    "a history that begins with an answer",
    { messages: [assistant(text("b")), user(text("c"))] },
    {
      "anthropic-messages": ["user-turn-added"],
      "openai-chat": ["user-turn-added"],
      "google-genai": ["user-turn-added"],
    },
  ],
  [
    "a limit above the ceiling",
    { maxTokens: 9_000 },
    everywhere("max-tokens-cut:8192"),
    { maxOutput: 8_192 },
  ],
  ["no limit", { maxTokens: null }, { "anthropic-messages": ["max-tokens-set:4096"] }],
  ["a very small limit", { maxTokens: 5 }, { "openai-responses": ["max-tokens-raised:16"] }],
  ["top_k", { topK: 5 }, { "openai-chat": ["top-k-dropped"], "openai-responses": ["top-k-dropped"] }],
  ["a high temperature", { temperature: 1.5 }, { "anthropic-messages": ["temperature-cut:1"] }],
  [
    "sampling beside thinking",
    { maxTokens: 9_000, effort: "low", temperature: 0.5, topP: 0.5, topK: 5 },
    {
      "anthropic-messages": ["temperature-dropped", "top-k-dropped", "top-p-dropped"],
      "openai-chat": ["top-k-dropped"],
      "openai-responses": ["top-k-dropped"],
    },
  ],
  [
    "thinking beside a forced call",
    { tools, toolChoice: { type: "required" }, effort: "low" },
    { "anthropic-messages": ["thinking-off"] },
  ],
  [
    "a JSON object of any shape",
    { format: { type: "json-object" } },
    { "anthropic-messages": ["json-object-in-words"] },
  ],
  ["one call at a time", { tools, parallelTools: false }, { "google-genai": ["one-call-at-a-time-dropped"] }],
  [
    "an effort, for a model that cannot think",
    { effort: "high" },
    everywhere("thinking-off"),
    { canThink: false },
  ],
  [
    "a budget, for a model that cannot think",
    { thinking: { mode: "budget", budgetTokens: 2_000 } },
    everywhere("thinking-off"),
    { canThink: false },
  ],
  ["no thinking, for a model that cannot", { thinking: { mode: "off" } }, {}, { canThink: false }],
  [
    "no thinking, for a model that can",
    { thinking: { mode: "off" } },
    {
      "openai-chat": ["thinking-off-dropped"],
      "openai-responses": ["thinking-off-dropped"],
      "google-genai": ["thinking-at-least"],
    },
    { canThink: true, model: "gemini-2.5-pro" },
  ],
  [
    "thinking, for a Gemini that came before it",
    { effort: "high", maxTokens: 90_000 },
    { "google-genai": ["thinking-off"] },
    { model: "gemini-2.0-flash" },
  ],
  [
    "a budget beyond the model's",
    { thinking: { mode: "budget", budgetTokens: 60_000 }, maxTokens: 90_000 },
    { "google-genai": ["thinking-cut:24576"] },
    { model: "gemini-2.5-flash" },
  ],
];

const named = cases.map(([what, change, words, facts = {}]) => ({ what, change, words, facts }));

describe.each(names)("toward %s", (name) => {
  test.each(named)("$what", ({ change, words, facts }) => {
    expect(notesOf(name, change, facts)).toEqual([...(words[name] ?? [])]);
  });

  test("a request for thinking is not sent to a model that cannot think", () => {
    const asked = { ...emptyRequest, model: "m", messages: [user(text("hi"))], effort: "high" } as const;
    const body = JSON.stringify(dialects[name].backend.encodeRequest(asked, { ...target, canThink: false }));
    expect(body).not.toMatch(/effort|thinking|reasoning/i);
  });
});

describe("stop sequences that a format cannot say are named and left out", () => {
  const stop = ["\n", "END", "3", "4", "5", "6"];
  test.each([
    ["openai-chat", []],
    ["openai-responses", stop],
    ["anthropic-messages", ["\n"]],
    ["google-genai", ["6"]],
  ] as const)("%s", (name, expected) => {
    const { backend } = dialects[name];
    const request = { ...emptyRequest, messages: [user(text("hi"))], stop };
    const unsaid = backend.unsupportedStops?.(request, target) ?? [];
    expect(unsaid).toEqual([...expected]);
    const body = JSON.stringify(backend.encodeRequest(request, target));
    for (const each of stop.filter((one) => one !== "3" && one !== "4" && one !== "5"))
      expect(body.includes(JSON.stringify(each))).toBe(!unsaid.includes(each));
  });
});

describe("a tool whose arguments must follow its schema to the letter", () => {
  const schema = { type: "object", properties: {}, required: [], additionalProperties: false };
  const asked: Partial<Record<DialectName, unknown>> = {
    "openai-chat": {
      model: "m",
      messages: [{ role: "user", content: "a" }],
      tools: [{ type: "function", function: { name: "f", parameters: schema, strict: true } }],
    },
    "openai-responses": {
      model: "m",
      input: "a",
      tools: [{ type: "function", name: "f", parameters: schema, strict: true }],
    },
    "anthropic-messages": {
      model: "m",
      max_tokens: 5,
      messages: [{ role: "user", content: "a" }],
      tools: [{ name: "f", input_schema: schema, strict: true }],
    },
  };
  const pairs = (Object.keys(asked) as DialectName[]).flatMap((from) =>
    (Object.keys(dialects) as DialectName[]).map((to) => [from, to] as const),
  );

  test.each(pairs)("%s over %s: asked for, or named as left out", (from, to) => {
    const notes: string[] = [];
    const request = dialects[from].client.decodeRequest(asked[from]);
    const body = dialects[to].backend.encodeRequest(
      request,
      { model: "m", defaultMaxTokens: 5, maxOutput: null },
      (adaptation) => notes.push(adaptation),
    );
    const isSaid = JSON.stringify(body["tools"]).includes('"strict":true');
    expect(isSaid).toBe(to.startsWith("openai") || from === to);
    expect(notes.includes("strict-tools-dropped")).toBe(!isSaid);
  });
});

describe("what a client format leaves behind on the way to another format", () => {
  const lost = (name: DialectName, body: unknown): string[] => {
    const notes = new Set<string>();
    const { client } = dialects[name];
    client.noteLosses(client.decodeRequest(body), (adaptation) => notes.add(adaptation));
    return [...notes].toSorted();
  };

  test("openai-chat", () => {
    const messages = [{ role: "user", content: "a" }];
    expect(lost("openai-chat", { model: "m", messages, seed: 0, presence_penalty: 0, store: false })).toEqual(
      [],
    );
    expect(
      lost("openai-chat", { model: "m", messages, seed: 1, frequency_penalty: 1, logit_bias: { 1: 2 } }),
    ).toEqual(["frequency-penalty-dropped", "logit-bias-dropped", "seed-dropped"]);
    const bookKeeping = { metadata: { a: "b" }, store: true, prompt_cache_key: "k", service_tier: "auto" };
    expect(lost("openai-chat", { model: "m", messages, ...bookKeeping })).toEqual([]);
    expect(lost("openai-chat", { model: "m", messages, service_tier: "flex", top_k: 4 })).toEqual([
      "member-dropped:service_tier",
      "member-dropped:top_k",
    ]);
  });

  test("anthropic-messages", () => {
    const body = { model: "m", max_tokens: 5, messages: [{ role: "user", content: "a" }] };
    expect(lost("anthropic-messages", body)).toEqual([]);
    const cache_control = { type: "ephemeral" };
    const content = [{ type: "text", text: "a", cache_control }];
    expect(
      lost("anthropic-messages", {
        ...body,
        messages: [{ role: "user", content }],
        context_management: { edits: [] },
      }),
    ).toEqual(["cache-marks-dropped", "context-management-dropped"]);
    expect(lost("anthropic-messages", { ...body, system: content })).toEqual(["cache-marks-dropped"]);
    expect(lost("anthropic-messages", { ...body, cache_control })).toEqual(["cache-marks-dropped"]);
    const begun = [...body.messages, { role: "assistant", content: "{" }];
    expect(lost("anthropic-messages", { ...body, messages: begun })).toEqual(["prefill-as-message"]);
    expect(lost("anthropic-messages", { ...body, speed: "fast", service_tier: "auto" })).toEqual([
      "member-dropped:speed",
    ]);
  });

  test.each([
    ["thinking", { type: "deep" }, "thinking.type"],
    ["output_config", { effort: "colossal" }, "output_config.effort"],
    ["output_config", { format: { type: "xml" } }, "output_config.format"],
    ["inference_geo", "eu", "inference_geo"],
  ])("anthropic-messages: %s %j cannot be left behind", (member, value, param) => {
    const { client } = dialects["anthropic-messages"];
    const body = { model: "m", max_tokens: 5, messages: [{ role: "user", content: "a" }], [member]: value };
    expect(client.refuseTranslation(client.decodeRequest(body))?.param).toBe(param);
  });

  test("openai-responses: log probabilities cannot be left behind", () => {
    const { client } = dialects["openai-responses"];
    const include = ["reasoning.encrypted_content", "message.output_text.logprobs"];
    const asked = client.decodeRequest({ model: "m", input: "a", include });
    expect(client.refuseTranslation(asked)?.param).toBe("include");
  });

  test("openai-responses: searches and stored reasoning of the history", () => {
    const said = { type: "message", role: "assistant", content: [{ type: "output_text", text: "b" }] };
    const input = [
      { role: "user", content: "a" },
      { type: "item_reference", id: "rs_1" },
      { type: "web_search_call", id: "ws_1", status: "completed", action: { type: "search", query: "q" } },
      said,
      { role: "user", content: "c" },
    ];
    expect(lost("openai-responses", { model: "m", input })).toEqual([
      "hosted-calls-dropped:web_search_call",
      "thinking-blocks-dropped",
    ]);
  });

  test("openai-responses", () => {
    expect(lost("openai-responses", { model: "m", input: "a", store: false, text: {} })).toEqual([]);
    const body = {
      model: "m",
      input: "a",
      truncation: "auto",
      text: { verbosity: "low" },
      tools: [{ type: "web_search" }, { type: "tool_search" }, { type: "custom", name: "apply_patch" }],
    };
    expect(lost("openai-responses", body)).toEqual([
      "custom-tools-as-functions",
      "hosted-tools-dropped:tool_search",
      "hosted-tools-dropped:web_search",
      "truncation-dropped",
      "verbosity-dropped",
    ]);
    expect(
      lost("openai-responses", { model: "m", input: "a", truncation: "disabled", context_management: [{}] }),
    ).toEqual(["member-dropped:context_management"]);
  });

  test("google-genai", () => {
    const contents = [{ role: "user", parts: [{ text: "a" }] }];
    expect(lost("google-genai", { contents, generationConfig: { temperature: 1 } })).toEqual([]);
    const sealed = [
      ...contents,
      { role: "model", parts: [{ text: "b", thoughtSignature: "c2VhbA==" }] },
      ...contents,
    ];
    expect(
      lost("google-genai", { contents: sealed, safetySettings: [{}], generationConfig: { seed: 4 } }),
    ).toEqual(["safety-settings-dropped", "seed-dropped", "thinking-blocks-dropped"]);
    const speech = { contents, labels: { a: "b" }, generationConfig: { speechConfig: {}, zzz: 1 } };
    expect(lost("google-genai", speech)).toEqual(["member-dropped:speechConfig", "member-dropped:zzz"]);
  });
});

test("names out of a client's body are safe in a header", () => {
  expect(safeName("web_search\r\nx-evil: 1")).toBe("web_search_x-evil_1");
  expect(safeName("suche-ü")).toBe("suche-_");
  expect(safeName("x".repeat(100))).toHaveLength(40);
  expect(safeName(undefined)).toBe("undefined");
});
