import { expect, test } from "bun:test";
import { applyQuirks, quirks } from "../../../src/backends/http/quirks.ts";
import { localServers, quirksAt, vendors } from "../../../src/backends/http/vendors.ts";

test("old servers never see stream_options", () => {
  expect(
    applyQuirks(["no-stream-options"], { stream: true, stream_options: { include_usage: true } }),
  ).toEqual({ stream: true });
});

test("OpenAI is told max_completion_tokens, and the client's own one stays", () => {
  expect(applyQuirks(["max-completion-tokens"], { max_tokens: 5 })).toEqual({ max_completion_tokens: 5 });
  expect(applyQuirks(["max-completion-tokens"], { max_tokens: 5, max_completion_tokens: 7 })).toEqual({
    max_completion_tokens: 7,
  });
  expect(applyQuirks(["max-completion-tokens"], { model: "m" })).toEqual({ model: "m" });
});

test("several are applied in their order, and the body handed in is not touched", () => {
  const body = Object.freeze({ max_tokens: 5, stream_options: {} });
  expect(applyQuirks(["no-stream-options", "max-completion-tokens"], body)).toEqual({
    max_completion_tokens: 5,
  });
  expect(applyQuirks([], body)).toBe(body);
});

test("every quirk has a reason and names what it touches", () => {
  for (const quirk of Object.values(quirks)) {
    expect(quirk.reason).toMatch(/\w+ \w+/);
    expect(quirk.touches.length).toBeGreaterThan(0);
  }
});

test("quirks go by host, whatever the provider is called", () => {
  expect(quirksAt("https://api.openai.com/v1")).toEqual(["max-completion-tokens"]);
  expect(quirksAt("https://api.openai.com.evil.org/v1")).toEqual([]);
  expect(quirksAt("http://127.0.0.1:1/v1")).toEqual([]);
});

test("vendors have one id each and speak to their own https address; local servers stay here", () => {
  const ids = [...vendors, ...localServers].map((row) => row.id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const row of vendors) {
    expect(new URL(row.baseUrl).protocol).toBe("https:");
    expect(row.keyVariable).toMatch(/^[A-Z_]+_API_KEY$/);
  }
  for (const row of localServers) expect(new URL(row.baseUrl).hostname).toBe("127.0.0.1");
});
