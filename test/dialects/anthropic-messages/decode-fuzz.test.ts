// Whatever JSON a client sends: a request, or a refusal that names its field; never another exception.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Failure } from "../../../src/canon/failure.ts";
import { decodeRequest } from "../../../src/dialects/anthropic-messages/decode-request.ts";

const base = { model: "m", max_tokens: 100, messages: [{ role: "user", content: "hi" }] };
describe("fuzz", () => {
  const rules = (run: () => unknown): void => {
    try {
      run();
    } catch (thrown) {
      expect(thrown).toBeInstanceOf(Failure);
      expect((thrown as Failure).kind).toBe("invalid-request");
      expect((thrown as Failure).param).not.toBeNull();
    }
  };
  test("any JSON: a request or an invalid-request that names its field", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (body) => rules(() => decodeRequest(body))),
      { numRuns: 500 },
    );
  });
  test("a good request with anything anywhere", () => {
    const rich = {
      ...base,
      system: [{ type: "text", text: "s", cache_control: { type: "ephemeral", ttl: "5m" } }],
      tools: [
        { name: "f", description: "d", input_schema: { type: "object" } },
        { type: "bash_20250124", name: "bash" },
      ],
      tool_choice: { type: "tool", name: "f", disable_parallel_tool_use: true },
      thinking: { type: "enabled", budget_tokens: 1024 },
      output_config: { effort: "low", format: { type: "json_schema", schema: {} } },
      metadata: { user_id: "u" },
      stop_sequences: ["a"],
      temperature: 1,
      messages: [
        {
          role: "user",
          content: [{ type: "image", source: { type: "base64", media_type: "m", data: "d" } }],
        },
        {
          role: "assistant",
          content: [
            { type: "thinking", thinking: "t", signature: "s" },
            { type: "tool_use", id: "i", name: "f", input: {} },
          ],
        },
        {
          role: "user",
          content: [
            { type: "tool_result", tool_use_id: "i", content: [{ type: "text", text: "x" }], is_error: true },
          ],
        },
      ],
    };
    const paths: (string | number)[][] = [];
    const walk = (value: unknown, path: (string | number)[]): void => {
      paths.push(path);
      if (typeof value === "object" && value !== null)
        for (const [key, child] of Object.entries(value))
          walk(child, [...path, Array.isArray(value) ? Number(key) : key]);
    };
    walk(rich, []);
    const put = (value: unknown, path: readonly (string | number)[], wild: unknown): unknown => {
      const [key, ...rest] = path;
      if (key === undefined) return wild;
      if (Array.isArray(value))
        return value.map((each: unknown, at) => (at === key ? put(each, rest, wild) : each));
      const record = value as Record<string, unknown>;
      return { ...record, [key]: put(record[key], rest, wild) };
    };
    fc.assert(
      fc.property(fc.constantFrom(...paths), fc.jsonValue(), (path, wild) =>
        rules(() => decodeRequest(put(rich, path, wild))),
      ),
      { numRuns: 2000 },
    );
  });
});
