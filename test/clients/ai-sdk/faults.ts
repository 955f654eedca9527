// What the `ai` package must get when it goes away, asks wrongly, or the vendor fails.

import { describe, expect, test } from "bun:test";
import { APICallError, generateText, streamText } from "ai";
import { thrownBy } from "../targets.ts";
import type { Session } from "./session.ts";

async function refusalOf(action: () => Promise<unknown>): Promise<APICallError> {
  const error = await thrownBy(action);
  if (!APICallError.isInstance(error)) throw error;
  return error;
}

export function checkFaults(at: () => Session): void {
  describe("faults", () => {
    test("an abort in the middle of a stream reaches the vendor", async () => {
      const { asked, target } = at();
      const mark = `abort-${crypto.randomUUID()}`;
      const abort = new AbortController();
      const result = streamText({
        ...asked,
        prompt: `[[long:3000]][[pace:5]] ${mark}`,
        abortSignal: abort.signal,
        onError: () => undefined,
      });
      for await (const part of result.fullStream) if (part.type === "text-delta") abort.abort();
      const seen = await target.upstream.waitFor(
        (request) => request.rawBody.includes(mark) && request.isAborted,
        1_000,
      );
      expect(seen.isFinished).toBe(false);
    });

    test("an abort before the first word reaches the vendor", async () => {
      const { asked, target } = at();
      const mark = `early-${crypto.randomUUID()}`;
      const abort = new AbortController();
      const gone = thrownBy(() =>
        generateText({ ...asked, prompt: `[[mode:hang]] ${mark}`, abortSignal: abort.signal }),
      );
      await target.upstream.waitFor((request) => request.rawBody.includes(mark));
      abort.abort();
      expect(await gone).toHaveProperty("name", "AbortError");
      await target.upstream.waitFor((request) => request.rawBody.includes(mark) && request.isAborted, 1_000);
    });

    test("an unknown model is 404, with words", async () => {
      const { asked, modelNamed } = at();
      const error = await refusalOf(() =>
        generateText({ ...asked, model: modelNamed("unknown-model-xyz"), prompt: "hi" }),
      );
      expect(error.statusCode).toBe(404);
      expect(error.isRetryable).toBe(false);
      expect(error.message).toMatch(/model/i);
    });

    test("a wrong key is 401", async () => {
      const { asked, modelNamed, target } = at();
      const model = modelNamed(target.model, "wrong-key-0123456789-abcdef");
      const error = await refusalOf(() => generateText({ ...asked, model, prompt: "hi" }));
      expect(error.statusCode).toBe(401);
    });

    test.each(["400", "429", "500", "503"] as const)(
      "status %s, on whole answers and streams",
      async (status) => {
        const { asked, modelNamed, target, clientFormat } = at();
        const expected = target.statusFor(
          Number(status),
          clientFormat.name === "anthropic" ? "messages" : undefined,
        );
        const prompt = `[[mode:${status} 7]]`;
        const whole = await refusalOf(() =>
          generateText({ ...asked, model: modelNamed(target.modelFor(status, false)), prompt }),
        );
        const streamed = await refusalOf(async () => {
          const model = modelNamed(target.modelFor(status, true));
          for await (const part of streamText({ ...asked, model, prompt, onError: () => undefined })
            .fullStream)
            if (part.type === "error") throw part.error;
        });
        for (const error of [whole, streamed]) {
          expect(error.statusCode).toBe(expected);
          // The package found the words in its own dialect's error body, not the bare status line.
          expect(error.data).toBeDefined();
          expect(error.isRetryable).toBe(status !== "400");
          if (status === "429") expect(Number(error.responseHeaders?.["retry-after"])).toBeWithin(1, 8);
        }
      },
    );

    test.each(["cut", "reset", "error-mid"] as const)(
      "a stream that breaks (%s) is an error",
      async (fault) => {
        const { asked, modelNamed, target } = at();
        const prompt = `[[long:40]][[pace:8]][[mode:${fault}]]`;
        const model = modelNamed(target.modelFor(fault, true));
        let text = "";
        const error = await thrownBy(async () => {
          for await (const part of streamText({ ...asked, model, prompt, onError: () => undefined })
            .fullStream) {
            if (part.type === "text-delta") text += part.text;
            if (part.type === "error") throw part.error;
          }
        });
        expect(error).toBeDefined();
        expect(text).toStartWith("word1 word2");
        expect(text).not.toContain("word40");
      },
      // Real time: a client that stalls for longer than the vendor's pace loses words to the reset.
      { retry: 2 },
    );
  });
}
