// The `ai` package that has its answers kept: it sends references to items in place of what the gateway knows.

import { afterEach, expect, test } from "bun:test";
import { createOpenAI } from "@ai-sdk/openai";
import { generateText, type ModelMessage, stepCountIs, tool } from "ai";
import { z } from "zod";
import { startTestGateway } from "../../support/gateway.ts";
import { startUpstream } from "../../support/upstream.ts";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

test.each(["openai-compat", "anthropic", "google-genai"])(
  "before %s it goes on over turns and tools",
  async (backend) => {
    const vendor = startUpstream({ strict: true });
    const provider = { backend, base_url: vendor.url, api_key: "k", models: ["fake-large"] };
    const gateway = await startTestGateway({ config: { providers: { fake: provider } } });
    ends.push(
      () => vendor.stop(),
      () => gateway.stop(),
    );
    const openai = createOpenAI({ baseURL: `${gateway.url}/v1`, apiKey: "none" });
    const providerOptions = { openai: { store: true } };
    const messages: ModelMessage[] = [{ role: "user", content: "[[say:the password is heron]] one" }];
    const first = await generateText({ model: openai("fake/fake-large"), messages, providerOptions });
    messages.push(...first.response.messages, {
      role: "user",
      content: '[[tool:get_weather {"city":"Paris"}]]',
    });
    const second = await generateText({
      model: openai("fake/fake-large"),
      messages,
      providerOptions,
      stopWhen: stepCountIs(3),
      tools: {
        get_weather: tool({
          inputSchema: z.object({ city: z.string() }),
          execute: ({ city }) => `18 degrees in ${city}`,
        }),
      },
    });
    expect(second.text).toContain("18 degrees in Paris");
    const sent = vendor.requests.at(-1)?.rawBody ?? "";
    expect(sent).toContain("the password is heron");
    expect(sent).not.toContain("item_reference");
    expect(vendor.requests.map(({ breach }) => breach).filter(Boolean)).toEqual([]);
  },
);
