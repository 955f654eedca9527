// Names that clients choose have bounds at the border: nothing of what is too long comes back, is kept, or becomes a row.

import { describe, expect, test } from "bun:test";
import { Failure } from "../../src/canon/failure.ts";
import { cut, maxModelLength } from "../../src/canon/bounds.ts";
import { type Json, get, keys, openTenantGateways } from "./tenant-gateways.ts";

const { vendor, open } = openTenantGateways();
const message = [{ role: "user", content: "hi" }];

const bodies: readonly (readonly [string, (model: string) => object])[] = [
  ["/v1/chat/completions", (model) => ({ model, messages: message })],
  ["/v1/messages", (model) => ({ model, messages: message, max_tokens: 9 })],
  ["/v1/messages/count_tokens", (model) => ({ model, messages: message })],
  ["/v1/responses", (model) => ({ model, input: "hi" })],
  ["/v1/embeddings", (model) => ({ model, input: "hi" })],
];

function post(url: string, path: string, body: object | string, headers: Record<string, string> = {}) {
  return fetch(url + path, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${keys.bob}`, ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

const sizeOf = (answer: Response, text: string): number =>
  text.length + [...answer.headers].reduce((sum, [name, value]) => sum + name.length + value.length, 0);

describe("a model's name", () => {
  test.each(bodies)(
    "%s: beyond 300 characters it is not known, and hardly any of it comes back",
    async (path, body) => {
      const gateway = await open({ more: { default_model: "cheap" } });
      for (const name of [
        "x".repeat(301),
        `cheap/${"y".repeat(2_000_000)}`,
        "\u00e9".repeat(301),
        "\\".repeat(400),
      ]) {
        const answer = await post(gateway.url, path, body(name));
        const text = await answer.text();
        expect([answer.status, sizeOf(answer, text) < 1_500]).toEqual([404, true]);
        expect(text).toContain("at most 300 characters");
      }
      expect(vendor.count()).toBe(0);
      expect((await post(gateway.url, path, body(`cheap/${"z".repeat(294)}`))).status).toBe(200);
      expect((await post(gateway.url, path, body(`cheap/${"z".repeat(295)}`))).status).toBe(404);
    },
  );

  test("in a path, and to whoever asks where a request would go", async () => {
    const gateway = await open({});
    const gemini = { contents: [{ role: "user", parts: [{ text: "hi" }] }] };
    for (const verb of ["generateContent", "countTokens"])
      expect((await post(gateway.url, `/v1beta/models/${"m".repeat(301)}:${verb}`, gemini)).status).toBe(404);
    const asked = await post(
      gateway.url,
      "/api/route",
      { model: "m".repeat(5_000), messages: message },
      {
        authorization: `Bearer ${keys.admin}`,
      },
    );
    expect([asked.status, (await asked.text()).length < 1_000]).toEqual([404, true]);
  });

  test("as the upstream tells it is cut as well", async () => {
    const gateway = await open({});
    vendor.script(() => {
      const reply = {
        id: "i".repeat(5_000),
        object: "chat.completion",
        created: 1,
        model: "u".repeat(100_000),
      };
      const choices = [{ index: 0, message: { role: "assistant", content: "hi" }, finish_reason: "stop" }];
      return { status: 200, body: { ...reply, choices } };
    });
    const answer = await post(gateway.url, "/v1/chat/completions", { model: "cheap", messages: message });
    expect((await gateway.recordOf(answer)).upstreamModel?.length).toBe(maxModelLength);
  });
});

test("tags, sessions and the client's own name are cut, and keep nothing of the rest", async () => {
  const gateway = await open({});
  const long = "s".repeat(4_000);
  const answer = await post(
    gateway.url,
    "/v1/chat/completions",
    { model: "cheap", messages: message, prompt_cache_key: "p".repeat(3_000_000) },
    {
      "user-agent": `agent/${long}`,
      "x-clawgate-tags": Array.from({ length: 90 }, () => long.slice(0, 90)).join(","),
    },
  );
  const { session, client, tags } = await gateway.recordOf(answer);
  expect([session?.length, client?.length, tags.length, Math.max(...tags.map((tag) => tag.length))]).toEqual([
    200, 80, 10, 50,
  ]);
  const named = await post(
    gateway.url,
    "/v1/chat/completions",
    { model: "cheap", messages: message },
    {
      "x-session-id": long,
    },
  );
  expect((await gateway.recordOf(named)).session?.length).toBe(200);
});

test("a failure tells at most 2,000 characters, of whatever it was made", async () => {
  const failure = new Failure("invalid-request", "m".repeat(1e6), {
    param: "p".repeat(1e6),
    code: "c".repeat(1e6),
  });
  expect([failure.message.length, failure.param?.length, failure.code?.length]).toEqual([2_000, 200, 200]);
  const gateway = await open({});
  const body = {
    model: "cheap",
    messages: [{ role: "r".repeat(1e6), content: [{ type: "t".repeat(1e6) }] }],
  };
  for (const path of ["/v1/chat/completions", "/v1/messages"]) {
    const answer = await post(gateway.url, path, {
      ...body,
      max_tokens: 9,
      tools: [{ type: "x".repeat(1e6) }],
    });
    expect((await answer.text()).length).toBeLessThan(5_000);
  }
});

test("a cut text is whole characters, and its own", () => {
  expect([cut("abc", 3), cut("abcd", 3), cut("ab\u{1F600}", 3)]).toEqual(["abc", "abc", "ab"]);
});

test("invented names that the vendor does not know make no models in the statistics", async () => {
  const gateway = await open({});
  vendor.script(() => ({
    status: 404,
    body: { error: { message: "no such model", type: "invalid_request_error", code: "model_not_found" } },
  }));
  for (let at = 0; at < 60; at++) {
    const body = { model: `cheap/invented-${at}`, messages: message };
    expect((await post(gateway.url, "/v1/chat/completions", body)).status).toBe(404);
    expect(
      (await post(gateway.url, "/v1/chat/completions", { ...body, model: `invented-${at}` })).status,
    ).toBe(404);
  }
  const stats = await get(gateway, "/api/stats");
  expect((stats["models"] as Json[]).map((each) => each["model"])).toEqual([]);
  expect((stats["totals"] as Json)["total_requests"]).toBe(120);
});
