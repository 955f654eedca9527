// What clients send, in the canonical form.

import { describe, expect, test } from "bun:test";
import type { ChatRequest } from "../../../src/canon/request.ts";
import { decodeRequest } from "../../../src/dialects/openai-responses/decode-request.ts";
import { freeTextSchema } from "../../../src/dialects/free-text-tools.ts";
import codex from "./requests/codex-tool.json";
import openclaw from "./requests/openclaw-tool.json";

const decode = (more: object): ChatRequest => decodeRequest({ model: "m", input: "hi", ...more });
const input = (...items: object[]) => decode({ input: items }).messages;
const ownExtras = (members: object): object => ({ extras: { "openai-responses": members } });

describe("recorded clients", () => {
  test("Codex: developer messages are system, its tools all have a place", () => {
    const request = decodeRequest(codex);
    expect(request.system.map((block) => (block.type === "text" ? block.text.length : 0))).toHaveLength(4);
    expect(request.messages.map(({ role, content }) => [role, content.map((each) => each.type)])).toEqual([
      ["user", ["text"]],
      ["user", ["text"]],
      ["assistant", ["tool-call"]],
      ["user", ["tool-result"]],
    ]);
    expect(request.tools.map((tool) => tool.name)).toContain("apply_patch");
    expect(request.tools.find((tool) => tool.name === "apply_patch")).toMatchObject({
      schema: freeTextSchema,
      extras: { "openai-responses": { type: "custom", format: { syntax: "lark" } } },
    });
    expect(request.tools.map((tool) => tool.name)).toContain("tool_search");
    expect(request.opaqueTools).toEqual([]);
    expect(request.extras["openai-responses"]).toMatchObject({
      hosted_tools: [{ type: "web_search" }],
      store: false,
      include: ["reasoning.encrypted_content"],
      text: { verbosity: "low" },
    });
    expect(request).toMatchObject({ effort: "medium", parallelTools: true, toolChoice: { type: "auto" } });
  });

  test("OpenClaw", () => {
    const request = decodeRequest(openclaw);
    expect(request.messages.map(({ role }) => role)).toEqual(["user", "user", "assistant", "user"]);
    expect(request).toMatchObject({ maxTokens: 8192, stream: true, toolChoice: null });
    expect(request.tools).toHaveLength(3);
  });
});

describe("input", () => {
  test("a string", () => {
    expect(decode({ input: "hello" }).messages).toEqual([
      { role: "user", content: [{ type: "text", text: "hello" }] },
    ]);
  });

  test("instructions stand before developer messages, and later ones stay in place", () => {
    const request = decode({
      instructions: "first",
      input: [
        { role: "developer", content: "second" },
        { role: "user", content: "hi" },
        { role: "system", content: "third" },
      ],
    });
    expect(request.system.map((block) => (block.type === "text" ? block.text : ""))).toEqual([
      "first",
      "second",
    ]);
    expect(request.messages.map((message) => message.role)).toEqual(["user", "system"]);
  });

  test("one turn of the model is one message: thinking, text, calls; its results are one too", () => {
    expect(
      input(
        { type: "reasoning", id: "rs_1", summary: [{ text: "hm" }], encrypted_content: "gAAA" },
        { role: "assistant", phase: "commentary", content: [{ type: "output_text", text: "look" }] },
        { type: "function_call", call_id: "a", name: "f", arguments: "{}" },
        { type: "custom_tool_call", call_id: "b", name: "apply_patch", input: '*** "x"\n' },
        { type: "function_call_output", call_id: "a", output: "1" },
        {
          type: "custom_tool_call_output",
          call_id: "b",
          output: [
            { type: "input_text", text: "2" },
            { type: "input_image", image_url: "data:image/png;base64,AAAA", detail: "low" },
          ],
        },
      ),
    ).toEqual([
      {
        role: "assistant",
        content: [
          {
            type: "thinking",
            text: "hm",
            signature: null,
            ...ownExtras({ id: "rs_1", encrypted_content: "gAAA" }),
          },
          { type: "text", text: "look", ...ownExtras({ phase: "commentary" }) },
          { type: "tool-call", id: "a", name: "f", input: "{}" },
          {
            type: "tool-call",
            id: "b",
            name: "apply_patch",
            input: '{"input":"*** \\"x\\"\\n"}',
            ...ownExtras({ type: "custom" }),
          },
        ],
      },
      {
        role: "user",
        content: [
          {
            type: "tool-result",
            callId: "a",
            content: [{ type: "text", text: "1" }],
            isError: false,
          },
          {
            type: "tool-result",
            callId: "b",
            content: [
              { type: "text", text: "2" },
              {
                type: "image",
                source: { kind: "base64", mediaType: "image/png", data: "AAAA" },
                ...ownExtras({ detail: "low" }),
              },
            ],
            isError: false,
            ...ownExtras({ type: "custom" }),
          },
        ],
      },
    ]);
  });

  test("another vendor's signature comes back out of its mark, without extras", () => {
    expect(
      input({
        type: "reasoning",
        id: "rs_1",
        summary: [{ text: "hm" }],
        encrypted_content: "clawgate.signature.EqQ=",
      })[0]?.content,
    ).toEqual([{ type: "thinking", text: "hm", signature: "EqQ=" }]);
    expect(
      input({ type: "reasoning", id: "rs_x", summary: [], encrypted_content: "clawgate.sealed.rs_1:g:=" })[0]
        ?.content,
    ).toEqual([
      { type: "thinking", text: "", signature: null, ...ownExtras({ id: "rs_1", encrypted_content: "g:=" }) },
    ]);
  });

  test("files and unknown items stay as they are; the item of a search is kept with its text", () => {
    const file = { type: "input_file", file_id: "file-1" };
    const search = { type: "web_search_call", id: "ws_1" };
    const thought = { type: "item_reference", id: "rs_1" };
    const reference = { type: "item_reference", id: "msg_1" };
    expect(
      input(
        { role: "user", content: [file] },
        search,
        thought,
        { role: "assistant", content: "found" },
        reference,
      ),
    ).toEqual([
      { role: "user", content: [{ type: "opaque", dialect: "openai-responses", value: file }] },
      {
        role: "assistant",
        content: [
          { type: "text", text: "found", ...ownExtras({ before: [search, thought] }) },
          { type: "opaque", dialect: "openai-responses", value: reference },
        ],
      },
    ]);
  });
});

describe("tools", () => {
  const crm = {
    type: "namespace",
    name: "crm",
    description: "customers",
    tools: [
      { type: "function", name: "find", parameters: { type: "object" } },
      { type: "custom", name: "note" },
    ],
  };
  test("a namespace becomes part of the names, in calls too", () => {
    const request = decode({
      tools: [crm],
      input: [{ type: "function_call", call_id: "a", namespace: "crm", name: "find", arguments: "{}" }],
      tool_choice: { type: "function", name: "find" },
    });
    expect(request.tools.map((tool) => tool.name)).toEqual(["crm__find", "crm__note"]);
    expect(request.messages[0]?.content).toMatchObject([{ name: "crm__find" }]);
    expect(request.toolChoice).toEqual({ type: "tool", name: "crm__find" });
  });
  test("a long joined name is cut to what other APIs accept, and stays unique", () => {
    const long = (name: string): object => ({ type: "function", name });
    const tools = [{ ...crm, name: "x".repeat(60), tools: [long("alpha"), long("beta")] }];
    const names = decode({ tools }).tools.map((tool) => tool.name);
    expect(new Set(names).size).toBe(2);
    for (const name of names) expect(name).toMatch(/^[A-Za-z0-9_]{1,64}$/);
  });
  test("a grammar becomes a description", () => {
    const format = { type: "grammar", syntax: "lark", definition: "start: X" };
    const tools = [{ type: "custom", name: "patch", description: "Patches.", format }];
    expect(decode({ tools }).tools[0]?.description).toBe(
      "Patches.\n\nThe input must follow this lark grammar:\nstart: X",
    );
  });
  test("tools of other kinds are this dialect's own", () => {
    const tool = { type: "code_interpreter", container: { type: "auto" } };
    expect(decode({ tools: [tool] }).opaqueTools).toEqual([
      { dialect: "openai-responses", type: "code_interpreter", value: tool },
    ]);
  });
});

test("formats, reasoning and limits", () => {
  const schema = { type: "object", properties: {} };
  expect(
    decode({
      text: {
        verbosity: "low",
        format: { type: "json_schema", name: "n", description: "d", schema, strict: true },
      },
      reasoning: { effort: "high", summary: "auto" },
      max_output_tokens: 5,
      temperature: 1,
      top_p: 0.5,
      safety_identifier: "s",
    }),
  ).toMatchObject({
    format: { type: "json-schema", name: "n", schema, strict: true },
    effort: "high",
    maxTokens: 5,
    temperature: 1,
    topP: 0.5,
    user: "s",
    wantsUsage: true,
    extras: {
      "openai-responses": {
        text: { verbosity: "low", "format.description": "d" },
        reasoning: { summary: "auto" },
      },
    },
  });
  expect(decode({ text: { format: { type: "json_object" } } }).format).toEqual({ type: "json-object" });
  expect(decode({ text: { format: { type: "text" } } }).format).toBeNull();
});
