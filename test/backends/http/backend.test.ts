// One POST to a vendor: when it is sent twice, and what an error answer may cost. The network is scripted.

import { describe, expect, test } from "bun:test";
import { type Backend, type Call, noRequestOptions } from "../../../src/backends/backend.ts";
import { keySigner, type Signer, tokenSigner } from "../../../src/backends/http/auth.ts";
import { createHttpBackend } from "../../../src/backends/http/backend.ts";
import { createConnectionTracker } from "../../../src/backends/http/connection-tracker.ts";
import { Failure } from "../../../src/canon/failure.ts";
import { dialects } from "../../../src/dialects/dialect-table.ts";
import { createTicker } from "../../../src/system/ticker.ts";
import { fakeClock } from "../../support/clock.ts";

type Answering = (sent: { readonly headers: Record<string, string> }) => Response | Promise<Response>;

function backendForTest(
  signer: Signer = keySigner("vendor-key", "bearer"),
  baseUrl = "http://vendor.example/v1",
) {
  const clock = fakeClock();
  const sent: { readonly headers: Record<string, string> }[] = [];
  const statuses: number[] = [];
  /** Of the resolver's cache: one with every new connection to a name. */
  const network = { opened: 1, lookups: 1 };
  let answering: Answering = () => Response.json({});
  const scripted = (_url: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const request = { headers: Object.fromEntries(new Headers(init?.headers)) };
    sent.push(request);
    return Promise.resolve().then(() => answering(request));
  };
  const backend = createHttpBackend({
    provider: "p",
    dialect: dialects["openai-chat"],
    baseUrl,
    defaultHeaders: {},
    headers: {},
    signer,
    quirks: [],
    proxy: null,
    connectMs: 10_000,
    userAgent: "test",
    targetFacts: (model) => ({ model, defaultMaxTokens: 1, maxOutput: null }),
    fetch: Object.assign(scripted, { preconnect: fetch.preconnect }),
    connections: createConnectionTracker({
      ticker: createTicker(clock),
      dial(_route, _withHandshake, onStanding) {
        queueMicrotask(onStanding);
        return () => undefined;
      },
      lookups: () => network.lookups,
      opened: { cachedCount: () => network.opened, freshCount: () => network.opened },
      lacksRoom: () => false,
    }),
    nowMs: clock.nowMs,
    setTimer: clock.setTimer,
    redact: (text) => text,
  });
  const open = openOf(backend);
  const abort = new AbortController();
  const call: Call = {
    requestId: "r",
    model: "m",
    signal: abort.signal,
    abort: (reason) => abort.abort(reason),
    passHeaders: {},
    tenant: null,
    session: null,
    requestOptions: noRequestOptions,
    onHeaders: (status) => void statuses.push(status),
  };
  return {
    clock,
    sent,
    network,
    statuses,
    backend,
    answer: (next: Answering) => void (answering = next),
    ask: (passHeaders: Call["passHeaders"] = {}): Promise<Response | Failure> =>
      open("/chat/completions", Buffer.from("{}"), { ...call, passHeaders }).catch((thrown: unknown) => {
        if (thrown instanceof Failure) return thrown;
        throw thrown;
      }),
  };
}

function openOf({ open }: Backend): NonNullable<Backend["open"]> {
  if (open === null) throw new Error("an HTTP backend can be asked");
  return open;
}

const reset = (): never => {
  throw Object.assign(new Error("reset"), { code: "ECONNRESET" });
};

describe("a connection that breaks before an answer", () => {
  const kept = { kind: "unreachable", isStale: true, maybeBilled: true };
  const made = { kind: "unreachable", isStale: false, maybeBilled: true };

  test("is one that was kept where an answer had left one and none was made since; nothing is sent again here", async () => {
    const { answer, ask, sent } = backendForTest();
    expect(await ask()).toBeInstanceOf(Response);
    answer(reset);
    expect(await ask()).toMatchObject(kept);
    expect(await ask()).toMatchObject(made);
    expect(sent).toHaveLength(3);
  });

  test("is a new one where the vendor has never answered, closed it itself, or not answered for long", async () => {
    const { answer, ask, sent, clock, backend } = backendForTest();
    answer(reset);
    expect(await ask()).toMatchObject(made);
    answer(() => Response.json({}, { headers: { connection: "close" } }));
    await ask();
    answer(reset);
    expect(await ask()).toMatchObject(made);
    answer(() => Response.json({}));
    await ask();
    await clock.advance(300_000);
    answer(reset);
    expect(await ask()).toMatchObject(made);
    answer(() => Response.json({}));
    await ask();
    backend.connectionLost?.();
    answer(reset);
    expect(await ask()).toMatchObject(made);
    expect(sent).toHaveLength(7);
  });

  test("is a new one where this process has looked a name up meanwhile: the vendor had closed the kept one before", async () => {
    const { answer, ask, network } = backendForTest();
    await ask();
    answer(() => {
      network.lookups++;
      return reset();
    });
    expect(await ask()).toMatchObject(made);
    // Where the runtime does not count, nothing is known.
    network.lookups = 0;
    answer(() => Response.json({}));
    await ask();
    answer(reset);
    expect(await ask()).toMatchObject(made);
  });

  test("one answer leaves one connection: of many requests at the same time only one may have used it", async () => {
    for (const baseUrl of ["http://vendor.example/v1", "http://127.0.0.1:9/v1", "https://[::1]:9/v1"]) {
      const { answer, ask, backend } = backendForTest(undefined, baseUrl);
      answer(reset);
      // A model list is not a POST: the connection that it leaves is not relied on.
      await backend.check?.(new AbortController().signal);
      expect(await ask()).toMatchObject(made);
      answer(() => Response.json({}));
      await ask();
      answer(reset);
      const outcomes = await Promise.all(Array.from({ length: 20 }, () => ask()));
      expect(outcomes.filter((each) => each instanceof Failure && each.isStale)).toHaveLength(1);
    }
  });
});

test("the client's own headers go with their own request and with no other one", async () => {
  const { ask, sent } = backendForTest();
  const version = { "anthropic-version": "2023-06-01" };
  for (let turn = 0; turn < 2; turn++) {
    await ask(version);
    await ask({ ...version, "anthropic-beta": "a,b" });
    await ask();
  }
  // More than are kept ready.
  for (let each = 0; each < 100; each++) await ask({ "anthropic-beta": `beta-${each}` });
  await ask(version);
  const own = sent.map(({ headers }) => [headers["anthropic-version"], headers["anthropic-beta"]]);
  const three = [
    ["2023-06-01", undefined],
    ["2023-06-01", "a,b"],
    [undefined, undefined],
  ];
  expect(own.slice(0, 6)).toEqual([...three, ...three]);
  expect(own.slice(6, -1)).toEqual(Array.from({ length: 100 }, (_, each) => [undefined, `beta-${each}`]));
  expect(own.at(-1)).toEqual(["2023-06-01", undefined]);
  expect(new Set(sent.map(({ headers }) => headers["authorization"]))).toEqual(
    new Set(["Bearer vendor-key"]),
  );
});

describe("401", () => {
  /** Cannot be read. */
  const unreadable = null;
  function tokens(values: readonly (string | null)[]) {
    let reads = 0;
    const signer = tokenSigner(
      () => {
        const value = values[Math.min(reads++, values.length - 1)] ?? unreadable;
        return value === unreadable ? Promise.reject(new Error("gone")) : Promise.resolve(value);
      },
      () => 0,
    );
    return backendForTest(signer);
  }
  const only =
    (token: string): Answering =>
    ({ headers }) =>
      headers["authorization"] === `Bearer ${token}`
        ? Response.json({})
        : Response.json({ error: { message: "no" } }, { status: 401 });

  test("with a token that was renewed meanwhile is sent once more", async () => {
    const { answer, ask, sent, statuses } = tokens(["stale", "fresh"]);
    answer(only("fresh"));
    expect(await ask()).toBeInstanceOf(Response);
    expect(sent.map((each) => each.headers["authorization"])).toEqual(["Bearer stale", "Bearer fresh"]);
    expect(statuses).toEqual([200]);
    expect(await ask()).toBeInstanceOf(Response);
    expect(sent).toHaveLength(3);
  });

  test("with the same token, or none that can be read, is the answer", async () => {
    for (const values of [["stale"], ["stale", unreadable]]) {
      const { answer, ask, sent, statuses } = tokens(values);
      answer(only("fresh"));
      expect(await ask()).toMatchObject({ kind: "credentials-rejected", upstreamStatus: 401 });
      expect(sent).toHaveLength(1);
      expect(statuses).toEqual([401]);
    }
  });

  test("twice is the answer, and the second token is not kept either", async () => {
    const { answer, ask, sent } = tokens(["one", "two", "three"]);
    answer(only("three"));
    expect(await ask()).toMatchObject({ kind: "credentials-rejected" });
    expect(sent).toHaveLength(2);
    expect(await ask()).toBeInstanceOf(Response);
    expect(sent).toHaveLength(3);
  });

  test("with a key of the config is never sent again, nor is a 403", async () => {
    const keyed = backendForTest();
    keyed.answer(only("other"));
    expect(await keyed.ask()).toMatchObject({ kind: "credentials-rejected" });
    expect(keyed.sent).toHaveLength(1);
    const { answer, ask, sent } = tokens(["one", "two"]);
    answer(() => new Response("{}", { status: 403 }));
    expect(await ask()).toMatchObject({ kind: "credentials-rejected" });
    expect(sent).toHaveLength(1);
  });
});

describe("an error whose body hangs", () => {
  test.each([
    ["nothing came", ""],
    ["half of it came", '{"error":{"mess'],
  ])("is told by its status after 2 s: %s", async (_, text) => {
    const { answer, ask, clock } = backendForTest();
    let isCancelled = false;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => (text === "" ? undefined : controller.enqueue(Buffer.from(text))),
      cancel: () => void (isCancelled = true),
    });
    answer(() => new Response(body, { status: 503, headers: { "retry-after": "7" } }));
    let outcome: unknown = null;
    const asking = ask().then((value) => (outcome = value));
    await clock.advance(1_999);
    expect(outcome).toBeNull();
    await clock.advance(1);
    await asking;
    expect(outcome).toMatchObject({ kind: "overloaded", upstreamStatus: 503, retryAfterMs: 7_000 });
    expect(isCancelled).toBe(true);
    await clock.advance(5_000);
    expect(clock.waiting()).toBe(0);
  });

  test("on a real connection does not delay other requests", async () => {
    const vendor = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: { data: (socket) => void socket.write("HTTP/1.1 500 Oh\r\ncontent-length: 99\r\n\r\n{") },
    });
    const { answer, ask, clock } = backendForTest();
    const arrived = Promise.withResolvers<void>();
    answer(async () => {
      const real = await fetch(`http://127.0.0.1:${vendor.port}/`, { method: "POST", body: "{}" });
      arrived.resolve();
      return real;
    });
    const asking = ask();
    await arrived.promise;
    await clock.advance(2_000);
    expect(await asking).toMatchObject({ kind: "upstream-error", upstreamStatus: 500 });
    vendor.stop(true);
  });
});
