// The outline of a prompt: what changes it, what does not, and that it holds no word.

import { describe, expect, test } from "bun:test";
import type { PromptOutline } from "../../../src/canon/prompt-outline.ts";
import { promptLayout } from "../../../src/dialects/prompt-layout.ts";
import { readOutline, KnownHashes } from "../../../src/pipeline/prompt/read-outline.ts";
import { arrayItems, scanObject, skipValue } from "../../../src/wire/json.ts";

type Format = Parameters<typeof promptLayout>[0];

function outlineOf(body: object | string, format: Format = "anthropic-messages"): PromptOutline {
  const bytes = Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
  return readOutline(bytes, scanObject(bytes, 128), promptLayout(format), "m", new KnownHashes());
}

const messagesOf = (...messages: unknown[]): readonly number[] => outlineOf({ messages }).messages;
const mark = { cache_control: { type: "ephemeral", ttl: "5m" } };

describe("cache marks are no part of a prompt", () => {
  test("wherever they stand", () => {
    const block = { type: "image", source: { type: "base64", data: "aaaa" } };
    const plain = messagesOf({ role: "user", content: [block, { type: "text", text: "x" }] });
    const marked: object[] = [
      {
        role: "user",
        content: [
          { ...mark, ...block },
          { type: "text", text: "x" },
        ],
      },
      {
        role: "user",
        content: [
          { ...block, ...mark },
          { type: "text", text: "x", ...mark },
        ],
      },
      {
        role: "user",
        content: [
          { type: "image", ...mark, source: block.source },
          { ...mark, type: "text", text: "x" },
        ],
      },
      { role: "user", content: [block, { type: "text", text: "x", cache_control: null }] },
    ];
    for (const message of marked) expect(messagesOf(message)).toEqual(plain);
  });

  test("written with spaces or not", () => {
    const spaced =
      '{"messages":[{"role":"user","content":[{"type":"text","text":"x" , "cache_control" : {"type":"ephemeral"} },{"type":"a"}]}]}';
    const plain = '{"messages":[{"role":"user","content":[{"type":"text","text":"x" },{"type":"a"}]}]}';
    expect(outlineOf(spaced).messages).toHaveLength(1);
    expect(outlineOf(plain).messages).toHaveLength(1);
  });

  test("but the same words in a client's text are", () => {
    const said = (text: string) => messagesOf({ role: "user", content: text });
    expect(said('"cache_control": {"type":"ephemeral"}')).not.toEqual(said(""));
    expect(said('"cache_control": 1')).not.toEqual(said('"cache_control": 2'));
    const input = (value: string) =>
      messagesOf({
        role: "assistant",
        content: [{ type: "tool_use", name: "x", input: { keys: ["cache_control", value] } }],
      });
    expect(input("a")).not.toEqual(input("b"));
  });

  test("a text alone is the same as its block, with quotes and escapes in it", () => {
    for (const text of ["", "hi", 'a "quoted" \\ word\n', "}]", 'x"}]}', "ü😀", "\\", '\\"']) {
      const alone = messagesOf({ role: "user", content: text });
      expect(messagesOf({ role: "user", content: [{ type: "text", text }] })).toEqual(alone);
      expect(messagesOf({ role: "user", content: [{ type: "text", text, ...mark }] })).toEqual(alone);
      expect(messagesOf({ role: "assistant", content: text })).not.toEqual(alone);
      expect(
        messagesOf({
          role: "user",
          content: [
            { type: "text", text },
            { type: "text", text: "" },
          ],
        }),
      ).not.toEqual(alone);
      expect(outlineOf({ system: text }).system).toEqual(
        outlineOf({ system: [{ type: "text", text, ...mark }] }).system,
      );
    }
  });
});

test("any small change of a prompt changes exactly its place", () => {
  const size = 30;
  const content = (at: number, by: string) =>
    at % 3 === 0
      ? `text ${at}${by}`
      : [
          { type: "text", text: `words of ${at}` },
          {
            type: "tool_result",
            tool_use_id: `t${at}`,
            content: [{ type: "text", text: `result "${at}"${by}` }],
          },
        ];
  const body = (changed: number) => ({
    tools: Array.from({ length: size }, (_, at) => ({
      name: `t${at}`,
      input_schema: { a: at === changed ? "x" : "y" },
    })),
    system: Array.from({ length: size }, (_, at) => ({
      type: "text",
      text: `s${at}${at === changed ? "!" : ""}`,
    })),
    messages: Array.from({ length: size }, (_, at) => ({
      role: at % 2 === 0 ? "user" : "assistant",
      content: content(at, at === changed ? "!" : ""),
    })),
  });
  const base = outlineOf(body(-1));
  for (let changed = 0; changed < size; changed++) {
    const now = outlineOf(body(changed));
    for (const part of ["tools", "system", "messages"] as const) {
      expect(now[part]).toHaveLength(size);
      expect(now[part].flatMap((hash, at) => (hash === base[part][at] ? [] : [at]))).toEqual([changed]);
    }
    expect(now.contentHash).not.toBe(base.contentHash);
  }
  expect(outlineOf(body(-1))).toEqual(base);
});

test("the place of the first message counts the system prompt that stands in the list", () => {
  const { system, messages, firstMessage } = outlineOf(
    {
      messages: [
        { role: "system", content: "a" },
        { role: "developer", content: [{ type: "text", text: "b" }] },
        { role: "user", content: "c" },
        { role: "system", content: "d" },
      ],
    },
    "openai-chat",
  );
  expect([system.length, messages.length, firstMessage]).toEqual([2, 2, 2]);
  expect(outlineOf({ input: "c" }, "openai-responses").messages).toEqual(
    outlineOf({ input: [{ role: "user", content: "c" }] }, "openai-responses").messages,
  );
});

test("options that a prefix does not depend on are none", () => {
  const gemini = (generationConfig: object) =>
    outlineOf({ contents: [], generationConfig }, "google-genai").options;
  expect(gemini({ temperature: 1, maxOutputTokens: 5 })).toBe(gemini({ temperature: 0 }));
  expect(gemini({ thinkingConfig: { thinkingBudget: 1 } })).not.toBe(gemini({}));
  const chat = (more: object) => outlineOf({ messages: [], ...more }, "openai-chat").options;
  expect(chat({ temperature: 1, user: "a", stream: true })).toBe(chat({}));
  expect(chat({ tool_choice: null })).toBe(chat({}));
  for (const more of [{ tool_choice: "auto" }, { reasoning_effort: "low" }])
    expect(chat(more)).not.toBe(chat({}));
  const anthropic = (more: object) => outlineOf({ messages: [], ...more }).options;
  expect(anthropic({ max_tokens: 5, metadata: { user_id: "x" } })).toBe(anthropic({}));
  for (const more of [{ thinking: { type: "adaptive" } }, { output_config: { effort: "low" } }])
    expect(anthropic(more)).not.toBe(anthropic({}));
});

test("a body of any shape has an outline or is refused as broken, and none holds a word", () => {
  const odd: object[] = [
    {},
    { messages: "x", tools: {}, system: 5 },
    { messages: [1, null, "x", [], {}, { content: 5 }, { role: 5, content: {} }], tools: [null, 1, "t", []] },
    {
      contents: [{ parts: "x" }],
      tools: [{ functionDeclarations: 5 }, { functionDeclarations: [1] }],
      systemInstruction: [],
    },
    { input: [5, { type: "function_call" }, { type: 5 }], instructions: ["a", { text: "b" }] },
    {
      messages: [
        { role: "assistant", tool_calls: [null, {}, { function: 5 }], content: [{ type: "tool_use" }] },
      ],
    },
  ];
  for (const body of odd)
    for (const format of ["anthropic-messages", "openai-chat", "openai-responses", "google-genai"] as const) {
      const outline = outlineOf(body, format);
      expect(outline.toolCalls).toEqual([]);
      expect(outline.contentHash).toMatch(/^[0-9a-f]{16}$/);
    }
  const names = outlineOf({
    messages: [
      {
        role: "assistant",
        content: Array.from({ length: 40 }, (_, at) => ({
          type: "tool_use",
          name: `${at}-${"n".repeat(500)}`,
        })),
      },
    ],
  }).toolCalls;
  expect(names).toHaveLength(16);
  expect(Math.max(...names.map(({ length }) => length))).toBe(100);
});

test("values are skipped like JSON.parse reads them", () => {
  const values = [1, -2.5e3, true, null, "a,b]", '"]', [], [[1], "]"], {}, { a: [1, { b: "}" }] }, "\\"];
  for (const indent of [undefined, 2]) {
    const bytes = Buffer.from(JSON.stringify(values, null, indent));
    const items = arrayItems(bytes, 0, 128);
    expect(items.map(({ start, end }) => JSON.parse(bytes.toString("utf8", start, end)) as unknown)).toEqual(
      values,
    );
    expect(skipValue(bytes, 0, 128)).toBe(bytes.length);
  }
  for (const broken of ["[", "[1", '["a', "[,]", "[{]"])
    expect(() => arrayItems(Buffer.from(broken), 0, 128)).toThrow();
});

test("what was looked into before gives the same outline again, turn after turn and past the bound", () => {
  const known = new KnownHashes();
  const layout = promptLayout("anthropic-messages");
  const tools = [{ name: "t", input_schema: { type: "object" } }];
  const read = (messages: readonly object[], hashes: KnownHashes): PromptOutline => {
    const bytes = Buffer.from(JSON.stringify({ model: "m", tools, messages }));
    return readOutline(bytes, scanObject(bytes, 128), layout, "m", hashes);
  };
  const history: object[] = [];
  for (let turn = 0; turn < 30; turn++) {
    history.push({ role: turn % 2 === 0 ? "user" : "assistant", content: `turn ${turn % 7}` });
    const marked = history.map((message, at) => (at === turn ? { ...message, ...mark } : message));
    for (const messages of [history, marked])
      expect(read(messages, known)).toEqual(read(messages, new KnownHashes()));
  }
  const many = Array.from({ length: 21_000 }, (_, at) => ({ role: "user", content: `${at}` }));
  expect(read(many, known).contentHash).toBe(read(many, new KnownHashes()).contentHash);
});
