// Errors in this format, both ways.

import { describe, expect, test } from "bun:test";
import { consequences, Failure, type FailureKind } from "../../../src/canon/failure.ts";
import { openaiChat } from "../../../src/dialects/openai-chat/dialect.ts";

const encode = (kind: FailureKind, detail = {}): unknown =>
  openaiChat.client.encodeFailure(new Failure(kind, "No.", detail), "R1");
const decode = (status: number, body: unknown, headers: Record<string, string> = {}): Failure =>
  openaiChat.backend.decodeFailure({
    status,
    headers: new Headers(headers),
    body: typeof body === "string" ? body : JSON.stringify(body),
    nowMs: 0,
  });

describe("our errors", () => {
  test.each([
    ["unauthorized", "invalid_request_error", "invalid_api_key"],
    ["unknown-model", "invalid_request_error", "model_not_found"],
    ["rate-limited", "rate_limit_error", "rate_limit_exceeded"],
    ["quota-exhausted", "rate_limit_error", "insufficient_quota"],
    ["busy", "rate_limit_error", "busy"],
    ["context-exceeded", "invalid_request_error", "context_length_exceeded"],
    ["upstream-error", "server_error", "upstream_error"],
    ["credentials-rejected", "server_error", "upstream_auth"],
  ] as const)("%s has type %s and code %s", (kind, type, code) => {
    expect(encode(kind)).toEqual({ error: { message: "No.", type, param: null, code } });
  });

  test("field and code of the failure itself are sent", () => {
    expect(encode("invalid-request", { param: "tools[0]", code: "odd" })).toMatchObject({
      error: { param: "tools[0]", code: "odd" },
    });
  });

  test("every status class has its own type", () => {
    for (const [kind, { status }] of Object.entries(consequences)) {
      const type =
        status === 429 ? "rate_limit_error" : status >= 500 ? "server_error" : "invalid_request_error";
      expect(encode(kind as FailureKind)).toMatchObject({ error: { type } });
    }
  });

  test("as a frame it is one data line", () => {
    const frame = openaiChat.client.encodeFailureFrame(new Failure("internal", "a\nb"), "R1");
    expect(frame).toBe(
      'data: {"error":{"message":"a\\nb","type":"server_error","param":null,"code":"internal_error"}}\n\n',
    );
  });
});

describe("vendors' errors", () => {
  test.each([
    [
      400,
      { error: { message: "max context", type: "invalid_request_error", code: "context_length_exceeded" } },
      "context-exceeded",
      "max context",
    ],
    [
      400,
      { error: { message: "Bad.", type: "invalid_request_error", param: "x" } },
      "invalid-request",
      "Bad.",
    ],
    [400, [{ error: { code: 400, message: "Bad.", status: "INVALID_ARGUMENT" } }], "invalid-request", "Bad."],
    [
      400,
      [
        {
          error: {
            code: 400,
            message: "API key not valid. Please pass a valid API key.",
            status: "INVALID_ARGUMENT",
          },
        },
      ],
      "credentials-rejected",
      "API key not valid",
    ],
    [
      400,
      { error: { message: "Model Not Exist", type: "invalid_request_error" } },
      "model-missing",
      "Model Not Exist",
    ],
    [
      401,
      { error: { message: "Incorrect API key provided: sk-abcdefghijklmno." } },
      "credentials-rejected",
      "[key]",
    ],
    [404, { error: { message: "No such model", code: "model_not_found" } }, "model-missing", "No such model"],
    [404, "404 page not found", "model-missing", "404 page not found"],
    [422, { detail: [{ loc: ["body"], msg: "Field required" }] }, "invalid-request", "Field required"],
    [400, { detail: "Nope" }, "invalid-request", "Nope"],
    [400, { message: "Nope" }, "invalid-request", "Nope"],
    [400, { error: "Nope" }, "invalid-request", "Nope"],
    [
      429,
      { error: { message: "Slow down", type: "requests", code: "rate_limit_exceeded" } },
      "rate-limited",
      "Slow down",
    ],
    [
      429,
      { error: { message: "Pay", type: "insufficient_quota", code: "insufficient_quota" } },
      "quota-exhausted",
      "Pay",
    ],
    [500, { error: { message: "Oops" } }, "upstream-error", "Oops"],
    [502, "<html><body>nginx at 10.0.0.1</body></html>", "overloaded", "not in the expected format"],
    [503, "", "overloaded", "not in the expected format"],
    [503, "upstream connect error", "overloaded", "upstream connect error"],
  ])("%d %j is %s", (status, body, kind, words) => {
    const failure = decode(status, body);
    expect(failure.kind).toBe(kind as FailureKind);
    expect(failure.message).toContain(words);
    expect(failure.message).not.toMatch(/sk-abc|10\.0\.0\.1/);
    expect(failure.upstreamStatus).not.toBeNull();
  });

  test("Retry-After is read, and a code that repeats the status is not passed on", () => {
    expect(decode(429, {}, { "retry-after": "7" }).retryAfterMs).toBe(7000);
    expect(decode(400, [{ error: { code: 400, message: "Bad." } }]).code).toBeNull();
  });

  test("a very long message is cut", () => {
    expect(decode(400, { error: { message: "a".repeat(60_000) } }).message.length).toBeLessThan(1100);
  });
});

test("what is known of a reached limit is sent, and nothing else of another format's details", () => {
  const details = { rateLimitType: "five_hour", resetsAt: 1_795_231_302 };
  const bodyOf = (kind: FailureKind): unknown =>
    openaiChat.client.encodeFailure(new Failure(kind, "said", { details }), "R1");
  expect(bodyOf("rate-limited")).toHaveProperty("error.details", details);
  expect(bodyOf("invalid-request")).not.toHaveProperty("error.details");
});
