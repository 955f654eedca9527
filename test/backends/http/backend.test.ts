// One POST to a vendor: when it is sent twice, and what an error answer may cost. The network is scripted.

import { describe, expect, test } from "bun:test";
import { type Backend, type Call, noWishes } from "../../../src/backends/backend.ts";
import { keySigner, type Signer, tokenSigner } from "../../../src/backends/http/auth.ts";
import { createHttpBackend } from "../../../src/backends/http/backend.ts";
import { createReach } from "../../../src/backends/http/reach.ts";
import { Failure } from "../../../src/canon/failure.ts";
import { dialects } from "../../../src/dialects/table.ts";
import { fakeClock } from "../../support/clock.ts";

type Answering = (sent: { readonly headers: Record<string, string> }) => Response | Promise<Response>;

function backendForTest(signer: Signer = keySigner("vendor-key", "bearer")) {
  const clock = fakeClock();
  const sent: { readonly headers: Record<string, string> }[] = [];
  const statuses: number[] = [];
  let answering: Answering = () => Response.json({});
  const scripted = (_url: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const request = { headers: Object.fromEntries(new Headers(init?.headers)) };
    sent.push(request);
    return Promise.resolve().then(() => answering(request));
  };
  const backend = createHttpBackend({
    provider: "p",
    dialect: dialects["openai-chat"],
    baseUrl: "http://vendor.example/v1",
    defaultHeaders: {},
    headers: {},
    signer,
    quirks: [],
    proxy: null,
    connectMs: 10_000,
    userAgent: "test",
    targetFacts: (model) => ({ model, defaultMaxTokens: 1, maxOutput: null }),
    fetch: Object.assign(scripted, { preconnect: fetch.preconnect }),
    reach: createReach({
      nowMs: clock.monotonicMs,
      setTimer: clock.setTimer,
      connect: () => () => undefined,
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
    wishes: noWishes,
    onHeaders: (status) => void statuses.push(status),
  };
  return {
    clock,
    sent,
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

describe("a connection that breaks at once", () => {
  test("may have been a pooled one where this vendor has answered: it is sent once more", async () => {
    const { answer, ask, sent } = backendForTest();
    expect(await ask()).toBeInstanceOf(Response);
    answer(() => (sent.length === 2 ? reset() : Response.json({})));
    expect(await ask()).toBeInstanceOf(Response);
    expect(sent).toHaveLength(3);
    answer(reset);
    expect(await ask()).toMatchObject({ kind: "unreachable" });
    expect(sent).toHaveLength(5);
  });

  test("was a new one where this vendor has never answered, or not for long: the failure is the road's", async () => {
    const { answer, ask, sent, clock } = backendForTest();
    answer(reset);
    expect(await ask()).toMatchObject({ kind: "unreachable", maybeBilled: true });
    expect(sent).toHaveLength(1);
    answer(() => Response.json({}));
    await ask();
    await clock.advance(300_000);
    answer(reset);
    expect(await ask()).toMatchObject({ kind: "unreachable" });
    expect(sent).toHaveLength(3);
  });

  test("may have been the one that the liveness check left", async () => {
    const { answer, ask, sent, backend } = backendForTest();
    expect(await backend.check?.(new AbortController().signal)).toBeNull();
    answer(reset);
    expect(await ask()).toMatchObject({ kind: "unreachable" });
    expect(sent).toHaveLength(3);
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
    expect(clock.waiting()).toBe(0);
  });

  test("on a real connection holds nobody up", async () => {
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
