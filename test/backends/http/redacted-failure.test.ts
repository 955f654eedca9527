// A vendor's error on its way to a client: its words and details, without any secret in them.

import { expect, test } from "bun:test";
import { redactedFailure } from "../../../src/backends/http/redacted-failure.ts";
import { Failure } from "../../../src/canon/failure.ts";

const redact = (text: string): string => text.replaceAll("secret", "***");
const failureWith = (details: unknown): Failure =>
  redactedFailure(redact, new Failure("invalid-request", "a secret", { param: "p", code: "c", details }));

test("message and details are masked, the rest stays", () => {
  const cause = new Error("for the log");
  const failure = redactedFailure(
    redact,
    new Failure("rate-limited", "a secret", {
      param: "p",
      code: "c",
      retryAfterMs: 5,
      upstreamStatus: 429,
      maybeBilled: true,
      details: { error_code: "x", why: ["secret"] },
      cause,
    }),
  );
  expect(failure).toMatchObject({
    kind: "rate-limited",
    message: "a ***",
    param: "p",
    code: "c",
    retryAfterMs: 5,
    upstreamStatus: 429,
    maybeBilled: true,
    details: { error_code: "x", why: ["***"] },
  });
  expect(failure.cause).toBe(cause);
});

test("no details, or far too many of them, are none", () => {
  expect(failureWith(null).details).toBeNull();
  expect(failureWith({ text: "a".repeat(5_000) }).details).toBeNull();
});
