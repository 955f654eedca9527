// Content blocks of a request: what each kind becomes.

import { describe, expect, test } from "bun:test";
import type { Block } from "../../../src/canon/request.ts";
import { decodeContent } from "../../../src/dialects/anthropic-messages/decode-content.ts";

const userBlock = (block: unknown): Block | undefined => decodeContent([block], "content")[0];
const own = (members: object): object => ({ extras: { "anthropic-messages": members } });

describe("content blocks", () => {
  const opaque = (value: object): object => ({ type: "opaque", dialect: "anthropic-messages", value });
  const file = { type: "image", source: { type: "file", file_id: "f" } };
  const document = {
    type: "document",
    source: { type: "url", url: "u" },
    cache_control: { type: "ephemeral" },
  };
  const table: [string, unknown, object][] = [
    ["text", { type: "text", text: "a", cache_control: null }, { type: "text", text: "a" }],
    ["input_text", { type: "input_text", text: "a" }, { type: "text", text: "a" }],
    [
      "text with citations",
      { type: "text", text: "a", citations: [1] },
      { type: "text", text: "a", ...own({ citations: [1] }) },
    ],
    [
      "a mark with a scope",
      { type: "text", text: "a", cache_control: { type: "ephemeral", scope: "global" } },
      {
        type: "text",
        text: "a",
        cache: { ttl: null },
        ...own({ cache_control: { type: "ephemeral", scope: "global" } }),
      },
    ],
    [
      "inline image",
      { type: "image", source: { type: "base64", media_type: "image/png", data: "iV\nBO" } },
      { type: "image", source: { kind: "base64", mediaType: "image/png", data: "iVBO" } },
    ],
    [
      "image by URL",
      { type: "image", source: { type: "url", url: "http://169.254.169.254/" } },
      { type: "image", source: { kind: "url", url: "http://169.254.169.254/" } },
    ],
    ["image by file", file, opaque(file)],
    ["document", document, opaque(document)],
    [
      "redacted thinking",
      { type: "redacted_thinking", data: "x" },
      opaque({ type: "redacted_thinking", data: "x" }),
    ],
    ["server tool", { type: "server_tool_use", id: "s" }, opaque({ type: "server_tool_use", id: "s" })],
    [
      "thinking",
      { type: "thinking", thinking: "t", signature: "s" },
      { type: "thinking", text: "t", signature: "s" },
    ],
    [
      "unsigned thinking",
      { type: "thinking", thinking: "t", signature: "" },
      { type: "thinking", text: "t", signature: null },
    ],
    [
      "tool use",
      { type: "tool_use", id: "i", name: "n", input: { a: [1] } },
      { type: "tool-call", id: "i", name: "n", input: '{"a":[1]}' },
    ],
    [
      "result as a string",
      { type: "tool_result", tool_use_id: "i", content: "ok", is_error: true },
      { type: "tool-result", callId: "i", isError: true, content: [{ type: "text", text: "ok" }] },
    ],
    [
      "result said to be good",
      { type: "tool_result", tool_use_id: "i", is_error: false },
      { type: "tool-result", callId: "i", isError: false, content: [], ...own({ is_error: false }) },
    ],
    [
      "result with an image",
      {
        type: "tool_result",
        tool_use_id: "i",
        content: [
          { type: "image", source: { type: "base64", media_type: "image/png", data: "AA" } },
          { type: "search_result" },
        ],
      },
      {
        type: "tool-result",
        callId: "i",
        isError: false,
        content: [
          { type: "image", source: { kind: "base64", mediaType: "image/png", data: "AA" } },
          opaque({ type: "search_result" }),
        ],
      },
    ],
  ];
  for (const [name, block, expected] of table)
    test(name, () => {
      expect(userBlock(block)).toEqual(expected as Block);
    });
});
