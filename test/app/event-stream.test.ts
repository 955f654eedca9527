// GET /api/events and /api/export on the wire: who does not read is cut off, who leaves is forgotten, and a shutdown waits for nobody.

import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";

let gateway: TestGateway;
const authorization = (): string => `Bearer ${gateway.token()}`;

beforeEach(async () => {
  gateway = await startTestGateway({
    config: { providers: { demo: { backend: "demo" } }, auth: { admin_key: "admin-key-of-the-test-0001" } },
  });
});
afterEach(() => gateway.stop());

const open = (path: string, signal?: AbortSignal): Promise<Response> =>
  fetch(gateway.url + path, {
    headers: { authorization: authorization() },
    ...(signal === undefined ? {} : { signal }),
  });

async function until(isTrue: () => boolean): Promise<void> {
  const endMs = performance.now() + 8_000;
  while (!isTrue()) {
    if (performance.now() > endMs) throw new Error("it did not come true within 8 s");
    await Bun.sleep(20);
  }
}

async function ask(): Promise<string> {
  const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: authorization(), "content-type": "application/json" },
    body: JSON.stringify({ model: "demo", messages: [{ role: "user", content: "hello" }] }),
  });
  await answer.text();
  return (await gateway.recordOf(answer)).id;
}

/** What comes until `words` are in it. */
async function readUntil(answer: Response, words: string): Promise<string> {
  const reader = answer.body?.getReader();
  const decoder = new TextDecoder();
  let got = "";
  while (!got.includes(words)) {
    const step = await reader?.read();
    if (step === undefined || step.done) throw new Error(`the stream ended without "${words}": ${got}`);
    got += decoder.decode(step.value, { stream: true });
  }
  reader?.releaseLock();
  return got;
}

describe("the events", () => {
  test("are server-sent events that no cache stores, for readers only", async () => {
    const refused = await fetch(`${gateway.url}/api/events`);
    expect(refused.status).toBe(401);
    const wrong = await open("/api/events?only=lives");
    expect(wrong.status).toBe(400);
    expect(((await wrong.json()) as { error: { param: string } }).error.param).toBe("only");
    const answer = await open("/api/events?only=live");
    expect(answer.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    expect(answer.headers.get("cache-control")).toContain("no-store");
    expect(await readUntil(answer, "\n\nevent")).toStartWith("retry: 2000\n\n");
    await answer.body?.cancel();
  });

  test("tell of a request that ended as /api/requests does, and of a reload", async () => {
    const answer = await open("/api/events?only=request,config");
    const id = await ask();
    const text = await readUntil(answer, "event: request");
    const told = text + (text.includes(id) ? "" : await readUntil(answer, id));
    const row = JSON.parse(/event: request\ndata: (.*)\n/.exec(told)?.[1] ?? "{}") as { request_id: string };
    const page = (await (await open("/api/requests?limit=1")).json()) as { requests: unknown[] };
    expect(row.request_id).toBe(id);
    expect(page.requests).toEqual([row]);
    await gateway.app.reload("test");
    expect(await readUntil(answer, "event: config")).toContain('"ok":true,"reason":"test"');
    await answer.body?.cancel();
  });

  test("a reader that left is forgotten at once", async () => {
    const leaving = new AbortController();
    await open("/api/events", leaving.signal);
    expect(gateway.app.services.events.readerCount()).toBe(1);
    leaving.abort();
    await until(() => gateway.app.services.events.readerCount() === 0);
  });

  test("a reader that does not read is cut off; nothing is kept for it", async () => {
    const { hostname, port } = new URL(gateway.url);
    const socket = connect({ host: hostname, port: Number(port) });
    let isClosed = false;
    socket.on("close", () => (isClosed = true));
    socket.on("error", () => undefined);
    socket.pause();
    socket.write(
      `GET /api/events HTTP/1.1\r\nhost: ${hostname}:${port}\r\nauthorization: ${authorization()}\r\n\r\n`,
    );
    const { events } = gateway.app.services;
    await until(() => events.readerCount() === 1);
    const large = "x".repeat(500_000);
    await until(() => {
      events.publish("alert", large);
      return events.readerCount() === 0;
    });
    socket.resume();
    await until(() => isClosed);
  });

  test("the 33rd reader is told to come back", async () => {
    const answers = await Promise.all(Array.from({ length: 32 }, () => open("/api/events?only=alert")));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    const refused = await open("/api/events?only=alert");
    expect(refused.status).toBe(503);
    expect(refused.headers.get("retry-after")).not.toBeNull();
    expect(await refused.text()).toContain("32 readers");
    await Promise.all(answers.map((answer) => answer.body?.cancel()));
  });

  test("a shutdown does not wait for readers", async () => {
    const answer = await open("/api/events");
    const startedMs = performance.now();
    await gateway.app.stop(20_000);
    expect(performance.now() - startedMs).toBeLessThan(10_000);
    expect(await answer.text()).toContain("event: live");
  });
});

describe("the export", () => {
  test("holds each request once, oldest first, and what a filter selects", async () => {
    const ids = [await ask(), await ask(), await ask()];
    const csv = await (await open("/api/export?format=csv")).text();
    expect(
      csv
        .split("\r\n")
        .slice(1, -1)
        .map((line) => line.split(",")[2]),
    ).toEqual(ids);
    const lines = await (await open("/api/export?format=jsonl&limit=2")).text();
    const rows = lines
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { request_id: string });
    expect(rows.map((row) => row.request_id)).toEqual(ids.slice(0, 2));
    expect((await (await open("/api/export?status=failed")).text()).split("\r\n")).toHaveLength(2);
    expect((await open("/api/export?cursor=1")).status).toBe(400);
    expect((await open("/api/export?format=xml")).status).toBe(400);
  });

  test("one that a shutdown ends does not look complete", async () => {
    await ask();
    const { reports } = gateway.app.services;
    const row = (await reports.requests({ limit: 1 })).requests;
    const padding = "p".repeat(200_000);
    reports.export = async function* (_filter, signal) {
      while (!signal.aborted) {
        yield row.map((each) => ({ ...each, error: padding }));
        await Bun.sleep(5);
      }
    };
    const answer = await open("/api/export?format=jsonl");
    const reader = answer.body?.getReader();
    await reader?.read();
    const rest = (async () => {
      for (;;) if ((await reader?.read())?.done !== false) return "complete";
    })();
    const stopped = gateway.app.stop(10_000);
    expect(await rest.catch(() => "broken")).toBe("broken");
    await stopped;
  });
});
