// The readers of events: what they get, that one that does not read is cut off, and that nothing is looked at without a reader.

import { expect, test } from "bun:test";
import { EventFeed, type EventSource } from "../../../src/operator/events/event-feed.ts";
import { type EventKind, eventKinds, readEventKinds } from "../../../src/operator/events/event-reader.ts";
import { eventSources } from "../../../src/operator/events/event-sources.ts";
import type { RequestRow } from "../../../src/metrics/query-shapes.ts";
import { createLogTail } from "../../../src/system/log-tail.ts";
import { fakeClock, settleQueues } from "../../support/clock.ts";

type Opened = {
  readonly bytes: AsyncGenerator<string, void, void>;
  readonly gone: AbortController;
  readonly disconnects: () => number;
};

function opened(
  feed: EventFeed,
  kinds: readonly EventKind[],
  more: { readonly isAllowed?: () => boolean; readonly lastEventId?: string } = {},
): Opened {
  const gone = new AbortController();
  let count = 0;
  const bytes = feed.open({
    kinds: new Set(kinds),
    lastEventId: more.lastEventId ?? null,
    signal: gone.signal,
    disconnect: () => void count++,
    isAllowed: more.isAllowed ?? (() => true),
  });
  return { bytes, gone, disconnects: () => count };
}

const textOf = async ({ bytes }: Opened): Promise<string> => (await bytes.next()).value ?? "(end)";

test("what is published reaches those who asked for it, with the name of its kind", async () => {
  const feed = new EventFeed(fakeClock());
  const [alerts, all] = [opened(feed, ["alert"]), opened(feed, eventKinds)];
  feed.publish("alert", { id: "a\nb" });
  feed.publish("config", { ok: true });
  expect(await textOf(alerts)).toBe('retry: 2000\n\nevent: alert\ndata: {"id":"a\\nb"}\n\n');
  expect(await textOf(all)).toContain('event: config\ndata: {"ok":true}\n\n');
});

test("sources are looked at only while somebody reads", async () => {
  const clock = fakeClock();
  const feed = new EventFeed(clock);
  let looks = 0;
  const source: EventSource = { kind: "live", first: () => [], look: () => ((looks += 1), []) };
  feed.follow([source]);
  await clock.advance(10_000);
  expect(looks).toBe(0);
  const reader = opened(feed, ["live"]);
  await clock.advance(1_000);
  expect(looks).toBe(2);
  reader.gone.abort();
  expect(feed.readerCount()).toBe(0);
  await clock.advance(10_000);
  expect(looks).toBe(2);
  expect(clock.waiting()).toBe(0);
});

test("a reader that does not read is cut off, and others go on", async () => {
  const feed = new EventFeed(fakeClock());
  const [slow, fast] = [opened(feed, ["alert"]), opened(feed, ["alert"])];
  const large = "x".repeat(300_000);
  for (let i = 0; i < 5; i++) {
    feed.publish("alert", large);
    expect(await textOf(fast)).toContain(large);
  }
  expect(slow.disconnects()).toBe(1);
  expect(await textOf(slow)).toBe("(end)");
  expect(feed.readerCount()).toBe(1);
});

test("of the running requests only the latest picture waits", async () => {
  const feed = new EventFeed(fakeClock());
  const reader = opened(feed, ["live"]);
  for (let i = 0; i < 50; i++) feed.publish("live", { requests: [i] });
  const text = await textOf(reader);
  expect(text.match(/event: live/g)).toHaveLength(1);
  expect(text).toContain('{"requests":[49]}');
});

test("the 33rd reader is refused, and a place that is left is free again", () => {
  const feed = new EventFeed(fakeClock());
  const readers = Array.from({ length: 32 }, () => opened(feed, ["live"]));
  expect(() => opened(feed, ["live"])).toThrow("32 readers follow the events already");
  readers[5]?.gone.abort();
  expect(() => opened(feed, ["live"])).not.toThrow();
});

test("keep-alives come every 15 seconds; a reader whose key was changed is let go", async () => {
  const clock = fakeClock();
  const feed = new EventFeed(clock);
  let isAllowed = true;
  const reader = opened(feed, ["alert"], { isAllowed: () => isAllowed });
  await textOf(reader);
  await clock.advance(15_500);
  expect(await textOf(reader)).toBe(": keep-alive\n\n");
  isAllowed = false;
  await clock.advance(15_500);
  expect(await textOf(reader)).toBe("(end)");
});

test("a connection that stalls with unread events is ended after a minute", async () => {
  const clock = fakeClock();
  const feed = new EventFeed(clock);
  const reader = opened(feed, ["alert"]);
  await clock.advance(80_000);
  expect(reader.disconnects()).toBe(1);
  expect(feed.readerCount()).toBe(0);
});

test("a shutdown ends every reader and takes no more", async () => {
  const feed = new EventFeed(fakeClock());
  const reader = opened(feed, ["alert"]);
  await textOf(reader);
  const next = reader.bytes.next();
  feed.close();
  expect((await next).done).toBe(true);
  expect(() => opened(feed, ["alert"])).toThrow("shutting down");
});

test("only= names kinds; an unknown one is refused", () => {
  expect([...readEventKinds("live, log")]).toEqual(["live", "log"]);
  expect([...readEventKinds(null)]).toEqual([...eventKinds]);
  expect(() => readEventKinds("live,logs")).toThrow('not "logs"');
});

function followed() {
  const clock = fakeClock();
  const feed = new EventFeed(clock);
  const logTail = createLogTail();
  const rows: RequestRow[] = [];
  let isHealthy = true;
  feed.follow(
    eventSources({
      feed,
      clock,
      live: { list: () => [] },
      reports: {
        requests: ({ limit = 50 }) =>
          Promise.resolve({
            requests: rows.toReversed().slice(0, limit),
            next: null,
            complete: true,
            searched_to_ms: null,
          }),
      },
      health: { view: () => ({ healthy: isHealthy, circuit: "closed", retryAtMs: null }) as never },
      logTail,
      redact: (text) => text.replaceAll("sk-secret", "***"),
      providerIds: () => ["openai"],
    }),
  );
  const look = async (): Promise<void> => {
    await clock.advance(500);
    await settleQueues();
  };
  const ended = (id: number): void => {
    rows.push({ id, timestamp: clock.nowMs() / 1000, latency_ms: 0 } as RequestRow);
    feed.recorded();
  };
  return { feed, logTail, look, ended, setHealthy: (value: boolean) => void (isHealthy = value) };
}

test("ended requests come once each, those before the reader not at all", async () => {
  const { feed, look, ended } = followed();
  ended(1);
  await Promise.resolve();
  const reader = opened(feed, ["request"]);
  await textOf(reader);
  ended(2);
  ended(3);
  await look();
  ended(4);
  await look();
  const text = await textOf(reader);
  const ids = [...text.matchAll(/"id":(\d+)/g)].map(([, id]) => Number(id));
  // The clock of the test stands still between the first two.
  expect(ids.filter((id) => id > 1)).toEqual([2, 3, 4]);
});

test("with hundreds of requests a second a reader gets the newest now and then, and each again once they are few", async () => {
  const { feed, look, ended } = followed();
  const reader = opened(feed, ["request"]);
  await textOf(reader);
  let id = 0;
  const pass = async (looks: number, requests: number): Promise<void> => {
    for (let i = 0; i < looks; i++) {
      for (let n = 0; n < requests; n++) ended(++id);
      await look();
    }
  };
  const shown = async (): Promise<number[]> =>
    [...(await textOf(reader)).matchAll(/"id":(\d+)/g)].map(([, number]) => Number(number));
  await pass(1, 1);
  await pass(1, 300);
  expect(await shown()).toHaveLength(1 + 200);
  await pass(4, 300);
  const sample = await shown();
  expect(sample).toHaveLength(100);
  expect(sample.at(-1)).toBe(id);
  await pass(4, 10);
  expect((await shown()).slice(-40)).toEqual(Array.from({ length: 40 }, (_, i) => id - 39 + i));
  await pass(1, 2);
  expect(await shown()).toEqual([id - 1, id]);
});

test("log lines carry an id, go on after the last one, and hold no secret", async () => {
  const { feed, logTail, look } = followed();
  for (let i = 1; i <= 3; i++)
    logTail.keep(JSON.stringify({ time: "2026-11-30T00:00:00.000Z", level: "info", message: `m${i}`, i }));
  const first = await textOf(opened(feed, ["log"]));
  expect([...first.matchAll(/"message":"(m\d)"/g)].map(([, name]) => name)).toEqual(["m1", "m2", "m3"]);
  expect(first).toContain('"at_ms":1795996800000');
  expect(first).toContain('"fields":{"i":2}');
  const lastEventId = [...first.matchAll(/id: (\S+)/g)].at(-2)?.[1] ?? "";
  const reader = opened(feed, ["log"], { lastEventId });
  logTail.keep(JSON.stringify({ level: "warn", message: "the key sk-secret" }));
  await look();
  const rest = await textOf(reader);
  expect([...rest.matchAll(/"seq":(\d)/g)].map(([, seq]) => seq)).toEqual(["3", "4"]);
  expect(rest).toContain("the key ***");
  expect(rest).not.toContain("sk-secret");
});

test("an id of another run does not hide lines of this one", async () => {
  const { feed, logTail } = followed();
  logTail.keep(JSON.stringify({ level: "info", message: "here" }));
  expect(await textOf(opened(feed, ["log"], { lastEventId: "zzz-99999" }))).toContain('"message":"here"');
});

test("health comes at first, and again when it changes", async () => {
  const { feed, look, setHealthy } = followed();
  const reader = opened(feed, ["health"]);
  expect(await textOf(reader)).toContain('"provider":"openai","healthy":true');
  await look();
  await look();
  setHealthy(false);
  await look();
  await look();
  const text = await textOf(reader);
  expect(text).toContain('"healthy":false');
});
