// What a restart does to what was learned of providers: through the real app and the real state file, on a clock that
// the test moves.

import { Database } from "bun:sqlite";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test";
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSavedHealth } from "../../../src/app/persistence/saved-health.ts";
import { fingerprintOf } from "../../../src/backends/http/auth.ts";
import { createMemoryStore } from "../../../src/state/memory-store.ts";
import { fakeClock } from "../../support/clock.ts";
import { startTestGateway, type TestGateway } from "../../support/gateway.ts";
import { type Recorded, type Scripted, startUpstream } from "../../support/upstream.ts";

const [one, two] = ["vendor-key-number-one", "vendor-key-number-two"] as const;
const upstreams = { bad: startUpstream(), good: startUpstream() };
const clock = fakeClock();
let state = "";
const running: TestGateway[] = [];

beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), "clawgate-memory-"));
});
afterEach(async () => {
  for (const gateway of running.splice(0)) await gateway.stop();
  for (const upstream of Object.values(upstreams)) upstream.reset();
  rmSync(state, { recursive: true, force: true });
});
afterAll(() => {
  for (const upstream of Object.values(upstreams)) upstream.stop();
});

const file = (): string => join(state, "state.db");
const rows = (): { key: string; value: string }[] => {
  const db = new Database(file(), { readonly: true });
  try {
    return db
      .query<{ key: string; value: string }, []>(
        "SELECT key, value FROM state WHERE namespace = 'health' ORDER BY key",
      )
      .all();
  } finally {
    db.close();
  }
};

const configOf = (keys: readonly string[]): object => {
  const provider = (url: string, api_keys: readonly string[]) => ({
    base_url: url,
    api_keys,
    models: ["fake-large"],
  });
  return {
    health: { check_interval_seconds: 0 },
    providers: {
      bad: provider(upstreams.bad.url, keys),
      good: provider(upstreams.good.url, ["another-vendor-key"]),
    },
    fallback_chain: ["bad", "good"],
  };
};

async function start(keys: readonly string[] = [one, two]): Promise<TestGateway> {
  const gateway = await startTestGateway({
    clock,
    environment: { CLAWGATE_STATE_DIR: state },
    config: configOf(keys),
  });
  running.push(gateway);
  return gateway;
}

/** The provider that answered. */
async function ask(gateway: TestGateway): Promise<string | null> {
  const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "bad", messages: [{ role: "user", content: "hello" }] }),
  });
  await answer.text();
  return answer.headers.get("x-clawgate-provider");
}

const limited =
  (seconds: number, ...keys: string[]) =>
  ({ headers }: Recorded): Scripted | undefined =>
    keys.some((key) => headers["authorization"] === `Bearer ${key}`)
      ? { status: 429, headers: { "retry-after": String(seconds) }, body: {} }
      : undefined;
const usedKeys = (): string[] =>
  upstreams.bad.requests.map(({ headers }) => (headers["authorization"] ?? "").replace("Bearer ", ""));

describe("after a restart", () => {
  test("a limited key still rests, and is looked at again when its time has come", async () => {
    upstreams.bad.script(limited(100, one));
    const first = await start();
    expect(await ask(first)).toBe("bad");
    expect(usedKeys()).toEqual([one, two]);
    await first.stop();
    expect(rows().map((row) => row.key)).toEqual([JSON.stringify(["bad", fingerprintOf(one), "fake-large"])]);
    const text = JSON.stringify(rows());
    for (const key of [one, two]) expect(text).not.toContain(key);

    await clock.advance(60_000);
    const second = await start();
    for (let i = 0; i < 3; i++) expect(await ask(second)).toBe("bad");
    expect(usedKeys().slice(2)).toEqual([two, two, two]);
    await clock.advance(40_000);
    upstreams.bad.script(() => undefined);
    expect(await ask(second)).toBe("bad");
    expect(usedKeys().at(-1)).toBe(one);
    await second.stop();
    expect(rows()).toEqual([]);
  });

  test("what ended while nothing ran is not brought back", async () => {
    upstreams.bad.script(limited(20, one, two));
    const first = await start();
    expect(await ask(first)).toBe("good");
    await first.stop();
    await clock.advance(20_000);
    upstreams.bad.script(() => undefined);
    const second = await start();
    expect(second.app.services.health.view("bad")).toMatchObject({ healthy: true, coolingModels: {} });
    expect(await ask(second)).toBe("bad");
  });

  test("an open circuit stays open; a process that was killed had kept it as well", async () => {
    upstreams.bad.script(() => ({ status: 500, body: {} }));
    const first = await start();
    for (let i = 0; i < 5; i++) await ask(first);
    expect(first.app.services.health.view("bad").circuit).toBe("open");
    // Half a second after the trouble and a quarter for the batch; no stop.
    await clock.advance(1_000);
    // Copied, because the first one still has its directory.
    const left = state;
    state = mkdtempSync(join(tmpdir(), "clawgate-memory-"));
    cpSync(left, state, { recursive: true });
    const second = await start();
    expect(second.app.services.health.view("bad").circuit).toBe("open");
    expect(await ask(second)).toBe("good");
    expect(upstreams.bad.count()).toBe(5);
    await first.stop();
    rmSync(left, { recursive: true, force: true });
  });

  test("a changed key starts fresh, whatever stands in its place", async () => {
    upstreams.bad.script(limited(100, one, two));
    const first = await start();
    expect(await ask(first)).toBe("good");
    await first.stop();
    const second = await start(["vendor-key-number-three", two]);
    expect(await ask(second)).toBe("bad");
    expect(usedKeys().at(-1)).toBe("vendor-key-number-three");
  });

  test("an operator's reset is not undone", async () => {
    upstreams.bad.script(limited(100, one, two));
    const first = await start();
    await ask(first);
    await clock.advance(1_000);
    expect(rows()).toHaveLength(2);
    first.app.services.health.reset("bad");
    await clock.advance(1_000);
    expect(rows()).toEqual([]);
    await first.stop();
    upstreams.bad.script(() => undefined);
    const second = await start();
    expect(await ask(second)).toBe("bad");
  });
});

test("a reload that adds a key keeps what was learned of the others", async () => {
  upstreams.bad.script(limited(100, one, two));
  const gateway = await start();
  expect(await ask(gateway)).toBe("good");
  gateway.write(configOf(["vendor-key-number-three", one, two]));
  expect(await gateway.app.reload("test")).toMatchObject({ ok: true });
  const { credentials } = gateway.app.services.health.view("bad");
  expect(credentials.map((each) => each.state)).toEqual(["ok", "rate-limited", "rate-limited"]);
  expect(await ask(gateway)).toBe("bad");
  expect(usedKeys().at(-1)).toBe("vendor-key-number-three");
});

test("a broken state file is moved aside and the app starts", async () => {
  writeFileSync(file(), "no database ".repeat(1_000));
  const gateway = await start();
  expect(await ask(gateway)).toBe("bad");
  expect(gateway.log.filter((line) => line.includes("state file"))).toHaveLength(1);
  expect(readdirSync(state).some((name) => name.startsWith("state.db.corrupt-"))).toBe(true);
});

test("a request that goes well writes nothing", async () => {
  const gateway = await start();
  for (let i = 0; i < 5; i++) expect(await ask(gateway)).toBe("bad");
  await clock.advance(5_000);
  expect(rows()).toEqual([]);
});

test("rows that nobody can read are thrown away, the others are told of", async () => {
  const store = createMemoryStore(clock.nowMs);
  const nowMs = clock.nowMs();
  const good = {
    credential: "aaaa",
    model: null,
    kind: "rejected",
    sinceMs: nowMs,
    retryAtMs: nowMs + 9,
    untilMs: nowMs + 9,
    count: 1,
  };
  await store.set("health", "good", { provider: "p", ...good }, null);
  await store.set("health", "nobody's", good, null);
  await store.set("health", "bad", { provider: "p", kind: 7 }, null);
  await store.set("health", "text", "text", null);
  await store.set("health", "null", null, null);
  const restored: unknown[] = [];
  const memory = createSavedHealth({
    store,
    health: () => ({
      persistedStates: () => [],
      restore: (provider, kept) => void restored.push([provider, kept.kind]),
    }),
    clock,
    log: { warn: () => undefined },
  });
  await memory.load();
  expect(restored).toEqual([["p", "rejected"]]);
  expect((await store.list("health")).map((row) => row.key)).toEqual(["good"]);
  memory.changed("p");
  await memory.flush();
  expect(await store.list("health")).toEqual([]);
});
