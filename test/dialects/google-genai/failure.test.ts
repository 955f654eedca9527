// Failures in Google's words, both ways.

import { describe, expect, test } from "bun:test";
import { consequences, Failure, type FailureKind } from "../../../src/canon/failure.ts";
import { googleGenai } from "../../../src/dialects/google-genai/dialect.ts";
import { decodeText, sse } from "./recorded.ts";

const { encodeFailure } = googleGenai.client;
const nowMs = Date.parse("2026-11-21T18:30:00Z");

function decoded(status: number, error: unknown, headers: Record<string, string> = {}): Failure {
  const body = typeof error === "string" ? error : JSON.stringify({ error });
  return googleGenai.backend.decodeFailure({ status, headers: new Headers(headers), body, nowMs });
}

const detail = (name: string, members: object): object => ({
  "@type": `type.googleapis.com/google.rpc.${name}`,
  ...members,
});

describe("ours", () => {
  test.each(Object.keys(consequences) as FailureKind[])(
    "%s has a status, a word of google.rpc.Code and its kind",
    (kind) => {
      expect(encodeFailure(new Failure(kind, "why"), "R")).toMatchObject({
        error: {
          code: consequences[kind].status,
          message: "why",
          status: expect.stringMatching(/^[A-Z_]+$/),
          details: [{ reason: kind.toUpperCase().replaceAll("-", "_"), domain: "clawgate" }],
        },
      });
    },
  );

  test("the field at fault and the wait stand in the details", () => {
    const failure = new Failure("over-limit", "slow down", { param: "contents", retryAfterMs: 1_200 });
    expect(encodeFailure(failure, "R")).toMatchObject({
      error: {
        status: "RESOURCE_EXHAUSTED",
        details: [
          {},
          { fieldViolations: [{ field: "contents", description: "slow down" }] },
          { retryDelay: "2s" },
        ],
      },
    });
  });
});

describe("theirs", () => {
  test.each([
    [400, { message: "bad field", status: "INVALID_ARGUMENT" }, "invalid-request"],
    [
      400,
      { message: "API key not valid. Please pass a valid API key.", status: "INVALID_ARGUMENT" },
      "credentials-rejected",
    ],
    [
      400,
      { message: "User location is not supported for the API use.", status: "FAILED_PRECONDITION" },
      "credentials-rejected",
    ],
    [
      400,
      {
        message: "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
        status: "INVALID_ARGUMENT",
      },
      "context-exceeded",
    ],
    [403, { message: "no", status: "PERMISSION_DENIED" }, "credentials-rejected"],
    [404, { message: "models/x is not found", status: "NOT_FOUND" }, "model-missing"],
    [429, { message: "Resource has been exhausted", status: "RESOURCE_EXHAUSTED" }, "rate-limited"],
    [500, { message: "An internal error", status: "INTERNAL" }, "upstream-error"],
    [503, { message: "The model is overloaded.", status: "UNAVAILABLE" }, "overloaded"],
    [504, { message: "Deadline", status: "DEADLINE_EXCEEDED" }, "timed-out"],
  ] as const)("%d %j is %s", (status, error, kind) => {
    expect(decoded(status, { code: status, ...error }).kind).toBe(kind);
  });

  test("the error may come in an array, or be no JSON at all", () => {
    expect(decoded(503, JSON.stringify([{ error: { code: 503, message: "busy" } }]))).toMatchObject({
      kind: "overloaded",
      message: expect.stringContaining("busy"),
    });
    expect(decoded(500, "<html>nginx</html>").message).not.toContain("nginx");
  });

  test("RetryInfo says how long to wait, and a header goes before it", () => {
    const details = [detail("RetryInfo", { retryDelay: "37.5s" })];
    expect(decoded(429, { message: "m", details }).retryAfterMs).toBe(37_500);
    expect(decoded(429, { message: "m", details }, { "retry-after": "3" }).retryAfterMs).toBe(3_000);
  });

  test("a quota by the day is used up until midnight in California", () => {
    const failure = decoded(429, {
      message: "You exceeded your current quota",
      status: "RESOURCE_EXHAUSTED",
      details: [
        detail("QuotaFailure", {
          violations: [{ quotaId: "GenerateRequestsPerDayPerProjectPerModel-FreeTier" }],
        }),
        detail("RetryInfo", { retryDelay: "22s" }),
      ],
    });
    expect(failure.kind).toBe("quota-exhausted");
    // 10:30 in the morning there.
    expect(failure.retryAfterMs).toBe(13.5 * 3_600_000);
  });

  test("a quota by the minute is a rate", () => {
    const violations = [{ quotaId: "GenerateRequestsPerMinutePerProjectPerModel-FreeTier" }];
    expect(decoded(429, { message: "m", details: [detail("QuotaFailure", { violations })] }).kind).toBe(
      "rate-limited",
    );
  });

  test("keys are masked", () => {
    expect(decoded(400, { message: "key AIzaSyD-1234567890abcdef is odd" }).message).toBe("key [key] is odd");
  });
});

describe("inside a stream", () => {
  test("the code takes the status's place, else the word", () => {
    for (const error of [
      { code: 503, message: "overloaded" },
      { message: "overloaded", status: "UNAVAILABLE" },
    ]) {
      const [event] = decodeText(sse({ error }));
      expect(event).toMatchObject({ type: "failure", failure: { kind: "overloaded", maybeBilled: true } });
    }
  });
});
