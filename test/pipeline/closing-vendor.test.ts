// A vendor that closes or resets connections before it answers: how often it is sent a POST, and what the record says of it.

import { afterAll, describe, expect, test } from "bun:test";
import { startTestGateway } from "../support/gateway.ts";
import { type Exchange, listenHttp } from "../support/upstream/socket.ts";

type Behaviour = (exchange: Exchange, atThisConnection: number) => void | Promise<void>;

const whole = JSON.stringify({
  id: "c",
  object: "chat.completion",
  created: 1,
  model: "m",
  choices: [{ index: 0, message: { role: "assistant", content: "hello" }, finish_reason: "stop" }],
  data: [{ object: "embedding", index: 0, embedding: [0.1] }],
  usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
});
const answer = async ({ write }: Exchange): Promise<void> => {
  const head = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${whole.length}\r\n\r\n`;
  await write(head + whole);
};

const closings: Record<string, Behaviour> = {
  "a FIN": ({ fin }) => fin(),
  "a RST": ({ reset }) => reset(),
  "a FIN after half a status line": async ({ write, fin }) => {
    await write("HTTP/1.1 2");
    fin();
  },
  "a FIN after the status line": async ({ write, fin }) => {
    await write("HTTP/1.1 200 OK\r\n");
    fin();
  },
  "a FIN after the headers": async ({ write, fin }) => {
    await write("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n");
    fin();
  },
};

async function vendorAndGateway() {
  let posts = 0;
  let behaviour: Behaviour = answer;
  const seen = new WeakMap<Promise<void>, number>();
  const listener = listenHttp(0, async (exchange) => {
    const count = (seen.get(exchange.closed) ?? 0) + 1;
    seen.set(exchange.closed, count);
    if (exchange.request.method !== "POST") return answer(exchange);
    posts++;
    await behaviour(exchange, count);
  });
  const named = {
    api_key: "vendor-secret-key",
    model: "m",
    fallback: false,
    base_url: `http://localhost:${listener.port}`,
  };
  const gateway = await startTestGateway({
    config: {
      health: { check_interval_seconds: 0, consecutive_failures_before_skip: 1_000 },
      providers: {
        named,
        numbered: { ...named, base_url: `http://127.0.0.1:${listener.port}` },
        anthropic: { ...named, backend: "anthropic" },
      },
    },
  });
  const ask = async (model: string, more: object = {}, path = "/v1/chat/completions"): Promise<number> => {
    const body = { model, messages: [{ role: "user", content: "hi" }], ...more };
    const reply = await fetch(gateway.url + path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    await reply.text();
    return reply.status;
  };
  return {
    gateway,
    ask,
    posts: () => posts,
    behave: (next: Behaviour) => void (behaviour = next),
    attempts: () => gateway.records().flatMap((record) => record.attempts),
    async stop() {
      await gateway.stop();
      listener.stop();
    },
  };
}

const requests = [
  { name: "whole", body: {}, path: "/v1/chat/completions", provider: "numbered" },
  { name: "whole, by name", body: {}, path: "/v1/chat/completions", provider: "named" },
  { name: "stream", body: { stream: true }, path: "/v1/chat/completions", provider: "numbered" },
  { name: "translated", body: { max_tokens: 9 }, path: "/v1/messages", provider: "numbered" },
  { name: "embeddings", body: { input: "hi" }, path: "/v1/embeddings", provider: "numbered" },
  { name: "token count", body: {}, path: "/v1/messages/count_tokens", provider: "anthropic" },
] as const;

describe.each(Object.entries(closings))("%s before an answer", (_name, closing) => {
  test("on a new connection: one POST for a request, and one attempt", async () => {
    const app = await vendorAndGateway();
    app.behave(closing);
    for (const { provider, body, path } of requests)
      for (let i = 0; i < 5; i++) expect(await app.ask(provider, body, path)).toBe(502);
    expect(app.posts()).toBe(5 * requests.length);
    expect(app.attempts()).toHaveLength(5 * requests.length);
    expect(app.attempts().every((each) => each.maybeBilled && each.failure === "unreachable")).toBe(true);
    await app.stop();
  });
});

/** What else runs on the machine may open connections: then nothing is known of a host in numbers, and nothing is sent again. */
const numberedTries = process.platform === "linux" ? 50 : 0;

test("a kept connection to a host in numbers that ends without a byte: sent once more where nobody opened one meanwhile", async () => {
  const app = await vendorAndGateway();
  app.behave((exchange, count) => (count === 1 ? answer(exchange) : exchange.fin()));
  let resent = 0;
  for (let i = 0; i < numberedTries && resent < 3; i++) {
    const before = app.posts();
    const status = await app.ask("numbered");
    const posts = app.posts() - before;
    const { attempts } = app.gateway.records().at(-1) ?? { attempts: [] };
    expect(attempts).toHaveLength(posts);
    expect(attempts.slice(0, -1).every((each) => each.maybeBilled)).toBe(true);
    expect(status).toBe(attempts.at(-1)?.failure === null ? 200 : 502);
    if (posts === 2) resent++;
  }
  expect(resent).toBe(numberedTries === 0 ? 0 : 3);
  await app.stop();
});

test("an idle connection that the vendor closed, and new ones as well: a host in numbers is sent each POST once", async () => {
  const app = await vendorAndGateway();
  for (let round = 0; round < 5; round++) {
    const gone = Promise.withResolvers<void>();
    app.behave(async (exchange) => {
      await answer(exchange);
      exchange.fin();
      void exchange.closed.then(gone.resolve);
    });
    expect(await app.ask("numbered")).toBe(200);
    await gone.promise;
    app.behave(({ reset }) => reset());
    expect(await app.ask("numbered")).toBe(502);
  }
  expect(app.posts()).toBe(10);
  expect(app.attempts()).toHaveLength(10);
  await app.stop();
});

describe.each(["named", "numbered"])("a connection that was kept (%s host)", (provider) => {
  test.each(provider === "named" ? ["a FIN", "a RST"] : [])(
    "and ends in %s without a byte: sent once more, and both attempts are recorded",
    async (name) => {
      const app = await vendorAndGateway();
      // The second request of every connection finds it closed.
      app.behave((exchange, count) => (count === 1 ? answer(exchange) : closings[name]?.(exchange, count)));
      for (let i = 0; i < 5; i++) expect(await app.ask(provider)).toBe(200);
      expect(app.posts()).toBe(9);
      const records = app.gateway.records();
      expect(records.map(({ attempts }) => attempts.length)).toEqual([1, 2, 2, 2, 2]);
      for (const { attempts } of records.slice(1)) {
        expect(attempts[0]).toMatchObject({ failure: "unreachable", maybeBilled: true, outcome: "failed" });
        expect(attempts[1]).toMatchObject({ failure: null, outcome: "ok", provider });
      }
      // The vendor's idle limit is no failure of its.
      expect(app.gateway.app.services.health.view(provider)).toMatchObject({ lastError: null });
      await app.stop();
    },
  );

  test("and ends after a while of work, with or without a word in between: one POST", async () => {
    const app = await vendorAndGateway();
    for (const interim of ["", "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n"]) {
      app.behave(answer);
      expect(await app.ask(provider)).toBe(200);
      app.behave(async ({ write, fin }) => {
        if (interim !== "") await write(interim);
        // Longer than the way there and back that a stale connection takes to tell.
        await Bun.sleep(400);
        fin();
      });
      expect(await app.ask(provider)).toBe(502);
    }
    expect(app.posts()).toBe(4);
    expect(app.attempts()).toHaveLength(4);
    await app.stop();
  });

  test("is counted on once: a vendor that then closes new ones as well gets each request once", async () => {
    const app = await vendorAndGateway();
    expect(await app.ask(provider)).toBe(200);
    app.behave(({ fin }) => fin());
    for (let i = 0; i < 20; i++) expect(await app.ask(provider)).toBe(502);
    // The second POST of the first one: whether the kept connection is known to be one depends on what else runs, in numbers.
    const again = app.posts() - 21;
    expect(provider === "named" ? [1] : [0, 1]).toContain(again);
    expect(app.attempts()).toHaveLength(21 + again);
    await app.stop();
  });

  test("is not counted on after an answer that was cut off, or that said that it closes", async () => {
    const app = await vendorAndGateway();
    for (const head of ["connection: close", "x: y"]) {
      app.behave(async ({ write, fin }) => {
        const isCut = head === "x: y";
        const text = isCut ? whole.slice(0, 20) : whole;
        const length = whole.length;
        await write(
          `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n${head}\r\ncontent-length: ${length}\r\n\r\n${text}`,
        );
        fin();
      });
      await app.ask(provider);
      app.behave(({ fin }) => fin());
      expect(await app.ask(provider)).toBe(502);
    }
    expect(app.posts()).toBe(4);
    await app.stop();
  });
});

test("an idle connection that the vendor closed leaves nothing to send again, where the host has a name", async () => {
  const app = await vendorAndGateway();
  const gone = Promise.withResolvers<void>();
  app.behave(async (exchange) => {
    await answer(exchange);
    exchange.fin();
    void exchange.closed.then(gone.resolve);
  });
  expect(await app.ask("named")).toBe(200);
  await gone.promise;
  app.behave(({ fin }) => fin());
  expect(await app.ask("named")).toBe(502);
  expect(app.posts()).toBe(2);
  await app.stop();
});

describe("the runtime", () => {
  const listener = listenHttp(0, answer);
  afterAll(() => listener.stop());

  test("asks its resolver's cache once with each new connection to a name, and never with one that was kept", async () => {
    const lookups: number[] = [];
    for (const keepalive of [true, true, false, true]) {
      const before = Bun.dns.getCacheStats().totalCount;
      await (
        await fetch(`http://localhost:${listener.port}/`, { method: "POST", body: "{}", keepalive })
      ).text();
      lookups.push(Bun.dns.getCacheStats().totalCount - before);
    }
    expect(lookups).toEqual([1, 0, 1, 0]);
  });

  test("sends a POST once by itself, whatever becomes of the connection", async () => {
    let posts = 0;
    const closing = listenHttp(0, ({ fin }) => {
      posts++;
      fin();
      return Promise.resolve();
    });
    for (let i = 0; i < 5; i++)
      await fetch(`http://127.0.0.1:${closing.port}/`, { method: "POST", body: "{}" }).catch(() => null);
    expect(posts).toBe(5);
    closing.stop();
  });
});
