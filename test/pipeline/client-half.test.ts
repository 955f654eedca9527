// A format that clients alone speak, whose streams are no server-sent events, through the real pipeline: every request is translated.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { Endpoint } from "../../src/pipeline/endpoints.ts";
import { handleRequest } from "../../src/pipeline/pipeline.ts";
import { dialectOf, ownPathsOf } from "../../src/server/answers.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";
import { ndjsonDialect } from "./ndjson-dialect.ts";
import { fastClock } from "./test-pipeline.ts";

// In the code its name would stand in the table of dialects; here it is laid over a snapshot.
const endpoint: Endpoint = {
  name: "chat",
  path: "/api/chat",
  dialect: ndjsonDialect.name as Endpoint["dialect"],
  kind: "chat",
  summary: "Chat, Ollama format",
};

let upstream: Upstream;
let gateway: TestGateway;
let count = 0;

beforeEach(async () => {
  upstream = startUpstream();
  const provider = { base_url: upstream.url, models: ["m"], fallback: false };
  gateway = await startTestGateway({
    clock: fastClock(10),
    config: {
      streaming: { commit_after_s: 1, keepalive_s: 1 },
      providers: {
        oai: { ...provider, backend: "openai-compat" },
        ant: { ...provider, backend: "anthropic" },
      },
    },
  });
});
afterEach(async () => {
  await gateway.stop();
  upstream.stop();
});

function ask(body: object): Promise<Response> {
  const { services } = gateway.app;
  const { pipeline } = gateway.app.current();
  const text = JSON.stringify(body);
  return handleRequest(
    endpoint,
    new Request("http://localhost/api/chat", {
      method: "POST",
      headers: { "content-type": "application/json", "content-length": String(Buffer.byteLength(text)) },
      body: text,
    }),
    {
      requestId: `01NDJSON${count++}`,
      arrivedMs: services.clock.monotonicMs(),
      caller: { tenant: null, keyId: null, isAdmin: false },
      connection: null,
    },
    { ...pipeline, dialects: { ...pipeline.dialects, [ndjsonDialect.name]: ndjsonDialect } },
    services,
  );
}

type Line = {
  readonly message?: { readonly content: string };
  readonly done?: boolean;
  readonly error?: string;
  readonly eval_count?: number;
};
const linesOf = (text: string): Line[] =>
  text
    .trimEnd()
    .split("\n")
    .map((each) => JSON.parse(each) as Line);
const said = (lines: readonly Line[]): string => lines.map(({ message }) => message?.content ?? "").join("");
const saying = (words: string) => ({ messages: [{ role: "user", content: words }] });

describe.each(["oai", "ant"])("behind it: %s", (provider) => {
  test("a body that does not say `stream` gets lines of JSON, each a whole object", async () => {
    const answer = await ask({ model: `${provider}/m`, ...saying("[[say:Hello there]]") });
    expect(answer.headers.get("content-type")).toBe("application/x-ndjson");
    const lines = linesOf(await answer.text());
    expect(said(lines)).toBe("Hello there");
    expect(lines.filter(({ done }) => done === true)).toHaveLength(1);
    expect(lines.at(-1)).toMatchObject({ done: true, done_reason: "stop" });
    expect(lines.at(-1)?.eval_count).toBeGreaterThan(0);
    const record = await gateway.recordOf(answer);
    expect(record).toMatchObject({ status: 200, stream: true, attempts: [{ lane: "hub" }] });
  });

  test("one JSON body where no stream is asked for", async () => {
    const answer = await ask({ model: `${provider}/m`, stream: false, ...saying("[[say:Hello]]") });
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(await answer.json()).toMatchObject({ message: { content: "Hello" }, done: true });
  });
});

test("what no other format can say is named, as its member table says", async () => {
  const body = {
    model: "oai/m",
    stream: false,
    ...saying("[[say:Hello]]"),
    keep_alive: "5m",
    logprobs: true,
    odd: 1,
  };
  const answer = await ask(body);
  expect(answer.headers.get("x-clawgate-adapted")).toBe("logprobs-dropped, member-dropped:odd");
  await answer.text();
});

test("what the server refuses at its path is told in its words as well", () => {
  const own = ownPathsOf([endpoint, { ...endpoint, path: "/v1/chat/completions" }]);
  const headers = new Headers({ "anthropic-version": "2023-06-01" });
  expect(dialectOf("/api/chat", headers, own)).toBe(endpoint.dialect);
  expect(dialectOf("/v1/chat/completions", headers, own)).toBe("anthropic-messages");
});

test("a refusal is in the format's own words", async () => {
  const answer = await ask({ model: "oai/m", messages: "none" });
  expect(answer.status).toBe(400);
  expect(await answer.json()).toEqual({ error: "messages must be an array." });
});

test("a long silence is filled with the format's own line, and no comment gets in", async () => {
  const answer = await ask({ model: "oai/m", ...saying("[[mode:slow-first 350]][[say:At last]]") });
  expect(answer.status).toBe(200);
  const lines = linesOf(await answer.text());
  expect(lines[0]).toEqual({ message: { role: "assistant", content: "" }, done: false } as Line);
  expect(said(lines)).toBe("At last");
});

test("a stream that breaks ends with the format's own error and without its happy end", async () => {
  const answer = await ask({ model: "oai/m", ...saying("[[mode:cut]][[say:One two three four five six]]") });
  const lines = linesOf(await answer.text());
  expect(lines.at(-1)?.error).toBeString();
  expect(lines.some(({ done }) => done === true)).toBe(false);
});
