// What only Anthropic can say is refused by name before it goes elsewhere; what may be dropped passes.

import { describe, expect, test } from "bun:test";
import type { ChatRequest } from "../../../src/canon/request.ts";
import { refuseUnsupportedContent } from "../../../src/dialects/unsupported-content.ts";
import { decodeRequest } from "../../../src/dialects/anthropic-messages/decode-request.ts";
import { refuseTranslation } from "../../../src/dialects/anthropic-messages/refuse-translation.ts";

const base = { model: "m", max_tokens: 100, messages: [{ role: "user", content: "hi" }] };
const decode = (members: object): ChatRequest => decodeRequest({ ...base, ...members });
describe("what no other format can say", () => {
  const inMessage = (content: unknown): object => ({
    messages: [
      { role: "user", content: "a" },
      { role: "user", content },
    ],
  });
  const table: [string, object, string][] = [
    [
      "messages[1].content[1]",
      inMessage([
        { type: "text", text: "a" },
        { type: "document", source: { type: "file", file_id: "f" } },
      ]),
      "document",
    ],
    [
      "messages[1].content[0]",
      inMessage([{ type: "image", source: { type: "file", file_id: "f" } }]),
      "image",
    ],
    ["tools", { tools: [{ type: "web_search_20250305", name: "web_search" }] }, "web_search_20250305"],
    ["container", { container: "c" }, "container"],
    ["mcp_servers", { mcp_servers: [{ url: "u" }] }, "mcp_servers"],
  ];
  for (const [param, members, word] of table)
    test(param, () => {
      const request = decode(members);
      const failure = refuseTranslation(request) ?? refuseUnsupportedContent(request, "openai-chat");
      expect(failure).toMatchObject({ kind: "unsupported", param });
      expect(failure?.message).toContain(word);
    });
  test("droppable things pass", () => {
    const request = decode({
      context_management: { edits: [] },
      metadata: { user_id: "u" },
      mcp_servers: [],
      container: null,
      service_tier: "auto",
      ...inMessage([
        { type: "redacted_thinking", data: "x" },
        { type: "text", text: "a", cache_control: { type: "ephemeral" } },
      ]),
    });
    expect(refuseTranslation(request)).toBeNull();
  });
});
