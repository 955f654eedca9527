// What is refused, and by which name: broken requests everywhere, and what no other API can do when one of those answers.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Failure } from "../../../src/canon/failure.ts";
import { decodeRequest } from "../../../src/dialects/openai-responses/decode-request.ts";
import { refuseUnsupportedContent } from "../../../src/dialects/unsupported-content.ts";
import { refuseTranslation } from "../../../src/dialects/openai-responses/refuse-translation.ts";
import codex from "./requests/codex-tool.json";
import openclaw from "./requests/openclaw-tool.json";

const base = { model: "m", input: "hi" };

function refusal(run: () => unknown): Failure {
  try {
    run();
  } catch (thrown) {
    if (thrown instanceof Failure) return thrown;
    throw thrown;
  }
  throw new Error("It was accepted.");
}

describe("broken requests", () => {
  const cases: readonly (readonly [string, object])[] = [
    ["model", { model: 1 }],
    ["input", { input: [] }],
    ["input", { input: undefined }],
    ["input[0]", { input: ["x"] }],
    ["input[0].type", { input: [{ type: 1 }] }],
    ["input[0].role", { input: [{ role: "tool", content: "" }] }],
    ["input[0].content", { input: [{ role: "user" }] }],
    ["input[0].content[0].type", { input: [{ role: "user", content: [{}] }] }],
    ["input[0].content[0].text", { input: [{ role: "user", content: [{ type: "input_text" }] }] }],
    [
      "input[0].content[0].image_url",
      { input: [{ role: "user", content: [{ type: "input_image", image_url: "file:///etc" }] }] },
    ],
    ["input[0].call_id", { input: [{ type: "function_call", name: "f", arguments: "{}" }] }],
    ["input[0].arguments", { input: [{ type: "function_call", call_id: "a", name: "f", arguments: {} }] }],
    ["input[0].output", { input: [{ type: "function_call_output", call_id: "a" }] }],
    ["input[0].summary", { input: [{ type: "reasoning", summary: "x" }] }],
    ["tools", { tools: {} }],
    ["tools[0].type", { tools: [{}] }],
    ["tools[0].name", { tools: [{ type: "function", function: { name: "chat style" } }] }],
    ["tools[0].tools[0].type", { tools: [{ type: "namespace", name: "n", tools: [{ type: "mcp" }] }] }],
    ["tool_choice.name", { tool_choice: { type: "function", name: "gone" } }],
    ["text.format.type", { text: { format: { type: "xml" } } }],
    ["reasoning.effort", { reasoning: { effort: "huge" } }],
    ["max_output_tokens", { max_output_tokens: 0 }],
    ["temperature", { temperature: 3 }],
    ["include[0]", { include: [1] }],
    ["store", { store: "no" }],
    ["api_base", { api_base: "http://a.example" }],
  ];
  test.each([...cases])("%s", (param, more) => {
    const failure = refusal(() => decodeRequest({ ...base, ...more }));
    expect(failure.param).toBe(param);
    expect(["invalid-request", "unsupported"]).toContain(failure.kind);
  });

  test("any JSON is a request or a refusal that names its field", () => {
    const body = fc.oneof(
      fc.jsonValue(),
      fc
        .dictionary(fc.constantFrom("input", "tools", "tool_choice", "text", "reasoning"), fc.jsonValue())
        .map((more) => ({ ...base, ...more })),
      fc
        .array(
          fc.record(
            {
              type: fc.constantFrom("message", "reasoning", "function_call", "custom_tool_call_output"),
              role: fc.constantFrom("user", "assistant", "developer"),
              content: fc.jsonValue(),
              output: fc.jsonValue(),
              call_id: fc.jsonValue(),
              summary: fc.jsonValue(),
            },
            { requiredKeys: ["type"] },
          ),
        )
        .map((input) => ({ ...base, input })),
    );
    fc.assert(
      fc.property(body, (value) => {
        try {
          expect(decodeRequest(value).model).toBeString();
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(Failure);
          expect(["invalid-request", "unsupported"]).toContain((thrown as Failure).kind);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe("before another API", () => {
  const refused = (more: object): Failure | null => {
    const request = decodeRequest({ ...base, ...more });
    return refuseTranslation(request) ?? refuseUnsupportedContent(request, "openai-chat");
  };

  test("Codex and OpenClaw may pass", () => {
    expect(refuseTranslation(decodeRequest(codex))).toBeNull();
    expect(refuseTranslation(decodeRequest(openclaw))).toBeNull();
  });

  const cases: readonly (readonly [string, string, object])[] = [
    ["store", "store", { store: true }],
    ["previous_response_id", "previous_response_id", { previous_response_id: "resp_1" }],
    ["conversation", "conversation", { conversation: { id: "conv_1" } }],
    ["background", "background", { background: true }],
    ["prompt", "prompt", { prompt: { id: "pmpt_1" } }],
    ["top_logprobs", "top_logprobs", { top_logprobs: 2 }],
    ["tools", "code_interpreter", { tools: [{ type: "code_interpreter" }] }],
    ["tools", "mcp", { tools: [{ type: "mcp", server_label: "x" }] }],
    ["tool_choice", "web_search", { tools: [{ type: "web_search" }], tool_choice: { type: "web_search" } }],
    ["tools", "web_search", { tools: [{ type: "web_search" }], tool_choice: "required" }],
    ["tool_choice", "allowed_tools", { tool_choice: { type: "allowed_tools", mode: "auto", tools: [] } }],
    ["input", "item_reference", { input: [{ type: "item_reference", id: "msg_1" }] }],
    ["input", "input_file", { input: [{ role: "user", content: [{ type: "input_file", file_id: "f" }] }] }],
    [
      "input",
      "input_image",
      {
        input: [
          { role: "user", content: [{ type: "input_file", file_id: "of the past" }] },
          { role: "user", content: [{ type: "input_image", file_id: "f" }] },
        ],
      },
    ],
  ];
  test.each([...cases])("%s (%s)", (param, word, more) => {
    const failure = refused(more);
    expect(failure?.kind).toBe("unsupported");
    expect(failure?.param).toBe(param);
    expect(failure?.message).toContain(word);
  });

  test("options that are only hints", () => {
    expect(
      refused({
        store: false,
        background: false,
        truncation: "auto",
        service_tier: "flex",
        text: { verbosity: "low" },
        tools: [{ type: "web_search" }, { type: "function", name: "f" }],
        tool_choice: "required",
      }),
    ).toBeNull();
  });
});
