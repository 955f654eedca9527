// An answer by way of the canonical form: a backend's failure is shown without the secrets that the backend was given.

import { describe, expect, test } from "bun:test";
import type { Call } from "../../src/backends/backend.ts";
import type { StreamEvent } from "../../src/canon/event.ts";
import { Failure } from "../../src/canon/failure.ts";
import { redactorFor } from "../../src/canon/redact.ts";
import { openaiChat } from "../../src/dialects/openai-chat/dialect.ts";
import { translatedSource } from "../../src/pipeline/plans/translate.ts";
import { Observer } from "../../src/pipeline/observer.ts";

describe.each([true, false])("stream: %p", (stream) => {
  test("a program that repeats its key", async () => {
    const key = "program-KEY-99f3a1c7";
    const failure = new Failure("invalid-request", `bad ${key}`, { param: key, code: key, details: { key } });
    async function* generate(): AsyncGenerator<StreamEvent[]> {
      await Promise.resolve();
      yield [{ type: "failure", failure }];
    }
    const body = { model: "m", stream, messages: [{ role: "user", content: "hi" }] };
    const lane = translatedSource({
      backend: { generate },
      request: openaiChat.client.decodeRequest(body),
      call: {} as Call,
      client: openaiChat.client,
      facts: { requestId: "r", createdSeconds: 0, wantsUsage: false },
      observer: new Observer(),
      progress: { progressed: () => undefined },
      redact: redactorFor([key]),
      setTimer: () => () => undefined,
    });
    const piece = await lane.next();
    expect(piece.failure).toMatchObject({
      kind: "invalid-request",
      message: "bad ***",
      param: "***",
      code: "***",
    });
    expect(JSON.stringify(piece.failure?.details)).not.toContain(key);
  });
});
