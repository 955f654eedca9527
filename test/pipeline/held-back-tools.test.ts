// Tools that a client holds back do not fill the window of a model that never gets them: it is chosen, its answer is not cut short, and
// the count of tokens is that of what it gets.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";
import { backends, type Json, names } from "./conversations.ts";

const window = 8_192;
const words = "what such an argument may be, said at length ".repeat(40);
/** About 30,000 tokens. */
const tools = (isHeldBack: boolean): Json[] =>
  Array.from({ length: 60 }, (_, i) => ({
    name: `tool_${i}`,
    description: `Does ${i}`,
    input_schema: { type: "object", properties: { place: { type: "string", description: words } } },
    ...(isHeldBack ? { defer_loading: true } : {}),
  }));
const search: Json = { name: "ToolSearch", input_schema: { type: "object", properties: {} } };

const foreign = names.filter((name) => name !== "anthropic-messages");

describe.each(foreign)("behind %s", (name) => {
  let upstream: Upstream;
  let gateway: TestGateway;

  beforeAll(async () => {
    upstream = startUpstream({ strict: true });
    gateway = await startTestGateway({
      config: {
        providers: {
          small: {
            backend: backends[name],
            base_url: upstream.url,
            models: [{ id: "own-model", context_window: window }],
          },
        },
      },
    });
  });
  afterAll(async () => {
    await gateway.stop();
    upstream.stop();
  });

  const ask = (path: string, isHeldBack: boolean): Promise<Response> =>
    fetch(`${gateway.url}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", "anthropic-version": "2023-06-01" },
      body: JSON.stringify({
        model: "small",
        ...(path.endsWith("count_tokens") ? {} : { max_tokens: 4_000 }),
        tools: [search, ...tools(isHeldBack)],
        messages: [{ role: "user", content: "[[say:it fits]]" }],
      }),
    });

  test("sixty of them leave the window to the conversation", async () => {
    const answer = await ask("/v1/messages", true);
    expect(await answer.text()).toContain("it fits");
    const sent = upstream.requests.at(-1);
    expect(sent?.breach).toBeNull();
    expect(sent?.rawBody).toContain("ToolSearch");
    expect(sent?.rawBody).not.toContain("said at length");
    expect(sent?.rawBody).toMatch(
      /"(?:max_tokens|max_completion_tokens|max_output_tokens|maxOutputTokens)":4000/,
    );
    expect((await ask("/v1/messages", false)).status).toBe(400);
  });

  test("the count of tokens is that of what the model gets", async () => {
    const counted = async (isHeldBack: boolean): Promise<number> =>
      ((await (await ask("/v1/messages/count_tokens", isHeldBack)).json()) as { input_tokens: number })
        .input_tokens;
    expect(await counted(true)).toBeLessThan(200);
    expect(await counted(false)).toBeGreaterThan(20_000);
  });
});
