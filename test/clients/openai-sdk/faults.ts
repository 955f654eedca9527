// What the openai package must see under load, on aborts and on errors, and the model list.

import { describe, expect, test } from "bun:test";
import OpenAI from "openai";
import { vendorKey } from "../../support/gateway-config.ts";
import { modelAsked, thrownBy } from "../targets.ts";
import { joined, user } from "./session.ts";
import type { Session } from "./session.ts";

export function checkFaults(at: () => Session): void {
  describe("many and gone", () => {
    test("20 at a time do not mix", async () => {
      const texts = Array.from({ length: 20 }, (_, index) => `number ${index}`);
      const answers = await Promise.all(
        texts.map(async (text, index) =>
          index % 2 === 0
            ? joined(await at().chunksOf(`[[echo]]${text}[[pace:2]]`))
            : (await at().say(`[[echo]]${text}`)).choices[0]?.message.content,
        ),
      );
      expect(answers).toEqual(texts);
    });

    test("an abort reaches the vendor", async () => {
      const mark = `abort-${crypto.randomUUID()}`;
      const abort = new AbortController();
      const params = {
        model: at().target.model,
        stream: true as const,
        messages: [user(`[[long:3000]][[pace:5]] ${mark}`)],
      };
      const stream = await at().client.chat.completions.create(params, { signal: abort.signal });
      for await (const chunk of stream) if (chunk.choices[0]?.delta.content) break;
      abort.abort();
      const seen = await at().target.upstream.waitFor(
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
        const params = { model: target.model, stream, messages: [user(`[[mode:hang]] ${mark}`)] };
        const gone = thrownBy(async () => client.chat.completions.create(params, { signal: abort.signal }));
        await target.upstream.waitFor((request) => request.rawBody.includes(mark));
        abort.abort();
        expect(await gone).toBeInstanceOf(OpenAI.APIUserAbortError);
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
      const error = await thrownBy(() =>
        at()
          .clientWith("wrong-key-0123456789-abcdef")
          .chat.completions.create({
            model: at().target.model,
            messages: [user("hi")],
          }),
      );
      expect(error).toBeInstanceOf(OpenAI.AuthenticationError);
      expect((error as InstanceType<typeof OpenAI.AuthenticationError>).error).toHaveProperty("message");
    });

    test("an unknown model", async () => {
      const error = await thrownBy(() => at().say("hi", { model: "unknown-model-xyz" }));
      expect(error).toBeInstanceOf(OpenAI.NotFoundError);
      expect((error as InstanceType<typeof OpenAI.NotFoundError>).code).toBe("model_not_found");
    });

    test("a broken body", async () => {
      const error = await thrownBy(() => at().say("hi", { messages: [] }));
      expect(error).toBeInstanceOf(OpenAI.BadRequestError);
      const response = await fetch(`${at().target.url}/v1/chat/completions`, {
        method: "POST",
        headers: { authorization: `Bearer ${at().target.key}`, "content-type": "application/json" },
        body: '{"model": "x", "messages": [',
      });
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({
        error: { message: expect.any(String), type: expect.any(String) },
      });
    });

    test.each(["400", "401", "429", "500", "503"] as const)(
      "status %s, on whole answers and streams",
      async (status) => {
        const expected = at().target.statusFor(Number(status));
        for (const stream of [false, true]) {
          const params = {
            model: at().target.modelFor(status, stream),
            messages: [user(`[[mode:${status} 7]]`)],
            stream,
          };
          const error = await thrownBy(() => at().client.chat.completions.create(params));
          expect(error).toBeInstanceOf(OpenAI.APIError);
          const failure = error as InstanceType<typeof OpenAI.APIError>;
          expect(failure.status).toBe(expected);
          expect(failure.message).not.toBe("");
          if (status === "429") {
            expect(failure).toBeInstanceOf(OpenAI.RateLimitError);
            expect(Number(failure.headers?.get("retry-after"))).toBeWithin(1, 8);
          }
        }
      },
    );

    test.each(["cut", "reset", "error-mid"] as const)("a stream that breaks (%s) throws", async (fault) => {
      let text = "";
      const error = await thrownBy(async () => {
        const stream = await at().client.chat.completions.create({
          model: at().target.modelFor(fault, true),
          messages: [user(`[[long:40]][[pace:2]][[mode:${fault}]]`)],
          stream: true,
        });
        for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
      });
      expect(error).toBeInstanceOf(Error);
      expect(text).toStartWith("word1 word2");
      expect(text).not.toContain("word40");
    });
  });

  describe("models and auth", () => {
    test("the list, and one model with a slash in its id", async () => {
      const ids = (await Array.fromAsync(at().client.models.list())).map((model) => model.id);
      expect(ids).toContain(at().target.model);
      const slashed =
        at().target.vendorFormat === null
          ? "org/fake-slash"
          : `${at().target.model.split("/")[0]}/org/fake-slash`;
      expect(ids).toContain(slashed);
      const model = await at().client.models.retrieve(slashed);
      expect(model).toMatchObject({
        id: slashed,
        object: "model",
        owned_by: expect.any(String),
        created: expect.any(Number),
      });
    });

    test("an unknown model in the list's other form is 404", async () => {
      expect(await thrownBy(() => at().client.models.retrieve("unknown-model-xyz"))).toBeInstanceOf(
        OpenAI.NotFoundError,
      );
    });

    test("x-api-key is as good as Bearer", async () => {
      const response = await fetch(`${at().target.url}/v1/chat/completions`, {
        method: "POST",
        headers: { "x-api-key": at().target.key, "content-type": "application/json" },
        body: JSON.stringify({ model: at().target.model, messages: [user("[[say:in]]")] }),
      });
      expect(response.status).toBe(200);
    });
  });
}
