// Why a turn of a conversation found less in the vendor's prompt cache than the turn before it had left there, what that cost, which
// tools were run before it. The whole app, in four formats, as bytes that pass and translated.

import { afterEach, expect, test } from "bun:test";
import type { RequestRecord, UnpricedRecord } from "../../src/canon/record.ts";
import { systemClock } from "../../src/system/clock.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { startUpstream, type Recorded, type Upstream } from "../support/upstream.ts";

type Json = Record<string, unknown>;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).toReversed()) await clean();
});

/** Tokens of the next answer. */
type Tokens = { readonly input: number; readonly cached: number | null; readonly written: number };

const formats = ["anthropic", "chat", "responses", "gemini"] as const;
type Format = (typeof formats)[number];

const price = { input: 10, output: 10, cache_read: 1, cache_write: 12 };
/** Full price less that of cached tokens, in nano-USD. */
const missPrice = 9_000;

function answerOf({ path }: Recorded, { input, cached, written }: Tokens): object {
  if (path.endsWith("/messages"))
    return {
      id: "msg_1",
      type: "message",
      role: "assistant",
      model: "m",
      content: [{ type: "text", text: "ok" }],
      stop_reason: "end_turn",
      stop_sequence: null,
      usage: {
        input_tokens: input - (cached ?? 0) - written,
        ...(cached === null ? {} : { cache_read_input_tokens: cached, cache_creation_input_tokens: written }),
        output_tokens: 5,
      },
    };
  const details = cached === null ? {} : { cached_tokens: cached };
  if (path.endsWith("/chat/completions"))
    return {
      id: "c",
      object: "chat.completion",
      created: 1,
      model: "m",
      choices: [{ index: 0, message: { role: "assistant", content: "ok" }, finish_reason: "stop" }],
      usage: {
        prompt_tokens: input,
        completion_tokens: 5,
        total_tokens: input + 5,
        prompt_tokens_details: details,
      },
    };
  if (path.endsWith("/responses"))
    return {
      id: "resp_1",
      object: "response",
      created_at: 1,
      status: "completed",
      model: "m",
      output: [
        {
          type: "message",
          id: "msg_1",
          status: "completed",
          role: "assistant",
          content: [{ type: "output_text", text: "ok", annotations: [] }],
        },
      ],
      usage: {
        input_tokens: input,
        output_tokens: 5,
        total_tokens: input + 5,
        input_tokens_details: details,
      },
    };
  return {
    candidates: [{ index: 0, content: { role: "model", parts: [{ text: "ok" }] }, finishReason: "STOP" }],
    modelVersion: "m",
    usageMetadata: {
      promptTokenCount: input,
      candidatesTokenCount: 5,
      totalTokenCount: input + 5,
      ...(cached === null ? {} : { cachedContentTokenCount: cached }),
    },
  };
}

class Talk {
  tokens: Tokens = { input: 0, cached: 0, written: 0 };
  constructor(
    readonly gateway: TestGateway,
    readonly clock: { advance(ms: number): void },
    readonly vendor: Upstream,
  ) {
    vendor.script((request) => ({ status: 200, body: answerOf(request, this.tokens) }));
  }

  /** The record of one turn. */
  async turn(
    format: Format,
    body: Json,
    tokens: Tokens,
    more: Record<string, string> = {},
  ): Promise<RequestRecord> {
    this.tokens = tokens;
    const { model = "anth", ...rest } = body as { model?: string };
    const path = {
      anthropic: "/v1/messages",
      chat: "/v1/chat/completions",
      responses: "/v1/responses",
      gemini: `/v1beta/models/${encodeURIComponent(model)}:generateContent`,
    }[format];
    const answer = await fetch(this.gateway.url + path, {
      method: "POST",
      headers: { "content-type": "application/json", "x-session-id": "s", ...more },
      body: JSON.stringify(format === "gemini" ? rest : { model, ...rest }),
    });
    expect([format, answer.status, answer.status === 200 ? "" : await answer.clone().text()]).toEqual([
      format,
      200,
      "",
    ]);
    await answer.text();
    const record = await this.gateway.recordOf(answer);
    // The prompt is read a little later, with others.
    const { prompt } = record as UnpricedRecord;
    while (prompt?.outline === null) await new Promise((resolve) => setImmediate(resolve));
    return record;
  }
}

async function open(): Promise<Talk> {
  const vendor = startUpstream();
  cleanups.push(() => vendor.stop());
  let later = 0;
  const clock = { ...systemClock, nowMs: () => systemClock.nowMs() + later };
  const provider = (backend: string) => ({
    backend,
    base_url: vendor.url,
    api_key: "vendor-secret-key",
    models: ["m", "n"],
    pricing: price,
  });
  const gateway = await startTestGateway({
    clock,
    config: {
      health: { check_interval_seconds: 0 },
      providers: {
        anth: provider("anthropic"),
        other: provider("anthropic"),
        chat: provider("openai-compat"),
        responses: provider("openai-responses"),
        gemini: provider("google-genai"),
      },
      fallback_chain: ["anth"],
    },
  });
  cleanups.push(gateway.stop);
  return new Talk(gateway, { advance: (ms) => void (later += ms) }, vendor);
}

const own: Record<Format, string> = {
  anthropic: "anth",
  chat: "chat",
  responses: "responses",
  gemini: "gemini",
};

type Parts = {
  readonly tools?: readonly string[];
  readonly system?: string;
  readonly texts?: readonly string[];
  readonly options?: Json;
};
const schema = { type: "object", properties: {} };

/** The same prompt in each format: user and model in turns. */
function promptOf(format: Format, parts: Parts): Json {
  const { tools = ["read", "write", "run"], system = "You help.", texts = ["one"], options = {} } = parts;
  const roleAt = (at: number): string =>
    at % 2 === 0 ? "user" : format === "gemini" ? "model" : "assistant";
  const messages = texts.map((content, at) => ({ role: roleAt(at), content }));
  switch (format) {
    case "anthropic":
      return {
        max_tokens: 50,
        system: [{ type: "text", text: system }],
        tools: tools.map((name) => ({ name, description: name, input_schema: schema })),
        messages,
        ...options,
      };
    case "chat":
      return {
        tools: tools.map((name) => ({ type: "function", function: { name, parameters: schema } })),
        messages: [{ role: "system", content: system }, ...messages],
        ...options,
      };
    case "responses":
      return {
        instructions: system,
        tools: tools.map((name) => ({ type: "function", name, parameters: schema })),
        input: messages,
        ...options,
      };
    case "gemini":
      return {
        systemInstruction: { parts: [{ text: system }] },
        tools: [{ functionDeclarations: tools.map((name) => ({ name, description: name })) }],
        contents: texts.map((text, at) => ({ role: roleAt(at), parts: [{ text }] })),
        ...options,
      };
  }
}

const full: Tokens = { input: 10_000, cached: 8_000, written: 0 };
const missed: Tokens = { input: 11_000, cached: 0, written: 0 };
const firstMessage = (format: Format): number => (format === "chat" ? 1 : 0);

const option: Record<Format, Json> = {
  anthropic: { tool_choice: { type: "any" } },
  chat: { tool_choice: "required" },
  responses: { tool_choice: "required" },
  gemini: { toolConfig: { functionCallingConfig: { mode: "ANY" } } },
};

for (const format of formats)
  for (const model of [own[format], format === "anthropic" ? "chat" : "anth"])
    test(`${format} at ${model}: where the prefix first differs, how, and what the miss cost`, async () => {
      const talk = await open();
      const offset = firstMessage(format);
      const cases: [string, Parts, object][] = [
        [
          "a changed tool",
          { tools: ["read", "overwrite", "run"] },
          { cause: "tools", index: 1, change: "changed" },
        ],
        ["a removed tool", { tools: ["read", "run"] }, { cause: "tools", index: 1, change: "removed" }],
        [
          "a further tool",
          { tools: ["read", "write", "run", "x"] },
          { cause: "tools", index: 3, change: "inserted" },
        ],
        [
          "a tool between",
          { tools: ["read", "x", "write", "run"] },
          { cause: "tools", index: 1, change: "inserted" },
        ],
        [
          "another order",
          { tools: ["write", "read", "run"] },
          { cause: "tools", index: 0, change: "reordered" },
        ],
        [
          "the system prompt",
          { system: "You help. It is 10:42." },
          { cause: "system", index: 0, change: "changed" },
        ],
        ["an option", { options: option[format] }, { cause: "options", index: null, change: "changed" }],
        [
          "an edited message",
          { texts: ["one", "TWO", "three", "four", "five"] },
          { cause: "message", index: 1 + offset, change: "changed" },
        ],
        [
          "a summary in place of the history",
          { texts: ["all that was said"] },
          { cause: "message", index: offset, change: "changed" },
        ],
      ];
      for (const [name, change, expected] of cases) {
        const session = { "x-session-id": name };
        const first = await talk.turn(
          format,
          { model, ...promptOf(format, { texts: ["one", "two", "three"] }) },
          full,
          session,
        );
        expect([name, first.cacheMiss]).toEqual([name, undefined]);
        talk.clock.advance(10_000);
        const next = promptOf(format, { texts: ["one", "two", "three", "four", "five"], ...change });
        const second = await talk.turn(format, { model, ...next }, missed, session);
        expect([name, second.cacheMiss]).toEqual([
          name,
          {
            ...(expected as NonNullable<RequestRecord["cacheMiss"]>),
            missedTokens: 8_000,
            nanoUsd: 8_000 * missPrice,
          },
        ]);
      }
    });

const turns = ["one", "two", "three"];
const longer = [...turns, "four", "five"];

test("nothing is missed by a first turn, by the next one that hits, or where the vendor tells nothing", async () => {
  const talk = await open();
  const ask = (texts: string[], tokens: Tokens, more?: Record<string, string>) =>
    talk.turn("anthropic", promptOf("anthropic", { texts }), tokens, more);
  expect((await ask(turns, missed)).cacheMiss).toBeUndefined();
  talk.clock.advance(1_000);
  expect((await ask(longer, { input: 12_000, cached: 11_000, written: 500 })).cacheMiss).toBeUndefined();
  const silent = { "x-session-id": "silent" };
  await ask(turns, full, silent);
  talk.clock.advance(1_000);
  expect(
    (await ask(["other"], { input: 9_000, cached: null, written: 0 }, silent)).cacheMiss,
  ).toBeUndefined();
});

test("written tokens count as left behind, and only as many as the prompt has can be missed", async () => {
  const talk = await open();
  await talk.turn("anthropic", promptOf("anthropic", { texts: longer }), {
    input: 9_000,
    cached: 3_000,
    written: 5_000,
  });
  talk.clock.advance(1_000);
  const { cacheMiss } = await talk.turn("anthropic", promptOf("anthropic", { texts: ["summary"] }), {
    input: 2_500,
    cached: 1_000,
    written: 0,
  });
  expect(cacheMiss).toMatchObject({
    cause: "message",
    index: 0,
    missedTokens: 1_500,
    nanoUsd: 1_500 * missPrice,
  });
});

test("another model or provider, the time, or nothing that we know", async () => {
  const talk = await open();
  const causeAfter = async (ms: number, body: Json, first: Json = {}): Promise<unknown> => {
    const session = { "x-session-id": crypto.randomUUID() };
    await talk.turn("anthropic", { ...promptOf("anthropic", { texts: turns }), ...first }, full, session);
    talk.clock.advance(ms);
    const next = { ...promptOf("anthropic", { texts: longer }), ...body };
    return (await talk.turn("anthropic", next, missed, session)).cacheMiss?.cause;
  };
  const hour = {
    system: [{ type: "text", text: "You help.", cache_control: { type: "ephemeral", ttl: "1h" } }],
  };
  expect(await causeAfter(1_000, { model: "anth/n" })).toBe("model");
  expect(await causeAfter(1_000, { model: "other" })).toBe("provider");
  expect(await causeAfter(299_000, {})).toBe("unknown");
  expect(await causeAfter(301_000, {})).toBe("expired");
  expect(await causeAfter(301_000, hour, hour)).toBe("unknown");
  expect(await causeAfter(3_601_000, hour, hour)).toBe("expired");
  // A tool that changed breaks the prefix however old it is.
  expect(await causeAfter(301_000, { tools: [] })).toBe("tools");
});

test("cache marks that move, a text that becomes a block, and a bill's note are no change", async () => {
  const talk = await open();
  const mark = { cache_control: { type: "ephemeral" } };
  const system = (note: string) => [
    { type: "text", text: `x-anthropic-billing-header: cc_version=1; cch=${note};` },
    { type: "text", text: "You help.", ...mark },
  ];
  const result = (marked: object) => ({
    role: "user",
    content: [
      {
        ...marked,
        type: "tool_result",
        tool_use_id: "t1",
        content: [{ type: "text", text: "[1,2]", ...marked }],
      },
    ],
  });
  const call = {
    role: "assistant",
    content: [{ type: "tool_use", id: "t1", name: "read", input: { cache_control: "no" } }],
  };
  const base = promptOf("anthropic", {});
  await talk.turn(
    "anthropic",
    { ...base, system: system("aaa"), messages: [{ role: "user", content: "one" }, call, result(mark)] },
    full,
  );
  talk.clock.advance(1_000);
  const messages = [
    { role: "user", content: [{ type: "text", text: "one", ...mark }] },
    call,
    result({}),
    { role: "assistant", content: "two" },
    { role: "user", content: [{ type: "text", text: "three", ...mark }] },
  ];
  const { cacheMiss } = await talk.turn("anthropic", { ...base, system: system("bbb"), messages }, missed);
  expect(cacheMiss).toMatchObject({ cause: "unknown", index: null });
});

test("side requests and subagents of a session are conversations of their own", async () => {
  const talk = await open();
  await talk.turn("anthropic", promptOf("anthropic", { texts: turns }), full);
  const title = promptOf("anthropic", { tools: [], system: "Write a title.", texts: ["one"] });
  const side = { input: 700, cached: 0, written: 0 };
  expect((await talk.turn("anthropic", { ...title, model: "anth/n" }, side)).cacheMiss).toBeUndefined();
  const agent = { "x-claude-code-agent-id": "explorer" };
  expect(
    (await talk.turn("anthropic", promptOf("anthropic", { texts: ["look"] }), side, agent)).cacheMiss,
  ).toBeUndefined();
  talk.clock.advance(1_000);
  // The conversation itself is still compared with its own last turn.
  const changed = promptOf("anthropic", { texts: longer, system: "You help more." });
  expect((await talk.turn("anthropic", changed, missed)).cacheMiss?.cause).toBe("system");
});

test("the tools that ran before, in every format", async () => {
  const talk = await open();
  const calls: Record<Format, unknown[]> = {
    anthropic: [
      {
        role: "assistant",
        content: [
          { type: "text", text: "x" },
          ...["read", "run"].map((name) => ({ type: "tool_use", id: name, name, input: {} })),
        ],
      },
      {
        role: "user",
        content: ["read", "run"].map((id) => ({ type: "tool_result", tool_use_id: id, content: "done" })),
      },
    ],
    chat: [
      {
        role: "assistant",
        content: null,
        tool_calls: ["read", "run"].map((name) => ({
          id: name,
          type: "function",
          function: { name, arguments: "{}" },
        })),
      },
      ...["read", "run"].map((id) => ({ role: "tool", tool_call_id: id, content: "done" })),
    ],
    responses: [
      ...["read", "run"].map((name) => ({ type: "function_call", call_id: name, name, arguments: "{}" })),
      ...["read", "run"].map((id) => ({ type: "function_call_output", call_id: id, output: "done" })),
    ],
    gemini: [
      { role: "model", parts: ["read", "run"].map((name) => ({ functionCall: { name, args: {} } })) },
      {
        role: "user",
        parts: ["read", "run"].map((name) => ({ functionResponse: { name, response: { ok: true } } })),
      },
    ],
  };
  for (const format of formats) {
    const base = promptOf(format, {});
    const key = { anthropic: "messages", chat: "messages", responses: "input", gemini: "contents" }[format];
    const history = [...(base[key] as unknown[]), ...calls[format]];
    const model = own[format];
    const session = { "x-session-id": format };
    const record = await talk.turn(format, { model, ...base, [key]: history }, full, session);
    expect([format, record.toolCalls]).toEqual([format, ["read", "run"]]);
    const later = [
      ...history,
      ...(promptOf(format, { texts: ["x", "said", "next"] })[key] as unknown[]).slice(-2),
    ];
    expect(
      (await talk.turn(format, { model, ...base, [key]: later }, full, session)).toolCalls,
    ).toBeUndefined();
  }
});

test("the same request has the same hash, another one another", async () => {
  const talk = await open();
  const ask = async (parts: Parts, more?: Record<string, string>): Promise<string | undefined> =>
    (await talk.turn("anthropic", promptOf("anthropic", parts), full, more)).contentHash;
  const hash = await ask({ texts: turns });
  expect(hash).toMatch(/^[0-9a-f]{16}$/);
  expect(await ask({ texts: turns })).toBe(hash ?? "");
  expect(await ask({ texts: longer })).not.toBe(hash ?? "");
  expect(await ask({ texts: turns, options: { max_tokens: 60 } })).toBe(hash ?? "");
  expect(
    (await talk.turn("anthropic", { ...promptOf("anthropic", { texts: turns }), model: "other" }, full))
      .contentHash,
  ).not.toBe(hash ?? "");
  // Without a session no prompt is read: the hash is that of the body.
  expect(await ask({ texts: turns }, { "x-session-id": "" })).not.toBe(hash ?? "");
  expect(talk.gateway.log.join("")).not.toContain("could not be read");
});
