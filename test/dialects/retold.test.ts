// A row for each block that only one format has: what the other formats make of it in past turns, and how it is noted.

import { describe, expect, test } from "bun:test";
import type { DialectName } from "../../src/canon/request.ts";
import { refuseUnsupportedContent } from "../../src/dialects/unsupported-content.ts";
import { dialects } from "../../src/dialects/dialect-table.ts";
import { withNextTurn } from "../support/histories.ts";

type Json = Record<string, unknown>;
type Sent = { readonly said: string; readonly notes: readonly string[] };

const names = Object.keys(dialects) as DialectName[];
const target = { model: "m", defaultMaxTokens: 4_096, maxOutput: null };
const pdf = "JVBERi0xLjQK";
const pixel = "iVBORw0KGgo=";

function send(from: DialectName, body: Json, name: DialectName): Sent {
  const { client } = dialects[from];
  const request = client.decodeRequest(withNextTurn(from, body));
  expect(client.refuseTranslation(request) ?? refuseUnsupportedContent(request, name)).toBeNull();
  const notes = new Set<string>();
  client.noteLosses(request, (note) => notes.add(note));
  const said = JSON.stringify(
    dialects[name].backend.encodeRequest(request, target, (note) => notes.add(note)),
  );
  return { said, notes: [...notes] };
}

const messages = (role: "user" | "assistant", block: Json): Json => ({
  model: "m",
  max_tokens: 9,
  messages: [
    { role: "user", content: "hi" },
    { role, content: [block] },
  ],
});
const result = (block: Json): Json => ({
  model: "m",
  max_tokens: 9,
  messages: [
    { role: "user", content: "hi" },
    { role: "assistant", content: [{ type: "tool_use", id: "t", name: "f", input: {} }] },
    { role: "user", content: [{ type: "tool_result", tool_use_id: "t", content: [block] }] },
  ],
});
const input = (...items: Json[]): Json => ({
  model: "m",
  input: [{ role: "user", content: "hi" }, ...items],
});
const parts = (role: "user" | "model", part: Json): Json => ({
  contents: [
    { role: "user", parts: [{ text: "hi" }] },
    { role, parts: [part] },
  ],
});
const chat = (...list: Json[]): Json => ({
  model: "m",
  messages: [{ role: "user", content: "hi" }, ...list],
});
const document = (source: Json): Json => ({ type: "document", title: "Plan", source });

type Row = readonly [
  what: string,
  from: DialectName,
  body: Json,
  /** What every other target reads of it, or the one of that name; null: nothing of it. */
  said: RegExp | Partial<Record<DialectName, RegExp>> | null,
  note: string | null,
];

const pdfSource = { type: "base64", media_type: "application/pdf", data: pdf };
const pdfEverywhere: Partial<Record<DialectName, RegExp>> = {
  "openai-chat":
    /"type":"file","file":\{"filename":"[^"]+","file_data":"data:application\/pdf;base64,JVBERi0xLjQK"/,
  "openai-responses":
    /"type":"input_file","filename":"[^"]+","file_data":"data:application\/pdf;base64,JVBERi0xLjQK"/,
  "google-genai": /"inlineData":\{"mimeType":"application\/pdf","data":"JVBERi0xLjQK"\}/,
  "anthropic-messages":
    /"type":"document","source":\{"type":"base64","media_type":"application\/pdf","data":"JVBERi0xLjQK"\}/,
};

const rows: readonly Row[] = [
  ["a PDF", "anthropic-messages", messages("user", document(pdfSource)), pdfEverywhere, null],
  ["a PDF that a tool read", "anthropic-messages", result(document(pdfSource)), pdfEverywhere, null],
  [
    "a PDF",
    "openai-chat",
    chat({
      role: "user",
      content: [
        { type: "file", file: { filename: "a.pdf", file_data: `data:application/pdf;base64,${pdf}` } },
      ],
    }),
    pdfEverywhere,
    null,
  ],
  [
    "a PDF",
    "openai-responses",
    input({
      role: "user",
      content: [{ type: "input_file", filename: "a.pdf", file_data: `data:application/pdf;base64,${pdf}` }],
    }),
    pdfEverywhere,
    null,
  ],
  [
    "a PDF",
    "google-genai",
    parts("user", { inlineData: { mimeType: "application/pdf", data: pdf } }),
    pdfEverywhere,
    null,
  ],
  [
    "a text",
    "anthropic-messages",
    messages("user", document({ type: "text", media_type: "text/plain", data: "plain words" })),
    /Plan\]\\nplain words/,
    "documents-as-text",
  ],
  [
    "a text",
    "google-genai",
    parts("user", { inlineData: { mimeType: "text/markdown", data: btoa("plain words") } }),
    /plain words/,
    "documents-as-text",
  ],
  [
    "a text",
    "openai-chat",
    chat({
      role: "user",
      content: [{ type: "file", file: { filename: "a.txt", file_data: btoa("plain words") } }],
    }),
    /plain words/,
    "documents-as-text",
  ],
  [
    "content",
    "anthropic-messages",
    messages("user", document({ type: "content", content: [{ type: "text", text: "inner" }] })),
    /inner/,
    "documents-as-text",
  ],
  [
    "an address",
    "anthropic-messages",
    messages("user", document({ type: "url", url: "https://a.example/b.pdf" })),
    /https:\/\/a\.example\/b\.pdf/,
    null,
  ],
  [
    "a file at the vendor",
    "anthropic-messages",
    messages("user", document({ type: "file", file_id: "file_1" })),
    /document at another vendor: Plan/,
    "files-dropped:document",
  ],
  [
    "a file for a container",
    "anthropic-messages",
    messages("user", { type: "container_upload", file_id: "file_1" }),
    /file_1/,
    "files-dropped:container_upload",
  ],
  [
    "a picture at the vendor",
    "anthropic-messages",
    messages("user", { type: "image", source: { type: "file", file_id: "file_1" } }),
    /A picture/,
    "files-dropped:image",
  ],
  [
    "a search's call",
    "anthropic-messages",
    messages("assistant", {
      type: "server_tool_use",
      id: "s",
      name: "web_search",
      input: { query: "secret query" },
    }),
    null,
    "hosted-calls-dropped:web_search",
  ],
  [
    "a search's result",
    "anthropic-messages",
    messages("assistant", {
      type: "web_search_tool_result",
      tool_use_id: "s",
      content: [{ encrypted_content: "sealed" }],
    }),
    null,
    "hosted-calls-dropped:web_search",
  ],
  [
    "a fetched page",
    "anthropic-messages",
    messages("assistant", {
      type: "web_fetch_tool_result",
      tool_use_id: "s",
      content: {
        type: "web_fetch_result",
        url: "https://a.example",
        content: document({ type: "text", data: "the page" }),
      },
    }),
    /the page/,
    "hosted-calls-as-text:web_fetch",
  ],
  [
    "executed code",
    "anthropic-messages",
    messages("assistant", {
      type: "bash_code_execution_tool_result",
      tool_use_id: "s",
      content: { type: "bash_code_execution_result", stdout: "forty-two" },
    }),
    /forty-two/,
    "hosted-calls-as-text:bash_code_execution",
  ],
  [
    "a failed tool",
    "anthropic-messages",
    messages("assistant", {
      type: "text_editor_code_execution_tool_result",
      content: { error_code: "too_slow" },
    }),
    /failed\]\\ntoo_slow/,
    "hosted-calls-as-text:text_editor_code_execution",
  ],
  [
    "a call of MCP",
    "anthropic-messages",
    messages("assistant", { type: "mcp_tool_use", id: "m", name: "look", server_name: "s", input: { a: 1 } }),
    /look was called/,
    "hosted-calls-as-text:look",
  ],
  [
    "an answer of MCP",
    "anthropic-messages",
    messages("assistant", {
      type: "mcp_tool_result",
      tool_use_id: "m",
      content: [{ type: "text", text: "mcp says" }],
    }),
    /mcp says/,
    "hosted-calls-as-text:mcp",
  ],
  [
    "a summary",
    "anthropic-messages",
    messages("assistant", { type: "compaction", content: "what went before" }),
    /what went before/,
    "compaction-as-text",
  ],
  [
    "a reference",
    "anthropic-messages",
    result({ type: "tool_reference", tool_name: "Late" }),
    /called from now on: Late/,
    "tool-references-as-text",
  ],
  [
    "what a search for tools found",
    "anthropic-messages",
    messages("assistant", {
      type: "tool_search_tool_result",
      content: { tool_references: [{ type: "tool_reference", tool_name: "Late" }] },
    }),
    /from now on: Late/,
    "tool-references-as-text",
  ],
  [
    "a tool that the client adds later",
    "anthropic-messages",
    messages("user", { type: "tool_addition", tool: { type: "tool_reference", name: "Late" } }),
    /from now on: Late/,
    "tool-references-as-text",
  ],
  [
    "a search result",
    "anthropic-messages",
    messages("user", {
      type: "search_result",
      source: "s",
      title: "Title",
      content: [{ type: "text", text: "found words" }],
    }),
    /Title s\]\\nfound words/,
    "search-results-as-text",
  ],
  [
    "sealed thoughts",
    "anthropic-messages",
    messages("assistant", { type: "redacted_thinking", data: "sealed" }),
    null,
    "thinking-blocks-dropped",
  ],
  [
    "what nobody knows",
    "anthropic-messages",
    messages("assistant", { type: "hologram", depth: "sealed" }),
    null,
    "content-dropped:hologram",
  ],
  [
    "what nobody knows but can read",
    "anthropic-messages",
    messages("user", { type: "chronicle", text: "readable" }),
    /readable/,
    "content-as-text:chronicle",
  ],
  [
    "a shell",
    "openai-responses",
    input(
      { type: "local_shell_call", call_id: "c", action: { type: "exec", command: ["ls"] } },
      { type: "local_shell_call_output", call_id: "c", output: "files" },
    ),
    /command.*files/,
    "hosted-calls-as-functions:local_shell",
  ],
  [
    "a patch",
    "openai-responses",
    input(
      { type: "apply_patch_call", call_id: "c", operation: { type: "delete_file", path: "p" } },
      { type: "apply_patch_call_output", call_id: "c", status: "completed", output: "patched" },
    ),
    /delete_file.*patched/,
    "hosted-calls-as-functions:apply_patch",
  ],
  [
    "a screen",
    "openai-responses",
    input(
      { type: "computer_call", call_id: "c", action: { type: "screenshot" } },
      {
        type: "computer_call_output",
        call_id: "c",
        output: { type: "computer_screenshot", image_url: `data:image/png;base64,${pixel}` },
      },
    ),
    /screenshot.*iVBORw0KGgo=/,
    "hosted-calls-as-functions:computer",
  ],
  [
    "a picture that was made",
    "openai-responses",
    input({ type: "image_generation_call", result: pixel }),
    /A picture was made/,
    "hosted-calls-as-text:image_generation_call",
  ],
  [
    "code",
    "openai-responses",
    input({ type: "code_interpreter_call", code: "6*7", outputs: [{ type: "logs", logs: "forty-two" }] }),
    /6\*7.*forty-two/,
    "hosted-calls-as-text:code_interpreter_call",
  ],
  [
    "a call of MCP",
    "openai-responses",
    input({ type: "mcp_call", name: "look", arguments: "{}", output: "mcp says" }),
    /look.*mcp says/,
    "hosted-calls-as-text:mcp_call",
  ],
  [
    "a list of MCP",
    "openai-responses",
    input({ type: "mcp_list_tools", tools: [{ name: "sealed" }] }),
    null,
    "hosted-calls-dropped:mcp_list_tools",
  ],
  [
    "an approval",
    "openai-responses",
    input(
      { type: "mcp_approval_request", id: "a", name: "look" },
      { type: "mcp_approval_response", approval_request_id: "a", approve: true },
    ),
    /approved or declined/,
    "hosted-calls-dropped:mcp_approval_request",
  ],
  [
    "a search",
    "openai-responses",
    input({ type: "web_search_call", action: { query: "secret query" } }),
    null,
    "hosted-calls-dropped:web_search_call",
  ],
  [
    "a search before another item",
    "openai-responses",
    input({ type: "file_search_call", queries: ["sealed"] }, { type: "mcp_list_tools", tools: [] }),
    null,
    "hosted-calls-dropped:file_search_call",
  ],
  [
    "a seal",
    "openai-responses",
    input({ type: "compaction", encrypted_content: "sealed" }),
    null,
    "content-dropped:compaction",
  ],
  [
    "what nobody knows",
    "openai-responses",
    input({ type: "ghost_snapshot", commit: "sealed" }),
    null,
    "content-dropped:ghost_snapshot",
  ],
  [
    "a file at the vendor",
    "openai-responses",
    input({ role: "user", content: [{ type: "input_file", file_id: "file-1" }] }),
    /file-1/,
    "files-dropped:input_file",
  ],
  [
    "a picture at the vendor",
    "openai-responses",
    input({ role: "user", content: [{ type: "input_image", file_id: "file-1" }] }),
    /file-1/,
    "files-dropped:input_image",
  ],
  [
    "code",
    "google-genai",
    parts("model", { executableCode: { language: "PYTHON", code: "6*7" } }),
    /```python\\n6\*7/,
    "hosted-calls-as-text:executableCode",
  ],
  [
    "a result of code",
    "google-genai",
    parts("model", { codeExecutionResult: { outcome: "OUTCOME_OK", output: "forty-two" } }),
    /forty-two/,
    "hosted-calls-as-text:codeExecutionResult",
  ],
  [
    "a picture that was made",
    "google-genai",
    parts("model", { inlineData: { mimeType: "image/png", data: pixel } }),
    /A picture/,
    "pictures-as-text",
  ],
  [
    "a file at the vendor",
    "google-genai",
    parts("user", {
      fileData: {
        fileUri: "https://generativelanguage.googleapis.com/v1beta/files/x",
        mimeType: "video/mp4",
      },
    }),
    /files\/x/,
    "files-dropped:fileData",
  ],
  [
    "a film",
    "google-genai",
    parts("user", { inlineData: { mimeType: "video/mp4", data: "AAAA" } }),
    /A film/,
    "files-as-text",
  ],
  [
    "a search's call",
    "google-genai",
    parts("model", { toolCall: { toolType: "GOOGLE_SEARCH_WEB" } }),
    null,
    "hosted-calls-dropped:toolCall",
  ],
  [
    "a sound",
    "openai-chat",
    chat({ role: "user", content: [{ type: "input_audio", input_audio: { data: "AAAA", format: "wav" } }] }),
    {
      "google-genai": /"inlineData":\{"mimeType":"audio\/wav"/,
      "anthropic-messages": /A sound/,
      "openai-responses": /A sound/,
    },
    null,
  ],
  [
    "a file at the vendor",
    "openai-chat",
    chat({ role: "user", content: [{ type: "file", file: { file_id: "file-1" } }] }),
    /file-1/,
    "files-dropped:file",
  ],
  [
    "free text for a tool",
    "openai-chat",
    chat(
      {
        role: "assistant",
        content: null,
        tool_calls: [{ id: "c", type: "custom", custom: { name: "g", input: "raw" } }],
      },
      { role: "tool", tool_call_id: "c", content: "r" },
    ),
    /raw/,
    null,
  ],
  [
    "a call of a kind that nobody knows",
    "openai-chat",
    chat(
      {
        role: "assistant",
        content: null,
        tool_calls: [{ id: "c", type: "robot", robot: { name: "g", speed: 7 } }],
      },
      { role: "tool", tool_call_id: "c", content: "answered" },
    ),
    /speed.*7.*answered/,
    null,
  ],
  [
    "spoken parts that nobody knows",
    "openai-responses",
    input({
      type: "message",
      role: "assistant",
      content: [
        { type: "output_text", text: "said" },
        { type: "hologram", depth: "sealed" },
        { type: "chronicle", text: "readable" },
      ],
    }),
    /said.*readable/,
    "content-dropped:hologram",
  ],
  [
    "an obsolete call",
    "openai-chat",
    chat(
      { role: "assistant", content: null, function_call: { name: "g", arguments: '{"n":7}' } },
      { role: "function", name: "g", content: "answered" },
    ),
    /function_g.*answered/,
    null,
  ],
  [
    "spoken output",
    "openai-chat",
    chat({ role: "assistant", content: null, audio: { id: "audio_1" } }),
    null,
    "content-dropped:audio",
  ],
];

describe.each([...rows])("%s of %s", (_what, from, body, said, note) => {
  test.each(names.filter((name) => name !== from))("toward %s", (name) => {
    const sent = send(from, body, name);
    const pattern = said === null || said instanceof RegExp ? said : said[name];
    if (pattern instanceof RegExp) expect(sent.said).toMatch(pattern);
    expect(sent.said).not.toMatch(/sealed|secret query/);
    if (note !== null) expect(sent.notes).toContain(note);
  });
});

describe("content of the newest user message that the target has no place for is refused by name, so that another target is asked", () => {
  test.each([
    ["openai-chat", document({ type: "file", file_id: "file_1" }), false],
    ["openai-chat", document({ type: "url", url: "https://a.example/b.pdf" }), true],
    ["google-genai", document({ type: "url", url: "https://a.example/b.pdf" }), true],
    ["openai-responses", { type: "hologram", depth: 1 }, false],
    ["openai-responses", document(pdfSource), true],
  ] as const)("%s: %j", (name, block, isTaken) => {
    const body = { model: "m", max_tokens: 9, messages: [{ role: "user", content: [block] }] };
    const request = dialects["anthropic-messages"].client.decodeRequest(body);
    const failure = refuseUnsupportedContent(request, name);
    if (isTaken) expect(failure).toBeNull();
    else expect(failure).toMatchObject({ kind: "unsupported", param: "messages[0].content[0]" });
  });
});

describe("deferred tools", () => {
  const tools = [
    {
      name: "Late",
      input_schema: { type: "object", properties: { x: { type: "string" } } },
      defer_loading: true,
    },
    { name: "ToolSearch", input_schema: { type: "object" } },
    { name: "Never", input_schema: { type: "object" }, defer_loading: true },
  ];
  const named = (history: Json[], name: DialectName, more: Json = {}): string[] => {
    const body = { model: "m", max_tokens: 9, tools, messages: history, ...more };
    const request = dialects["anthropic-messages"].client.decodeRequest(body);
    const sent = JSON.stringify(dialects[name].backend.encodeRequest(request, target));
    return [
      ...sent.matchAll(/"name":"(Late|ToolSearch|Never)","(?:parameters|input_schema|parametersJsonSchema)/g),
    ].map(([, found]) => found ?? "");
  };
  const ask = { role: "user", content: "hi" };
  const found = {
    role: "user",
    content: [
      { type: "tool_result", tool_use_id: "t", content: [{ type: "tool_reference", tool_name: "Late" }] },
    ],
  };
  const search = {
    role: "assistant",
    content: [{ type: "tool_use", id: "t", name: "ToolSearch", input: {} }],
  };
  const others = names.filter((name) => name !== "anthropic-messages");

  test.each(others)("%s gets them when the history names them", (name) => {
    expect(named([ask], name)).toEqual(["ToolSearch"]);
    expect(named([ask, search, found], name)).toEqual(["ToolSearch", "Late"]);
    expect(named([ask], name, { tool_choice: { type: "tool", name: "Never" } })).toEqual([
      "ToolSearch",
      "Never",
    ]);
  });

  test.each(others)("%s gets them when the client adds them, until it removes them", (name) => {
    const change = (type: string): Json => ({ type, tool: { type: "tool_reference", name: "Late" } });
    const added = { role: "user", content: [change("tool_addition"), { type: "text", text: "go on" }] };
    const removed = { role: "user", content: [change("tool_removal"), { type: "text", text: "go on" }] };
    expect(named([ask, added], name)).toEqual(["ToolSearch", "Late"]);
    expect(named([ask, added, { role: "assistant", content: "ok" }, removed], name)).toEqual(["ToolSearch"]);
  });

  test("what two searches found is two lines where a turn of the model's is one text", () => {
    const searched = (id: string, name: string): Json[] => [
      { type: "server_tool_use", id, name: "tool_search_tool_regex", input: { pattern: name } },
      {
        type: "tool_search_tool_result",
        tool_use_id: id,
        content: {
          type: "tool_search_tool_search_result",
          tool_references: [{ type: "tool_reference", tool_name: name }],
        },
      },
    ];
    const content = [...searched("srvtoolu_1", "Late"), ...searched("srvtoolu_2", "Never")];
    const messages = [ask, { role: "assistant", content }, ask];
    const body = { model: "m", max_tokens: 9, tools, messages };
    const request = dialects["anthropic-messages"].client.decodeRequest(body);
    const sent = dialects["openai-chat"].backend.encodeRequest(request, target);
    const lines = String((sent["messages"] as Json[])[1]?.["content"])
      .trim()
      .split("\n");
    expect(lines.map((line) => /\w+$/.exec(line)?.[0])).toEqual(["Late", "Never"]);
  });

  test("the API that knows the word gets them all", () => {
    expect(named([ask], "anthropic-messages")).toEqual(["Late", "ToolSearch", "Never"]);
  });
});
