// How vendors break off a stream.

import { describe, expect, test } from "bun:test";
import { chunk, decodeText, plain, sse } from "./recorded.ts";

const closing = (...data: unknown[]): unknown => plain(decodeText(sse(...data))).at(-1);

describe("errors inside the stream", () => {
  test.each([
    [{ error: { message: "x", type: "overloaded_error" } }, "overloaded"],
    [{ error: { message: "x", type: "rate_limit_error", code: "rate_limit_exceeded" } }, "rate-limited"],
    [{ error: { message: "x", code: "insufficient_quota" } }, "quota-exhausted"],
    [
      { error: { message: "x", type: "invalid_request_error", code: "context_length_exceeded" } },
      "context-exceeded",
    ],
    [{ error: { message: "x", type: "invalid_request_error" } }, "invalid-request"],
    [{ error: { message: "x", code: 502 } }, "overloaded"],
    [{ error: { message: "x", code: "429" } }, "rate-limited"],
    [{ error: { message: "x", code: "invalid_api_key" } }, "credentials-rejected"],
    [{ error: { message: "x", type: "timeout" } }, "timed-out"],
    [{ error: { message: "x", type: "server_error" } }, "upstream-error"],
    [{ error: "something broke" }, "upstream-error"],
    [{ error: {} }, "upstream-error"],
    [[{ error: { message: "x", code: 503, status: "UNAVAILABLE" } }], "overloaded"],
    [{ object: "error", message: "x", code: 400 }, "invalid-request"],
    [chunk({}, "error"), "upstream-error"],
    [chunk({}, "insufficient_system_resource"), "upstream-error"],
    ["not json", "bad-output"],
    ["7", "bad-output"],
  ])("%j is %s", (data, kind) => {
    expect(closing(chunk({ content: "a" }), data, "[DONE]")).toMatchObject({
      type: "failure",
      kind,
      maybeBilled: true,
    });
    expect(closing(data)).toMatchObject({ type: "failure", kind });
  });

  test("an `event: error` frame is a failure whatever it holds", () => {
    expect(plain(decodeText('event: error\ndata: {"message":"gone"}\n\n')).at(-1)).toMatchObject({
      kind: "upstream-error",
      message: "The upstream failed (500): gone",
    });
    expect(plain(decodeText("event: error\ndata: gone\n\n")).at(-1)).toMatchObject({
      kind: "upstream-error",
    });
  });

  test("`error: null` in a chunk is no error, and blocks are closed before a failure", () => {
    const events = decodeText(
      sse(chunk({ content: "a" }, null, { error: null }), { error: { message: "x" } }),
    );
    expect(events.map((event) => event.type)).toEqual([
      "start",
      "text-start",
      "text-delta",
      "text-end",
      "failure",
    ]);
  });
});
