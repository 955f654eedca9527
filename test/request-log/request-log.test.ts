// The request log in the real app: whose texts are kept, what of them, what of failed and left requests, and that nothing of a
// deleted text is left in the file.

import { afterEach, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LoggedRequest } from "../../src/request-log/content-store.ts";
import { ContentStore } from "../../src/request-log/content-store.ts";
import { unknownUsage } from "../../src/canon/usage.ts";
import { RequestLog } from "../../src/request-log/request-log.ts";
import { requestLogSettings } from "../../src/request-log/settings.ts";
import { fakeClock } from "../support/clock.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

const keys = { alice: "alice-key-0123456789", bob: "bob-key-0123456789ab" };
const admin = "admin-key-0123456789";
const vendorKey = "vendor-secret-key-42";
const folders: string[] = [];
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

type Setup = {
  readonly gateway: TestGateway;
  readonly vendor: Upstream;
  readonly path: string;
  readonly config: object;
};

async function start(requestLog: object, path = join(newFolder(), "log", "requests.db")): Promise<Setup> {
  const vendor = startUpstream();
  const provider = { base_url: vendor.url, api_key: vendorKey, models: ["fake-large"] };
  const config = {
    health: { check_interval_seconds: 0 },
    auth: { admin_key: admin },
    providers: {
      chat: { ...provider, backend: "openai-compat" },
      messages: { ...provider, backend: "anthropic" },
    },
    tenants: Object.entries(keys).map(([name, api_key]) => ({ name, api_key })),
    request_log: { path, ...requestLog },
  };
  const gateway = await startTestGateway({ config });
  ends.push(
    () => vendor.stop(),
    () => gateway.stop(),
  );
  return { gateway, vendor, path, config };
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "clawgate-request-log-"));
  folders.push(folder);
  return folder;
}

type Ask = { readonly who?: keyof typeof keys; readonly model?: string; readonly stream?: boolean };

function ask({ gateway }: Setup, text: string, { who = "alice", model = "chat", stream = false }: Ask = {}) {
  return fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${keys[who]}` },
    body: JSON.stringify({ model, stream, max_tokens: 50, messages: [{ role: "user", content: text }] }),
  });
}

const operator = (setup: Setup, method: string, path: string): Promise<Response> =>
  fetch(setup.gateway.url + path, { method, headers: { authorization: `Bearer ${admin}` } });

async function logged(setup: Setup, answer: Response): Promise<LoggedRequest | null> {
  const found = await operator(setup, "GET", `/api/request-log/${answer.headers.get("x-request-id")}`);
  return found.status === 404 ? null : ((await found.json()) as LoggedRequest);
}

const contentOf = (path: string): string =>
  ["", "-wal", "-shm"]
    .map((suffix) => path + suffix)
    .filter(existsSync)
    .map((file) => readFileSync(file, "latin1"))
    .join("");

test("off: nothing is opened, kept or made", async () => {
  const setup = await start({ tenants: ["*"] });
  const answer = await ask(setup, "hello canary");
  await answer.text();
  expect(await logged(setup, answer)).toBeNull();
  expect(existsSync(setup.path)).toBe(false);
  expect(await (await operator(setup, "GET", "/api/request-log")).json()).toMatchObject({
    enabled: false,
    entries: 0,
  });
});

test("only listed tenants: passed, translated and streamed answers, byte for byte the same as without", async () => {
  const setup = await start({ enabled: true, tenants: ["alice"] });
  expect(setup.gateway.app.current().loaded.notices).toContain(
    "request_log: what clients send and get is kept as text, of alice, for 7 days",
  );
  const other = await start({});
  for (const model of ["chat", "messages"])
    for (const stream of [false, true]) {
      const options = { model, stream };
      const answer = await ask(setup, "say something", options);
      const text = await answer.text();
      const without = await (await ask(other, "say something", options)).text();
      const plain = (body: string): string => body.replaceAll(/"(?:id|created)":\s*("[^"]*"|\d+)/g, "");
      expect(plain(text)).toBe(plain(without));
      const found = await logged(setup, answer);
      expect(found).toMatchObject({
        tenant: "alice",
        door: "chat",
        provider: model,
        status: 200,
        failure: null,
        request: [{ role: "user", text: "say something" }],
        request_cut: false,
        response_cut: false,
      });
      const said = found?.response.map((each) => each.text).join("") ?? "";
      expect(said.length).toBeGreaterThan(3);
      expect(said).not.toContain("data:");
    }
  const foreign = await ask(setup, "of bob", { who: "bob" });
  await foreign.text();
  expect(await logged(setup, foreign)).toBeNull();
  expect(contentOf(setup.path)).not.toContain("of bob");
  expect([statSync(setup.path).mode & 0o777, statSync(join(setup.path, "..")).mode & 0o777]).toEqual([
    0o600, 0o700,
  ]);
});

test("failures and left requests are kept with what there was; keys and patterns are masked; images are left out", async () => {
  const setup = await start({ enabled: true, tenants: ["*"], redact: ["secret-\\d+"] });
  setup.vendor.script(() => ({ status: 500, body: { error: { message: "it broke" } } }));
  const failed = await ask(
    setup,
    `my key is ${vendorKey}, sk-abcdefghijklmnop0123, secret-42 ${"A".repeat(2_000)}`,
  );
  await failed.text();
  const found = await logged(setup, failed);
  expect(found).toMatchObject({ status: failed.status, failure: "upstream-error" });
  expect(found?.request[0]?.text).toBe("my key is ***, sk-***, *** [base64, 2000 characters]");
  expect(found?.response[0]?.role).toBe("error");
  for (const text of [vendorKey, "abcdefghijklmnop0123", "secret-42"])
    expect(contentOf(setup.path)).not.toContain(text);

  const broken = await fetch(`${setup.gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${keys.alice}` },
    body: '{"model": "chat", broken',
  });
  expect([broken.status, (await logged(setup, broken))?.request[0]?.text]).toEqual([
    400,
    '{"model": "chat", broken',
  ]);

  const chunk = (content: string) =>
    `data: ${JSON.stringify({ id: "x", object: "chat.completion.chunk", created: 1, model: "fake-large", choices: [{ index: 0, delta: { content }, finish_reason: null }] })}\n\n`;
  setup.vendor.script(() => ({ chunks: [chunk("begun and "), chunk("left")], ending: "hang" }));
  const left = await ask(setup, "stream please", { stream: true });
  const reader = left.body?.getReader();
  await reader?.read();
  await reader?.cancel();
  const record = await setup.gateway.recordOf(left);
  expect(record.failure).toBe("cancelled");
  const kept = await logged(setup, left);
  expect(kept).toMatchObject({ failure: "cancelled" });
  expect(kept?.response[0]?.text).toStartWith("begun and ");
});

test("longer texts are cut and marked: the latest of the request, the beginning of the answer", async () => {
  const setup = await start({ enabled: true, tenants: ["alice"], max_kb: 1 });
  setup.vendor.script(() => ({
    body: {
      id: "x",
      object: "chat.completion",
      created: 1,
      model: "fake-large",
      choices: [
        {
          index: 0,
          message: { role: "assistant", content: `first ${"word ".repeat(900)}` },
          finish_reason: "stop",
        },
      ],
      usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
    },
  }));
  const answer = await ask(setup, `${"word ".repeat(900)} last`);
  await answer.text();
  const found = await logged(setup, answer);
  expect([found?.request_cut, found?.response_cut]).toEqual([true, true]);
  expect(found?.response[0]?.text).toStartWith("first ");
  expect(Buffer.byteLength(found?.response[0]?.text ?? "")).toBeLessThanOrEqual(1_027);
});

test("deleted per tenant: nothing of it is left in the file and its journal, the other tenant's texts stay", async () => {
  const setup = await start({ enabled: true, tenants: ["*"] });
  for (let i = 0; i < 30; i++) {
    await (await ask(setup, `canary-of-alice-${i} ${"x y ".repeat(2_000)}`)).text();
    await (await ask(setup, `canary-of-bob-${i}`, { who: "bob" })).text();
  }
  const last = await ask(setup, "the last of bob", { who: "bob" });
  await last.text();
  expect(await logged(setup, last)).not.toBeNull();
  expect(contentOf(setup.path)).toContain("canary-of-alice");
  const bytes = statSync(setup.path).size + statSync(`${setup.path}-wal`).size;
  expect((await operator(setup, "DELETE", "/api/request-log")).status).toBe(400);
  expect(
    (await fetch(`${setup.gateway.url}/api/request-log?tenant=alice`, { method: "DELETE" })).status,
  ).toBe(401);
  const deleted = await operator(setup, "DELETE", "/api/request-log?tenant=alice");
  expect(await deleted.json()).toEqual({ tenant: "alice", deleted: 30 });
  const rest = contentOf(setup.path);
  expect(rest).not.toContain("canary-of-alice");
  expect(rest).toContain("canary-of-bob-29");
  expect(statSync(setup.path).size).toBeLessThan(bytes / 2);
  expect(await logged(setup, last)).toMatchObject({ request: [{ text: "the last of bob" }] });
  expect(await (await operator(setup, "DELETE", "/api/request-log?tenant=*")).json()).toMatchObject({
    deleted: 31,
  });
  expect(contentOf(setup.path)).not.toContain("canary");
});

test("what a running request holds is deleted with the rest", async () => {
  const setup = await start({ enabled: true, tenants: ["alice"] });
  setup.vendor.script(() => ({ chunks: [": wait\n\n"], ending: "hang" }));
  const leave = new AbortController();
  const pending = fetch(`${setup.gateway.url}/v1/chat/completions`, {
    method: "POST",
    signal: leave.signal,
    headers: { "content-type": "application/json", authorization: `Bearer ${keys.alice}` },
    body: JSON.stringify({
      model: "chat",
      stream: true,
      messages: [{ role: "user", content: "canary-running" }],
    }),
  }).catch(() => null);
  while (setup.vendor.count("/v1/chat") === 0) await new Promise((resolve) => void setTimeout(resolve, 10));
  await operator(setup, "DELETE", "/api/request-log?tenant=alice");
  leave.abort();
  await pending;
  await setup.gateway.waitForRecord(() => true);
  await setup.gateway.stop();
  expect(contentOf(setup.path)).not.toContain("canary-running");
});

test("a reload switches it on for another tenant and off again", async () => {
  const setup = await start({ enabled: true, tenants: ["bob"] });
  const before = await ask(setup, "before");
  await before.text();
  setup.gateway.write({
    ...setup.config,
    request_log: { path: setup.path, enabled: true, tenants: ["alice"] },
  });
  expect((await setup.gateway.app.reload("test")).ok).toBe(true);
  const during = await ask(setup, "during");
  await during.text();
  expect([await logged(setup, before), (await logged(setup, during))?.request[0]?.text]).toEqual([
    null,
    "during",
  ]);
  setup.gateway.write({ ...setup.config, request_log: { path: setup.path, enabled: false } });
  expect((await setup.gateway.app.reload("test")).ok).toBe(true);
  const after = await ask(setup, "after");
  await after.text();
  expect(await logged(setup, after)).toBeNull();
  // What was kept can still be read and deleted.
  expect((await logged(setup, during))?.request[0]?.text).toBe("during");
});

test("a tenant that the config does not know is a mistake", async () => {
  const setup = await start({ enabled: true, tenants: ["alice"] });
  setup.gateway.write({ ...setup.config, request_log: { enabled: true, tenants: ["alcie"] } });
  const { ok, error } = await setup.gateway.app.reload("test");
  expect([ok, error?.problems[0]?.message]).toEqual([false, '"alcie" is not a tenant of this config or "*"']);
});

const entry = (id: number, atMs: number, text = "x"): LoggedRequest => ({
  id: `id-${id}`,
  at_ms: atMs,
  tenant: null,
  door: "chat",
  provider: null,
  model: null,
  status: 200,
  failure: null,
  request: [{ role: "user", text }],
  request_cut: false,
  response: [],
  response_cut: false,
});
const finished = {
  ...entry(0, 0),
  startedAtMs: 0,
  keyId: null,
  session: null,
  client: null,
  tags: [],
  requestedModel: "m",
  stream: false,
  layer: null,
  rule: null,
  confidence: null,
  reason: null,
  facts: null,
  candidates: [],
  attempts: [],
  upstreamModel: null,
  queueWaitMs: 0,
  overheadMs: null,
  firstTokenMs: null,
  durationMs: 0,
  usage: unknownUsage,
  costNanoUsd: null,
  finish: null,
  failure: null,
  error: null,
};
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

test("by age and by size: the oldest go, and the file becomes smaller", async () => {
  const path = join(newFolder(), "requests.db");
  const store = new ContentStore(path, () => 1024 * 1024, { log: silent, nowMs: () => 0 });
  store.write([entry(100, 0)]);
  // The page size and the kind of vacuum in the file's header: both take effect only in an empty file.
  const header = readFileSync(path);
  expect([header.readUInt16BE(16), header.readUInt32BE(64)]).toEqual([8_192, 1]);
  expect(await store.delete({ tenant: "*" })).toBe(1);
  for (let i = 0; i < 100; i++) store.write([entry(i, i, `canary-${i}-${"lorem ".repeat(4_000)}`)]);
  expect(store.status()).toMatchObject({ entries: 100, oldest_ms: 0 });
  expect(await store.delete({ beforeMs: 10 })).toBe(10);
  expect(contentOf(path)).not.toContain("canary-9-");
  expect(await store.shrink()).toBeGreaterThan(20);
  const { entries, bytes, oldest_ms: oldest } = store.status();
  expect(bytes).toBeLessThanOrEqual(1024 * 1024);
  expect(statSync(path).size).toBeLessThanOrEqual(1024 * 1024);
  expect([entries > 20, oldest]).toEqual([true, 100 - entries]);
  expect(await store.shrink()).toBe(0);
  expect(store.find("id-99")?.request[0]?.text).toStartWith("canary-99-");
  store.close();
});

test("the settings of age and size are enforced every hour, also while the log is off; without memory texts are dropped and counted", async () => {
  const clock = fakeClock();
  const path = join(newFolder(), "requests.db");
  const settings = { enabled: true, tenants: ["*"], max_kb: 1_024, retention_days: 1, max_mb: 1 };
  const log = new RequestLog({
    clock,
    log: silent,
    settings: () => requestLogSettings.parse(settings),
    path: () => path,
    redact: (text) => text,
  });
  const stop = log.watch();
  const keep = (id: string, text: string): boolean => {
    const capture = log.open(null);
    capture?.request(Buffer.from(JSON.stringify({ prompt: text })), null);
    capture?.answer("answered");
    capture?.end({ ...finished, id, startedAtMs: clock.nowMs() });
    return capture !== null;
  };
  expect(keep("old", "canary-old")).toBe(true);
  expect((await log.find("old"))?.response).toEqual([{ role: "assistant", text: "answered" }]);
  settings.enabled = false;
  expect(keep("off", "x")).toBe(false);
  const passed = async (hours: number): Promise<void> => {
    for (let hour = 0; hour < hours; hour++) {
      await clock.advance(3_600_000);
      await new Promise((resolve) => void setTimeout(resolve, 20));
    }
  };
  await passed(20);
  expect(await log.find("old")).not.toBeNull();
  await passed(6);
  expect(await log.find("old")).toBeNull();
  expect(contentOf(path)).not.toContain("canary-old");

  settings.enabled = true;
  for (let i = 0; i < 6; i++) keep(`big-${i}`, "lorem ".repeat(40_000));
  expect((await log.report()).entries).toBe(6);
  await passed(1);
  const { entries, bytes } = await log.report();
  expect([entries > 0 && entries < 6, bytes <= 1024 * 1024]).toEqual([true, true]);
  expect(await log.find("big-5")).not.toBeNull();

  // 4 MB of each body are held: the seventeenth has no room.
  const held = Array.from({ length: 17 }, () => log.open(null));
  for (const capture of held) capture?.request(Buffer.alloc(5 * 1024 * 1024), null);
  for (const [at, capture] of held.entries()) capture?.end({ ...finished, id: `held-${at}` });
  expect((await log.report()).dropped).toBe(1);
  stop();
  await log.close();
  expect(clock.waiting()).toBe(0);
});

test("a path that cannot be used is told once and loses nothing but texts", async () => {
  const lines: string[] = [];
  const store = new ContentStore("/proc/nowhere/requests.db", () => 1e9, {
    log: { ...silent, warn: (line: string) => void lines.push(line) },
    nowMs: () => 0,
  });
  expect([store.write([entry(1, 1)]), store.write([entry(2, 2)]), store.find("id-1")]).toEqual([
    false,
    false,
    null,
  ]);
  expect(await store.delete({ tenant: "*" })).toBeNull();
  expect(lines).toEqual(["the request log cannot be used"]);
  expect(readdirSync("/proc/self")).toContain("status");
});
