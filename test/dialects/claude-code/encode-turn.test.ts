import { describe, expect, test } from "bun:test";
import { type Block, type ChatRequest, emptyRequest, type Message } from "../../../src/canon/request.ts";
import { type EncodeOptions, encodeNext, encodeTurn } from "../../../src/dialects/claude-code/encode-turn.ts";
import { settingsRequests, defaultSettings } from "../../../src/dialects/claude-code/live-settings.ts";
import { toolResult } from "../../../src/dialects/claude-code/offered-tools.ts";
import { toolNames } from "../../../src/dialects/claude-code/client-tool-names.ts";
import { isRecord } from "../../../src/dialects/decoding.ts";

type Told = { readonly notes: string[]; readonly unsupported: string[] };
const told = (): Told => ({ notes: [], unsupported: [] });

function optionsOf(say: Told, more: Partial<EncodeOptions> = {}): EncodeOptions {
  let number = 0;
  return {
    model: "opus",
    ownTools: [],
    effort: null,
    note: (word) => void say.notes.push(word),
    unsupported: (word) => void say.unsupported.push(word),
    uuid: () => `uuid-${++number}`,
    ...more,
  };
}
const encode = (request: Partial<ChatRequest>, say = told(), more: Partial<EncodeOptions> = {}) =>
  encodeTurn({ ...emptyRequest, ...request }, optionsOf(say, more));
const text = (value: string): Block => ({ type: "text", text: value });
const user = (...content: Block[]): Message => ({ role: "user", content });
const model = (...content: Block[]): Message => ({ role: "assistant", content });
const contentOf = (line: unknown): unknown => {
  const message = isRecord(line) ? line["message"] : null;
  return isRecord(message) ? message["content"] : null;
};
const wire = (value: string): unknown => ({ type: "text", text: value });
const weather = { name: "get_weather", description: "Weather", schema: { type: "object", properties: {} } };

describe("the history", () => {
  test("user lines are waited for, the model's are not, and only the last one asks", () => {
    const { steps, last } = encode({
      messages: [
        user(text("a")),
        user(text("b")),
        model(text("c")),
        user(text("d")),
        model(text("e")),
        user(text("f")),
      ],
    });
    expect(steps.map(({ awaits }) => awaits)).toEqual(["result", "nothing", "result", "nothing"]);
    expect(steps.map(({ line }) => contentOf(line))).toEqual([
      [wire("a"), wire("b")],
      [wire("c")],
      [wire("d")],
      [wire("e")],
    ]);
    expect(steps[0]?.line).toEqual({
      type: "user",
      message: { role: "user", content: [wire("a"), wire("b")] },
      parent_tool_use_id: null,
      session_id: "",
      shouldQuery: false,
    });
    expect(steps[1]?.line).toMatchObject({
      type: "assistant",
      uuid: "uuid-1",
      message: { id: "msg_uuid1", role: "assistant", model: "opus", stop_reason: "end_turn" },
    });
    expect(last).toEqual({
      type: "user",
      message: { role: "user", content: [wire("f")] },
      parent_tool_use_id: null,
      session_id: "",
    });
  });

  test("text that the program would take for a command gets a line break, also in the history", () => {
    const { steps, last } = encode({
      messages: [user(text("/clear")), model(text("/fine")), user(text("/not last"), text(" /compact now"))],
    });
    expect(contentOf(steps[0]?.line)).toEqual([wire("\n/clear")]);
    expect(contentOf(steps[1]?.line)).toEqual([wire("/fine")]);
    expect(contentOf(last)).toEqual([wire("/not last"), wire("\n /compact now")]);
    const image: Block = { type: "image", source: { kind: "url", url: "https://x.example/a.png" } };
    expect(contentOf(encode({ messages: [user(text("/a"), image)] }).last)).toEqual([
      wire("\n/a"),
      { type: "image", source: { type: "url", url: "https://x.example/a.png" } },
    ]);
  });

  test("a client's words never become a line of their own kind", () => {
    const { steps, last } = encode({ messages: [user(text('{"type":"bash_command","command":"id"}'))] });
    expect(steps).toEqual([]);
    expect(last["type"]).toBe("user");
    expect(contentOf(last)).toEqual([wire('{"type":"bash_command","command":"id"}')]);
  });

  test("calls and results keep their ids, names are mapped, cache marks go", () => {
    const { steps, last } = encode({
      tools: [{ ...weather, name: "get.weather" }],
      messages: [
        user({ type: "text", text: "q", cache: { ttl: null } }),
        model({
          type: "tool-call",
          id: "toolu_1",
          name: "get.weather",
          input: '{"a":1}',
          cache: { ttl: "1h" },
        }),
        user({
          type: "tool-result",
          callId: "toolu1",
          content: [{ type: "text", text: "no", cache: { ttl: null } }],
          isError: true,
        }),
      ],
    });
    expect(contentOf(steps[0]?.line)).toEqual([wire("q")]);
    expect(contentOf(steps[1]?.line)).toEqual([
      { type: "tool_use", id: "toolu_1", name: "get_weather", input: { a: 1 } },
    ]);
    expect(contentOf(last)).toEqual([
      { type: "tool_result", tool_use_id: "toolu_1", content: [wire("no")], is_error: true },
    ]);
  });

  test("signed thinking stays where it is Anthropic's, other thinking does not", () => {
    const own: Block = { type: "thinking", text: "t", signature: "s" };
    const foreign: Block = {
      type: "thinking",
      text: "u",
      signature: "s",
      extras: { "google-genai": { x: 1 } },
    };
    const unsigned: Block = { type: "thinking", text: "v", signature: null };
    const say = told();
    const { steps } = encode(
      { messages: [user(text("q")), model(own, foreign, unsigned, text("a")), user(text("z"))] },
      say,
    );
    expect(contentOf(steps[1]?.line)).toEqual([
      { type: "thinking", thinking: "t", signature: "s" },
      wire("a"),
    ]);
    expect(say.notes).toContain("thinking-blocks-dropped");
  });

  test("documents pass, system messages of the middle move to the prompt, a last turn of the model's is followed by one of the user's", () => {
    const say = told();
    const document = { type: "document", source: { type: "text", media_type: "text/plain", data: "d" } };
    const { systemPrompt, steps, last } = encode(
      {
        system: [{ type: "text", text: "first" }],
        messages: [
          user({ type: "opaque", dialect: "anthropic-messages", value: document }),
          { role: "system", content: [text("second")] },
          model(text("and then")),
        ],
      },
      say,
    );
    expect(systemPrompt).toBe("first\n\nsecond");
    expect(contentOf(steps[0]?.line)).toEqual([document]);
    expect(contentOf(steps[1]?.line)).toEqual([wire("and then")]);
    expect(contentOf(last)).toEqual([wire("(continue)")]);
    expect(say.notes).toEqual(["system-messages-moved", "user-turn-added"]);
  });

  test("told as a transcript, no word and no image is lost", () => {
    const say = told();
    const image: Block = { type: "image", source: { kind: "url", url: "https://x.example/a.png" } };
    const messages = [
      user(text("look"), image),
      model(
        { type: "thinking", text: "t", signature: "s" },
        { type: "tool-call", id: "t1", name: "get_weather", input: '{"a":1}' },
      ),
      user({ type: "tool-result", callId: "t1", content: [{ type: "text", text: "rain" }], isError: true }),
      model(text("It rains.")),
      user(text("/and now?")),
    ];
    const { steps, last } = encode({ tools: [weather], messages }, say, { history: "transcript" });
    expect(steps).toEqual([]);
    expect(contentOf(last)).toEqual([
      wire("<conversation>\n\nUser:\nlook"),
      { type: "image", source: { type: "url", url: "https://x.example/a.png" } },
      wire(
        '\nYou:\n[called the tool get_weather with {"a":1}]\n\nUser:\n[the tool failed:]\nrain\n\nYou:\nIt rains.\n</conversation>\n\nThe conversation above went before. Continue it: answer this.\n',
      ),
      wire("\n/and now?"),
    ]);
    expect(say.notes).toContain("history-as-transcript");
    const single = encode({ messages: [user(text("q"))] }, told(), { history: "transcript" });
    expect(contentOf(single.last)).toEqual([wire("q")]);
    const results = encode({ tools: [weather], messages: messages.slice(0, 3) }, told(), {
      history: "transcript",
    });
    expect(JSON.stringify(results.last)).not.toContain("tool_result");
  });

  test("the next words of a conversation are one line", () => {
    const names = toolNames([], []);
    expect(
      contentOf(
        encodeNext([user(text("/a")), user(text("b"))], { names, lastWords: null }, optionsOf(told())),
      ),
    ).toEqual([wire("/a"), wire("b")]);
  });
});

describe("tools", () => {
  test("schemas pass as they are, and a schema without a type gets one", () => {
    const schema = {
      type: "object",
      properties: { a: { anyOf: [{ type: "string" }, { $ref: "#/$defs/x" }] } },
      $defs: { x: {} },
      additionalProperties: false,
    };
    const { tools } = encode({
      tools: [
        { ...weather, schema },
        { name: "b", description: null, schema: null },
      ],
    });
    expect(tools[0]?.["inputSchema"]).toBe(schema);
    expect(tools[0]).toMatchObject({
      name: "get_weather",
      description: "Weather",
      annotations: { readOnlyHint: true },
      _meta: { "anthropic/maxResultSizeChars": 2_000_000 },
    });
    expect(tools[1]).toMatchObject({
      name: "b",
      description: "",
      inputSchema: { type: "object", properties: {} },
    });
  });

  test("a description that the program would cut goes on in the system prompt", () => {
    const description = Array.from({ length: 500 }, (_, at) => `word${at}`).join(" ");
    const { tools, systemPrompt } = encode({ tools: [{ ...weather, description }] });
    const shown = String(tools[0]?.["description"]);
    expect(shown.length).toBeLessThanOrEqual(2_048);
    expect(systemPrompt).toStartWith("# Tool get_weather, description continued\n");
    const rest = systemPrompt.slice(systemPrompt.indexOf("\n") + 1);
    expect(`${shown.slice(0, shown.indexOf("\n"))} ${rest}`).toBe(description);
    expect(encode({ tools: [{ ...weather, description: "x".repeat(2_048) }] }).systemPrompt).toBe("");
  });

  test("a model that always thinks is not told to stop, and its sampling fits to that", () => {
    const named = told();
    const options = { ...optionsOf(named), alwaysThinks: true };
    const request = {
      ...emptyRequest,
      messages: [user(text("q"))],
      thinking: { mode: "off" },
      temperature: 0.3,
    } as const;
    expect(encodeTurn(request, options).live).toMatchObject({ thinkingTokens: null, extraBody: {} });
    expect(named.unsupported).toEqual(["thinking", "temperature"]);
    expect(named.notes).toEqual(["thinking-at-least", "temperature-dropped"]);
    expect(encodeTurn(request, optionsOf(told())).live).toMatchObject({
      thinkingTokens: 0,
      extraBody: { temperature: 0.3 },
    });
  });

  test("a budget has no effect on a model that settles its thinking by itself, and that is named", () => {
    const say = told();
    const thinking = { mode: "budget", budgetTokens: 2_000 } as const;
    const request = { messages: [user(text("q"))], thinking };
    expect(encode(request, say, { adaptsThinking: true }).live.thinkingTokens).toBe(2_000);
    expect(say.unsupported).toEqual(["thinking.budget_tokens"]);
    const other = told();
    encode(request, other);
    expect(other.unsupported).toEqual([]);
  });

  const files = { name: "files.read", description: null, schema: null };
  const json = { type: "json-schema", name: "n", schema: { type: "object" }, strict: null } as const;
  const forcing = {
    messages: [user(text("q")), model(text("a")), user(text("r"))],
    tools: [weather, files],
    parallelTools: false,
  } as const;

  test.each([
    ["one of several", { toolChoice: { type: "required" } }, "one of your tools"],
    ["a tool that is not there", { toolChoice: { type: "tool", name: "other" } }, 'the tool "other"'],
    [
      "one, with a schema for the answer",
      { toolChoice: { type: "tool", name: "get_weather" }, format: json },
      'the tool "get_weather"',
    ],
  ] as const)("a model that always thinks is asked in words for %s", (_what, more, which) => {
    const say = told();
    const request = { ...forcing, ...more };
    const { live, last } = encode(request, say, { alwaysThinks: true });
    expect(live.extraBody["tool_choice"]).toEqual({ type: "auto", disable_parallel_tool_use: true });
    expect(contentOf(last)).toEqual([
      wire("r"),
      wire(`Answer this with a call of ${which}, not with words.`),
    ]);
    expect(say).toEqual({ notes: ["tool-choice-in-words"], unsupported: ["tool_choice"] });
    expect(contentOf(encode(request, told()).last)).toEqual([wire("r")]);
  });

  test.each([
    ["named", { toolChoice: { type: "tool", name: "get_weather" } }, weather],
    ["without a schema", { toolChoice: { type: "tool", name: "files.read" } }, files],
    ["the only one", { toolChoice: { type: "required" }, tools: [weather] }, weather],
  ] as const)(
    "a model that always thinks is held to one tool by the program's own: %s",
    (_what, more, tool) => {
      const say = told();
      const { live, last, ...turn } = encode({ ...forcing, ...more }, say, { alwaysThinks: true });
      expect(turn.jsonSchema).toEqual(tool.schema ?? { type: "object", properties: {} });
      expect(turn.tools).toEqual([]);
      expect(turn.names.toClient("StructuredOutput")).toBe(tool.name);
      expect(live.extraBody).toEqual({ tool_choice: { type: "auto", disable_parallel_tool_use: true } });
      const [, words] = contentOf(last) as { readonly text: string }[];
      expect(words?.text).toContain(`now it is the tool "${tool.name}"`);
      expect(words?.text.includes("What that is for: Weather")).toBe(tool === weather);
      expect(say).toEqual({ notes: ["tool-choice-by-schema"], unsupported: [] });
      // Where thinking can be switched off the API itself forces it.
      const native = encode({ ...forcing, ...more }, told());
      expect([native.jsonSchema, native.names.toClient("StructuredOutput")]).toEqual([null, null]);
      expect(native.live.extraBody["tool_choice"]).not.toMatchObject({ type: "auto" });
    },
  );

  test("a tool that the program would leave out is repaired, and that is noted", () => {
    const say = told();
    const broken = { ...weather, name: "broken", schema: { type: "object", properties: { a: null } } };
    const { tools } = encode({ messages: [user(text("q"))], tools: [weather, broken] }, say);
    expect(tools[0]?.["inputSchema"]).toBe(weather.schema);
    expect(tools[1]?.["inputSchema"]).toEqual({ type: "object", properties: { a: {} } });
    expect(say.notes).toEqual(["tool-schema-mended"]);
  });

  test("a vendor's own tool beside the only one makes no choice of it", () => {
    const say = told();
    const search = { dialect: "anthropic-messages", type: "web_search_20250305", value: {} } as const;
    const { jsonSchema } = encode(
      {
        messages: [user(text("q"))],
        tools: [weather],
        opaqueTools: [search],
        toolChoice: { type: "required" },
      },
      say,
      { alwaysThinks: true },
    );
    expect(jsonSchema).toEqual(weather.schema);
    expect(say.notes).toEqual(["hosted-tools-dropped:web_search_20250305", "tool-choice-by-schema"]);
  });

  test("an answer with a schema is not forbidden where no tool may be called, or only the history has some", () => {
    const call: Block = { type: "tool-call", id: "c", name: "get_weather", input: "{}" };
    const result: Block = { type: "tool-result", callId: "c", content: [], isError: false };
    const messages = [user(text("q")), model(call), user(result), user(text("now as JSON"))];
    for (const more of [{}, { tools: [weather], toolChoice: { type: "none" } }] as const) {
      const { tools, live, jsonSchema } = encode({ messages, format: json, ...more });
      expect([tools, live.extraBody, jsonSchema]).toEqual([[], {}, json.schema]);
    }
  });

  test("names are legal, different, never those of tools that the program runs, and lead back", () => {
    const wanted = ["Bash", "a.b", "a_b", "a:b", "x".repeat(200), "StructuredOutput", "mcp__github__find"];
    const names = toolNames(wanted, "all");
    const wires = wanted.map((name) => names.toWire(name));
    expect(new Set(wires).size).toBe(wanted.length);
    for (const each of wires) expect(each).toMatch(/^[a-zA-Z0-9_-]{1,128}$/);
    expect(wires.map((each) => names.toClient(each))).toEqual(wanted);
    expect(names.toWire("a_b")).toBe("a_b");
    expect(names.toWire("mcp__github__find")).toBe("mcp__github__find");
    expect(names.toClient("Bash")).toBeNull();
    expect(toolNames(["Bash"], []).toWire("Bash")).toBe("Bash");
    // A client that searches for its own tools: both versions leave a tool of this name out.
    const search = toolNames(["ToolSearch"], []);
    expect(search.toWire("ToolSearch")).toBe("client_ToolSearch");
    expect(search.toClient("client_ToolSearch")).toBe("ToolSearch");
    const some = toolNames(["Bash", "Read"], ["Read", "Skill"]);
    expect(["Bash", "Read"].map(some.toWire)).toEqual(["Bash", "client_Read"]);
  });

  test.each([
    [{ type: "auto" }, null, undefined],
    [{ type: "auto" }, false, { type: "auto", disable_parallel_tool_use: true }],
    [{ type: "none" }, null, { type: "none" }],
    [{ type: "required" }, null, { type: "any" }],
    [
      { type: "tool", name: "get_weather" },
      false,
      { type: "tool", name: "get_weather", disable_parallel_tool_use: true },
    ],
  ] as const)("the choice %o, parallel %p", (toolChoice, parallelTools, expected) => {
    const { live } = encode({ tools: [weather], toolChoice, parallelTools, messages: [user(text("q"))] });
    expect(live.extraBody["tool_choice"]).toEqual(expected);
    expect(live.thinkingTokens).toBe(expected?.type === "any" || expected?.type === "tool" ? 0 : null);
  });

  test("calls of the history are declared when the request has no tools, and none may be called", () => {
    const say = told();
    const call: Block = { type: "tool-call", id: "t", name: "old", input: "{}" };
    const { tools, live } = encode(
      { messages: [user(text("q")), model(call), user(text("z"))], toolChoice: { type: "required" } },
      say,
    );
    expect(tools.map(({ name }) => name)).toEqual(["old"]);
    expect(live.extraBody).toEqual({ tool_choice: { type: "none" } });
    expect(say.notes).toContain("tools-declared-from-history");
  });

  test("vendor tools are named as unsupported", () => {
    const say = told();
    encode(
      {
        messages: [user(text("q"))],
        opaqueTools: [{ dialect: "anthropic-messages", type: "web_search_20250305", value: {} }],
      },
      say,
    );
    expect(say).toEqual({
      notes: ["hosted-tools-dropped:web_search_20250305"],
      unsupported: ["tools.web_search_20250305"],
    });
  });

  test("results of text and images go in by the tool server, others do not", () => {
    const result = (content: Extract<Block, { type: "tool-result" }>["content"], isError = false) =>
      toolResult({ type: "tool-result", callId: "t", content, isError });
    const data = "iVBORw0KGgo=";
    expect(
      result([
        { type: "text", text: "a" },
        { type: "image", source: { kind: "base64", mediaType: "image/png", data } },
      ]),
    ).toEqual({
      content: [
        { type: "text", text: "a" },
        { type: "image", data, mimeType: "image/png" },
      ],
      isError: false,
    });
    expect(result([], true)).toEqual({ content: [{ type: "text", text: "(no output)" }], isError: true });
    expect(result([{ type: "image", source: { kind: "url", url: "https://x.example/a" } }])).toBeNull();
    expect(
      result([{ type: "opaque", dialect: "anthropic-messages", value: { type: "document" } }]),
    ).toBeNull();
    expect(result([{ type: "text", text: "x".repeat(400_001) }])).toBeNull();
  });
});

describe("settings", () => {
  const settings = (request: Partial<ChatRequest>, say = told(), effort: string | null = null) => {
    const { live } = encode({ messages: [user(text("q"))], ...request }, say, { effort });
    return settingsRequests(defaultSettings, live);
  };
  const applied = (env: Record<string, string>, more = {}) => ({
    subtype: "apply_flag_settings",
    settings: { ...more, env },
  });

  test("nothing is set where the request asks for nothing", () => {
    expect(settings({})).toEqual([]);
  });

  test("limits, stops and effort", () => {
    expect(settings({ maxTokens: 5000, stop: ["X", "\n"] }, told(), "low")).toEqual([
      applied(
        { CLAUDE_CODE_EXTRA_BODY: '{"stop_sequences":["X"]}', CLAUDE_CODE_MAX_OUTPUT_TOKENS: "5000" },
        { effortLevel: "low" },
      ),
    ]);
  });

  test("sampling passes without thinking, and is named where thinking forbids it", () => {
    const say = told();
    expect(settings({ temperature: 0.2, topP: 0.5, topK: 5 }, say)).toEqual([]);
    expect(say).toEqual({
      notes: ["temperature-dropped", "top-p-dropped", "top-k-dropped"],
      unsupported: ["temperature", "top_p", "top_k"],
    });
    expect(settings({ temperature: 1.5, topP: 0.5, topK: 5, thinking: { mode: "off" } })).toEqual([
      applied({ CLAUDE_CODE_EXTRA_BODY: '{"temperature":1,"top_p":0.5,"top_k":5}' }),
      { subtype: "set_max_thinking_tokens", max_thinking_tokens: 0 },
    ]);
  });

  test.each([
    [{ thinking: { mode: "off" } }, 0],
    [{ effort: "none" }, 0],
    [{ thinking: { mode: "adaptive" } }, null],
    [{ thinking: { mode: "budget", budgetTokens: 4000 } }, 4000],
    [{ thinking: { mode: "budget", budgetTokens: 4000 }, maxTokens: 3000 }, 2999],
    [{ thinking: { mode: "budget", budgetTokens: 4000 }, maxTokens: 500 }, 0],
    [{ maxTokens: 500 }, 0],
    [{ maxTokens: 500, effort: "high" }, null],
  ] as const)("thinking for %o is %p", (request, expected) => {
    expect(encode({ messages: [user(text("q"))], ...request }).live.thinkingTokens).toBe(expected);
  });

  test("a running tool turn without its thinking cannot think", () => {
    const call: Block = { type: "tool-call", id: "t", name: "get_weather", input: "{}" };
    const result: Block = { type: "tool-result", callId: "t", content: [], isError: false };
    const thinking: Block = { type: "thinking", text: "t", signature: "s" };
    const live = (...content: Block[]) =>
      encode({ tools: [weather], messages: [user(text("q")), model(...content), user(result)] }).live;
    expect(live(call).thinkingTokens).toBe(0);
    expect(live(thinking, call).thinkingTokens).toBeNull();
  });

  test("what was set for one answer is taken back for the next", () => {
    const before = {
      effort: "low",
      maxTokens: 10,
      thinkingTokens: 0,
      extraBody: { tool_choice: { type: "any" } },
    };
    expect(settingsRequests(before, { ...defaultSettings, effort: "low" })).toEqual([
      applied({ CLAUDE_CODE_EXTRA_BODY: "{}", CLAUDE_CODE_MAX_OUTPUT_TOKENS: "" }),
      { subtype: "set_max_thinking_tokens", max_thinking_tokens: null },
    ]);
  });

  test("a schema goes to the program, a request for any JSON is made in words", () => {
    const schema = { type: "object" };
    expect(encode({ format: { type: "json-schema", name: "n", schema, strict: null } }).jsonSchema).toBe(
      schema,
    );
    expect(encode({ format: { type: "json-object" } }).systemPrompt).toContain("single JSON object");
  });
});
