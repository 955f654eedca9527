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
