// The vendor keeps a thread's history under one key: a thread is never passed on, and the SDK gets the error that it understands.

import { describe, expect, test } from "bun:test";
import { Failure } from "../../../src/canon/failure.ts";
import { decodeCountRequest } from "../../../src/dialects/anthropic-messages/count-tokens.ts";
import { decodeRequest } from "../../../src/dialects/anthropic-messages/decode-request.ts";
import { encodeFailure } from "../../../src/dialects/anthropic-messages/failure.ts";
import { requiredEdits } from "../../../src/dialects/anthropic-messages/passthrough.ts";
import { scanObject } from "../../../src/wire/json.ts";

const body = { model: "m", max_tokens: 5, messages: [{ role: "user", content: "hi" }] };
const passed = (value: unknown): unknown => {
  const bytes = Buffer.from(JSON.stringify(value));
  return requiredEdits(scanObject(bytes, 128), bytes, { model: "m", defaultMaxTokens: 10, maxOutput: null });
};
const ways: [string, (value: unknown) => unknown][] = [
  ["translation", decodeRequest],
  ["passthrough", passed],
  ["a token count", decodeCountRequest],
];

describe.each(ways)("%s", (_name, take) => {
  test.each([{ type: "create" }, { type: "continue", previous_message_id: "msg_1" }, {}, "create", false])(
    "thread %j is refused so that the SDK repeats without it",
    (thread) => {
      let failure: unknown = null;
      try {
        take({ ...body, thread });
      } catch (thrown) {
        failure = thrown;
      }
      if (!(failure instanceof Failure)) throw new Error("nothing was refused");
      expect(failure.status).toBe(400);
      expect(encodeFailure(failure, "id")).toEqual({
        type: "error",
        error: {
          type: "invalid_request_error",
          message: failure.message,
          details: { error_code: "thread_unsupported_request", unsupported: ["thread"] },
        },
        request_id: "id",
      });
    },
  );

  test("null asks for none and passes", () => {
    expect(take({ ...body, thread: null })).toBeDefined();
  });
});
