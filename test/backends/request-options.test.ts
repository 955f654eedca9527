import { describe, expect, test } from "bun:test";
import { noRequestOptions } from "../../src/backends/backend.ts";
import { readRequestOptions } from "../../src/backends/request-options.ts";

const headers = (values: Record<string, string>): Headers => new Headers(values);

describe("reading", () => {
  test("headers and metadata; a header's effort wins, servers are joined", () => {
    expect(
      readRequestOptions(headers({ "x-effort": " High ", "x-mcp-servers": "b, a,," }), {
        effort: "low",
        mcp_servers: ["a", "c"],
      }),
    ).toEqual({ effort: "high", mcpServers: ["b", "a", "c"] });
  });

  test("OpenAI's metadata holds texts only", () => {
    expect(readRequestOptions(headers({}), { mcp_servers: "a,b", effort: "max" })).toEqual({
      effort: "max",
      mcpServers: ["a", "b"],
    });
  });

  test("whatever holds none", () => {
    for (const metadata of [
      null,
      undefined,
      7,
      [],
      {},
      { effort: null, mcp_servers: null },
      { effort: " ", mcp_servers: [] },
    ])
      expect(readRequestOptions(headers({}), metadata)).toBe(noRequestOptions);
  });

  test("what is not a name is kept as it is written, so that the backend can refuse it", () => {
    expect(readRequestOptions(headers({}), { effort: { a: 1 }, mcp_servers: [{ b: 2 }, 3] })).toEqual({
      effort: '{"a":1}',
      mcpServers: ['{"b":2}', "3"],
    });
  });
});
