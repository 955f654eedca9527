import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { createServer } from "../../src/server/server.ts";
import { fakeGateway, goodKey } from "./fake-gateway.ts";
import { say } from "./raw-socket.ts";

const gateway = fakeGateway();
const server = createServer(gateway, { hostname: "127.0.0.1", port: 0 });
afterAll(() => server.stop(0));
afterEach(() => {
  gateway.answerEndpoint = null;
  gateway.status = "ok";
});

const base = `http://127.0.0.1:${server.port}`;
const bearer = { authorization: `Bearer ${goodKey}` };
const key = `Authorization: Bearer ${goodKey}\r\n`;
const raw = (line: string, headers = "", body = "") =>
  say(server.port, `${line} HTTP/1.1\r\nHost: 127.0.0.1\r\n${headers}\r\n${body}`);
const post = (path: string, headers: string, body: string) =>
  raw(`POST ${path}`, `${key}${headers}Content-Length: ${body.length}\r\n`, body);
const jsonType = "Content-Type: application/json\r\n";

describe("routes", () => {
  test("every answer carries both request ids, equal and new each time", async () => {
    const seen = new Set<string>();
    for (const path of ["/health", "/", "/v1/models", "/nothing", "/swagger/json", "/api/stats"]) {
      const { headers } = await fetch(base + path);
      const id = headers.get("x-request-id") ?? "";
      expect(headers.get("request-id")).toBe(id);
      expect(seen.has(id)).toBe(false);
      seen.add(id);
    }
  });

  test("HEAD / is what Claude Code asks first", async () => {
    const answer = await raw("HEAD /");
    expect(answer.status).toBe(200);
    expect(answer.body).toBe("");
  });

  test("GET / says what this is and where its API is described", async () => {
    const text = await (await fetch(base)).text();
    expect(text).toContain("ClawGate 0.0.0-test");
    expect(text).toContain("/swagger");
  });

  test("/health is 200 and tells the truth; only ready=1 turns down into 503", async () => {
    gateway.status = "down";
    const health = await fetch(`${base}/health`);
    expect(health.status).toBe(200);
    expect(await health.json()).toEqual({ status: "down", isOwnShape: false, mayRead: false });
    expect(await (await fetch(`${base}/health`, { headers: bearer })).json()).toMatchObject({
      mayRead: true,
    });
    expect((await fetch(`${base}/health?ready=1`)).status).toBe(503);
    expect((await fetch(`${base}/health?ready=1`, { method: "HEAD" })).status).toBe(503);
    gateway.status = "degraded";
    expect((await fetch(`${base}/health?ready=1`)).status).toBe(200);
  });

  test("models in the caller's shape", async () => {
    const list = async (headers: Record<string, string>) =>
      (await fetch(`${base}/v1/models`, { headers: { ...bearer, ...headers } })).json();
    expect(await list({})).toEqual({ dialect: "openai-chat", data: ["auto"] });
    expect(await list({ "anthropic-version": "2026-10-21" })).toEqual({
      dialect: "anthropic-messages",
      data: ["auto"],
    });
  });

  test.each(["openai/gpt", "openai%2Fgpt", "openai%2fgpt"])("one model by id: %s", async (id) => {
    const answer = await fetch(`${base}/v1/models/${id}`, { headers: bearer });
    expect(await answer.json()).toEqual({ dialect: "openai-chat", id: "openai/gpt" });
  });

  test.each(["nothing", "%E0%A4%A", "a%00b", "%2e%2e%2f", "auto/"])("no such model: %s", async (id) => {
    const answer = await fetch(`${base}/v1/models/${id}`, { headers: bearer });
    expect(answer.status).toBe(404);
    expect(await answer.json()).toHaveProperty("error.message");
  });

  test("an unknown model has OpenAI's code, and Anthropic's shape for Anthropic's clients", async () => {
    const plain = await fetch(`${base}/v1/models/x`, { headers: bearer });
    expect(await plain.json()).toMatchObject({ error: { code: "model_not_found" } });
    const other = await fetch(`${base}/v1/models/x`, { headers: { ...bearer, "anthropic-version": "1" } });
    expect(await other.json()).toMatchObject({ type: "error", request_id: other.headers.get("request-id") });
  });

  test.each([
    "//v1//models",
    "/v1/models/",
    "/V1/models",
    "/v1/%6dodels",
    "/v1/models.",
    "/v1%2fmodels",
    "/v1/chat/completions/",
    "/api/stats/",
    "/api/providers//reset",
    "/swagger/",
    "/.",
    "/v1/messagesX",
  ])("%s is no route, with or without a key", async (path) => {
    const expected = path === "/." ? 200 : 404;
    expect((await raw(`GET ${path}`, key)).status).toBe(expected);
    expect((await raw(`GET ${path}`)).status).toBe(expected);
  });

  test("dots are resolved before routing, never around a check", async () => {
    expect((await raw("GET /health/../v1/models")).status).toBe(401);
    expect((await raw("GET /health/%2e%2e/api/stats")).status).toBe(401);
  });

  test.each([
    ["GET", "/v1/chat/completions", "POST"],
    ["HEAD", "/v1/messages", "POST"],
    ["DELETE", "/v1/models", "GET, HEAD"],
    ["PUT", "/v1/models/a/b", "GET, HEAD"],
    ["POST", "/health", "GET, HEAD"],
    ["POST", "/", "GET, HEAD"],
    ["TRACE", "/api/stats", "GET, HEAD"],
    ["OPTIONS", "/v1/embeddings", "POST"],
    ["GET", "/api/providers/openai/reset", "POST"],
  ])("%s %s: 405 and Allow: %s", async (method, path, allow) => {
    const answer = await raw(`${method} ${path}`, "Content-Length: 0\r\n");
    expect(answer.status).toBe(405);
    expect(answer.headers.allow).toBe(allow);
  });

  test("HEAD /api/hello is what newer ones ask, without a key", async () => {
    const answer = await raw("HEAD /api/hello");
    expect([answer.status, answer.body]).toEqual([200, ""]);
  });

  test.each(["/v1/responses", "/v1/chat/completions", "/v1/messages"])(
    "a WebSocket at %s is 426, which says what is spoken here",
    async (path) => {
      const upgrade =
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
      const answer = await raw(`GET ${path}`, key + upgrade);
      expect(answer.status).toBe(426);
      expect(answer.headers.upgrade).toBe("HTTP/1.1");
      expect(answer.headers.connection?.toLowerCase()).toContain("upgrade");
      expect(answer.body).toContain("HTTP POST");
    },
  );

  test.each([
    ["GET", "/v1beta"],
    ["GET", "/v1beta/nothing"],
    ["GET", "/v1alpha/models"],
    ["GET", "/v1beta1/models"],
    ["POST", "/upload/v1beta/files"],
    ["POST", "/v1/models/a:predict"],
    ["POST", "/v1/models/a:generateImages"],
    ["POST", "/v1/projects/p/locations/l/publishers/google/models/a:generateContent"],
    ["GET", "/v1/cachedContents"],
  ])("%s %s is nobody's, and said in Google's words", async (method, path) => {
    const answer = await raw(`${method} ${path}`, "Content-Length: 0\r\n");
    expect(answer.status).toBe(404);
    expect(gateway.spoken).toBe("google-genai");
  });

  test.each([
    ["POST", "/v1/messages/batches", "anthropic-messages"],
    ["POST", "/v1/complete", "anthropic-messages"],
    ["GET", "/v1/organizations/me", "anthropic-messages"],
    ["POST", "/v1/fine_tuning/jobs", "openai-chat"],
    ["GET", "/v1/files", "openai-chat"],
    ["GET", "/nothing", "openai-chat"],
  ])("%s %s is nobody's, in the words of %s", async (method, path, dialect) => {
    const answer = await raw(`${method} ${path}`, "Content-Length: 0\r\n");
    expect(answer.status).toBe(404);
    expect(gateway.spoken as string).toBe(dialect);
  });

  test("a wrong key is 401 and not to be sent again, also when the answer is kept back", async () => {
    const answer = await fetch(`${base}/v1/models`, { headers: { authorization: "Bearer wrong" } });
    expect(answer.status).toBe(401);
    expect(answer.headers.get("x-should-retry")).toBe("false");
    expect(gateway.waits).toEqual([]);
    gateway.holdMs = 1_000;
    const late = await fetch(`${base}/v1/models`, { headers: { authorization: "Bearer wrong" } });
    // What comes meanwhile would be held in memory: such a body is told at once, and its connection closed.
    const much = await raw(
      "POST /v1/chat/completions",
      `Authorization: Bearer wrong\r\n${jsonType}Content-Length: 20000000\r\n`,
    );
    gateway.holdMs = 0;
    expect([much.status, much.headers.connection]).toEqual([401, "close"]);
    expect(late.status).toBe(401);
    expect(late.headers.get("x-should-retry")).toBe("false");
    expect(late.headers.get("x-request-id")).not.toBeNull();
    expect(gateway.waits).toEqual([1_000]);
  });

  test("a verb that Google's models do not have is 404 there, in the body too", async () => {
    const answer = await raw("POST /v1beta/models/a:predict", `${key}${jsonType}Content-Length: 0\r\n`);
    expect(answer.status).toBe(404);
    expect(JSON.parse(answer.body)).toMatchObject({ error: { type: "not-found" } });
  });

  test("CONNECT does not reach anything", async () => {
    expect((await raw("CONNECT 127.0.0.1:80")).status).toBe(404);
  });

  test("errors have the caller's shape by path, not by prefix", async () => {
    expect(JSON.parse((await raw("GET /v1/messages/nothing")).body)).toMatchObject({ type: "error" });
    expect(JSON.parse((await raw("GET /v1/messagesX")).body)).toHaveProperty("error.code");
  });

  test("operator answers are not cached, and a bug shows nothing but its request id", async () => {
    const answer = await fetch(`${base}/api/recent?limit=boom`, { headers: bearer });
    expect(answer.status).toBe(500);
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(await answer.text()).not.toContain("secret/path");
    expect(gateway.logged.join()).toContain("secret/path");
    const stats = await fetch(`${base}/api/stats?days=7`, { headers: bearer });
    expect(await stats.json()).toEqual({ days: "7" });
    expect(stats.headers.get("cache-control")).toBe("no-store");
  });

  test("commands act on what their path names", async () => {
    const send = (path: string) => fetch(base + path, { method: "POST", headers: bearer });
    expect((await send("/api/providers/openai/reset")).status).toBe(200);
    expect((await send("/api/providers/other/reset")).status).toBe(404);
    expect((await send("/api/requests/01ABC/cancel")).status).toBe(200);
    expect((await send("/api/requests/nobody/cancel")).status).toBe(404);
    expect((await fetch(`${base}/api/providers/openai/reset`, { method: "POST" })).status).toBe(401);
  });

  test.each([
    ["/health", "public"],
    ["/swagger", "public"],
    ["/v1/models", "data"],
    ["/v1/models/a", "data"],
    ["/api/stats", "read"],
    ["/api/live", "read"],
    ["/api/logs", "read"],
    ["/api/tenants", "read"],
    ["/api/config", "read"],
  ] as const)("%s is of class %s", async (path, routeClass) => {
    await (await fetch(base + path)).text();
    expect(gateway.classes.at(-1)).toBe(routeClass);
  });
});

describe("bodies", () => {
  test("an endpoint gets the bytes as they were sent", async () => {
    const body = ' { "model" : "\\ud800" } ';
    expect((await post("/v1/chat/completions?beta=true", jsonType, body)).status).toBe(200);
    expect(gateway.received.at(-1)).toEqual({
      door: "chat",
      caller: { tenant: null, keyId: "abcd1234", isAdmin: false },
      body,
    });
  });

  test.each([
    "application/json",
    "application/json; charset=utf-8",
    "Application/JSON",
    "application/vnd.x+json",
  ])("%s is JSON", async (type) => {
    expect((await post("/v1/messages", `Content-Type: ${type}\r\n`, "{}")).status).toBe(200);
  });

  test.each([
    "Content-Type: text/plain\r\n",
    "Content-Type: application/x-www-form-urlencoded\r\n",
    "Content-Type: multipart/form-data; boundary=x\r\n",
    "Content-Type: application/jsonx\r\n",
    "Content-Type: text/plain; application/json\r\n",
    "",
    `${jsonType}Content-Encoding: gzip\r\n`,
  ])("%p: 415", async (headers) => {
    const knocks = gateway.received.length;
    const answer = await post("/v1/messages", headers, "{}");
    expect(answer.status).toBe(415);
    expect(JSON.parse(answer.body)).toMatchObject({ type: "error" });
    expect(gateway.received.length).toBe(knocks);
  });

  test("a command may come without a body, but not with a foreign one", async () => {
    const path = "/api/providers/openai/reset";
    expect((await post(path, "", "")).status).toBe(200);
    expect((await post(path, jsonType, "{}")).status).toBe(200);
    expect((await post(path, "Content-Type: text/plain\r\n", "")).status).toBe(415);
    expect((await post(path, "", "x")).status).toBe(415);
  });

  test("the key is looked at before the body", async () => {
    const answer = await raw("POST /v1/messages", "Content-Type: text/plain\r\nContent-Length: 1001\r\n");
    expect(answer.status).toBe(401);
    expect(answer.headers["www-authenticate"]).toBe("Bearer");
  });

  test("too large by its length: 413 in our shape, before the body is sent", async () => {
    for (const length of ["1001", "5000000", "5000000000"]) {
      const answer = await raw("POST /v1/chat/completions", `${key}${jsonType}Content-Length: ${length}\r\n`);
      expect(answer.status).toBe(413);
      expect(JSON.parse(answer.body)).toHaveProperty("error.message");
    }
  });

  test("too large in chunks: 413 in our shape", async () => {
    const chunk = `200\r\n${"x".repeat(512)}\r\n`;
    const answer = await say(server.port, [
      `POST /v1/messages HTTP/1.1\r\nHost: 127.0.0.1\r\n${key}${jsonType}Transfer-Encoding: chunked\r\n\r\n`,
      chunk,
      chunk,
      chunk,
    ]);
    expect(answer.status).toBe(413);
    expect(JSON.parse(answer.body)).toMatchObject({
      type: "error",
      request_id: answer.headers["request-id"],
    });
  });

  test("just small enough, both ways", async () => {
    const body = "x".repeat(1000);
    expect((await post("/v1/messages", jsonType, body)).status).toBe(200);
    const answer = await say(server.port, [
      `POST /v1/messages HTTP/1.1\r\nHost: 127.0.0.1\r\n${key}${jsonType}Transfer-Encoding: chunked\r\n\r\n`,
      `3e8\r\n${body}\r\n0\r\n\r\n`,
    ]);
    expect(answer.status).toBe(200);
    expect(gateway.received.at(-1)?.body).toBe(body);
  });

  test("smuggling shapes are refused by the parser and reach no endpoint", async () => {
    const knocks = gateway.received.length;
    for (const headers of [
      "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
      "Content-Length: 4\r\nContent-Length: 5\r\n",
      "Content-Length: +4\r\n",
      "Transfer-Encoding : chunked\r\n",
      "Transfer-Encoding: xchunked\r\n",
    ])
      expect((await raw("POST /v1/messages", `${key}${jsonType}${headers}`, "0\r\n\r\n")).status).toBe(400);
    expect(gateway.received.length).toBe(knocks);
  });
});

describe("streams and the end", () => {
  test("an answer streams as it is made, and a client that leaves is noticed", async () => {
    const left = Promise.withResolvers<void>();
    gateway.answerEndpoint = async (request, facts) => {
      await request.text();
      facts.keepOpen();
      expect(facts.peer()).toBe("127.0.0.1");
      const stream = new ReadableStream({
        start: (controller) => controller.enqueue("data: 1\n\n"),
        cancel: () => left.resolve(),
      });
      return new Response(stream, { headers: { "content-type": "text/event-stream" } });
    };
    const abort = new AbortController();
    const answer = await fetch(`${base}/v1/messages`, {
      method: "POST",
      headers: { ...bearer, "content-type": "application/json" },
      body: "{}",
      signal: abort.signal,
    });
    expect(answer.headers.get("x-request-id")).toMatch(/^request-/);
    const first = await answer.body?.getReader().read();
    expect(Buffer.from(first?.value ?? []).toString()).toBe("data: 1\n\n");
    abort.abort();
    await left.promise;
  });

  test("an endpoint that rejects nevertheless: an error in JSON that shows nothing internal", async () => {
    gateway.answerEndpoint = () => Promise.reject(new Error("secret/path"));
    const answer = await fetch(`${base}/v1/messages`, {
      method: "POST",
      headers: { ...bearer, "content-type": "application/json" },
      body: "{}",
    });
    const text = await answer.text();
    expect(answer.status).toBe(500);
    expect(JSON.parse(text)).toMatchObject({ error: { type: "server_error" } });
    expect(answer.headers.get("x-request-id")).not.toBeNull();
    expect(text).not.toContain("secret");
  });

  test("a port that is taken is not shared", () => {
    expect(() => createServer(gateway, { hostname: "127.0.0.1", port: server.port })).toThrow();
  });

  test("stop waits for what runs, and cuts off what outlives the grace", async () => {
    for (const graceMs of [60_000, 0]) {
      const own = fakeGateway();
      const last = createServer(own, { hostname: "127.0.0.1", port: 0 });
      const arrived = Promise.withResolvers<void>();
      const mayEnd = Promise.withResolvers<void>();
      own.answerEndpoint = async () => {
        arrived.resolve();
        await mayEnd.promise;
        return Response.json({ done: true });
      };
      const answer = fetch(`http://127.0.0.1:${last.port}/v1/messages`, {
        method: "POST",
        headers: { ...bearer, "content-type": "application/json" },
        body: "{}",
      }).then(
        (response) => response.status,
        () => "cut off",
      );
      await arrived.promise;
      expect(last.pendingRequests()).toBe(1);
      const stopped = last.stop(graceMs);
      if (graceMs > 0) mayEnd.resolve();
      await stopped;
      expect(await answer).toBe(graceMs > 0 ? 200 : "cut off");
      mayEnd.resolve();
    }
  });
});

describe("when the app itself fails", () => {
  test("an encoder that throws still leaves an answer with ids and without insides", async () => {
    const own = fakeGateway();
    own.encodeFailure = () => {
      throw new Error("secret/path");
    };
    const broken = createServer(own, { hostname: "127.0.0.1", port: 0 });
    const answer = await fetch(`http://127.0.0.1:${broken.port}/nothing`);
    expect(answer.status).toBe(500);
    expect(answer.headers.get("x-request-id")).toBeString();
    expect(answer.headers.get("request-id")).toBe(answer.headers.get("x-request-id"));
    expect(await answer.text()).not.toContain("secret");
    expect(own.logged.join()).toContain("secret/path");
    await broken.stop(0);
  });

  test("a hundred pipelined requests are answered in their order", async () => {
    const socket = await Bun.connect({
      hostname: "127.0.0.1",
      port: server.port,
      data: { text: "", done: Promise.withResolvers<string>() },
      socket: {
        data(own, chunk) {
          own.data.text += chunk.toString();
          if (own.data.text.includes('"days":"99"')) own.data.done.resolve(own.data.text);
        },
        close: (own) => own.data.done.resolve(own.data.text),
      },
    });
    let requests = "";
    for (let i = 0; i < 100; i++)
      requests += `GET /api/stats?days=${i} HTTP/1.1\r\nHost: localhost\r\n${key}\r\n`;
    socket.write(requests);
    const text = await socket.data.done.promise;
    socket.end();
    expect([...text.matchAll(/"days":"(\d+)"/g)].map((match) => Number(match[1]))).toEqual(
      Array.from({ length: 100 }, (_, i) => i),
    );
  });
});
