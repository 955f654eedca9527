// Queues that live on while their limits change: nobody loses a turn or a place, and more room is given away at once.

import { expect, test } from "bun:test";
import { createQueue, type Turn } from "../../src/tenants/queue.ts";
import { createQueueRegistry } from "../../src/tenants/provider-queues.ts";
import { fakeClock, settleQueues } from "../support/clock.ts";

const free = (): AbortSignal => new AbortController().signal;
const roomy = { limit: null, limitPerTenant: null, depth: 10, depthPerTenant: 10, waitMs: 1_000 };
const tight = { ...roomy, limit: 1 };

async function turn(taking: Promise<Turn | string>): Promise<Turn> {
  const taken = await taking;
  if (typeof taken === "string") throw new Error(`no turn: ${taken}`);
  return taken;
}

test("a higher limit lets in at once as many as it has room for", async () => {
  const queue = createQueue({ ...tight, ...fakeClock() });
  await turn(queue.take(free()));
  const waiting = [1, 2, 3].map(() => turn(queue.take(free())));
  await settleQueues();
  queue.adjust({ ...tight, limit: 3 });
  await Promise.all(waiting.slice(0, 2));
  expect(queue.counts()).toEqual({ running: 3, waiting: 1 });
  queue.adjust(roomy);
  await waiting[2];
  expect(queue.counts()).toEqual({ running: 4, waiting: 0 });
});

test("a lower limit takes no turn back; the next one is given when enough have come back", async () => {
  const queue = createQueue({ ...tight, limit: 3, ...fakeClock() });
  const held = await Promise.all([1, 2, 3].map(() => turn(queue.take(free()))));
  const waiting = turn(queue.take(free()));
  queue.adjust(tight);
  held[0]?.release();
  held[1]?.release();
  await settleQueues();
  expect(queue.counts()).toEqual({ running: 1, waiting: 1 });
  held[2]?.release();
  await waiting;
  expect(queue.counts()).toEqual({ running: 1, waiting: 0 });
});

test("who waits keeps its place and its time when the queue becomes shorter", async () => {
  const clock = fakeClock();
  const queue = createQueue({ ...tight, ...clock });
  const held = await turn(queue.take(free()));
  const first = queue.take(free());
  const second = queue.take(free());
  queue.adjust({ ...tight, depth: 0, waitMs: 5 });
  expect(await queue.take(free())).toBe("full");
  await clock.advance(500);
  held.release();
  expect((await turn(first)).waitedMs).toBe(500);
  await clock.advance(500);
  expect(await second).toBe("too-long");
  expect(clock.waiting()).toBe(0);
});

test("the registry gives every config the same queue of a name, until nobody can ask it any more", async () => {
  const book = createQueueRegistry(fakeClock());
  const queue = book.of("one", tight);
  await turn(queue.take(free()));
  expect(book.of("one", roomy)).toBe(queue);
  expect(queue.tryTake()).toBeNull();
  book.adjust("one", roomy);
  expect(queue.tryTake()).not.toBeNull();
  book.of("two", tight);
  book.retain(new Set(["two"]));
  expect(book.names()).toEqual(["two"]);
  expect(book.of("one", tight)).not.toBe(queue);
});
