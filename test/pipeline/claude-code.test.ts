// What Claude Code asks of a gateway beside its messages: open headers, a list with names that it shows, its agents in the record.

import { afterAll, beforeAll, expect, test } from "bun:test";
import Anthropic from "@anthropic-ai/sdk";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { startUpstream } from "../support/upstream.ts";
import { goodAnswer } from "./test-pipeline.ts";

const vendor = startUpstream();
let gateway: TestGateway;

beforeAll(async () => {
  vendor.script(goodAnswer);
  const provider = (backend: string, model: string) => ({
    backend,
    base_url: vendor.url,
    api_key: "vendor-secret-key",
    models: [model],
  });
  gateway = await startTestGateway({
    config: {
      auth: { keys: ["sk-data-0123456789abcdef"], admin_key: "sk-admin-0123456789abcdef" },
      providers: {
        anth: provider("anthropic", "claude-opus-5"),
        chat: provider("openai-compat", "fake-large"),
      },
      aliases: {
        fast: "chat/fake-large",
        anthropic_best: "anth/claude-opus-5",
        big: "anth/claude-opus-5",
        "claude-big": "chat/fake-large",
        "claude-*": "anth/claude-opus-5",
      },
      fallback_chain: ["chat", "anth"],
      tenants: [
        { name: "alice", api_key: "sk-alice-0123456789abcdef", models: ["fast"] },
        { name: "bob", api_key: "sk-bob-0123456789abcdef", models: ["anth/claude-*", "claude-*"] },
        { name: "carol", api_key: "sk-carol-0123456789abcdef", models: ["auto"] },
      ],
    },
  });
});
afterAll(async () => {
  await gateway.stop();
  vendor.stop();
});

type Asking = { readonly key?: string; readonly headers?: Record<string, string>; readonly path?: string };

function ask(model: string, { key = "data", headers = {}, path = "/v1/messages" }: Asking = {}) {
  return fetch(gateway.url + path, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-api-key": `sk-${key}-0123456789abcdef`,
      "anthropic-version": "2023-06-01",
      ...headers,
    },
    body: JSON.stringify({ model, max_tokens: 10, messages: [{ role: "user", content: "hi" }] }),
  });
}

const target = async (model: string, asking?: Asking): Promise<string> => {
  const answer = await ask(model, asking);
  return answer.status === 200
    ? `${answer.headers.get("x-clawgate-provider")}/${answer.headers.get("x-clawgate-model")}`
    : String(answer.status);
};

const lastHeaders = () => vendor.requests.at(-1)?.headers ?? {};

test("anthropic-* headers are an open list to Anthropic's format, keys are not in it", async () => {
  const headers = {
    "anthropic-beta": "a-2026-01-01,b-2026-01-01",
    "anthropic-workspace-id": "wrkspc_1",
    "anthropic-future": "soon",
    "anthropic-dangerous-direct-browser-access": "true",
    "anthropic-api-key": "sk-something",
    "anthropic-auth-token": "sk-something",
    "anthropic-long": "x".repeat(5_000),
    "x-clawgate-key": "sk-data-0123456789abcdef",
    "x-goog-api-key": "sk-data-0123456789abcdef",
  };
  expect(await target("anth", { headers })).toBe("anth/claude-opus-5");
  const sent = lastHeaders();
  expect(sent).toMatchObject({
    "anthropic-version": "2023-06-01",
    "anthropic-beta": "a-2026-01-01,b-2026-01-01",
    "anthropic-workspace-id": "wrkspc_1",
    "anthropic-future": "soon",
    "anthropic-dangerous-direct-browser-access": "true",
    "x-api-key": "vendor-secret-key",
  });
  expect(Object.keys(sent).filter((name) => /clawgate|goog|anthropic-(?:api|auth|long)/.test(name))).toEqual(
    [],
  );
  expect(JSON.stringify(sent)).not.toContain("sk-data");
  await target("anth", { headers, path: "/v1/messages/count_tokens" });
  expect(lastHeaders()["anthropic-future"]).toBe("soon");
  // To another format they say nothing.
  await target("chat", { headers });
  expect(Object.keys(lastHeaders()).filter((name) => name.startsWith("anthropic"))).toEqual([]);
});

test("there are bounds of their number and size", async () => {
  const many = (size: number) =>
    Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`anthropic-h${i}`, "x".repeat(size)]));
  expect(await target("anth", { headers: many(1) })).toBe("anth/claude-opus-5");
  const named = () => Object.keys(lastHeaders()).filter((name) => name.startsWith("anthropic-"));
  expect(named().length).toBeGreaterThan(5);
  expect(named().length).toBeLessThan(32);
  expect(lastHeaders()["anthropic-version"]).toBe("2023-06-01");
  await target("anth", { headers: many(200) });
  const characters = named().reduce((sum, name) => sum + String(lastHeaders()[name]).length, 0);
  expect(characters).toBeLessThanOrEqual(16_000);
});

test("a restricted tenant's headers choose no other model", async () => {
  const headers = {
    "anthropic-beta": "server-side-fallback-2026-06-01,interleaved-thinking-2025-05-14",
    "anthropic-fallback-model": "claude-other",
    "anthropic-workspace-id": "wrkspc_1",
  };
  expect(await target("anth/claude-opus-5", { key: "bob", headers })).toBe("anth/claude-opus-5");
  expect(lastHeaders()).toMatchObject({
    "anthropic-beta": "interleaved-thinking-2025-05-14",
    "anthropic-workspace-id": "wrkspc_1",
  });
  expect(lastHeaders()["anthropic-fallback-model"]).toBeUndefined();
});

test("x-clawgate-key alone is enough, whatever else the client sends", async () => {
  const headers = { "x-api-key": "the-clients-own", "x-clawgate-key": "sk-data-0123456789abcdef" };
  expect(await target("anth", { headers })).toBe("anth/claude-opus-5");
  expect(lastHeaders()["x-api-key"]).toBe("vendor-secret-key");
  expect(JSON.stringify(lastHeaders())).not.toContain("the-clients-own");
});

test("claude-auto and claude-<alias> mean what stands behind them", async () => {
  expect(await target("claude-auto")).toBe("chat/fake-large");
  expect(await target("claude-fast")).toBe("chat/fake-large");
  // An exact alias and a listed id go before, a wildcard behind.
  expect(await target("claude-big")).toBe("chat/fake-large");
  expect(await target("claude-opus-5")).toBe("anth/claude-opus-5");
  expect(await target("claude-whatever")).toBe("anth/claude-opus-5");
  expect(await target("claude-anthropic_best")).toBe("anth/claude-opus-5");
});

test("a grant of claude-* is none of an alias under such a name; a grant of the alias is", async () => {
  expect(await target("claude-fast", { key: "bob" })).toBe("404");
  expect(await target("claude-auto", { key: "bob" })).toBe("404");
  expect(await target("claude-fast", { key: "alice" })).toBe("chat/fake-large");
  expect(await target("claude-auto", { key: "alice" })).toBe("404");
  expect(await target("claude-auto", { key: "carol" })).toBe("chat/fake-large");
});

test("the list shows them to Anthropic's clients only, and one by one", async () => {
  const client = (key: string) =>
    new Anthropic({ baseURL: gateway.url, apiKey: `sk-${key}-0123456789abcdef`, maxRetries: 0 });
  const shown = async (key: string) => {
    const ids: string[] = [];
    for await (const { id } of client(key).models.list({ limit: 1000 })) ids.push(id);
    return ids.filter((id) => id.startsWith("claude-"));
  };
  expect(await shown("data")).toEqual(["claude-big", "claude-auto", "claude-fast"]);
  // The target of the other one is hers, whatever it is called.
  expect(await shown("alice")).toEqual(["claude-big", "claude-fast"]);
  expect(await shown("carol")).toContain("claude-auto");
  expect((await client("data").models.retrieve("claude-auto")).id).toBe("claude-auto");
  const plain = await fetch(`${gateway.url}/v1/models`, {
    headers: { authorization: "Bearer sk-data-0123456789abcdef" },
  });
  expect(await plain.text()).not.toContain("claude-auto");
});

test("who of the client's agents asked stands in the record and in /api/recent", async () => {
  const headers = {
    "x-claude-code-agent-id": "agent-7",
    "x-claude-code-parent-agent-id": "p".repeat(900),
    "x-claude-code-session-id": "session-1",
  };
  const answer = await ask("anth", { headers });
  const record = await gateway.recordOf(answer);
  expect(record).toMatchObject({ session: "session-1", agent: "agent-7", parentAgent: "p".repeat(200) });
  expect("agent" in (await gateway.recordOf(await ask("anth")))).toBe(false);
  const rows = async () =>
    (
      (await (
        await fetch(`${gateway.url}/api/recent`, {
          headers: { authorization: "Bearer sk-admin-0123456789abcdef" },
        })
      ).json()) as { requests: { request_id: string; agent: string | null; parent_agent: string | null }[] }
    ).requests;
  const giveUpMs = performance.now() + 5_000;
  let row;
  while (row === undefined && performance.now() < giveUpMs)
    row = (await rows()).find(({ request_id }) => request_id === record.id);
  expect(row).toMatchObject({ agent: "agent-7", parent_agent: "p".repeat(200) });
  expect((await rows()).find(({ agent }) => agent === null)).toBeDefined();
});
