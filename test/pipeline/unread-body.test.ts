// Whoever sends a large body to its end before reading, as most clients do, gets to read why it was refused.

import { connect } from "node:net";
import { describe, expect, test } from "bun:test";
import { createUnreadBodies } from "../../src/pipeline/body/unread-body.ts";
import { createTicker } from "../../src/system/ticker.ts";
import { hold } from "../server/raw-socket.ts";
import { fakeClock } from "../support/clock.ts";
import { until } from "./test-pipeline.ts";
import { ask, keys, openTenantGateways } from "./tenant-gateways.ts";

const { vendor, open } = openTenantGateways();
const portOf = ({ url }: { readonly url: string }): number => Number(new URL(url).port);
const block = Buffer.alloc(262_144, "x");
const megabytes = 20;

type Sent = { readonly wasSent: boolean; readonly status: number };

/** Reads nothing until all of the body has left; a reset takes what came back with it. */
function sendAll(port: number, lines: readonly string[], isChunked = false): Promise<Sent> {
  return new Promise((resolve) => {
    const size = isChunked ? "Transfer-Encoding: chunked" : `Content-Length: ${megabytes * 1_048_576}`;
    const head = ["POST /v1/chat/completions HTTP/1.1", "Host: 127.0.0.1", ...lines, size];
    let text = "";
    let left = megabytes * 4;
    let wasSent = false;
    const socket = connect(port, "127.0.0.1");
    const write = (): void => {
      while (left > 0) {
        left -= 1;
        const part = isChunked
          ? Buffer.concat([Buffer.from(`${block.length.toString(16)}\r\n`), block, Buffer.from("\r\n")])
          : block;
        if (!socket.write(part)) return void socket.once("drain", write);
      }
      socket.write(isChunked ? "0\r\n\r\n" : "", () => {
        wasSent = true;
        socket.resume();
      });
    };
    socket.on("connect", () => {
      socket.pause();
      socket.write(`${head.join("\r\n")}\r\n\r\n`);
      write();
    });
    const end = (): void => resolve({ wasSent, status: Number(text.split(" ")[1] ?? 0) });
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      if (text.includes("\r\n\r\n")) socket.destroy();
    });
    socket.on("error", () => undefined);
    socket.on("close", end);
  });
}

const json = "Content-Type: application/json";
const auth = (key: string): string => `Authorization: Bearer ${key}`;

describe("a refusal is heard by those who send first and read afterwards", () => {
  test("a tenant whose place is taken: 429, sent whole, in chunks or by a client that asks for a close", async () => {
    const gateway = await open({ tenant: { limits: { max_concurrent: 1 } } });
    const port = portOf(gateway);
    const first = await hold(
      port,
      `POST /v1/messages HTTP/1.1\r\nHost: 127.0.0.1\r\n${json}\r\n${auth(keys.alice)}\r\nContent-Length: 9000\r\n\r\n`,
    );
    await until("its place is taken", () => gateway.app.services.live.count() === 1);
    const lines = [json, auth(keys.alice)];
    expect(await sendAll(port, lines)).toEqual({ wasSent: true, status: 429 });
    expect(await sendAll(port, lines, true)).toEqual({ wasSent: true, status: 429 });
    expect(await sendAll(port, [...lines, "Connection: close"])).toEqual({ wasSent: true, status: 429 });
    first.destroy();
    await gateway.assertClean(vendor.requests);
  });

  test("a wrong key, a body that is no JSON, and one without a route", async () => {
    const gateway = await open({});
    const port = portOf(gateway);
    expect(await sendAll(port, [json, auth("sk-of-nobody-0000000")])).toEqual({ wasSent: true, status: 401 });
    expect(await sendAll(port, ["Content-Type: text/plain", auth(keys.alice)])).toEqual({
      wasSent: true,
      status: 415,
    });
  });

  test("too large when it is told beforehand and when it turns out; no memory for it", async () => {
    const gateway = await open({ more: { server: { body_limit_mb: 4, body_memory_mb: 8 } } });
    const port = portOf(gateway);
    const lines = [json, auth(keys.alice)];
    expect(await sendAll(port, lines)).toEqual({ wasSent: true, status: 413 });
    expect(await sendAll(port, lines, true)).toEqual({ wasSent: true, status: 413 });
    expect(gateway.app.services.bodies.held()).toBe(0);
    const scarce = await open({ more: { server: { body_limit_mb: 24, body_memory_mb: 48 } } });
    const held = await hold(
      portOf(scarce),
      `POST /v1/messages HTTP/1.1\r\nHost: 127.0.0.1\r\n${json}\r\n${auth(keys.alice)}\r\nContent-Length: 23000000\r\n\r\n`,
    );
    held.send(Buffer.alloc(18_000_000, "x"));
    await until("memory is taken", () => scarce.app.services.bodies.held() > 16_000_000);
    expect(await sendAll(portOf(scarce), lines, true)).toEqual({ wasSent: true, status: 503 });
    held.destroy();
    expect((await ask(scarce, { key: keys.bob })).status).toBe(200);
  });
});

describe("nobody is waited for who does not send", () => {
  const fed = () => {
    const chunks = Promise.withResolvers<ReadableStreamDefaultController<Uint8Array>>();
    let isCancelled = false;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => chunks.resolve(controller),
      cancel: () => void (isCancelled = true),
    });
    const request = new Request("http://localhost/", { method: "POST", body });
    return { request, chunks: chunks.promise, isCancelled: () => isCancelled };
  };
  const refusal = (): Response =>
    Response.json({ error: "no" }, { status: 429, headers: { connection: "close" } });

  test("a pause, a trickle and a flood without an end are over by themselves; the answer comes before", async () => {
    const clock = fakeClock();
    const rests = createUnreadBodies(createTicker(clock), () => true);
    for (const bytes of [0, 100, 1_000_000]) {
      const { request, chunks, isCancelled } = fed();
      const answer = rests.respondAndDrain(refusal(), request);
      expect([answer.status, answer.headers.get("connection")]).toEqual([429, "close"]);
      const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
      const { value } = await reader.read();
      expect(JSON.parse(Buffer.from(value ?? []).toString())).toEqual({ error: "no" });
      let isOver = false;
      const over = reader.read().then(({ done }) => (isOver = done));
      const controller = await chunks;
      for (let step = 0; step < 400 && !isOver; step += 1) {
        if (bytes > 0 && !isCancelled()) controller.enqueue(Buffer.alloc(bytes));
        await clock.advance(100);
      }
      await over;
      expect([bytes, isOver, isCancelled()]).toEqual([bytes, true, true]);
    }
  });

  test("a client that leaves is not read from", async () => {
    const clock = fakeClock();
    const rests = createUnreadBodies(createTicker(clock), () => true);
    const { request, isCancelled } = fed();
    await rests.respondAndDrain(refusal(), request).body?.cancel();
    await clock.advance(100);
    expect([isCancelled(), clock.waiting()]).toEqual([true, 0]);
  });

  test("more than so many, and any where connections are short, are let go at once", async () => {
    const clock = fakeClock();
    let hasRoom = true;
    const rests = createUnreadBodies(createTicker(clock), () => hasRoom);
    const isKept = (): boolean => {
      const answer = refusal();
      return rests.respondAndDrain(answer, fed().request) !== answer;
    };
    expect(Array.from({ length: 65 }, isKept).lastIndexOf(true)).toBe(63);
    for (let step = 0; step < 10; step += 1) await clock.advance(100);
    hasRoom = false;
    expect(isKept()).toBe(false);
    hasRoom = true;
    expect(isKept()).toBe(true);
  });
});
