import { expect, test } from "bun:test";
import type { ChatRequest } from "../../src/canon/request.ts";
import { estimateTokens, estimateTokensOfBytes, imageTokens } from "../../src/canon/tokens.ts";

const nothing: Pick<ChatRequest, "system" | "messages" | "tools" | "opaqueTools"> = {
  system: [],
  messages: [],
  tools: [],
  opaqueTools: [],
};
const image = { type: "image", source: { kind: "url", url: "https://example.com/a.png" } } as const;

test("UTF-8 bytes / 4, at least one", () => {
  expect([0, 1, 4, 5, 400].map(estimateTokensOfBytes)).toEqual([1, 1, 1, 2, 100]);
  expect(estimateTokens({ ...nothing, system: [{ type: "text", text: "🦞".repeat(10) }] })).toBe(10);
});

test("everything that is read is counted, images at a flat figure wherever they stand", () => {
  const text = { type: "text", text: "x".repeat(396) } as const;
  expect(estimateTokens({ ...nothing, messages: [{ role: "user", content: [text] }] })).toBe(100);
  expect(estimateTokens({ ...nothing, messages: [{ role: "user", content: [text, image] }] })).toBe(
    100 + imageTokens,
  );
  const result = { type: "tool-result", callId: "1", content: [text, image], isError: false } as const;
  expect(estimateTokens({ ...nothing, messages: [{ role: "user", content: [result] }] })).toBe(
    100 + imageTokens,
  );
  const tool = { name: "n".repeat(10), description: "d".repeat(20), schema: { a: 1 } };
  expect(estimateTokens({ ...nothing, tools: [tool] })).toBe(Math.ceil((10 + 20 + '{"a":1}'.length) / 4));
});

test("a tool that is held back counts once the history names it", () => {
  const tool = {
    name: "late",
    description: "d".repeat(400),
    schema: {},
    extras: { "anthropic-messages": { defer_loading: true } },
  };
  const other = { name: "soon", description: null, schema: {} };
  const tools = [tool, other];
  const only = estimateTokens({ ...nothing, tools: [other] });
  const both = estimateTokens({ ...nothing, tools: [{ ...tool, extras: {} }, other] });
  expect(both - only).toBeGreaterThan(100);
  expect(estimateTokens({ ...nothing, tools })).toBe(only);
  expect(estimateTokens({ ...nothing, tools, toolChoice: { type: "tool", name: "late" } })).toBe(both);
  const reference = {
    type: "opaque",
    dialect: "anthropic-messages",
    value: { type: "tool_reference", tool_name: "late" },
  } as const;
  const found = { type: "tool-result", callId: "1", content: [reference], isError: false } as const;
  const messages = [{ role: "user", content: [found] }] as const;
  expect(estimateTokens({ ...nothing, tools, messages })).toBe(
    both - only + estimateTokens({ ...nothing, tools: [other], messages }),
  );
});
