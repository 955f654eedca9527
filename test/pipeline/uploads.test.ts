// What an unfinished body costs and which requests it delays, sent byte by byte to the real gateway.

import { describe, expect, test } from "bun:test";
import { Failure } from "../../src/canon/failure.ts";
import { hold, say } from "../server/raw-socket.ts";
import { fastClock, goodAnswer, until } from "./test-pipeline.ts";
import { ask, keys, openTenantGateways } from "./tenant-gateways.ts";

const { vendor, open } = openTenantGateways();
const portOf = ({ url }: { readonly url: string }): number => Number(new URL(url).port);

const paths = { openai: "/v1/chat/completions", anthropic: "/v1/messages" } as const;

/** The head of a request whose body is still to come; `length` null: in chunks. */
function head(path: string, length: number | null, key: string | null = keys.alice): string {
  const auth = key === null ? "" : `Authorization: Bearer ${key}\r\n`;
  const size = length === null ? "Transfer-Encoding: chunked" : `Content-Length: ${length}`;
  return `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n${auth}${size}\r\n\r\n`;
}

describe("a tenant's place and minute are taken before the body is read", () => {
  test.each(["openai", "anthropic"] as const)(
    "one upload under way is one request at once: %s",
    async (door) => {
      const gateway = await open({ tenant: { limits: { max_concurrent: 1 } } });
      const first = await hold(portOf(gateway), head(paths[door], 30_000_000));
      first.send("{");
      await until("the first upload is under way", () => gateway.app.services.live.count() === 1);
      const others = await Promise.all(
        Array.from({ length: 15 }, () => hold(portOf(gateway), head(paths[door], 30_000_000))),
      );
      for (const other of others) {
        const { status, headers, body } = await other.answered;
        expect(status).toBe(429);
        expect(headers["retry-after"]).toBe("1");
        expect(headers["connection"]).toBe("close");
        expect(JSON.parse(body)).toHaveProperty("error.message");
        await other.closed;
      }
      expect((await ask(gateway, { key: keys.bob })).status).toBe(200);
      first.destroy();
      await gateway.waitForRecord((record) => record.failure === "cancelled");
      expect((await ask(gateway)).status).toBe(200);
      const records = gateway.records();
      expect(records.length).toBe(18);
      expect(new Set(records.map(({ id }) => id)).size).toBe(18);
      await gateway.assertClean(vendor.requests);
      expect(gateway.app.services.meters.of("alice").running()).toBe(0);
    },
  );

  test("a minute that is used up is heard before the body, however it is sent", async () => {
    const gateway = await open({ tenant: { limits: { requests_per_minute: 1 } } });
    expect((await ask(gateway)).status).toBe(200);
    for (const length of [30_000_000, null]) {
      const upload = await hold(portOf(gateway), head(paths.openai, length));
      expect((await upload.answered).status).toBe(429);
      await upload.closed;
    }
  });
});

describe("the memory of all bodies", () => {
  const small = { more: { server: { body_limit_mb: 1, body_memory_mb: 2 } } };
  const chunk = (bytes: number): string => `${bytes.toString(16)}\r\n${"x".repeat(bytes)}\r\n`;

  test.each(["openai", "anthropic"] as const)(
    "what is too much is 503 with Retry-After and a closed connection; others go on: %s",
    async (door) => {
      const gateway = await open(small);
      const { bodies } = gateway.app.services;
      const uploads = await Promise.all(
        Array.from({ length: 6 }, (_, i) =>
          hold(portOf(gateway), head(paths[door], i % 2 === 0 ? 700_000 : null)),
        ),
      );
      for (const [i, upload] of uploads.entries())
        for (let at = 0; at < 6; at++) upload.send(i % 2 === 0 ? "x".repeat(100_000) : chunk(100_000));
      // Alone a tenant gets half of two megabytes.
      const answers = uploads.map((upload) => upload.answered);
      const refused = [await Promise.race(answers)];
      await until("the bodies are bounded", () => bodies.held() <= 1_048_576);
      for (const { status, headers, body } of refused) {
        expect(status).toBe(503);
        expect(headers["retry-after"]).toBe("5");
        expect(headers["connection"]).toBe("close");
        const { error } = JSON.parse(body) as { error: Record<string, unknown> };
        expect(error["message"]).toContain("server.body_memory_mb");
        expect(door === "openai" ? error["code"] : error["type"]).toBe(
          door === "openai" ? "at_capacity" : "overloaded_error",
        );
      }
      expect((await ask(gateway, { key: keys.bob })).status).toBe(200);
      for (const upload of uploads) upload.destroy();
      await gateway.assertClean(vendor.requests);
      expect((await ask(gateway)).status).toBe(200);
      expect(new Set(gateway.records().map(({ failure }) => failure))).toEqual(
        new Set(["at-capacity", "cancelled", null]),
      );
      expect(gateway.log.join("")).toContain('"message":"waited","request":"');
      expect(gateway.log.join("")).toContain('"for":"memory for its body"');
    },
  );

  test("what has only been announced takes no room", async () => {
    const gateway = await open(small);
    const uploads = await Promise.all(
      Array.from({ length: 30 }, () => hold(portOf(gateway), head(paths.openai, 1_000_000))),
    );
    await until("all are under way", () => gateway.app.services.live.count() === 30);
    expect(gateway.app.services.bodies.held()).toBe(0);
    expect((await ask(gateway, { key: keys.bob })).status).toBe(200);
    for (const upload of uploads) upload.destroy();
    await gateway.assertClean(vendor.requests);
  });

  test("a body counts until its answer has begun, and is given back on every way out", async () => {
    const gateway = await open({ more: { ...small.more, fallback_chain: ["dear"] } });
    const { bodies } = gateway.app.services;
    const post = (stream: boolean, signal?: AbortSignal): Promise<Response> =>
      fetch(gateway.url + paths.openai, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${keys.alice}` },
        body: JSON.stringify({
          model: "dear",
          stream,
          messages: [{ role: "user", content: "x".repeat(300_000) }],
        }),
        ...(signal === undefined ? {} : { signal }),
      });
    const leaver = new AbortController();
    vendor.script((request) => ({ ...goodAnswer(request), ending: "hang", cutAfterBytes: 0 }));
    const first = post(true, leaver.signal).catch(() => null);
    await vendor.waitFor(() => true);
    expect(bodies.held()).toBeGreaterThan(300_000);
    leaver.abort();
    await first;
    await gateway.assertClean(vendor.requests);
    // A stream that has begun holds no prompt any more.
    const other = new AbortController();
    vendor.script((request) => ({ ...goodAnswer(request), ending: "hang", cutAfterBytes: 500 }));
    const stream = await post(true, other.signal);
    await stream.body?.getReader().read();
    expect(bodies.held()).toBe(0);
    other.abort();
    vendor.script(() => ({ status: 400, body: { error: { message: "no" } } }));
    expect((await post(false)).status).toBe(400);
    vendor.script(goodAnswer);
    expect((await post(false)).status).toBe(200);
    await gateway.assertClean(vendor.requests);
  });

  test("a limit that has no room for one body is told at the start", async () => {
    const tooSmall = open({ more: { server: { body_limit_mb: 2, body_memory_mb: 3 } } });
    await expect(tooSmall).rejects.toThrow(/body_memory_mb/);
  });
});

describe("the speed of an upload", () => {
  const quick = (more: object = {}) => ({ more: { server: { upload_grace_s: 0.1, ...more } } });

  test.each([
    ["a few bytes", paths.openai, 300],
    ["many bytes", paths.openai, 1_000_000],
    ["chunks", paths.openai, null],
    ["a few bytes", paths.anthropic, 300],
    ["chunks", paths.anthropic, null],
    ["Google's endpoint", "/v1beta/models/dear:generateContent", 1_000_000],
  ] as const)(
    "%s that do not come at %s: 408 in its dialect, closed, one record",
    async (_, path, length) => {
      const gateway = await open(quick());
      const upload = await hold(portOf(gateway), head(path, length));
      upload.send(length === null ? "1\r\n{\r\n" : "{");
      const { status, headers, body } = await upload.answered;
      expect(status).toBe(408);
      expect(headers["connection"]).toBe("close");
      await upload.closed;
      const { type, error } = JSON.parse(body) as { type?: string; error: Record<string, unknown> };
      expect(error["message"]).toContain("server.min_upload_kb_s");
      if (path === paths.openai) expect(error["code"]).toBe("request_timeout");
      if (path === paths.anthropic) expect([type, error["type"]]).toEqual(["error", "timeout_error"]);
      if (path.startsWith("/v1beta")) expect(error).toMatchObject({ code: 408, status: "DEADLINE_EXCEEDED" });
      await gateway.assertClean(vendor.requests);
      expect(gateway.records().map((record) => [record.failure, record.status])).toEqual([
        ["slow-body", 408],
      ]);
      expect(vendor.count()).toBe(0);
    },
  );

  test("one that comes fast enough is read, whatever time it takes; 0 asks for no speed", async () => {
    for (const rate of [1, 0]) {
      const gateway = await open(quick({ min_upload_kb_s: rate, upload_grace_s: rate === 0 ? 0.1 : 1 }));
      const text = JSON.stringify({
        model: "dear",
        messages: [{ role: "user", content: "x".repeat(200_000) }],
      });
      const upload = await hold(portOf(gateway), head(paths.openai, text.length));
      const pieces = rate === 0 ? 10 : 30;
      const size = Math.ceil(text.length / pieces);
      for (let at = 0; at < pieces; at++) {
        upload.send(text.slice(at * size, (at + 1) * size));
        await Bun.sleep(50);
      }
      expect((await upload.answered).status).toBe(200);
      upload.destroy();
    }
  });

  test("the request's own deadline ends an upload too, and the operator may", async () => {
    const gateway = await open({
      clock: fastClock(20),
      more: { server: { min_upload_kb_s: 0, request_timeout_s: 10 } },
    });
    const late = await hold(portOf(gateway), head(paths.openai, 300));
    const { status, body } = await late.answered;
    expect(status).toBe(408);
    expect(body).toContain("request_timeout_s");
    await late.closed;
    const cancelled = await hold(portOf(gateway), head(paths.openai, null));
    await until("it is under way", () => gateway.app.services.live.count() === 1);
    gateway.app.services.live.cancelAll(new Failure("cancelled", "The operator cancelled this request."));
    expect((await cancelled.answered).status).toBe(499);
    await cancelled.closed;
    await gateway.assertClean(vendor.requests);
  });
});

describe("bodies that nobody may send", () => {
  test.each([
    ["no key", null, 31_000_000],
    ["a wrong key", "wrong", 31_000_000],
    ["a wrong key, in chunks", "wrong", null],
  ])("%s: 401 before the body, and a closed connection", async (_, key, length) => {
    const gateway = await open({});
    const upload = await hold(portOf(gateway), head(paths.anthropic, length, key));
    const { status, headers } = await upload.answered;
    expect(status).toBe(401);
    expect(headers["connection"]).toBe("close");
    await upload.closed;
    expect(gateway.records()).toEqual([]);
  });

  test("a small one is taken off the line, so that the connection serves on", async () => {
    const gateway = await open({});
    const socket = await hold(portOf(gateway), head(paths.openai, 20, "wrong"));
    const { status, headers } = await socket.answered;
    expect([status, headers["connection"]]).toEqual([401, undefined]);
    socket.destroy();
  });

  test("compressed ones, ones for no route and ones of commands are not read either", async () => {
    const gateway = await open({});
    const large = "Content-Length: 31000000\r\n";
    const ask = (line: string, headers: string) =>
      say(portOf(gateway), `${line} HTTP/1.1\r\nHost: 127.0.0.1\r\n${headers}${large}\r\n`);
    const key = `Authorization: Bearer ${keys.alice}\r\n`;
    const json = "Content-Type: application/json\r\n";
    for (const [line, headers, status] of [
      ["POST /v1/chat/completions", `${key}${json}Content-Encoding: gzip\r\n`, 415],
      ["POST /v1/nothing", key + json, 404],
      ["PUT /v1/models", key + json, 405],
      ["GET /v1/models", key, 200],
      ["POST /api/reload", `Authorization: Bearer ${keys.admin}\r\n${json}`, 200],
      ["GET /health", "", 200],
    ] as const) {
      const answer = await ask(line, headers);
      expect([line, answer.status, answer.headers["connection"]]).toEqual([line, status, "close"]);
    }
  });

  test("the operator's question where a request would go is held to the same", async () => {
    const gateway = await open({
      more: { server: { upload_grace_s: 0.1, body_limit_mb: 1, body_memory_mb: 2 } },
    });
    for (const [length, first, status] of [
      [300, "{", 408],
      [900_000, "{", 408],
      [null, "1\r\n{\r\n", 408],
      [2_000_000, "", 413],
      [null, `${(1_500_000).toString(16)}\r\n${"x".repeat(1_500_000)}\r\n`, 413],
    ] as const) {
      const upload = await hold(portOf(gateway), head("/api/route", length, keys.admin));
      upload.send(first);
      const answer = await upload.answered;
      expect([length, answer.status, answer.headers["connection"]]).toEqual([length, status, "close"]);
      await upload.closed;
    }
    await gateway.assertClean();
  });
});
