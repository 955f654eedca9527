// Errors in Anthropic's words: every kind has a type, and every answer of a vendor finds its kind.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { consequences, Failure, type FailureKind } from "../../../src/canon/failure.ts";
import {
  decodeFailure,
  encodeFailure,
  encodeFailureFrame,
} from "../../../src/dialects/anthropic-messages/failure.ts";
import { readFrames } from "../../../src/wire/sse.ts";

const kinds = Object.keys(consequences) as FailureKind[];
const nowMs = Date.parse("2026-11-21T00:00:00Z");
const answer = (status: number, body: unknown, headers: Record<string, string> = {}): Failure =>
  decodeFailure({
    status,
    headers: new Headers(headers),
    body: typeof body === "string" ? body : JSON.stringify(body),
    nowMs,
  });
const error = (type: string, message = "no"): object => ({ type: "error", error: { type, message } });

describe("encodeFailure", () => {
  test("the shape, for every kind", () => {
    const known: string[] = [
      "invalid_request_error",
      "authentication_error",
      "permission_error",
      "not_found_error",
      "request_too_large",
      "rate_limit_error",
      "billing_error",
      "api_error",
      "overloaded_error",
      "timeout_error",
    ];
    for (const kind of kinds) {
      const body = encodeFailure(new Failure(kind, "words"), "id") as {
        error: { type: string; message: string };
      };
      expect<unknown>(body).toEqual({ type: "error", error: body.error, request_id: "id" });
      expect(known).toContain(body.error.type);
      expect(body.error.message).toContain("words");
    }
  });
  test("an upstream's problem is never the client's credentials", () => {
    for (const kind of kinds)
      if (kind !== "unauthorized" && kind !== "forbidden")
        expect(JSON.stringify(encodeFailure(new Failure(kind, "x"), "id"))).not.toMatch(
          /authentication|permission/,
        );
  });
  test("the field is named once", () => {
    const words = (message: string): unknown =>
      encodeFailure(new Failure("invalid-request", message, { param: "top_k" }), "id")["error"];
    expect(words("must be whole")).toMatchObject({ message: "top_k: must be whole" });
    expect(words("top_k: must be whole")).toMatchObject({ message: "top_k: must be whole" });
  });
  test("details stand beside the message", () => {
    const details = { error_code: "x" };
    expect(encodeFailure(new Failure("unsupported", "no", { details }), "id")["error"]).toEqual({
      type: "invalid_request_error",
      message: "no",
      details,
    });
  });
  test("a vendor's details reach the client when the request was at fault, and only then", () => {
    const body = {
      type: "error",
      error: { type: "invalid_request_error", message: "no", details: { error_code: "x" } },
    };
    expect(answer(400, body).details).toEqual({ error_code: "x" });
    expect(answer(401, body).details).toBeNull();
    expect(answer(400, error("invalid_request_error")).details).toBeNull();
  });
  test("a full context is said in the words that clients wait for", () => {
    const body = encodeFailure(new Failure("context-exceeded", "maximum context length is 8192"), "id");
    expect(body["error"]).toEqual({
      type: "invalid_request_error",
      message: "prompt is too long: maximum context length is 8192",
    });
  });
  test("the frame is an error event of one line", () => {
    const failure = new Failure("overloaded", "two\nlines");
    const frames = readFrames(encodeFailureFrame(failure, "id"));
    expect(frames).toHaveLength(1);
    expect(frames[0]?.event).toBe("error");
    expect(JSON.parse(frames[0]?.data ?? "")).toEqual(encodeFailure(failure, "id"));
  });
});

describe("decodeFailure", () => {
  const table: [string, number, unknown, FailureKind][] = [
    ["bad request", 400, error("invalid_request_error"), "invalid-request"],
    [
      "long prompt",
      400,
      error("invalid_request_error", "prompt is too long: 213462 tokens > 200000 maximum"),
      "context-exceeded",
    ],
    [
      "no credit",
      400,
      error("invalid_request_error", "Your credit balance is too low to access the Anthropic API."),
      "quota-exhausted",
    ],
    [
      "filtered",
      400,
      error("invalid_request_error", "Output blocked by content filtering policy"),
      "refused",
    ],
    ["wrong key", 401, error("authentication_error", "invalid x-api-key"), "credentials-rejected"],
    ["billing", 402, error("billing_error"), "quota-exhausted"],
    ["forbidden", 403, error("permission_error"), "credentials-rejected"],
    ["no such model", 404, error("not_found_error", "model: x"), "model-missing"],
    ["too large", 413, error("request_too_large"), "too-large"],
    ["rate", 429, error("rate_limit_error"), "rate-limited"],
    ["spend limit", 429, error("rate_limit_error", "You have reached your spend limit"), "quota-exhausted"],
    ["internal", 500, error("api_error"), "upstream-error"],
    ["overloaded as 500", 500, error("overloaded_error"), "overloaded"],
    ["timeout", 504, error("timeout_error"), "timed-out"],
    ["overloaded", 529, error("overloaded_error"), "overloaded"],
    [
      "OpenAI's shape",
      429,
      { error: { message: "slow", type: "x", code: "insufficient_quota" } },
      "quota-exhausted",
    ],
    ["a string", 400, { error: "no" }, "invalid-request"],
    ["a bare message", 400, { message: "no" }, "invalid-request"],
    ["HTML", 502, "<html><body>host-17 secret</body></html>", "overloaded"],
    ["plain text", 500, "host-17 secret exploded", "upstream-error"],
    ["nothing", 503, "", "overloaded"],
    ["a redirect", 302, "", "bad-output"],
  ];
  for (const [name, status, body, kind] of table)
    test(name, () => {
      const failure = answer(status, body);
      expect(failure.kind).toBe(kind);
      expect(failure.message).not.toContain("secret");
    });
  const reset = {
    "anthropic-ratelimit-tokens-remaining": "0",
    "anthropic-ratelimit-tokens-reset": "2026-11-21T00:00:30Z",
  };
  const waits: [string, number, Record<string, string>, number | null][] = [
    ["retry-after in seconds", 429, { "retry-after": "7", ...reset }, 7000],
    ["a used-up limit's reset", 429, reset, 30_000],
    [
      "the later of two",
      429,
      {
        ...reset,
        "anthropic-ratelimit-requests-remaining": "0",
        "anthropic-ratelimit-requests-reset": "2026-11-21T00:01:00Z",
      },
      60_000,
    ],
    [
      "a limit with room left says nothing",
      429,
      { ...reset, "anthropic-ratelimit-tokens-remaining": "5" },
      null,
    ],
    [
      "the subscription's reset in Unix seconds",
      429,
      { "anthropic-ratelimit-unified-reset": String(nowMs / 1000 + 90) },
      90_000,
    ],
    ["a reset in the past", 429, { ...reset, "anthropic-ratelimit-tokens-reset": "2020-01-01T00:00:00Z" }, 0],
    ["nonsense", 429, { "retry-after": "soon", "anthropic-ratelimit-unified-reset": "x" }, null],
    ["resets of other answers", 529, reset, null],
  ];
  for (const [name, status, headers, expected] of waits)
    test(name, () => {
      expect(answer(status, error("rate_limit_error"), headers).retryAfterMs).toBe(expected);
    });
  test("whatever the body: a Failure", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 300, max: 599 }),
        fc.oneof(fc.string(), fc.jsonValue()),
        (status, body) => {
          expect(answer(status, body)).toBeInstanceOf(Failure);
        },
      ),
    );
  });
});
