// Histories in every wrong order that an endpoint accepts: for the property that a strict vendor accepts the result of any input.
// They must never be tidy: calls and results are in any place, under duplicate ids, next to what only one format has.

import fc from "fast-check";
import type { DialectName } from "../../src/canon/request.ts";
import { signatureOf } from "./upstream/plan.ts";

type Json = Record<string, unknown>;

const id = fc.constantFrom("a", "b", "a_", "call.é/1", "x".repeat(70));
const word = fc.constantFrom("hello", "", " ", "two words");
const pixel = "iVBORw0KGgo=";
const pdf = "JVBERi0xLjQK";
const just = <T extends Json>(...values: T[]): fc.Arbitrary<Json> => fc.constantFrom(...values);

const messagesBlock = fc.oneof(
  word.map((text): Json => ({ type: "text", text })),
  id.map((each): Json => ({ type: "tool_use", id: each, name: "f", input: { a: 1 } })),
  fc.tuple(id, word).map(([each, content]): Json => ({ type: "tool_result", tool_use_id: each, content })),
  just(
    {
      type: "tool_result",
      tool_use_id: "a",
      content: [
        { type: "image", source: { type: "base64", media_type: "image/png", data: pixel } },
        { type: "document", source: { type: "base64", media_type: "application/pdf", data: pdf } },
      ],
    },
    { type: "tool_result", tool_use_id: "b", content: [{ type: "tool_reference", tool_name: "g" }] },
    {
      type: "tool_result",
      tool_use_id: "b",
      content: [{ type: "search_result", source: "s", title: "t", content: [] }],
    },
    { type: "image", source: { type: "base64", media_type: "image/png", data: pixel } },
    { type: "image", source: { type: "file", file_id: "file_1" } },
    { type: "document", title: "d", source: { type: "base64", media_type: "application/pdf", data: pdf } },
    { type: "document", source: { type: "text", media_type: "text/plain", data: "words" } },
    { type: "document", source: { type: "url", url: "https://a.example/b.pdf" } },
    { type: "document", source: { type: "file", file_id: "file_1" } },
    { type: "document", source: { type: "content", content: [{ type: "text", text: "inner" }] } },
    { type: "thinking", thinking: "t", signature: signatureOf("t") },
    { type: "redacted_thinking", data: "x" },
    { type: "server_tool_use", id: "srvtoolu_1", name: "web_search", input: { query: "q" } },
    {
      type: "web_search_tool_result",
      tool_use_id: "srvtoolu_1",
      content: [{ type: "web_search_result", title: "t" }],
    },
    {
      type: "code_execution_tool_result",
      tool_use_id: "srvtoolu_2",
      content: { type: "code_execution_result", stdout: "1" },
    },
    { type: "mcp_tool_use", id: "mcptoolu_1", name: "m", server_name: "s", input: {} },
    { type: "mcp_tool_result", tool_use_id: "mcptoolu_1", content: [{ type: "text", text: "r" }] },
    { type: "container_upload", file_id: "file_1" },
    { type: "compaction", content: "what went before" },
  ),
);

/** Toward its own API a block stays where its client put it, so there it may be anywhere. */
function ownPlaces(role: string, content: string | Json[]): string | Json[] {
  if (typeof content === "string") return content;
  const ownModelParts = /^(?:redacted|server_|web_search|code_exec|mcp_|compaction)/;
  const ownUserParts = /^(?:document|container_upload|image)$/;
  return content.filter(({ type }) => {
    if (ownModelParts.test(String(type))) return role === "assistant";
    return !ownUserParts.test(String(type)) || role === "user";
  });
}

const unknownBlock = just({ type: "hologram", depth: 3 }, { type: "chronicle", text: "readable" });

const messages = (isOwn: boolean): fc.Arbitrary<Json> => {
  const block = isOwn ? messagesBlock : fc.oneof({ weight: 12, arbitrary: messagesBlock }, unknownBlock);
  const content = fc.oneof(word, fc.array(block, { maxLength: 5 }));
  const role = fc.constantFrom("user", "assistant", "user", "assistant", "system");
  return fc.array(fc.record({ role, content }), { minLength: 1, maxLength: 8 }).map((list) => ({
    model: "m",
    max_tokens: 100,
    messages: isOwn ? list.map((each) => ({ ...each, content: ownPlaces(each.role, each.content) })) : list,
  }));
};

/** Complete ones, and partial ones, as after a cut answer or a model's mistake. */
const callInput = fc.constantFrom("{}", '{"a":1}', "", " ", "null", '{"a":"b', '"{\\"a\\":1}"', "[1]", "x");

const chatCall = fc.tuple(id, callInput).map(([each, input]): Json => ({
  id: each,
  type: "function",
  function: { name: "f", arguments: input },
}));
const chatPart = fc.oneof(
  word.map((text): Json => ({ type: "text", text })),
  just(
    { type: "image_url", image_url: { url: `data:image/png;base64,${pixel}` } },
    { type: "file", file: { filename: "a.pdf", file_data: `data:application/pdf;base64,${pdf}` } },
    { type: "file", file: { file_id: "file-1" } },
    { type: "input_audio", input_audio: { data: "AAAA", format: "wav" } },
  ),
);

const chat = (isOwn: boolean): fc.Arbitrary<Json> => {
  const texts = fc.oneof(
    word,
    fc.array(
      word.map((text) => ({ type: "text", text })),
      { maxLength: 3 },
    ),
  );
  const part = isOwn ? chatPart : fc.oneof({ weight: 8, arbitrary: chatPart }, unknownBlock);
  const message = fc.oneof(
    fc.record({ role: fc.constantFrom("system", "developer"), content: texts }),
    fc.record({ role: fc.constant("user"), content: fc.oneof(word, fc.array(part, { maxLength: 4 })) }),
    fc.record({
      role: fc.constant("assistant"),
      content: fc.oneof(fc.constant(null), word, isOwn ? texts : fc.array(part, { maxLength: 3 })),
      tool_calls: fc.array(chatCall, { maxLength: 3 }),
      reasoning_content: fc.constantFrom(null, "thought"),
    }),
    fc.record({ role: fc.constant("tool"), tool_call_id: id, content: texts }),
    just(
      { role: "assistant", content: null, function_call: { name: "f", arguments: '{"a":"b' } },
      { role: "function", name: "f", content: "r" },
      { role: "assistant", content: null, audio: { id: "audio_1" } },
    ),
  );
  return fc.array(message, { minLength: 1, maxLength: 10 }).map((list) => ({ model: "m", messages: list }));
};

const input = (isOwn: boolean): fc.Arbitrary<Json> => {
  const callId = id.map((call_id) => ({ call_id }));
  const part = fc.oneof(
    word.map((text): Json => ({ type: "input_text", text })),
    just(
      { type: "input_image", image_url: "https://a.example/b.png" },
      { type: "input_image", file_id: "file-1" },
      { type: "input_file", filename: "a.pdf", file_data: `data:application/pdf;base64,${pdf}` },
      { type: "input_file", file_url: "https://a.example/b.pdf" },
      { type: "input_file", file_id: "file-1" },
    ),
  );
  const ordinary = fc.oneof(
    fc.record({ role: fc.constant("user"), content: fc.oneof(word, fc.array(part, { maxLength: 4 })) }),
    fc.record({ role: fc.constantFrom("assistant", "developer", "system"), content: word }),
    fc
      .tuple(callId, callInput)
      .map(([each, input]): Json => ({ type: "function_call", ...each, name: "f", arguments: input })),
    callId.map((each): Json => ({ type: "custom_tool_call", ...each, name: "g", input: "x" })),
    fc.tuple(callId, word).map(([each, output]): Json => ({ type: "function_call_output", ...each, output })),
    callId.map((each): Json => ({ type: "custom_tool_call_output", ...each, output: "r" })),
    just({ type: "reasoning", id: "rs_1", summary: [{ type: "summary_text", text: "s" }] }),
  );
  const special = just(
    { type: "web_search_call", id: "ws_1", status: "completed" },
    { type: "local_shell_call", id: "lsh_1", call_id: "l", action: { type: "exec", command: ["ls"] } },
    { type: "local_shell_call_output", id: "l", output: "files" },
    { type: "computer_call", id: "cu_1", call_id: "k", action: { type: "screenshot" } },
    {
      type: "computer_call_output",
      call_id: "k",
      output: { type: "computer_screenshot", image_url: `data:image/png;base64,${pixel}` },
    },
    { type: "image_generation_call", id: "ig_1", result: pixel },
    { type: "code_interpreter_call", id: "ci_1", code: "1", outputs: [{ type: "logs", logs: "1" }] },
    { type: "mcp_list_tools", id: "mcpl_1", server_label: "s", tools: [] },
    { type: "mcp_call", id: "mcp_1", name: "m", server_label: "s", arguments: "{}", output: "r" },
    { type: "mcp_approval_request", id: "mcpr_1", name: "m", server_label: "s", arguments: "{}" },
    { type: "mcp_approval_response", approval_request_id: "mcpr_1", approve: true },
    { type: "compaction", id: "cmp_1", encrypted_content: "x" },
  );
  const item = fc.oneof(
    { weight: 8, arbitrary: ordinary },
    { weight: 3, arbitrary: special },
    ...(isOwn
      ? []
      : [
          {
            weight: 1,
            arbitrary: just({ type: "ghost_snapshot", commit: 1 }, { type: "chronicle", text: "readable" }),
          },
        ]),
  );
  return fc.array(item, { minLength: 1, maxLength: 10 }).map((list) => ({ model: "m", input: list }));
};

const contents = (isOwn: boolean): fc.Arbitrary<Json> => {
  const name = fc.constantFrom("f", "g");
  const call = fc.record({ name, id: fc.constantFrom("a", "b", null) });
  const ordinary = fc.oneof(
    word.map((text): Json => ({ text })),
    just(
      { inlineData: { mimeType: "image/png", data: pixel } },
      { inlineData: { mimeType: "application/pdf", data: pdf } },
    ),
    just(
      { inlineData: { mimeType: "audio/wav", data: "AAAA" } },
      { fileData: { fileUri: "https://a.example/b.mp4", mimeType: "video/mp4" } },
    ),
    just({ fileData: { fileUri: "gs://a/b", mimeType: "video/mp4" } }, { text: "thought", thought: true }),
    just(
      { executableCode: { language: "PYTHON", code: "1" } },
      { codeExecutionResult: { outcome: "OUTCOME_OK", output: "1" } },
    ),
    just(
      { toolCall: { toolType: "GOOGLE_SEARCH_WEB" } },
      { toolResponse: { toolType: "GOOGLE_SEARCH_WEB" } },
    ),
  );
  const calls = call.map((each): Json => ({ functionCall: { ...each, args: {} } }));
  const results = fc.oneof(
    call.map((each): Json => ({ functionResponse: { ...each, response: { output: "r" } } })),
    call.map((each): Json => ({
      functionResponse: {
        ...each,
        response: { x: 1 },
        parts: [{ inlineData: { mimeType: "application/pdf", data: pdf } }],
      },
    })),
  );
  const odd = isOwn ? [] : [just({ hologram: { depth: 3 } }, { chronicle: { text: "readable" } })];
  const content = fc.oneof(
    fc.record({
      role: fc.constant("user"),
      parts: fc.array(fc.oneof(ordinary, results, ...odd), { maxLength: 4 }),
    }),
    fc.record({
      role: fc.constant("model"),
      parts: fc.array(fc.oneof(ordinary, calls, ...odd), { maxLength: 4 }),
    }),
    fc.record({
      role: fc.constantFrom("user", "model"),
      parts: fc.array(fc.oneof(calls, results), { maxLength: 4 }),
    }),
  );
  return fc.array(content, { minLength: 1, maxLength: 8 }).map((list) => ({ contents: list }));
};

/** `isOwn`: for the endpoint's own format, whose vendor decides about blocks that the gateway does not know. */
export const histories: Readonly<Record<DialectName, (isOwn: boolean) => fc.Arbitrary<Json>>> = {
  "anthropic-messages": messages,
  "openai-chat": chat,
  "openai-responses": input,
  "google-genai": contents,
};

/** One more user turn, so that everything before it belongs to the past. */
export function withNextTurn(dialect: DialectName, body: Json): Json {
  const list = (key: string): unknown[] => body[key] as unknown[];
  switch (dialect) {
    case "openai-responses":
      return { ...body, input: [...list("input"), { role: "user", content: "go on" }] };
    case "google-genai":
      return { ...body, contents: [...list("contents"), { role: "user", parts: [{ text: "go on" }] }] };
    default:
      return { ...body, messages: [...list("messages"), { role: "user", content: "go on" }] };
  }
}
