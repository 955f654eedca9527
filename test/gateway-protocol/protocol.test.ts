// What Claude Code asks of a gateway (the page claude-code-gateway of the manual), line by line, with Anthropic's format on both sides
// and, where it differs, with a model of another format behind.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { startUpstream } from "../support/upstream.ts";
import { goodAnswer } from "../pipeline/test-pipeline.ts";

const vendor = startUpstream();
let gateway: TestGateway;

beforeAll(async () => {
  const provider = (backend: string, model: string): object => ({
    backend,
    base_url: vendor.url,
    api_key: "vendor-secret-key",
    models: [model],
  });
  gateway = await startTestGateway({
    config: {
      providers: {
        anth: provider("anthropic", "claude-opus-5"),
        chat: provider("openai-compat", "fake-large"),
      },
      aliases: { fast: "chat/fake-large" },
      fallback_chain: ["chat", "anth"],
      streaming: { commit_after_s: 1, keepalive_s: 1, keepalive: "event" },
    },
  });
});
afterAll(async () => {
  await gateway.stop();
  vendor.stop();
});
beforeEach(() => {
  vendor.script(goodAnswer);
  for (const id of ["anth", "chat"]) gateway.app.services.health.reset(id);
});

const messages = [{ role: "user", content: "hi" }];

function ask(model: string, more: object = {}, path = "/v1/messages?beta=true"): Promise<Response> {
  return fetch(gateway.url + path, {
    method: "POST",
    headers: { "content-type": "application/json", "anthropic-version": "2023-06-01" },
    body: JSON.stringify({ model, max_tokens: 10, messages, ...more }),
  });
}

const sent = (): string => vendor.requests.at(-1)?.rawBody ?? "";

describe("requests", () => {
  test("1: messages and counts, with and without the query", async () => {
    expect((await ask("anth/claude-opus-5")).status).toBe(200);
    expect(vendor.requests.at(-1)?.query).toContain("beta=true");
    expect((await ask("anth/claude-opus-5", {}, "/v1/messages")).status).toBe(200);
    // A target without a count of its own: an estimate.
    const counted = await ask("chat", {}, "/v1/messages/count_tokens?beta=true");
    expect(await counted.json()).toEqual({ input_tokens: expect.any(Number) as unknown });
  });

  test("2: the look whether somebody is there", async () => {
    for (const path of ["/", "/api/hello"])
      expect((await fetch(gateway.url + path, { method: "HEAD" })).status).toBe(200);
  });

  test("3, 9, 10: the body passes byte for byte: unknown members, the attribution block first, every cache mark", async () => {
    const body = {
      model: "claude-opus-5",
      max_tokens: 32_000,
      system: [
        { type: "text", text: "x-anthropic-billing-header: cc_version=2.1.332.1; cc_entrypoint=cli;" },
        { type: "text", text: "You are Claude Code.", cache_control: { type: "ephemeral", ttl: "1h" } },
      ],
      messages: [
        { role: "user", content: [{ type: "text", text: "hi", cache_control: { type: "ephemeral" } }] },
        { role: "assistant", content: "hello" },
        {
          role: "system",
          content: [{ type: "text", text: "be brief", cache_control: { type: "ephemeral" } }],
        },
        { role: "user", content: "go on" },
      ],
      tools: [{ name: "Bash", input_schema: { type: "object" }, strict: true, defer_loading: true }],
      thinking: { type: "adaptive" },
      output_config: { effort: "high" },
      context_management: { edits: [{ type: "clear_thinking_20251015", keep: "all" }] },
      safeguards: { mode: "auto" },
      tags: ["nightly"],
      member_of_2027: { a: 1 },
    };
    expect((await ask("claude-opus-5", body)).status).toBe(200);
    expect(sent()).toBe(JSON.stringify(Object.assign({ model: "", max_tokens: 0, messages }, body)));
  });

  test("10: what only Anthropic applies is refused by its name elsewhere; tags never fail a request", async () => {
    const guarded = await ask("chat/fake-large", { safeguards: { mode: "auto" } });
    expect(guarded.status).toBe(400);
    expect(await guarded.json()).toMatchObject({
      error: { type: "invalid_request_error", message: expect.stringContaining("safeguards") as unknown },
    });
    // `auto` finds the provider that applies them.
    expect((await ask("auto", { safeguards: { mode: "auto" } })).headers.get("x-clawgate-provider")).toBe(
      "anth",
    );
    const tagged = await ask("chat/fake-large", { tags: ["nightly"] });
    expect([tagged.status, tagged.headers.get("x-clawgate-provider")]).toEqual([200, "chat"]);
    expect(tagged.headers.get("x-clawgate-adapted")).toContain("tags");
    expect(sent()).not.toContain("nightly");
  });
});

describe("7, 8: refusals", () => {
  const refusals: readonly (readonly [name: string, status: number, body: string])[] = [
    [
      "a thinking signature",
      400,
      '{"type":"error","error":{"type":"invalid_request_error","message":"messages.1.content.0: `thinking` block is bound to a different conversation"},"request_id":"req_011"}',
    ],
    [
      "a member in another order, with spaces",
      400,
      '{ "error": {"message":"cache_control cannot be set on system messages","type":"invalid_request_error"}, "type":"error" }',
    ],
    [
      "a full window",
      400,
      '{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 210000 tokens > 200000 maximum"}}',
    ],
    [
      "a body that is too large",
      413,
      '{"type":"error","error":{"type":"request_too_large","message":"Request exceeds the maximum size"}}',
    ],
    [
      "a limit",
      429,
      '{"type":"error","error":{"type":"rate_limit_error","message":"Number of requests has exceeded your rate limit"}}',
    ],
    ["an overload", 529, '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'],
  ];
  test.each([...refusals])(
    "%s comes back byte for byte, with the headers that decide a retry",
    async (...row) => {
      const [, status, body] = row;
      for (const stream of [false, true]) {
        vendor.script(() => ({
          status,
          body,
          headers: {
            "x-should-retry": "false",
            "retry-after": "17",
            "anthropic-ratelimit-unified-status": "rejected",
            "anthropic-ratelimit-unified-of-2027": "x",
          },
        }));
        const answer = await fetch(`${gateway.url}/v1/messages`, {
          method: "POST",
          headers: {
            "content-type": "application/json",
            "anthropic-version": "2023-06-01",
            "x-clawgate-fallback": "off",
          },
          body: JSON.stringify({ model: "anth/claude-opus-5", max_tokens: 10, messages, stream }),
        });
        expect([answer.status, await answer.text()]).toEqual([status, body]);
        expect(Object.fromEntries(answer.headers)).toMatchObject({
          "x-should-retry": "false",
          "anthropic-ratelimit-unified-status": "rejected",
          "anthropic-ratelimit-unified-of-2027": "x",
        });
        if (status === 429) expect(answer.headers.get("retry-after")).toMatch(/^\d+$/);
        gateway.app.services.health.reset("anth");
      }
    },
  );

  test("the gateway's own key that is refused is no 401 for the client, and no secret passes", async () => {
    vendor.script(() => ({
      status: 401,
      body: { type: "error", error: { type: "authentication_error", message: "invalid x-api-key" } },
    }));
    expect((await ask("anth/claude-opus-5")).status).toBe(502);
    gateway.app.services.health.reset("anth");
    vendor.script(() => ({
      status: 400,
      body: '{"type":"error","error":{"type":"invalid_request_error","message":"odd: vendor-secret-key"}}',
    }));
    const answer = await ask("anth/claude-opus-5");
    expect(answer.status).toBe(400);
    expect(await answer.text()).not.toContain("vendor-secret-key");
  });
});

test("7: what is left of the quota passes with a good answer", async () => {
  vendor.script((request) => ({
    ...goodAnswer(request),
    headers: {
      "content-type": "application/json",
      "anthropic-ratelimit-unified-5h-utilization": "0.42",
      "anthropic-ratelimit-unified-5h-reset": "1796000000",
      "anthropic-ratelimit-requests-remaining": "12",
    },
  }));
  expect(Object.fromEntries((await ask("anth/claude-opus-5")).headers)).toMatchObject({
    "anthropic-ratelimit-unified-5h-utilization": "0.42",
    "anthropic-ratelimit-unified-5h-reset": "1796000000",
    "anthropic-ratelimit-requests-remaining": "12",
  });
});

test("6: a silent upstream never leaves the client without a byte", async () => {
  vendor.script((request) => ({ ...goodAnswer(request), beforeHeadersMs: 2_600 }));
  const texts = await Promise.all(
    ["anth/claude-opus-5", "chat/fake-large"].map(async (model) => {
      const answer = await ask(model, { stream: true });
      expect(answer.headers.get("content-type")).toContain("text/event-stream");
      return answer.text();
    }),
  );
  for (const text of texts) {
    expect(text).toStartWith('event: ping\ndata: {"type":"ping"}\n\nevent: ping\n');
    expect(text).toContain("message_stop");
  }
}, 15_000);

describe("11: the list of models", () => {
  type Page = {
    readonly data: { id: string; display_name: string; description: string }[];
    readonly has_more: boolean;
    readonly first_id: string | null;
    readonly last_id: string | null;
  };
  const list = async (query: string): Promise<Page> =>
    (
      await fetch(`${gateway.url}/v1/models${query}`, { headers: { "anthropic-version": "2023-06-01" } })
    ).json() as Promise<Page>;

  test("each has an id, a name and a description; `auto` and aliases come under names that Claude Code shows", async () => {
    const { data, has_more } = await list("?limit=1000");
    expect(has_more).toBe(false);
    for (const card of data) {
      expect(card.display_name).toBeString();
      expect(card.description.length).toBeGreaterThan(2);
    }
    const shown = data.map(({ id }) => id).filter((id) => /claude|anthropic/.test(id));
    expect(shown).toEqual(expect.arrayContaining(["claude-auto", "claude-fast", "anth/claude-opus-5"]));
  });

  test("pages forwards and backwards hold every model once", async () => {
    const whole = (await list("")).data.map(({ id }) => id);
    const seen: string[] = [];
    for (let after = ""; ;) {
      const page = await list(`?limit=2${after}`);
      seen.push(...page.data.map(({ id }) => id));
      expect([page.first_id, page.last_id]).toEqual([page.data[0]?.id ?? null, page.data.at(-1)?.id ?? null]);
      if (!page.has_more) break;
      after = `&after_id=${encodeURIComponent(page.last_id ?? "")}`;
    }
    expect(seen).toEqual(whole);
    const back = await list(`?limit=2&before_id=${encodeURIComponent(whole.at(-1) ?? "")}`);
    expect(back.data.map(({ id }) => id)).toEqual(whole.slice(-3, -1));
    expect(back.has_more).toBe(true);
  });

  test("a value that says nothing is refused in Anthropic's words", async () => {
    for (const query of ["?limit=0", "?limit=1001", "?limit=x", "?after_id=nobody", "?before_id=nobody"]) {
      const answer = await fetch(`${gateway.url}/v1/models${query}`, {
        headers: { "anthropic-version": "2023-06-01" },
      });
      expect(answer.status).toBe(400);
      expect(await answer.json()).toMatchObject({ type: "error", error: { type: "invalid_request_error" } });
    }
    // OpenAI's list has no pages.
    expect((await fetch(`${gateway.url}/v1/models?limit=x`)).status).toBe(200);
  });
});

test("13: a model that the config does not list gets all that was asked", async () => {
  const more = { thinking: { type: "adaptive" }, output_config: { effort: "xhigh" } };
  expect((await ask("anth/claude-of-2027", more)).status).toBe(200);
  expect(JSON.parse(sent())).toMatchObject({ model: "claude-of-2027", ...more });
});

test("15: a gateway of ANTHROPIC_BASE_URL offers no sign-in of its own", async () => {
  for (const path of ["/.well-known/oauth-authorization-server", "/managed/settings", "/api/oauth/usage"])
    expect((await fetch(gateway.url + path)).status).toBe(404);
});
