// `auth: client`: who may use it, what Anthropic gets, and that the caller's sign-in is found nowhere afterwards.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigProblem } from "../../src/config/problems.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { startUpstream } from "../support/upstream.ts";
import { goodAnswer } from "../pipeline/test-pipeline.ts";
import { fakeAnthropic } from "./anthropic.ts";

/** Not of the shape of any key: masks that know keys by their looks are no help here. */
const canary = "Canary.of.a.person";
const betas = "oauth-2025-04-20,claude-code-20250219,interleaved-thinking-2025-05-14";
const mine = { backend: "anthropic", auth: "client", models: ["claude-opus-5"] };

const anthropic = fakeAnthropic();
const other = startUpstream();
const otherProvider = {
  backend: "anthropic",
  base_url: other.url,
  api_key: "vendor-secret-key",
  models: ["claude-haiku-5"],
};
let gateway: TestGateway;
let directory: string;

beforeAll(async () => {
  other.script(goodAnswer);
  directory = mkdtempSync(join(tmpdir(), "sign-in-"));
  gateway = await startTestGateway({
    fetch: anthropic.fetch,
    config: {
      providers: { mine, other: otherProvider },
      aliases: { best: "mine/claude-opus-5", "claude-*": "mine/claude-*" },
      request_log: { enabled: true, tenants: ["*"], path: join(directory, "texts.db") },
      routing: { hedge_after_s: 0.01 },
      metrics: { log_routing_decisions: true },
    },
  });
});
afterAll(async () => {
  await gateway.stop();
  other.stop();
  rmSync(directory, { recursive: true, force: true });
});
beforeEach(() => {
  anthropic.seen.length = 0;
  anthropic.answer = fakeAnthropic().answer;
});

type Asking = {
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly at?: TestGateway;
};

function ask(model: string, { path = "/v1/messages?beta=true", headers, at = gateway }: Asking = {}) {
  return fetch(at.url + path, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "anthropic-version": "2023-06-01",
      "anthropic-beta": betas,
      "user-agent": "claude-cli/2.1.332 (external, cli)",
      "x-app": "cli",
      "x-claude-code-session-id": "session-1",
      ...(headers ?? { authorization: `Bearer ${canary}` }),
    },
    body: JSON.stringify({ model, max_tokens: 10, messages: [{ role: "user", content: "hi" }] }),
  });
}

describe("what Anthropic gets", () => {
  test("the sign-in and anthropic-beta unchanged, and the body as it was written", async () => {
    const answer = await ask("claude-opus-5");
    expect(answer.status).toBe(200);
    const [sent] = anthropic.seen;
    expect(sent?.url).toBe("https://api.anthropic.com/v1/messages?beta=true");
    expect(sent?.headers).toMatchObject({
      authorization: `Bearer ${canary}`,
      "anthropic-beta": betas,
      "anthropic-version": "2023-06-01",
      "user-agent": "claude-cli/2.1.332 (external, cli)",
      "x-app": "cli",
      "x-claude-code-session-id": "session-1",
    });
    expect(sent?.headers["x-api-key"]).toBeUndefined();
    expect(sent?.body).toBe(
      '{"model":"claude-opus-5","max_tokens":10,"messages":[{"role":"user","content":"hi"}]}',
    );
    const record = await gateway.recordOf(answer);
    // A plan pays at a flat rate: nothing was billed by the token.
    expect(record.listNanoUsd).toBeDefined();
  });

  test("a model that the config does not list, by a wildcard, and the count of tokens", async () => {
    expect((await ask("claude-sonnet-9")).status).toBe(200);
    anthropic.answer = () => Response.json({ input_tokens: 7 });
    const counted = await ask("claude-opus-5", { path: "/v1/messages/count_tokens" });
    expect(await counted.json()).toEqual({ input_tokens: 7 });
    expect(anthropic.seen.map(({ url, headers }) => [url.split("/v1")[1], headers["authorization"]])).toEqual(
      [
        ["/messages?beta=true", `Bearer ${canary}`],
        ["/messages/count_tokens", `Bearer ${canary}`],
      ],
    );
    expect(anthropic.seen[0]?.body).toContain('"model":"claude-sonnet-9"');
  });

  test("its refusals come back as they are, with its status and headers, and rest nothing", async () => {
    const refusal =
      '{"type":"error", "error":{"type":"authentication_error","message":"OAuth token has expired."},"request_id":"req_1"}';
    anthropic.answer = () => new Response(refusal, { status: 401 });
    const expired = await ask("claude-opus-5");
    expect([expired.status, await expired.text()]).toEqual([401, refusal]);
    const limited =
      '{"type":"error","error":{"type":"rate_limit_error","message":"This request would exceed your account\'s rate limit."}}';
    anthropic.answer = () =>
      new Response(limited, {
        status: 429,
        headers: {
          "retry-after": "7201",
          "x-should-retry": "false",
          "anthropic-ratelimit-unified-status": "rejected",
          "anthropic-ratelimit-unified-reset": "1796000000",
        },
      });
    const full = await ask("claude-opus-5");
    expect([full.status, await full.text()]).toEqual([429, limited]);
    expect(Object.fromEntries(full.headers)).toMatchObject({
      "retry-after": "7201",
      "x-should-retry": "false",
      "anthropic-ratelimit-unified-status": "rejected",
      "anthropic-ratelimit-unified-reset": "1796000000",
    });
    const { credential } = gateway.app.services.health.view("mine");
    expect(credential).toBe("ok");
    expect(other.requests).toHaveLength(0);
  });

  test("a failure is neither asked again elsewhere nor hedged", async () => {
    anthropic.answer = () => new Response("", { status: 500 });
    const answer = await ask("claude-opus-5");
    expect(answer.status).toBe(502);
    expect(anthropic.seen).toHaveLength(1);
    expect(other.requests).toHaveLength(0);
    gateway.app.services.health.reset("mine");
  });
});

describe("what is refused", () => {
  const refused = async (model: string, asking?: Asking): Promise<[number, string]> => {
    const answer = await ask(model, asking);
    const body = (await answer.json()) as { error: { message: string } };
    return [answer.status, body.error.message];
  };

  test("a request without a sign-in, or with one in another place", async () => {
    const sent: Record<string, string>[] = [
      {},
      { "x-api-key": canary },
      { authorization: `Basic ${canary}` },
    ];
    for (const headers of sent) {
      const [status, words] = await refused("claude-opus-5", { headers });
      expect(status).toBe(401);
      expect(words).toContain("your own sign-in");
    }
    expect(anthropic.seen).toHaveLength(0);
  });

  test("another model than the one asked for: an alias, a provider's default", async () => {
    for (const model of ["best", "mine"]) {
      const [status, words] = await refused(model);
      expect(status).toBe(400);
      expect(words).toContain("name its model themselves");
    }
    expect(anthropic.seen).toHaveLength(0);
  });

  test("another format", async () => {
    const [status, words] = await refused("claude-opus-5", { path: "/v1/chat/completions" });
    expect(status).toBe(400);
    expect(words).toContain("/v1/messages only");
    expect(anthropic.seen).toHaveLength(0);
  });

  test("nothing else ever goes there: not `auto`, not the fallback of another provider, not a test of it", async () => {
    other.script(() => ({ status: 500, body: {} }));
    expect((await ask("auto")).status).toBe(502);
    expect((await ask("other/claude-haiku-5")).status).toBe(502);
    gateway.app.services.health.reset("other");
    other.script(goodAnswer);
    const tested = await fetch(`${gateway.url}/api/providers/mine/test`, {
      method: "POST",
      headers: { authorization: `Bearer ${gateway.token()}` },
    });
    expect(await tested.text()).toContain("own sign-in");
    expect(anthropic.seen).toHaveLength(0);
  });
});

test("with keys the gateway's own is in x-clawgate-key, and only there", async () => {
  const key = "sk-data-0123456789abcdef";
  const keyed = await startTestGateway({
    fetch: anthropic.fetch,
    config: { auth: { keys: [key] }, providers: { mine } },
  });
  try {
    const status = async (headers: Record<string, string>): Promise<number> =>
      (await ask("claude-opus-5", { at: keyed, headers })).status;
    const authorization = `Bearer ${canary}`;
    expect(await status({ authorization })).toBe(401);
    // The gateway's key must never be taken for a sign-in.
    expect(await status({ authorization: `Bearer ${key}` })).toBe(401);
    expect(await status({ authorization, "x-api-key": key })).toBe(401);
    expect(await status({ authorization, "x-clawgate-key": "sk-wrong-0123456789abcdef" })).toBe(401);
    expect(anthropic.seen).toHaveLength(0);
    expect(await status({ authorization, "x-clawgate-key": key })).toBe(200);
    expect(anthropic.seen[0]?.headers["authorization"]).toBe(authorization);
    expect(JSON.stringify(anthropic.seen)).not.toContain(key);
  } finally {
    await keyed.stop();
  }
});

describe("a config that would handle sign-ins for others is refused", () => {
  const problemOf = async (config: object): Promise<string> => {
    try {
      const started = await startTestGateway({ config });
      await started.stop();
      return "none";
    } catch (thrown) {
      if (!(thrown instanceof ConfigProblem)) throw thrown;
      return thrown.message;
    }
  };
  const key = "sk-data-0123456789abcdef";
  const cases: readonly (readonly [name: string, config: object, words: string])[] = [
    ["beyond loopback", { server: { host: "0.0.0.0" }, auth: { keys: [key] } }, "other machines can connect"],
    ["with tenants", { tenants: [{ name: "alice", api_key: key }] }, "one person's own gateway"],
    ["in the chain", { fallback_chain: ["mine"] }, "only callers who name its model"],
    [
      "by a rule",
      { static_rules: { rules: [{ name: "r", match: { model_requested: "x" }, route_to: "mine" }] } },
      "only callers who name its model",
    ],
    ["as the default", { default_model: "mine/claude-opus-5" }, "only callers who name its model"],
    [
      "as the classifier",
      { llm_classifier: { enabled: true, classifier_provider: "mine" } },
      "only callers who name its model",
    ],
  ];
  test.each([...cases])("%s", async (_, config, words) => {
    expect(await problemOf({ providers: { mine }, ...config })).toContain(words);
  });

  const providers: readonly (readonly [name: string, provider: object, words: string])[] = [
    ["another address", { ...mine, base_url: "https://proxy.example.com" }, "belongs to Anthropic alone"],
    [
      "the address without TLS",
      { ...mine, base_url: "http://api.anthropic.com" },
      "belongs to Anthropic alone",
    ],
    [
      "another format",
      { ...mine, backend: "openai-compat", base_url: "https://api.anthropic.com" },
      "backend anthropic only",
    ],
    ["the program", { backend: "claude-cli", auth: "client" }, "auth has no effect for backend claude-cli"],
    ["a key of its own", { ...mine, api_key: "sk-own" }, "no key of its own"],
    ["a header of its own", { ...mine, headers: { Authorization: "Bearer x" } }, "would replace"],
  ];
  test.each([...providers])("%s", async (_, provider, words) => {
    expect(await problemOf({ providers: { mine: provider } })).toContain(words);
  });

  test("on loopback without tenants it starts, and says the terms", async () => {
    const started = await startTestGateway({ config: { providers: { mine } } });
    try {
      expect(started.app.services.currentConfig().notices.join("\n")).toContain("forbids third parties");
    } finally {
      await started.stop();
    }
  });
});

test("the value is in no record, log, state, file, report or error, whatever happens to the request", async () => {
  const echo = `the token ${canary} is odd`;
  const kinds: readonly (() => Response)[] = [
    () =>
      Response.json(
        { type: "error", error: { type: "invalid_request_error", message: echo } },
        { status: 400 },
      ),
    () => Response.json({ type: "error", error: { type: "api_error", message: echo } }, { status: 500 }),
    () => new Response(echo, { status: 403 }),
    () => {
      throw new Error(`cannot send ${canary}`);
    },
    () =>
      new Response(
        `event: error\ndata: {"type":"error","error":{"type":"api_error","message":"${echo}"}}\n\n`,
        { headers: { "content-type": "text/event-stream" } },
      ),
  ];
  let shown = "";
  for (const kind of kinds) {
    anthropic.answer = kind;
    shown += await (await ask("claude-opus-5")).text();
    gateway.app.services.health.reset("mine");
  }
  await ask("best");
  await ask("nothing-of-the-kind");
  const operator = { authorization: `Bearer ${gateway.token()}` };
  const paths = [
    "/api/requests",
    "/api/recent",
    "/api/logs",
    "/api/config",
    "/api/providers",
    "/api/sessions",
    "/api/audit",
    "/health",
    "/metrics",
  ];
  for (const path of paths) shown += await (await fetch(gateway.url + path, { headers: operator })).text();
  // Its prompt is read from the request itself, and is never written.
  for (const record of gateway.records()) shown += JSON.stringify({ ...record, prompt: null });
  shown += gateway.log.join("\n");
  await gateway.app.services.completeRecords();
  expect(shown.includes(canary)).toBe(false);
  expect(shown.length).toBeGreaterThan(5_000);
  // Its texts are not kept either, though the request log keeps everybody's.
  for (const path of filesBelow(directory)) expect(readFileSync(path, "latin1").includes(canary)).toBe(false);
});

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder)
    .map((name) => join(folder, name))
    .flatMap((path) => (statSync(path).isDirectory() ? filesBelow(path) : [path]));
}
