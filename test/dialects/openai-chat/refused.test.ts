// What clients may not send, and that the error names the field.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Failure } from "../../../src/canon/failure.ts";
import { refuseUnsupportedContent } from "../../../src/dialects/unsupported-content.ts";
import { openaiChat } from "../../../src/dialects/openai-chat/dialect.ts";

const { decodeRequest, refuseTranslation } = openaiChat.client;
const hi = { role: "user", content: "hi" };
const tool = { type: "function", function: { name: "f", parameters: { type: "object" } } };
/** The Failure that decoding ends in; throws when there is none or when it is another exception. */
function refusal(body: unknown): Failure {
  try {
    decodeRequest(body);
  } catch (thrown) {
    if (thrown instanceof Failure) return thrown;
    throw thrown;
  }
  throw new Error("the request was accepted");
}

const part = (value: unknown): object => ({ messages: [{ role: "user", content: [value] }] });
const url = (value: unknown): object => part({ type: "image_url", image_url: { url: value } });
const reply = (value: object): object => ({ messages: [hi, { role: "assistant", ...value }] });

describe("refused, with the field's name", () => {
  test.each<[string, object, string]>([
    ["messages", { messages: undefined }, "invalid-request"],
    ["messages", { messages: [] }, "invalid-request"],
    ["messages", { messages: "hi" }, "invalid-request"],
    ["messages[0]", { messages: ["hi"] }, "invalid-request"],
    ["messages[0].role", { messages: [{ content: "x" }] }, "invalid-request"],
    ["messages[0].role", { messages: [{ role: "robot", content: "x" }] }, "invalid-request"],
    ["messages[0].name", { messages: [{ role: "function", content: "x" }] }, "invalid-request"],
    ["messages[0].role", { messages: [{ role: { toString: 1 }, content: "x" }] }, "invalid-request"],
    ["messages[0].content", { messages: [{ role: "user", content: null }] }, "invalid-request"],
    ["messages[0].content", { messages: [{ role: "user" }] }, "invalid-request"],
    ["messages[0].content", { messages: [{ role: "user", content: 5 }] }, "invalid-request"],
    ["messages[0].content[0]", part("x"), "invalid-request"],
    ["messages[0].content[0].input_audio", part({ type: "input_audio" }), "invalid-request"],
    ["messages[0].content[0].file", part({ type: "file", file: "a.pdf" }), "invalid-request"],
    [
      "messages[0].content[0].type",
      { messages: [{ role: "system", content: [{ type: "file", file: {} }] }] },
      "unsupported",
    ],
    ["messages[0].content[0].type", part({ text: "x" }), "invalid-request"],
    ["messages[0].content[0].text", part({ type: "text" }), "invalid-request"],
    ["messages[0].content[0].image_url", part({ type: "image_url" }), "invalid-request"],
    ["messages[0].content[0].image_url.url", url(5), "invalid-request"],
    ["messages[0].content[0].image_url.url", url("file:///etc/passwd"), "invalid-request"],
    ["messages[0].content[0].image_url.url", url("gopher://x"), "invalid-request"],
    ["messages[0].content[0].image_url.url", url("http://"), "invalid-request"],
    ["messages[0].content[0].image_url.url", url("data:image/png,abc"), "invalid-request"],
    ["messages[0].content[0].image_url.url", url("data:image/png;base64,???"), "invalid-request"],
    ["messages[0].content[0].image_url.url", url("data:image/png;base64,"), "invalid-request"],
    ["messages[0].content[0].image_url.url", url("data:text/html;base64,AA=="), "invalid-request"],
    ["messages[1].function_call.name", reply({ function_call: { arguments: "{}" } }), "invalid-request"],
    ["messages[1].audio", reply({ audio: "a" }), "invalid-request"],
    ["messages[1].tool_calls", reply({ tool_calls: {} }), "invalid-request"],
    [
      "messages[1].tool_calls[0].custom.name",
      reply({ tool_calls: [{ id: "a", type: "custom", custom: { input: "x" } }] }),
      "invalid-request",
    ],
    [
      "messages[1].tool_calls[0].id",
      reply({ tool_calls: [{ id: "", function: { name: "f", arguments: "{}" } }] }),
      "invalid-request",
    ],
    [
      "messages[1].tool_calls[0].function.arguments",
      reply({ tool_calls: [{ id: "a", function: { name: "f", arguments: {} } }] }),
      "invalid-request",
    ],
    ["messages[1].tool_call_id", { messages: [hi, { role: "tool", content: "x" }] }, "invalid-request"],
    ["model", { model: undefined }, "invalid-request"],
    ["model", { model: 5 }, "invalid-request"],
    ["max_tokens", { max_tokens: 0 }, "invalid-request"],
    ["max_tokens", { max_tokens: -1 }, "invalid-request"],
    ["max_tokens", { max_tokens: 1.5, max_completion_tokens: 5 }, "invalid-request"],
    ["max_completion_tokens", { max_completion_tokens: "5" }, "invalid-request"],
    ["max_tokens", { max_tokens: 2 ** 63 }, "invalid-request"],
    ["temperature", { temperature: 2.1 }, "invalid-request"],
    ["temperature", { temperature: Number.POSITIVE_INFINITY }, "invalid-request"],
    ["top_p", { top_p: "1" }, "invalid-request"],
    ["stop", { stop: 5 }, "invalid-request"],
    ["stop[1]", { stop: ["a", 5] }, "invalid-request"],
    ["stop", { stop: Array.from({ length: 1000 }, () => "") }, "invalid-request"],
    ["stream", { stream: "true" }, "invalid-request"],
    ["stream_options", { stream_options: true }, "invalid-request"],
    ["stream_options.include_usage", { stream_options: { include_usage: 1 } }, "invalid-request"],
    ["reasoning_effort", { reasoning_effort: "huge" }, "invalid-request"],
    ["n", { n: 0 }, "invalid-request"],
    ["logprobs", { logprobs: 1 }, "invalid-request"],
    ["tools", { tools: {} }, "invalid-request"],
    ["tools[0].type", { tools: [{ type: "web_search" }] }, "unsupported"],
    ["tools[0].custom", { tools: [{ type: "custom" }] }, "invalid-request"],
    ["tools[0].custom.name", { tools: [{ type: "custom", custom: {} }] }, "invalid-request"],
    ["tools[1].function.name", { tools: [tool, { type: "function", function: {} }] }, "invalid-request"],
    [
      "tools[0].function.parameters",
      { tools: [{ type: "function", function: { name: "f", parameters: [] } }] },
      "invalid-request",
    ],
    ["tool_choice", { tool_choice: "any" }, "invalid-request"],
    ["tool_choice.type", { tools: [tool], tool_choice: { type: "zzz" } }, "unsupported"],
    [
      "tool_choice.function.name",
      { tools: [tool], tool_choice: { type: "function", function: { name: "g" } } },
      "invalid-request",
    ],
    ["parallel_tool_calls", { parallel_tool_calls: "no" }, "invalid-request"],
    ["response_format.type", { response_format: { type: "grammar" } }, "unsupported"],
    ["response_format.json_schema", { response_format: { type: "json_schema" } }, "invalid-request"],
    ["functions", { functions: [] }, "unsupported"],
    ["function_call", { function_call: "auto" }, "unsupported"],
    ["user", { user: 5 }, "invalid-request"],
  ])("%s (%j)", (param, change, kind) => {
    expect(refusal({ model: "m", messages: [hi], ...change })).toMatchObject({ kind, param });
  });

  test.each([
    "api_base",
    "base_url",
    "api_key",
    "headers",
    "extra_headers",
    "organization",
    "endpoint",
    "proxy",
    "extra_body",
  ])("%s would steer the gateway", (key) => {
    expect(refusal({ model: "m", messages: [hi], [key]: "http://x" })).toMatchObject({
      kind: "invalid-request",
      param: key,
    });
  });

  test("messages name the type, the field and what to do", () => {
    expect(refusal({ model: "m", messages: [hi], functions: [] }).message).toBe(
      "functions is obsolete and not supported here; use tools.",
    );
  });

  test.each([
    [
      "messages",
      '"input_audio"',
      part({ type: "input_audio", input_audio: { data: "AAAA", format: "wav" } }),
    ],
    ["messages", '"file"', part({ type: "file", file: { file_id: "f" } })],
    ["messages", '"video_url"', part({ type: "video_url", video_url: { url: "https://a.example/b" } })],
    ["tool_choice", '"allowed_tools"', { messages: [hi], tool_choice: { type: "allowed_tools" } }],
  ])("%s of type %s is for this format only", (param, type, change) => {
    const request = decodeRequest({ model: "m", ...change });
    const failure = refuseTranslation(request) ?? refuseUnsupportedContent(request, "anthropic-messages");
    expect(failure).toMatchObject({ kind: "unsupported", param });
    expect(failure?.message).toContain(type);
  });
});

describe("whatever JSON comes in", () => {
  const json = fc.jsonValue({ maxDepth: 4 });
  const decodes = (body: unknown): void => {
    try {
      const request = decodeRequest(body);
      refuseTranslation(request);
      openaiChat.backend.encodeRequest(request, { model: "t", defaultMaxTokens: 1, maxOutput: null });
    } catch (thrown) {
      if (!(thrown instanceof Failure)) throw thrown;
      expect(thrown.status).toBe(400);
    }
  };

  test("nothing but a Failure is thrown", () => {
    fc.assert(fc.property(json, decodes), { numRuns: 500 });
  });

  test("in every field of a full request", () => {
    const full = {
      model: "m",
      messages: [
        { role: "system", content: "s", name: "n" },
        {
          role: "user",
          content: [
            { type: "text", text: "t" },
            { type: "image_url", image_url: { url: "https://a.example/b", detail: "low" } },
          ],
        },
        {
          role: "assistant",
          content: null,
          reasoning_content: "r",
          refusal: null,
          tool_calls: [{ id: "a", type: "function", function: { name: "f", arguments: "{}" } }],
        },
        { role: "tool", tool_call_id: "a", content: [{ type: "text", text: "t" }] },
      ],
      tools: [{ type: "function", function: { name: "f", description: "d", parameters: {}, strict: true } }],
      tool_choice: { type: "function", function: { name: "f" } },
      response_format: {
        type: "json_schema",
        json_schema: { name: "n", description: "d", schema: {}, strict: true },
      },
      stream_options: { include_usage: true, include_obfuscation: false },
      max_tokens: 1,
      max_completion_tokens: 1,
      temperature: 1,
      top_p: 1,
      stop: ["a"],
      n: 1,
      stream: true,
      user: "u",
      safety_identifier: "s",
      reasoning_effort: "low",
      parallel_tool_calls: true,
      logprobs: false,
      modalities: ["text"],
      audio: null,
      seed: 1,
    };
    decodes(full);
    const paths: (string | number)[][] = [];
    const walk = (value: unknown, path: (string | number)[]): void => {
      if (path.length > 0) paths.push(path);
      if (Array.isArray(value)) for (const [i, each] of value.entries()) walk(each, [...path, i]);
      else if (typeof value === "object" && value !== null)
        for (const [key, each] of Object.entries(value)) walk(each, [...path, key]);
    };
    walk(full, []);
    const replaced = (value: unknown, path: readonly (string | number)[], by: unknown): unknown => {
      const [at, ...rest] = path;
      if (at === undefined) return by;
      if (Array.isArray(value)) return value.map((each, i) => (i === at ? replaced(each, rest, by) : each));
      const record = value as Record<string, unknown>;
      return { ...record, [at]: replaced(record[at], rest, by) };
    };
    fc.assert(
      fc.property(fc.constantFrom(...paths), json, (path, by) => decodes(replaced(full, path, by))),
      { numRuns: 3000 },
    );
  });
});
