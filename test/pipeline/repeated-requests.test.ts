// The same request again is recognised without a session too: a cron job sends none. The whole app.

import { afterEach, expect, test } from "bun:test";
import { startTestGateway } from "../support/gateway.ts";
import { startUpstream } from "../support/upstream.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).toReversed()) await clean();
});

test("the same body at the same model has the same hash, once it was answered", async () => {
  const vendor = startUpstream();
  cleanups.push(() => vendor.stop());
  const gateway = await startTestGateway({
    config: {
      health: { check_interval_seconds: 0 },
      providers: { good: { base_url: vendor.url, api_key: "key", models: ["fake-large", "fake-small"] } },
    },
  });
  cleanups.push(gateway.stop);
  const hashOf = async (path: string, body: object): Promise<string | undefined> => {
    const answer = await fetch(gateway.url + path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    await answer.text();
    return (await gateway.recordOf(answer)).contentHash;
  };
  const chat = (text: string): Promise<string | undefined> =>
    hashOf("/v1/chat/completions", { model: "good", messages: [{ role: "user", content: text }] });
  const gemini = (model: string): Promise<string | undefined> =>
    hashOf(`/v1beta/models/good%2F${model}:generateContent`, {
      contents: [{ role: "user", parts: [{ text: "hi" }] }],
    });
  const first = await chat("are you there?");
  expect(first).toBeString();
  expect(await chat("are you there?")).toBe(first as string);
  expect(await chat("are you here?")).not.toBe(first);
  const large = await gemini("fake-large");
  expect(await gemini("fake-large")).toBe(large as string);
  expect(await gemini("fake-small")).not.toBe(large);
  expect(await hashOf("/v1/embeddings", { model: "good", input: "text" })).toBeUndefined();
  vendor.script(() => ({ status: 400, body: { error: { message: "no" } } }));
  expect(await chat("are you there?")).toBeUndefined();
});
