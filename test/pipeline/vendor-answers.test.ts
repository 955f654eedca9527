// Names, arguments, limits, usage and endings where vendors go ways of their own, at every endpoint.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { emptyRequest, type DialectName } from "../../src/canon/request.ts";
import { dialects } from "../../src/dialects/dialect-table.ts";
import { fittedNames } from "../../src/dialects/tool-names.ts";
import { names as formats, type Json } from "./conversations.ts";
import {
  callOf,
  callsIn,
  chunk,
  frames,
  framesIn,
  openVendorSetup,
  type VendorSetup,
  withTools,
} from "./vendor-answers.ts";

let stand: VendorSetup;
beforeAll(async () => void (stand = await openVendorSetup()));
afterEach(() => stand.vendor.reset());
afterAll(() => stand.stop());

const pairs = formats.flatMap((door) => formats.map((at) => ({ door, at })));
const said: Readonly<Record<DialectName, Json>> = {
  "openai-chat": { messages: [{ role: "user", content: "x" }] },
  "anthropic-messages": { max_tokens: 100, messages: [{ role: "user", content: "x" }] },
  "openai-responses": { input: "x", store: false },
  "google-genai": { contents: [{ role: "user", parts: [{ text: "x" }] }] },
};

describe("names of tools", () => {
  const long = "mcp__plugin_chrome-devtools-mcp_chrome-devtools__get_console_message_details";
  // Two that differ only at their ends, one with what no API takes, one that fits.
  const tools = [`${long}_a${"x".repeat(60)}1`, `${long}_a${"x".repeat(60)}2`, "files.read me", "plain"];

  describe.each(pairs)("$door over $at", ({ door, at }) => {
    test.each([false, true])("fit, and come back (stream: %p)", async (stream) => {
      for (const own of tools) {
        // Google's own endpoint takes what its API takes.
        const asked = door === "google-genai" && own.includes(" ") ? "files.read" : own;
        const all = tools.map((name) => (name === own ? asked : name));
        stand.vendor.script((request) => {
          const wire = namesSent(request.body);
          return callOf(at, wire.forced, '{"city":"Oslo"}');
        });
        const answer = await stand.ask(door, at, withTools(door, all, asked), stream);
        const text = await answer.text();
        expect([answer.status, text]).toEqual([200, text]);
        const { pattern, longest } = dialects[at].backend.toolNames;
        const { declared, called, forced } = namesSent(stand.sent());
        expect(new Set(declared).size).toBe(all.length);
        for (const name of declared) {
          expect(name).toMatch(pattern);
          expect(name.length).toBeLessThanOrEqual(longest);
        }
        expect(declared[all.indexOf(asked)]).toBe(forced);
        expect(called).toEqual([forced]);
        expect(declared.at(-1)).toBe("plain");
        if (stream) expect(text).toContain(JSON.stringify(asked));
        else expect(callsIn(JSON.parse(text))).toEqual([[asked, '{"city":"Oslo"}']]);
      }
    });
  });

  /** Names in a vendor's body: declared, called in the history, forced. */
  function namesSent(body: Json): { declared: string[]; called: string[]; forced: string } {
    const list = (body["tools"] ?? []) as Json[];
    const declared = list.flatMap((tool) => {
      const inner = tool["functionDeclarations"];
      if (Array.isArray(inner)) return inner.map((each: Json) => String(each["name"]));
      return [String((tool["function"] as Json | undefined)?.["name"] ?? tool["name"])];
    });
    const called = callsIn(body["messages"] ?? body["input"] ?? body["contents"]).map(([name]) => name);
    const choice = (body["tool_choice"] ?? body["toolConfig"]) as Json;
    const google = (choice["functionCallingConfig"] as Json | undefined)?.["allowedFunctionNames"];
    const forced = Array.isArray(google)
      ? String(google[0])
      : String((choice["function"] as Json | undefined)?.["name"] ?? choice["name"]);
    return { declared, called, forced };
  }

  test("whatever they are: fit, differ, stay the same, and come back", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.string({ minLength: 1, maxLength: 200, unit: "grapheme" }), { maxLength: 12 }),
        fc.constantFrom(...formats),
        (list, at) => {
          const rule = dialects[at].backend.toolNames;
          const tools = list.map((name) => ({ name, description: null, schema: {} }));
          const request = { ...emptyRequest, tools };
          const fitted = fittedNames(request, rule);
          const wire = (fitted?.request ?? request).tools.map((tool) => tool.name);
          expect(new Set(wire).size).toBe(list.length);
          for (const name of wire) expect(rule.pattern.test(name) && name.length <= rule.longest).toBe(true);
          const events = wire.map((name, index) => ({ type: "tool-start", index, id: "i", name }) as const);
          const back = fitted?.back(events) ?? events;
          expect(back.map((event) => (event.type === "tool-start" ? event.name : ""))).toEqual(list);
          expect(fittedNames(request, rule)?.request.tools).toEqual(fitted?.request.tools);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe("arguments", () => {
  const one = '{"city":"Oslo"}';
  const others = formats.filter((door) => door !== "openai-chat");

  /** The fragments of one call as a chat vendor sends them. */
  const fragments = (...pieces: readonly object[]): object[] =>
    pieces.map((piece) => chunk({ tool_calls: [{ index: 0, ...piece }] }));
  const ending = [chunk({}, { finish_reason: "tool_calls" }), "[DONE]"];
  const head = { id: "call_1", type: "function", function: { name: "f", arguments: "" } };
  const piece = (text: unknown): object => ({ function: { arguments: text } });

  const cases: readonly (readonly [string, readonly object[], string])[] = [
    [
      "repeated whole in a last chunk",
      [head, piece('{"city":'), piece('"Oslo"}'), { ...head, function: { name: "f", arguments: one } }],
      one,
    ],
    ["repeated in the same chunk", [head, piece(one + one)], one],
    ["null", [head, piece("null")], "{}"],
    ["a blank", [head, piece(" ")], "{}"],
    ["a template's None", [head, piece("No"), piece("ne")], "{}"],
    ["a template's undefined", [head, piece("undefined")], "{}"],
    ["an empty string in quotes", [head, piece('""')], "{}"],
    ["an empty list", [head, piece("[]")], "{}"],
    ["null in pieces", [head, piece("nu"), piece("ll")], "{}"],
    ["an empty object before the real one", [head, piece("{}"), piece(one)], one],
    ["null before the real one", [head, piece("null"), piece(one)], one],
    ["blanks around", [head, piece(" "), piece(one), piece("\n")], one],
    ["nothing", [head], "{}"],
    ["an object", [{ id: "call_1", function: { name: "f", arguments: { city: "Oslo" } } }], one],
    ["inside a string", [head, piece(JSON.stringify(one))], one],
    ["inside a string, in pieces", [head, ...[...JSON.stringify(one)].map(piece)], one],
    ["inside a fence", [head, piece("```json\n"), piece(one), piece("\n```")], one],
    ["beside the function", [{ id: "call_1", name: "f", arguments: one }], one],
  ];
  const tools = (door: DialectName): Json => withTools(door, ["f"], "f");

  describe.each(others)("at the endpoint of %s", (door) => {
    test.each(cases)("%s", async (_, pieces, wanted) => {
      stand.vendor.script(() => frames(...fragments(...pieces), ...ending));
      const whole = await stand.ask(door, "openai-chat", tools(door), false);
      expect(callsIn(await whole.json())).toEqual([["f", wanted]]);
      const text = await (await stand.ask(door, "openai-chat", tools(door), true)).text();
      if (door === "google-genai") expect(callsIn(framesIn(text))).toEqual([["f", wanted]]);
      else expect(spelled(text)).toBeOneOf([wanted, wanted === "{}" ? "" : wanted]);
    });
  });

  /** What the deltas of a streamed call spell. */
  function spelled(text: string): string {
    return framesIn(text)
      .map((frame) => {
        if (frame["type"] === "content_block_delta") return (frame["delta"] as Json)["partial_json"] ?? "";
        return frame["type"] === "response.function_call_arguments.delta" ? frame["delta"] : "";
      })
      .join("");
  }

  test.each([
    ["null", {}],
    [" ", {}],
    ['""', {}],
    ['{"city":"Oslo"}{"city":"Oslo"}', { city: "Oslo" }],
    ['"{\\"city\\":\\"Oslo\\"}"', { city: "Oslo" }],
    ["not json", { arguments: "not json" }],
  ])("%j in a history are what was meant, where an object is due", async (input, wanted) => {
    const call = { id: "c1", type: "function", function: { name: "f", arguments: input } };
    const messages = [
      { role: "user", content: "x" },
      { role: "assistant", content: null, tool_calls: [call] },
      { role: "tool", tool_call_id: "c1", content: "done" },
    ];
    for (const [at, key] of [
      ["anthropic-messages", "input"],
      ["google-genai", "args"],
    ] as const) {
      stand.vendor.script(() => callOf(at, "f", "{}"));
      await (await stand.ask("openai-chat", at, { messages }, false)).text();
      expect(JSON.stringify(stand.sent())).toContain(`"${key}":${JSON.stringify(wanted)}`);
    }
  });

  test("calls of one id are told apart", async () => {
    const calls = ["Oslo", "Rome"].map((city, index) => ({
      index,
      id: "call_0",
      function: { name: "f", arguments: JSON.stringify({ city }) },
    }));
    stand.vendor.script(() =>
      frames(chunk({ tool_calls: calls }), chunk({}, { finish_reason: "tool_calls" }), "[DONE]"),
    );
    const body = tools("anthropic-messages");
    const answer = await stand.ask("anthropic-messages", "openai-chat", body, false);
    const { content } = (await answer.json()) as { content: { id: string }[] };
    expect(content.map(({ id }) => id)).toEqual(["call_0", "call_0_1"]);
  });

  test("the deltas of a Responses client are what its item says", async () => {
    stand.vendor.script(() => frames(...fragments(head, piece(" ")), ...ending));
    const text = await (
      await stand.ask("openai-responses", "openai-chat", tools("openai-responses"), true)
    ).text();
    expect(spelled(text)).toBe("{}");
    expect(text).toContain('"arguments":"{}"');
  });

  const item = { type: "function_call", id: "fc_1", call_id: "call_1", name: "f", arguments: "" };
  const announced = { type: "response.output_item.added", output_index: 0, item };
  const complete = (output: readonly object[]): object => ({
    type: "response.completed",
    response: { id: "r1", model: "m", status: "completed", output },
  });
  test.each([
    [
      "only in .done",
      [
        announced,
        { type: "response.function_call_arguments.done", output_index: 0, item_id: "fc_1", arguments: one },
        complete([]),
      ],
    ],
    [
      "only in .done, of an item that nobody announced",
      [
        {
          type: "response.function_call_arguments.done",
          output_index: 0,
          item_id: "fc_1",
          name: "f",
          arguments: one,
        },
        complete([]),
      ],
    ],
    ["only in the whole response", [announced, complete([{ ...item, arguments: one }])]],
    [
      "in .done and in the whole response",
      [
        announced,
        { type: "response.function_call_arguments.delta", output_index: 0, delta: one },
        { type: "response.function_call_arguments.done", output_index: 0, arguments: one },
        complete([{ ...item, arguments: one }]),
      ],
    ],
    ["as an object", [announced, complete([{ ...item, arguments: { city: "Oslo" } }])]],
  ] as const)("of a Responses vendor: %s", async (_, events) => {
    for (const door of formats.filter((each) => each !== "openai-responses")) {
      stand.vendor.script(() =>
        frames({ type: "response.created", response: { id: "r1", model: "m" } }, ...events),
      );
      const answer = await stand.ask(door, "openai-responses", tools(door), false);
      const body = (await answer.json()) as Json;
      expect(callsIn(body)).toEqual([["f", one]]);
      if (door === "anthropic-messages") expect(body["stop_reason"]).toBe("tool_use");
    }
  });
});

test("arguments as text, of vendors whose format has an object for them", async () => {
  const input = '{"city":"Oslo"}';
  stand.vendor.script(() =>
    frames(
      { type: "message_start", message: { id: "m1", model: "m", usage: { input_tokens: 1 } } },
      {
        type: "content_block_start",
        index: 0,
        content_block: { type: "tool_use", id: "t1", name: "f", input },
      },
      { type: "content_block_stop", index: 0 },
      { type: "message_delta", delta: { stop_reason: "tool_use" }, usage: { output_tokens: 2 } },
      { type: "message_stop" },
    ),
  );
  const body = withTools("openai-chat", ["f"], "f");
  const first = await stand.ask("openai-chat", "anthropic-messages", body, false);
  expect(callsIn(await first.json())).toEqual([["f", input]]);
  const parts = [{ functionCall: { name: "f", args: input } }];
  stand.vendor.script(() =>
    frames({ responseId: "g1", candidates: [{ content: { role: "model", parts }, finishReason: "STOP" }] }),
  );
  const second = await stand.ask("openai-chat", "google-genai", body, false);
  expect(callsIn(await second.json())).toEqual([["f", input]]);
});

test("a thought in a member that is called so", async () => {
  stand.vendor.script(() =>
    frames(
      chunk({ thinking: "Hm." }),
      chunk({ content: "x" }),
      chunk({}, { finish_reason: "stop" }),
      "[DONE]",
    ),
  );
  const answer = await stand.ask("anthropic-messages", "openai-chat", said["anthropic-messages"], false);
  expect(await answer.json()).toMatchObject({ content: [{ type: "thinking", thinking: "Hm." }, {}] });
});

describe("usage", () => {
  const counts = { prompt_tokens: 30, completion_tokens: 7, total_tokens: 37 };
  test.each([
    ["in the choice", [chunk({ content: "x" }), chunk({}, { finish_reason: "stop", usage: counts })]],
    ["in the delta", [chunk({ content: "x" }), chunk({ usage: counts }, { finish_reason: "stop" })]],
    [
      "in Groq's member",
      [chunk({ content: "x" }), { ...chunk({}, { finish_reason: "stop" }), x_groq: { usage: counts } }],
    ],
    [
      "at the top, under the other format's names",
      [
        chunk({ content: "x" }),
        { ...chunk({}, { finish_reason: "stop" }), usage: { input_tokens: 30, output_tokens: 7 } },
      ],
    ],
    [
      "in the choice, with nothing or zeros at the top",
      [
        { ...chunk({ content: "x" }), usage: {} },
        {
          ...chunk({}, { finish_reason: "stop", usage: counts }),
          usage: { prompt_tokens: 0, completion_tokens: 0 },
        },
      ],
    ],
    [
      "before an end of zeros",
      [
        { ...chunk({ content: "x" }), usage: counts },
        chunk({}, { finish_reason: "stop" }),
        { ...chunk({}), choices: [], usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 } },
      ],
    ],
    [
      "beside llama.cpp's timings",
      [
        chunk({ content: "x" }),
        {
          ...chunk({}, { finish_reason: "stop" }),
          timings: { cache_n: 10, prompt_n: 20, prompt_ms: 1.5, predicted_n: 7 },
        },
      ],
    ],
    [
      "of the answer only by the total",
      [
        chunk({ content: "x" }),
        { ...chunk({}, { finish_reason: "stop" }), usage: { prompt_tokens: 30, total_tokens: 37 } },
      ],
    ],
  ])("%s", async (_, chunks) => {
    for (const door of formats)
      for (const stream of [true, false]) {
        stand.vendor.script((request) =>
          request.body["stream"] === true ? frames(...chunks, "[DONE]") : undefined,
        );
        if (door === "openai-chat" && !stream) continue;
        const answer = await stand.ask(door, "openai-chat", said[door], stream);
        await answer.text();
        const { usage } = await stand.gateway.recordOf(answer);
        expect([door, usage.input, usage.output]).toEqual([door, 30, 7]);
      }
  });

  test.each([
    [{ prompt_tokens: 30, completion_tokens: 7, cached_tokens: 20 }, { inputCached: 20 }],
    [{ prompt_tokens: 30, completion_tokens: 7, prompt_cache_hit_tokens: 20 }, { inputCached: 20 }],
    [
      {
        prompt_tokens: 30,
        completion_tokens: 7,
        cache_read_input_tokens: 20,
        cache_creation_input_tokens: 5,
      },
      { inputCached: 20, inputCacheWrite: 5 },
    ],
    [
      {
        prompt_tokens: 30,
        completion_tokens: 7,
        prompt_tokens_details: { cached_tokens: 2, cache_write_tokens: 5 },
      },
      { inputCached: 2, inputCacheWrite: 5 },
    ],
    // xAI counts thoughts beside the completion.
    [
      {
        prompt_tokens: 30,
        completion_tokens: 7,
        total_tokens: 137,
        completion_tokens_details: { reasoning_tokens: 100 },
      },
      { output: 107, outputReasoning: 100 },
    ],
    [
      {
        prompt_tokens: 30,
        completion_tokens: 107,
        total_tokens: 137,
        completion_tokens_details: { reasoning_tokens: 100 },
      },
      { output: 107, outputReasoning: 100 },
    ],
  ])("%j", async (usage, wanted) => {
    stand.vendor.script(() =>
      frames(chunk({ content: "x" }), { ...chunk({}, { finish_reason: "stop" }), usage }, "[DONE]"),
    );
    const answer = await stand.ask("anthropic-messages", "openai-chat", said["anthropic-messages"], true);
    await answer.text();
    expect((await stand.gateway.recordOf(answer)).usage).toMatchObject(wanted);
  });
});

describe("endings", () => {
  test.each([
    ["model_context_window_exceeded", "max_tokens"],
    ["max_output_tokens", "max_tokens"],
    ["MAX_TOKENS", "max_tokens"],
    ["safety", "refusal"],
    ["content_filter", "refusal"],
    ["eos", "end_turn"],
  ])("%s of a chat vendor is %s", async (word, wanted) => {
    stand.vendor.script(() => frames(chunk({ content: "x" }), chunk({}, { finish_reason: word }), "[DONE]"));
    const answer = await stand.ask("anthropic-messages", "openai-chat", said["anthropic-messages"], false);
    expect(await answer.json()).toMatchObject({ stop_reason: wanted });
  });

  test.each([
    ["model_context_window_exceeded", "length"],
    ["length", "length"],
    ["content_filter", "content_filter"],
    ["stop", "stop"],
  ])("%s of a Messages vendor is %s", async (word, wanted) => {
    stand.vendor.script(() =>
      frames(
        { type: "message_start", message: { id: "m1", model: "m", usage: { input_tokens: 1 } } },
        { type: "content_block_start", index: 0, content_block: { type: "text", text: "x" } },
        { type: "content_block_stop", index: 0 },
        { type: "message_delta", delta: { stop_reason: word }, usage: { output_tokens: 2 } },
        { type: "message_stop" },
      ),
    );
    const answer = await stand.ask("openai-chat", "anthropic-messages", said["openai-chat"], false);
    expect(await answer.json()).toMatchObject({ choices: [{ finish_reason: wanted }] });
  });
});

describe("images", () => {
  const jpeg = "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAEBAQ==";
  test.each([
    ["image/jpg", jpeg],
    ["image/JPG", "QUJD"],
    ["image/pjpeg", "QUJD"],
    // It is not what it is said to be, which Anthropic refuses.
    ["image/png", jpeg],
  ])("%s goes up as image/jpeg", async (type, data) => {
    const url = `data:${type};base64,${data}`;
    const body = { messages: [{ role: "user", content: [{ type: "image_url", image_url: { url } }] }] };
    for (const at of ["anthropic-messages", "google-genai"] as const) {
      stand.vendor.script(() => callOf(at, "f", "{}"));
      await (await stand.ask("openai-chat", at, body, false)).text();
      expect(JSON.stringify(stand.sent())).toContain('"image/jpeg"');
      expect(JSON.stringify(stand.sent())).not.toMatch(/image\/(?:jpg|JPG|pjpeg|png)/);
    }
  });
});

test.each(["image/jpg", "image/pjpeg", "image/JPG"])(
  "%s goes up as image/jpeg also where the vendor speaks the client's format",
  async (type) => {
    const bodies = {
      "anthropic-messages": {
        max_tokens: 100,
        context_management: { edits: [] },
        messages: [
          {
            role: "user",
            content: [
              {
                type: "image",
                source: { type: "base64", media_type: type, data: "QUJD" },
                cache_control: { type: "ephemeral" },
              },
            ],
          },
        ],
      },
      "google-genai": {
        contents: [
          { role: "user", parts: [{ inlineData: { mimeType: type, data: "QUJD" } }, { text: "x" }] },
        ],
      },
    };
    for (const at of ["anthropic-messages", "google-genai"] as const) {
      stand.vendor.script(() => callOf(at, "f", "{}"));
      expect((await stand.ask(at, at, bodies[at], false)).status).toBe(200);
      expect(JSON.stringify(stand.sent())).toContain('"image/jpeg"');
      expect(JSON.stringify(stand.sent())).not.toContain(type);
    }
    // Nothing else is lost on the way.
    const plain = { ...bodies["anthropic-messages"] };
    stand.vendor.script(() => callOf("anthropic-messages", "f", "{}"));
    await stand.ask("anthropic-messages", "anthropic-messages", plain, false);
    expect(stand.sent()).toMatchObject({ context_management: { edits: [] } });
    expect(JSON.stringify(stand.sent())).toContain('"cache_control":{"type":"ephemeral"}');
  },
);

test("Google's choice among some of the tools names them as they go up", async () => {
  const names = ["files/read", "files/write", "plain"];
  const body = {
    ...said["google-genai"],
    tools: [{ functionDeclarations: names.map((name) => ({ name, parameters: { type: "object" } })) }],
    toolConfig: { functionCallingConfig: { mode: "ANY", allowedFunctionNames: ["files/write", "plain"] } },
  };
  stand.vendor.script(() => callOf("google-genai", "plain", "{}"));
  expect((await stand.ask("google-genai", "google-genai", body, false)).status).toBe(200);
  const sent = stand.sent() as typeof body;
  const declared = sent.tools[0]?.functionDeclarations.map(({ name }) => name) ?? [];
  expect(declared[1]).not.toBe("files/write");
  expect(sent.toolConfig.functionCallingConfig.allowedFunctionNames).toEqual(declared.slice(1));
});

test("a name in an example of a schema is no tool's, and the body stays as it is", async () => {
  const schema = {
    type: "object",
    properties: { name: { type: "string" } },
    examples: [{ name: "Jo Smith" }],
  };
  const tools = [{ type: "function", function: { name: "f", parameters: schema }, extra: "kept" }];
  stand.vendor.script(() => callOf("openai-chat", "f", "{}"));
  await stand.ask("openai-chat", "openai-chat", { ...said["openai-chat"], tools }, false);
  expect(stand.sent()).toMatchObject({ tools });
});

describe("the room that a window leaves", () => {
  let small: VendorSetup;
  beforeAll(
    async () => void (small = await openVendorSetup({ models: [{ id: "m", context_window: 32_768 }] })),
  );
  afterAll(() => small.stop());
  test("a budget of thoughts stays below a limit that was cut", async () => {
    const turn = [{ role: "user", content: "word ".repeat(4_000) }];
    const body = {
      max_tokens: 32_000,
      thinking: { type: "enabled", budget_tokens: 31_000 },
      messages: turn,
    };
    small.vendor.script(() => callOf("anthropic-messages", "f", "{}"));
    const answer = await small.ask("anthropic-messages", "anthropic-messages", body, false);
    const sent = small.sent() as typeof body;
    expect(sent.max_tokens).toBeLessThan(28_000);
    expect(sent.thinking).toEqual({ type: "enabled", budget_tokens: sent.max_tokens - 1 });
    expect(answer.headers.get("x-clawgate-adapted")).toContain(`thinking-cut:${sent.max_tokens - 1}`);
    const little = { ...body, thinking: { type: "enabled", budget_tokens: 2_000 } };
    await small.ask("anthropic-messages", "anthropic-messages", little, false);
    expect((small.sent() as typeof body).thinking.budget_tokens).toBe(2_000);
  });
  const filler = "word ".repeat(4_000);
  const limits: Readonly<Record<DialectName, string>> = {
    "openai-chat": "max_tokens",
    "anthropic-messages": "max_tokens",
    "openai-responses": "max_output_tokens",
    "google-genai": "",
  };
  const asked = (door: DialectName, text: string, limit: number): Json => {
    if (door === "google-genai")
      return {
        contents: [{ role: "user", parts: [{ text }] }],
        generationConfig: { maxOutputTokens: limit },
      };
    const turn = [{ role: "user", content: text }];
    return door === "openai-responses"
      ? { input: turn, store: false, max_output_tokens: limit }
      : { messages: turn, max_tokens: limit };
  };

  test.each(formats)("a limit beyond it is cut, from %s to all that count so", async (door) => {
    for (const at of formats.filter((each) => each !== "google-genai")) {
      small.vendor.script(() => ({ status: 400, body: { error: { message: "enough" } } }));
      const answer = await small.ask(door, at, asked(door, filler, 32_000), false);
      const sent = Number(small.sent()[limits[at]]);
      expect(sent).toBeLessThanOrEqual(32_768 - 5_000);
      expect(sent).toBeGreaterThan(20_000);
      await answer.text();
      // What fits is left alone, and what is full is the vendor's to judge.
      await (await small.ask(door, at, asked(door, filler, 8_000), false)).text();
      expect(small.sent()[limits[at]]).toBe(8_000);
      await (await small.ask(door, at, asked(door, "word ".repeat(30_000), 9_000), false)).text();
      expect(small.sent()[limits[at]]).toBe(9_000);
    }
  });

  test("it is said so", async () => {
    small.vendor.script(() =>
      frames(chunk({ content: "x" }), chunk({}, { finish_reason: "stop" }), "[DONE]"),
    );
    const answer = await small.ask(
      "anthropic-messages",
      "openai-chat",
      asked("anthropic-messages", filler, 32_000),
      true,
    );
    await answer.text();
    expect(answer.headers.get("x-clawgate-adapted")).toMatch(/max-tokens-cut:\d+/);
  });
});

test("an error of a shape of its own with status 200 is told in the vendor's words", async () => {
  for (const body of [
    { base_resp: { status_code: 1008, status_msg: "insufficient balance" } },
    { code: 5, msg: "insufficient balance" },
    { success: false, errors: [{ message: "insufficient balance" }] },
  ]) {
    stand.vendor.script(() => ({ body }));
    const answer = await stand.ask("anthropic-messages", "openai-chat", said["anthropic-messages"], false);
    expect(answer.status).toBe(429);
    expect(await answer.text()).toContain("insufficient balance");
    stand.gateway.app.services.health.reset("openai-chat");
  }
});
