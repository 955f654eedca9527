// Failures for clients in OpenAI's form, as bodies and as events, and vendors' error answers as Failures.

import { describe, expect, test } from "bun:test";
import { consequences, Failure, type FailureKind } from "../../../src/canon/failure.ts";
import { openaiResponses } from "../../../src/dialects/openai-responses/dialect.ts";
import { readFrames } from "../../../src/wire/sse.ts";
import { decodeText, facts } from "./recorded.ts";

const { client, backend } = openaiResponses;
const kinds = Object.keys(consequences) as FailureKind[];
const framesOf = (text: string): { event: string | null; body: Record<string, unknown> }[] =>
  readFrames(text).map(({ event, data }) => ({ event, body: JSON.parse(data) as Record<string, unknown> }));

describe("to clients", () => {
  test.each(kinds)("%s", (kind) => {
    const failure = new Failure(kind, "said", { param: "input[0]" });
    const body = client.encodeFailure(failure, "R1") as { error: Record<string, unknown> };
    expect(Object.keys(body.error).toSorted()).toEqual(["code", "message", "param", "type"]);
    expect(body.error).toMatchObject({ message: "said", param: "input[0]" });
    const frames = framesOf(client.encodeFailureFrame(failure, "R1"));
    expect(frames.map((frame) => [frame.event, frame.body["type"]])).toEqual([
      ["error", "error"],
      ["response.failed", "response.failed"],
    ]);
    expect(frames[0]?.body).toMatchObject({ message: "said", param: "input[0]", error: body.error });
    expect(frames[1]?.body).toMatchObject({
      response: { id: "resp_R1", status: "failed", error: { message: "said" } },
    });
    // A client acts on the code: it must never be empty here.
    expect(frames[1]?.body).toMatchObject({ response: { error: { code: expect.stringMatching(/./) } } });
  });

  test.each([
    ["messages", "input"],
    ["max_tokens", "max_output_tokens"],
    ["response_format", "text.format"],
    ["thinking", "reasoning"],
    ["tools", "tools"],
  ])("the field that other formats call %s is %s here", (param, named) => {
    const failure = new Failure("unsupported", "said", { param });
    expect(client.encodeFailure(failure, "R1")).toMatchObject({ error: { param: named } });
  });

  test("inside a stream the numbers and the id go on, and nothing follows", () => {
    const encoder = client.streamEncoder(facts);
    const text =
      encoder.step({ type: "start", id: "resp_9", model: "m" }) +
      encoder.step({ type: "failure", failure: new Failure("overloaded", "busy") }) +
      encoder.step({ type: "text-start", index: 0 });
    const frames = framesOf(text);
    expect(frames.map(({ body }) => body["sequence_number"])).toEqual([0, 1, 2, 3]);
    expect(frames[3]?.body).toMatchObject({ response: { id: "resp_9" } });
    expect(decodeText(text).at(-1)).toMatchObject({ failure: { kind: "overloaded" } });
  });
});

describe("of vendors", () => {
  const read = (status: number, body: unknown, headers: Record<string, string> = {}): Failure =>
    backend.decodeFailure({
      status,
      headers: new Headers(headers),
      body: typeof body === "string" ? body : JSON.stringify(body),
      nowMs: 0,
    });
  const said = (code: string, message = "m"): object => ({
    error: { message, type: "x", param: null, code },
  });

  const cases: readonly (readonly [number, unknown, FailureKind])[] = [
    [400, said("invalid_value"), "invalid-request"],
    [400, said("context_length_exceeded"), "context-exceeded"],
    [400, said("invalid_api_key"), "credentials-rejected"],
    [401, said("invalid_api_key"), "credentials-rejected"],
    [404, said("model_not_found"), "model-missing"],
    [429, said("insufficient_quota"), "quota-exhausted"],
    [429, said("rate_limit_exceeded"), "rate-limited"],
    [500, "<html>oops</html>", "upstream-error"],
    [503, "", "overloaded"],
  ];
  test.each([...cases])("%d", (status, body, kind) => expect(read(status, body).kind).toBe(kind));

  test("keys are not passed on, waits are", () => {
    const failure = read(429, said("rate_limit_exceeded", "Key sk-abcdefghijkl is tired."), {
      "retry-after": "2",
    });
    expect(failure.message).not.toContain("abcdefghijkl");
    expect(failure.retryAfterMs).toBe(2000);
  });
});

test("what is known of a reached limit is told, and nothing else that another format said", () => {
  const details = { rateLimitType: "five_hour", resetsAt: 1_795_231_302 };
  const bodyOf = (kind: FailureKind): unknown =>
    openaiResponses.client.encodeFailure(new Failure(kind, "said", { details }), "R1");
  expect(bodyOf("rate-limited")).toHaveProperty("error.details", details);
  expect(bodyOf("invalid-request")).not.toHaveProperty("error.details");
});
