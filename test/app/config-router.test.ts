// Routing through the whole app: a real classifier call, capabilities, strategies and what the record keeps of it.

import { afterEach, describe, expect, test } from "bun:test";
import { explainRoute, type RouteExplanation } from "../../src/operator/route-explanation.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

const opened: { gateway?: TestGateway; upstream?: Upstream } = {};
afterEach(async () => {
  await opened.gateway?.stop();
  opened.upstream?.stop();
  delete opened.gateway;
  delete opened.upstream;
});

async function app(config: (vendor: string) => object): Promise<TestGateway> {
  opened.upstream = startUpstream();
  opened.gateway = await startTestGateway({ config: config(opened.upstream.url) });
  return opened.gateway;
}

const provider = (vendor: string, model: string, more: object = {}) => ({
  backend: "openai-compat",
  base_url: vendor,
  model,
  ...more,
});

const ask = (gateway: TestGateway, text: string, more: object = {}, headers: object = {}) =>
  fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ model: "auto", messages: [{ role: "user", content: text }], ...more }),
  });

const answerText = (content: string) => ({
  status: 200,
  body: {
    id: "c",
    object: "chat.completion",
    created: 1,
    model: "m",
    choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }],
    usage: { prompt_tokens: 9, completion_tokens: 1, total_tokens: 10 },
  },
});

describe("the classifier", () => {
  const config =
    (more: object = {}) =>
    (vendor: string) => ({
      providers: {
        cheap: provider(vendor, "fake-small"),
        big: provider(vendor, "fake-large"),
        judge: provider(vendor, "org/fake-slash"),
      },
      fallback_chain: ["cheap"],
      llm_classifier: {
        enabled: true,
        classifier_provider: "judge",
        category_routing: { REASONING: "big", SIMPLE: "cheap" },
        fallback_on_timeout: "cheap",
        ...more,
      },
    });

  test("is really asked, decides, is recorded as a request of its own, and is not asked twice", async () => {
    const gateway = await app(config());
    opened.upstream?.script((request) =>
      request.body["model"] === "org/fake-slash" ? answerText("REASONING") : answerText("hello"),
    );
    const answer = await ask(gateway, "prove that there are infinitely many primes");
    expect(answer.status).toBe(200);
    expect(answer.headers.get("x-clawgate-provider")).toBe("big");
    expect(answer.headers.get("x-clawgate-layer")).toBe("llm-classify");
    expect(answer.headers.get("x-clawgate-rule")).toBe("REASONING");
    const record = await gateway.recordOf(answer);
    expect(record).toMatchObject({ layer: "llm-classify", confidence: 0.7 });
    const asked = await gateway.waitForRecord(({ tags }) => tags.includes("classifier"));
    expect(asked).toMatchObject({ provider: "judge", status: 200, rule: "classifier" });
    expect(opened.upstream?.find("org/fake-slash").rawBody).toContain("infinitely many primes");
    const again = await ask(gateway, "prove that there are infinitely many primes");
    expect(again.headers.get("x-clawgate-provider")).toBe("big");
    expect(gateway.records().filter(({ tags }) => tags.includes("classifier"))).toHaveLength(1);
    await gateway.assertClean(opened.upstream?.requests);
  });

  test("a failing classifier costs the request nothing but the stated fallback", async () => {
    const gateway = await app(config());
    opened.upstream?.script((request) =>
      request.body["model"] === "org/fake-slash"
        ? { status: 500, body: { error: { message: "down" } } }
        : answerText("hello"),
    );
    const answer = await ask(gateway, "hello there");
    expect(answer.status).toBe(200);
    expect(answer.headers.get("x-clawgate-provider")).toBe("cheap");
    expect(answer.headers.get("x-clawgate-rule")).toBe("classifier-failed");
    await gateway.assertClean(opened.upstream?.requests);
  });

  test("an explanation asks nobody", async () => {
    const gateway = await app(config());
    const { app: inner } = gateway;
    const explained = await explainRoute(inner.current(), inner.services, {
      bytes: Buffer.from('{"messages":[{"role":"user","content":"hello"}]}'),
      endpointName: null,
      headers: new Headers(),
      tenant: null,
    });
    expect(explained).toMatchObject({ provider: "cheap", layer: "fallback" });
    expect(explained.reason).toContain("not asked here");
    expect(opened.upstream?.requests).toHaveLength(0);
  });
});

describe("capabilities", () => {
  const model = (id: string, capabilities: object) => ({ models: [{ id, capabilities }] });
  const config = (vendor: string) => ({
    providers: {
      blind: { backend: "openai-compat", base_url: vendor, ...model("fake-small", { vision: false }) },
      seeing: { backend: "openai-compat", base_url: vendor, ...model("fake-large", { vision: true }) },
    },
    fallback_chain: ["blind", "seeing"],
  });
  const image = {
    messages: [
      {
        role: "user",
        content: [
          { type: "text", text: "what is this" },
          { type: "image_url", image_url: { url: "data:image/png;base64,iVBORw0KGgo=" } },
        ],
      },
    ],
  };

  test("a request with an image never reaches the model that cannot see, and the record says why", async () => {
    const gateway = await app(config);
    const answer = await ask(gateway, "", image);
    expect(answer.headers.get("x-clawgate-provider")).toBe("seeing");
    expect(answer.headers.get("x-clawgate-rule")).toBe("no-match->fallback");
    const record = await gateway.recordOf(answer);
    expect(record.candidates).toEqual([
      { provider: "blind", model: "fake-small", kept: false, note: "dropped: takes no images" },
      { provider: "seeing", model: "fake-large", kept: true, note: "chosen" },
    ]);
    expect(record.facts).toMatchObject({ hasImages: true });
  });

  test("nobody can: a 400 in the caller's dialect", async () => {
    const gateway = await app(config);
    const headers = { "x-clawgate-fallback": "off" };
    const answer = await ask(gateway, "", { ...image, model: "blind" }, headers);
    expect(answer.status).toBe(400);
    const body = (await answer.json()) as { error: { message: string; param: string; code: string } };
    expect(body.error).toMatchObject({ param: "messages", code: "model_lacks_capability" });
    expect(body.error.message).toContain("takes no images");
    expect(opened.upstream?.requests).toHaveLength(0);
  });
});

test("a session stays with the provider that answered it first; others take turns", async () => {
  const gateway = await app((vendor) => ({
    providers: {
      one: provider(vendor, "fake-small", { tier: "t" }),
      two: provider(vendor, "fake-large", { tier: "t" }),
    },
    routing: { strategy: "round-robin" },
  }));
  const served = async (session: string): Promise<string | null> =>
    (await ask(gateway, "hello", { prompt_cache_key: session })).headers.get("x-clawgate-provider");
  const first = await served("a");
  const second = await served("b");
  expect(new Set([first, second]).size).toBe(2);
  for (let turn = 0; turn < 3; turn++) {
    expect(await served("a")).toBe(first);
    expect(await served("b")).toBe(second);
  }
});

describe("an explanation", () => {
  const explain = async (gateway: TestGateway, body: object): Promise<RouteExplanation> => {
    const answer = await fetch(`${gateway.url}/api/route`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    expect(answer.status).toBe(200);
    return (await answer.json()) as RouteExplanation;
  };
  const words = { model: "auto", messages: [{ role: "user", content: "hello" }] };

  test("knows the bundled prices before any request has needed them", async () => {
    const gateway = await app(() => ({
      providers: { openai: { base_url: "https://api.openai.com/v1", api_key: "k", model: "gpt-5.4" } },
    }));
    const { estimated_cost_usd: cost } = await explain(gateway, words);
    expect(cost).toBeGreaterThan(0);
  });

  test("passes over a target whose format cannot carry the request, as the pipeline does", async () => {
    const gateway = await app((vendor) => ({
      providers: {
        claude: provider(vendor, "fake-large", { backend: "anthropic" }),
        answers: provider(vendor, "fake-large", { backend: "openai-responses" }),
      },
      fallback_chain: ["claude", "answers"],
    }));
    const body = { model: "auto", input: "hello", previous_response_id: "resp_1" };
    const explained = await explain(gateway, body);
    expect(explained).toMatchObject({ provider: "answers", fallbacks: [] });
    expect(explained.candidates).toMatchObject([
      { provider: "claude", kept: false, note: expect.stringContaining("Previous response with id") },
      { provider: "answers", kept: true, note: "chosen" },
    ]);
    const answer = await fetch(`${gateway.url}/v1/responses`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    expect(answer.headers.get("x-clawgate-provider")).toBe("answers");
    const refused = await fetch(`${gateway.url}/api/route`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ ...body, model: "claude" }),
    });
    expect(refused.status).toBe(404);
  });

  test("knows a conversation by what its body says", async () => {
    const gateway = await app((vendor) => ({
      providers: { one: provider(vendor, "fake-large"), two: provider(vendor, "fake-small") },
      fallback_chain: ["one", "two"],
      routing: { strategy: "round-robin" },
    }));
    const named = { prompt_cache_key: "talk-1" };
    const first = (await ask(gateway, "hello", named)).headers.get("x-clawgate-provider");
    for (let time = 0; time < 2; time++) {
      const explained = await explain(gateway, { ...words, ...named });
      expect(explained.provider).toBe(first ?? "");
      expect(explained.candidates[0]?.note).toContain("last provider");
    }
  });
});
