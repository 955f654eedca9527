// What the Anthropic package must see under load, on aborts and on errors; token counts and the model list.

import { describe, expect, test } from "bun:test";
import Anthropic from "@anthropic-ai/sdk";
import { vendorKey } from "../../support/gateway-config.ts";
import { modelAsked, thrownBy } from "../targets.ts";
import { textIn, user } from "./session.ts";
import type { Session } from "./session.ts";

type ApiError = InstanceType<typeof Anthropic.APIError>;

export function checkFaults(at: () => Session): void {
  describe("many and gone", () => {
    test("20 at a time do not mix", async () => {
      const texts = Array.from({ length: 20 }, (_, index) => `number ${index}`);
      const { client, target } = at();
      const answers = await Promise.all(
        texts.map(async (text, index) => {
          const params = {
            model: target.model,
            max_tokens: 50,
            messages: [user(`[[echo]]${text}[[pace:2]]`)],
          };
          return textIn(
            await (index % 2 === 0
              ? client.messages.stream(params).finalMessage()
              : client.messages.create(params)),
          );
        }),
      );
      expect(answers).toEqual(texts);
    });

    test("an abort reaches the vendor", async () => {
      const { client, target } = at();
      const mark = `abort-${crypto.randomUUID()}`;
      const abort = new AbortController();
      const messages = [user(`[[long:3000]][[pace:5]] ${mark}`)];
      const params = { model: target.model, max_tokens: 4096, stream: true as const, messages };
      const stream = await client.messages.create(params, { signal: abort.signal });
      for await (const event of stream) if (event.type === "content_block_delta") break;
      abort.abort();
      const seen = await target.upstream.waitFor(
        (request) => request.rawBody.includes(mark) && request.isAborted,
        1_000,
      );
      expect(seen.chunksSent).toBeLessThan(1_000);
    });

    test.each([false, true])(
      "an abort before the first word reaches the vendor, stream: %p",
      async (stream) => {
        const { client, target } = at();
        const mark = `early-${crypto.randomUUID()}`;
        const abort = new AbortController();
        const params = {
          model: target.model,
          max_tokens: 50,
          stream,
          messages: [user(`[[mode:hang]] ${mark}`)],
        };
        const gone = thrownBy(async () => client.messages.create(params, { signal: abort.signal }));
        await target.upstream.waitFor((request) => request.rawBody.includes(mark));
        abort.abort();
        expect(await gone).toBeInstanceOf(Anthropic.APIUserAbortError);
        await target.upstream.waitFor(
          (request) => request.rawBody.includes(mark) && request.isAborted,
          1_000,
        );
      },
    );

    test("the vendor sees its own key and its own model name, never the client's", async () => {
      const { say, target } = at();
      const mark = crypto.randomUUID();
      await say(`[[say:x]] ${mark}`);
      const seen = target.upstream.find(mark);
      expect(modelAsked(seen)).toBe("fake-large");
      expect(Object.values(seen.headers).join("\n")).toContain(vendorKey);
      if (target.vendorFormat !== null) expect(JSON.stringify(seen)).not.toContain(target.key);
    });
  });

  describe("errors", () => {
    test("a wrong key", async () => {
      const { clientWith, target } = at();
      const params = { model: target.model, max_tokens: 50, messages: [user("hi")] };
      const error = await thrownBy(async () =>
        clientWith("wrong-key-0123456789-abcdef").messages.create(params),
      );
      expect(error).toBeInstanceOf(Anthropic.AuthenticationError);
      expect((error as ApiError).type).toBe("authentication_error");
    });

    test("an unknown model", async () => {
      const error = await thrownBy(() => at().say("hi", { model: "unknown-model-xyz" }));
      expect(error).toBeInstanceOf(Anthropic.NotFoundError);
      expect((error as ApiError).type).toBe("not_found_error");
    });

    test("a broken body", async () => {
      const error = await thrownBy(() => at().ask([]));
      expect(error).toBeInstanceOf(Anthropic.BadRequestError);
      expect((error as ApiError).type).toBe("invalid_request_error");
      const { target } = at();
      const response = await fetch(`${target.url}/v1/messages`, {
        method: "POST",
        headers: {
          "x-api-key": target.key,
          "anthropic-version": "2023-06-01",
          "content-type": "application/json",
        },
        body: '{"model": "x", "messages": [',
      });
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({
        type: "error",
        error: { type: "invalid_request_error" },
      });
    });

    test.each(["400", "401", "429", "500", "503"] as const)(
      "status %s, on whole answers and streams",
      async (status) => {
        const { client, target } = at();
        const expected = target.statusFor(Number(status), "messages");
        for (const stream of [false, true]) {
          const messages = [user(`[[mode:${status} 7]]`)];
          const params = { model: target.modelFor(status, stream), max_tokens: 50, messages, stream };
          const error = await thrownBy(async () => client.messages.create(params));
          expect(error).toBeInstanceOf(Anthropic.APIError);
          const failure = error as ApiError;
          expect(failure.status).toBe(expected);
          expect(failure.error).toMatchObject({ type: "error", error: { message: expect.any(String) } });
          if (status === "429") {
            expect(failure).toBeInstanceOf(Anthropic.RateLimitError);
            expect(failure.type).toBe("rate_limit_error");
            expect(Number(failure.headers?.get("retry-after"))).toBeWithin(1, 8);
          }
        }
      },
    );

    test.each(["cut", "reset", "error-mid"] as const)("a stream that breaks (%s) throws", async (fault) => {
      const { client, target } = at();
      const messages = [user(`[[long:40]][[pace:2]][[mode:${fault}]]`)];
      const stream = client.messages.stream({
        model: target.modelFor(fault, true),
        max_tokens: 500,
        messages,
      });
      let text = "";
      stream.on("text", (delta) => {
        text += delta;
      });
      expect(await thrownBy(() => stream.finalMessage())).toBeInstanceOf(Anthropic.AnthropicError);
      expect(text).toStartWith("word1 word2");
      expect(text).not.toContain("word40");
    });
  });

  describe("models, tokens and auth", () => {
    test("count_tokens", async () => {
      const { client, target } = at();
      const count = await client.messages.countTokens({
        model: target.model,
        system: "Be brief.",
        messages: [user("hello ".repeat(200))],
      });
      expect(count.input_tokens).toBeWithin(100, 2_000);
    });

    test("the list in Anthropic's shape, and one model with a slash in its id", async () => {
      const { client, target } = at();
      const ids = (await Array.fromAsync(client.models.list())).map((model) => model.id);
      expect(ids).toContain(target.model);
      const slashed =
        target.vendorFormat === null ? "org/fake-slash" : `${target.model.split("/")[0]}/org/fake-slash`;
      expect(ids).toContain(slashed);
      const model = await client.models.retrieve(slashed);
      expect(model).toMatchObject({ id: slashed, type: "model", display_name: expect.any(String) });
      expect(Number.isNaN(Date.parse(model.created_at))).toBe(false);
      const missing = await thrownBy(async () => client.models.retrieve("unknown-model-xyz"));
      expect(missing).toBeInstanceOf(Anthropic.NotFoundError);
    });

    test("authToken (Bearer) and x-api-key are both good", async () => {
      const { target } = at();
      const params = { model: target.model, max_tokens: 50, messages: [user("[[say:in]]")] };
      const bearer = new Anthropic({
        baseURL: target.url,
        apiKey: null,
        authToken: target.key,
        maxRetries: 0,
      });
      expect(textIn(await bearer.messages.create(params))).toBe("in");
      const plain = new Anthropic({
        baseURL: target.url,
        apiKey: null,
        authToken: null,
        maxRetries: 0,
        defaultHeaders: { "x-api-key": target.key, "anthropic-version": "2023-06-01" },
      });
      expect(textIn(await plain.messages.create(params))).toBe("in");
    });

    test("every answer carries a request id", async () => {
      const { client, target } = at();
      const params = { model: target.model, max_tokens: 50, messages: [user("[[say:in]]")] };
      const { request_id: id } = await client.messages.create(params).withResponse();
      expect(id).toBeString();
    });
  });
}
