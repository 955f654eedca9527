// What a Messages client's history holds that the program has no place for: told, as behind any other format.

import { expect, test } from "bun:test";
import { anthropicMessages } from "../../../src/dialects/anthropic-messages/dialect.ts";
import { encodeTurn } from "../../../src/dialects/claude-code/encode-turn.ts";

const decode = (messages: object[]) =>
  anthropicMessages.client.decodeRequest({ model: "m", max_tokens: 9, messages });

test("server tools, references and files at the vendor are told; a PDF and sealed thoughts stay", () => {
  const notes: string[] = [];
  const pdf = { type: "base64", media_type: "application/pdf", data: "JVBERi0xLjQK" };
  const sealed = { type: "redacted_thinking", data: "x" };
  const turn = encodeTurn(
    decode([
      { role: "user", content: [{ type: "document", source: pdf }] },
      {
        role: "assistant",
        content: [
          sealed,
          { type: "server_tool_use", id: "s", name: "web_search", input: { query: "q" } },
          { type: "web_search_tool_result", tool_use_id: "s", content: [] },
          { type: "mcp_tool_result", tool_use_id: "m", content: [{ type: "text", text: "mcp says" }] },
          { type: "tool_use", id: "t", name: "ToolSearch", input: {} },
        ],
      },
      {
        role: "user",
        content: [
          { type: "tool_result", tool_use_id: "t", content: [{ type: "tool_reference", tool_name: "Late" }] },
          { type: "document", title: "Plan", source: { type: "file", file_id: "file_1" } },
        ],
      },
    ]),
    {
      model: "opus",
      ownTools: [],
      effort: null,
      note: (word) => void notes.push(word),
      unsupported: () => undefined,
      uuid: () => "u",
    },
  );
  const said = JSON.stringify([turn.steps, turn.last]);
  expect(said).toContain(JSON.stringify({ type: "document", source: pdf }));
  expect(said).toContain(JSON.stringify(sealed));
  expect(said).toMatch(/mcp says.*from now on: Late.*A document at another vendor: Plan/);
  expect(said).not.toMatch(
    /"type":"(?:server_tool_use|web_search_tool_result|mcp_tool_result|tool_reference)"/,
  );
  expect(notes).toEqual(
    expect.arrayContaining([
      "hosted-calls-dropped:web_search",
      "hosted-calls-as-text:mcp",
      "tool-references-as-text",
      "files-dropped:document",
    ]),
  );
});
