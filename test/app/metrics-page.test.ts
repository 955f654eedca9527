// GET /metrics of a whole gateway: what it counts is what the records say, whatever became of the requests.

import { afterAll, afterEach, expect, test } from "bun:test";
import type { RequestRecord } from "../../src/canon/record.ts";
import type { Totals } from "../../src/metrics/report-shapes.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { startGatedVendor } from "../support/gated-vendor.ts";
import { type ParsedMetrics, parseMetrics } from "../support/metrics-text.ts";
import { startUpstream } from "../support/upstream.ts";

const vendor = startUpstream();
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).toReversed()) await clean();
  vendor.reset();
});
afterAll(() => vendor.stop());

const adminKey = "admin-key-0123456789";
const aliceKey = "alice-key-0123456789";
const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

const provider = (models: readonly string[], more: object = {}): object => ({
  base_url: vendor.url,
  api_key: "vendor-secret-key",
  models,
  ...more,
});
const baseConfig = {
  health: { check_interval_seconds: 0, consecutive_failures_before_skip: 1_000 },
  providers: {
    good: provider(["fake-large", "fake-small"], { pricing: { input: 3, output: 15, cache_read: 0.3 } }),
    ant: { ...provider(["fake-large"]), backend: "anthropic" },
    broken: provider(["fake-broken"]),
    slow: provider(["fake-slow"]),
    limited: provider(["fake-limited"]),
  },
  fallback_chain: ["good", "ant"],
  routing: { hedge_after_s: 0.2 },
};

async function open(config: object = {}): Promise<TestGateway> {
  const gateway = await startTestGateway({ config: { ...baseConfig, ...config } });
  cleanups.push(() => gateway.stop());
  return gateway;
}

async function scrape({ url }: TestGateway, headers: Record<string, string> = {}): Promise<ParsedMetrics> {
  const answer = await fetch(`${url}/metrics`, { headers });
  expect(answer.status).toBe(200);
  const isOpen = answer.headers.get("content-type")?.startsWith("application/openmetrics-text") === true;
  return parseMetrics(await answer.text(), isOpen ? "openmetrics" : "prometheus");
}

type Asked = {
  readonly path?: string;
  readonly body: object;
  readonly signal?: AbortSignal;
  readonly key?: string;
};
async function ask(
  { url }: TestGateway,
  { path = "/v1/chat/completions", body, signal, key }: Asked,
): Promise<void> {
  try {
    const answer = await fetch(url + path, {
      method: "POST",
      headers: { "content-type": "application/json", ...(key === undefined ? {} : bearer(key)) },
      body: JSON.stringify(body),
      ...(signal === undefined ? {} : { signal }),
    });
    await answer.text();
  } catch {
    // It was to break off.
  }
}

const chat = (model: string, text: string, more: object = {}): object => ({
  model,
  max_tokens: 1_000,
  messages: [{ role: "user", content: text }],
  ...more,
});

/** One of each kind of request; what becomes of it is the vendor's or the client's doing. */
const kinds: readonly ((gateway: TestGateway) => Promise<void>)[] = [
  (gateway) => ask(gateway, { body: chat("good", "[[usage:1000,400,100,50]]") }),
  (gateway) => ask(gateway, { body: chat("good/fake-small", "[[say:hello]]", { stream: true }) }),
  (gateway) => ask(gateway, { path: "/v1/messages", body: chat("good", "[[say:translated]]") }),
  (gateway) => ask(gateway, { path: "/v1/messages", body: chat("ant", "[[long:20]]", { stream: true }) }),
  (gateway) =>
    ask(gateway, { path: "/v1/responses", body: { model: "good", input: "[[think:a]][[say:b]]" } }),
  (gateway) => ask(gateway, { path: "/v1/embeddings", body: { model: "good", input: "text" } }),
  (gateway) => ask(gateway, { body: chat("good/made-up-by-a-client", "[[say:hello]]") }),
  (gateway) => ask(gateway, { body: chat("nobody-knows-this", "hello") }),
  (gateway) => ask(gateway, { body: { model: "good" } }),
  (gateway) => ask(gateway, { body: chat("broken", "falls back") }),
  (gateway) => ask(gateway, { body: chat("good", "[[mode:cut]]", { stream: true }) }),
  (gateway) => ask(gateway, { body: chat("limited", "falls back") }),
  (gateway) =>
    ask(gateway, {
      body: chat("good", "[[long:500]][[pace:20]]", { stream: true }),
      signal: AbortSignal.timeout(150),
    }),
];

function scriptVendor(): void {
  vendor.script(({ body }) => {
    if (body["model"] === "fake-broken") return { status: 500, body: { error: { message: "broken" } } };
    if (body["model"] === "fake-limited") return { status: 429, body: { error: { message: "later" } } };
    return body["model"] === "fake-slow" ? { beforeHeadersMs: 3_000, status: 200, body: {} } : undefined;
  });
}

const sum = (records: readonly RequestRecord[], of: (record: RequestRecord) => number | null): number =>
  records.reduce((total, record) => total + (of(record) ?? 0), 0);

test("after a mixed run every total is that of the records and of /api/stats", async () => {
  const gateway = await open();
  scriptVendor();
  const rounds = 6;
  // By itself: while many others run, second tries may be used up.
  await ask(gateway, { body: chat("slow", "is hedged", { stream: true }) });
  for (let round = 0; round < rounds; round += 1) await Promise.all(kinds.map((kind) => kind(gateway)));
  await gateway.assertClean();
  const records = gateway.records();
  expect(records.length).toBe(rounds * kinds.length + 1);
  await gateway.app.services.store.flush();
  const page = await scrape(gateway);

  // The run was as mixed as it was meant.
  const failures = new Set(records.map(({ failure }) => failure));
  for (const kind of [null, "cancelled", "unknown-model", "invalid-request"] as const)
    expect([...failures]).toContain(kind);
  expect(records.some(({ tags }) => tags.includes("hedged"))).toBe(true);
  expect(records.some(({ attempts }) => attempts.some(({ outcome }) => outcome === "failed"))).toBe(true);
  expect(records.some(({ stream, failure }) => stream && failure !== null && failure !== "cancelled")).toBe(
    true,
  );

  const attempts = records.flatMap((record) => record.attempts);
  const count = <T>(rows: readonly T[], fits: (row: T) => boolean): number => rows.filter(fits).length;
  expect(page.total("clawgate_requests_total")).toBe(records.length);
  for (const endpoint of new Set(records.map(({ door }) => door)))
    expect(page.total("clawgate_requests_total", { endpoint })).toBe(
      count(records, ({ door }) => door === endpoint),
    );
  expect(page.total("clawgate_requests_total", { outcome: "ok" })).toBe(
    count(records, ({ failure }) => failure === null),
  );
  expect(page.total("clawgate_requests_total", { status: "4xx" })).toBe(
    count(records, ({ status }) => status >= 400 && status < 500),
  );
  expect(page.total("clawgate_request_failures_total")).toBe(
    count(records, ({ failure }) => failure !== null),
  );
  expect(page.total("clawgate_attempts_total")).toBe(attempts.length);
  for (const outcome of ["ok", "failed", "cancelled", "skipped"])
    expect(page.total("clawgate_attempts_total", { outcome })).toBe(
      count(attempts, (attempt) => attempt.outcome === outcome),
    );
  expect(page.total("clawgate_maybe_billed_attempts_total")).toBe(
    count(attempts, ({ maybeBilled }) => maybeBilled),
  );
  expect(page.total("clawgate_input_tokens_total")).toBe(sum(records, ({ usage }) => usage.input));
  expect(page.total("clawgate_cached_input_tokens_total")).toBe(
    sum(records, ({ usage }) => usage.inputCached),
  );
  expect(page.total("clawgate_cache_write_tokens_total")).toBe(
    sum(records, ({ usage }) => usage.inputCacheWrite),
  );
  expect(page.total("clawgate_output_tokens_total")).toBe(sum(records, ({ usage }) => usage.output));
  const usd = sum(records, ({ costNanoUsd }) => costNanoUsd) / 1e9;
  expect(usd).toBeGreaterThan(0);
  expect(page.total("clawgate_cost_usd_total")).toBeCloseTo(usd, 9);
  expect(page.total("clawgate_tenant_cost_usd_total")).toBeCloseTo(usd, 9);
  expect(page.total("clawgate_unknown_cost_requests_total")).toBe(
    count(
      records,
      (each) => each.costNanoUsd === null && each.attempts.some(({ outcome }) => outcome !== "skipped"),
    ),
  );
  const histogram = (name: string, of: (record: RequestRecord) => number | null): void => {
    expect(page.total(`${name}_count`)).toBe(count(records, (record) => of(record) !== null));
    expect(page.total(`${name}_sum`)).toBeCloseTo(sum(records, of) / 1_000, 6);
  };
  histogram("clawgate_request_duration_seconds", ({ durationMs }) => durationMs);
  histogram("clawgate_time_to_first_token_seconds", ({ firstTokenMs }) => firstTokenMs);
  histogram("clawgate_overhead_seconds", ({ overheadMs }) => overheadMs);
  histogram("clawgate_queue_wait_seconds", ({ queueWaitMs }) => queueWaitMs);

  // A client's own name has no series; a listed one has.
  const models = new Set(page.samples("clawgate_input_tokens_total").map(({ labels }) => labels["model"]));
  expect(models.has("made-up-by-a-client")).toBe(false);
  expect(models.has("other")).toBe(true);
  expect(
    page.total("clawgate_input_tokens_total", { provider: "good", model: "fake-large" }),
  ).toBeGreaterThan(0);

  const stats = await fetch(`${gateway.url}/api/stats`);
  const { totals } = (await stats.json()) as { totals: Totals };
  expect(page.total("clawgate_requests_total")).toBe(totals.total_requests);
  expect(page.total("clawgate_requests_total", { outcome: "failed" })).toBe(totals.total_failures);
  expect(page.total("clawgate_requests_total", { outcome: "cancelled" })).toBe(totals.total_cancelled);
  expect(page.total("clawgate_request_fallbacks_total")).toBe(totals.total_fallbacks);
  expect(page.total("clawgate_input_tokens_total")).toBe(totals.total_prompt_tokens);
  expect(page.total("clawgate_output_tokens_total")).toBe(totals.total_compl_tokens);
  expect(page.total("clawgate_cached_input_tokens_total")).toBe(totals.total_cache_hit);
  expect(page.total("clawgate_cost_usd_total")).toBeCloseTo(totals.total_cost_usd, 6);
  expect(page.total("clawgate_unknown_cost_requests_total")).toBe(totals.unknown_cost_requests);
  expect(page.total("clawgate_unknown_usage_requests_total")).toBe(totals.unknown_usage_requests);
  expect(page.total("clawgate_records_written_total")).toBe(records.length);
  expect(page.total("clawgate_records_dropped_total")).toBe(0);
}, 60_000);

test("gauges say what runs and waits, and how each provider is", async () => {
  const held = startGatedVendor();
  cleanups.push(() => held.stop());
  const providers = {
    held: { base_url: held.url, api_key: "k-0123456789", model: "gated", max_concurrent: 1, fallback: false },
    idle: { base_url: vendor.url, api_key: "k-0123456789", model: "fake-large" },
  };
  const gateway = await open({
    providers,
    fallback_chain: ["held"],
    queue: { depth: 10, wait_s: 60 },
    routing: {},
  });
  const asking = [1, 2, 3].map(() => ask(gateway, { body: chat("held", "hello", { stream: true }) }));
  await held.waitForHeld(1);
  const { services, current } = gateway.app;
  while (current().pipeline.providers.get("held")?.queue.counts().waiting !== 2) await Bun.sleep(2);
  services.health.setAbsent("idle", null);
  const busy = await scrape(gateway);
  expect(busy.total("clawgate_running_requests")).toBe(3);
  expect(busy.total("clawgate_provider_running_requests", { provider: "held" })).toBe(1);
  expect(busy.total("clawgate_queued_requests", { provider: "held" })).toBe(2);
  expect(busy.total("clawgate_queued_requests", { provider: "idle" })).toBe(0);
  expect(busy.total("clawgate_requests_total")).toBe(0);
  held.release();
  await Promise.all(asking);
  await gateway.assertClean();
  const after = await scrape(gateway);
  expect(after.total("clawgate_running_requests")).toBe(0);
  expect(after.total("clawgate_queued_requests")).toBe(0);
  expect(after.total("clawgate_requests_total")).toBe(3);
  expect(after.total("clawgate_queue_wait_seconds_sum")).toBeGreaterThan(0);
  expect(after.total("clawgate_provider_healthy")).toBe(2);
  expect(after.total("clawgate_provider_circuit", { state: "closed" })).toBe(2);
  expect(after.total("process_open_fds")).toBeGreaterThan(3);
  expect(after.total("process_cpu_seconds_total")).toBeGreaterThan(0);
  expect(after.total("process_start_time_seconds")).toBe(services.startedAtSeconds);
  expect(after.total("clawgate_build_info")).toBe(1);
});

test("a provider that fails is shown as out", async () => {
  const gateway = await open({ health: { check_interval_seconds: 0, consecutive_failures_before_skip: 1 } });
  scriptVendor();
  await ask(gateway, { body: chat("broken", "hello") });
  const page = await scrape(gateway);
  expect(page.total("clawgate_provider_healthy", { provider: "broken" })).toBe(0);
  expect(page.total("clawgate_provider_circuit", { provider: "broken", state: "open" })).toBe(1);
  expect(page.total("clawgate_provider_healthy", { provider: "good" })).toBe(1);
});

test("counters go on over a reload, also those of a provider that is gone", async () => {
  const gateway = await open();
  await ask(gateway, { body: chat("ant", "hello") });
  await ask(gateway, { body: chat("good", "hello") });
  gateway.write({ ...baseConfig, providers: { good: baseConfig.providers.good }, fallback_chain: ["good"] });
  expect((await gateway.app.reload("api")).ok).toBe(true);
  await ask(gateway, { body: chat("good", "hello") });
  await gateway.assertClean();
  const page = await scrape(gateway);
  expect(page.total("clawgate_requests_total", { provider: "ant" })).toBe(1);
  expect(page.total("clawgate_requests_total", { provider: "good" })).toBe(2);
  expect(page.samples("clawgate_provider_healthy").map(({ labels }) => labels["provider"])).toEqual(["good"]);
});

test("what is refused before it has a record is counted by status and kind", async () => {
  const gateway = await open({ auth: { admin_key: adminKey } });
  const get = async (path: string, init: RequestInit = {}): Promise<number> =>
    (await fetch(gateway.url + path, init)).status;
  expect(await get("/metrics")).toBe(401);
  expect(await get("/api/stats", { headers: bearer("a-wrong-key-0123456789") })).toBe(401);
  expect(await get("/nowhere")).toBe(404);
  expect(await get("/v1/chat/completions", { method: "DELETE" })).toBe(405);
  expect(await get("/v1/chat/completions", { method: "POST", body: "x" })).toBe(415);
  const page = await scrape(gateway, bearer(adminKey));
  const refused = page.samples("clawgate_refused_requests_total");
  expect(refused.map(({ labels, value }) => [labels["status"], labels["failure"], value]).toSorted()).toEqual(
    [
      ["401", "unauthorized", 2],
      ["404", "not_found", 1],
      ["405", "invalid_request", 1],
      ["415", "unsupported_media_type", 1],
    ],
  );
  expect(page.total("clawgate_requests_total")).toBe(0);
});

test("a tenant's budget, and what of it is spent", async () => {
  const limits = { budget: { usd_per_day: 5, tokens_per_month: 1_000_000 } };
  const gateway = await open({
    tenants: [
      { name: "alice", api_key: aliceKey, limits },
      { name: "bob", api_key: "bobs-key-0123456789" },
    ],
  });
  await ask(gateway, { body: chat("good", "Hello"), key: aliceKey });
  await gateway.waitForRecord(() => true);
  const page = await scrape(gateway);
  const day = { tenant: "alice", period: "day" };
  expect(page.samples("clawgate_tenant_budget_usd")).toMatchObject([{ labels: day, value: 5 }]);
  expect(page.total("clawgate_tenant_budget_spent_usd", day)).toBeCloseTo(
    page.total("clawgate_tenant_cost_usd_total", { tenant: "alice" }),
    9,
  );
  expect(page.total("clawgate_tenant_budget_spent_usd", day)).toBeGreaterThan(0);
  expect(page.total("clawgate_tenant_budget_tokens", { tenant: "alice", period: "month" })).toBe(1_000_000);
  expect(page.total("clawgate_tenant_budget_spent_tokens", { tenant: "alice" })).toBe(
    page.total("clawgate_input_tokens_total") + page.total("clawgate_output_tokens_total"),
  );
});

test("promtool, where it is installed, has nothing to say about a page with every kind of request", async () => {
  const gateway = await open({ tenants: [{ name: "alice", api_key: aliceKey }] });
  await ask(gateway, { body: chat("good", "Hello"), key: aliceKey });
  await ask(gateway, { body: chat("broken", "Hello [[fault:500]]"), key: aliceKey });
  await ask(gateway, { path: "/nowhere", body: {}, key: aliceKey });
  const text = await (await fetch(`${gateway.url}/metrics`)).text();
  expect(parseMetrics(text, "prometheus").total("clawgate_requests_total")).toBe(2);
  const promtool = Bun.which("promtool");
  if (promtool === null) return;
  const child = Bun.spawn([promtool, "check", "metrics"], {
    stdin: new Blob([text]),
    stdout: "pipe",
    stderr: "pipe",
    timeout: 10_000,
  });
  const said = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  expect([...said, await child.exited]).toEqual(["", "", 0]);
});

test("tenants by name", async () => {
  const gateway = await open({ tenants: [{ name: "alice", api_key: aliceKey }] });
  await ask(gateway, { body: chat("good", "hello"), key: aliceKey });
  await ask(gateway, { body: chat("good", "hello"), key: "not-a-key-0123456789" });
  await gateway.assertClean();
  const page = await scrape(gateway);
  expect(page.total("clawgate_requests_total", { tenant: "alice" })).toBe(1);
  expect(page.total("clawgate_requests_total")).toBe(1);
});

test("log_requests false: counted all the same; enabled false: only what is live", async () => {
  for (const [metrics, counted] of [
    [{ log_requests: false }, 1],
    [{ enabled: false }, 0],
  ] as const) {
    const gateway = await open({ metrics });
    await ask(gateway, { body: chat("good", "hello") });
    await gateway.assertClean();
    const page = await scrape(gateway);
    expect(page.total("clawgate_requests_total")).toBe(counted);
    expect(page.total("clawgate_cost_usd_total") > 0).toBe(counted === 1);
    expect(page.total("clawgate_provider_healthy")).toBe(5);
  }
});

test("class read: this machine without an admin key, the admin key as a bearer token with one", async () => {
  const local = await open();
  expect(
    (await fetch(`${local.url}/metrics`, { headers: { "x-forwarded-for": "203.0.113.7" } })).status,
  ).toBe(403);
  await scrape(local);
  const keyed = await open({
    auth: { admin_key: adminKey },
    tenants: [{ name: "alice", api_key: aliceKey }],
  });
  for (const headers of [{}, bearer(aliceKey), bearer("wrong-key-0123456789")])
    expect((await fetch(`${keyed.url}/metrics`, { headers })).status).toBe(401);
  await scrape(keyed, bearer(adminKey));
  await scrape(keyed, { ...bearer(adminKey), accept: "application/openmetrics-text;version=1.0.0;q=0.6" });
});

test("HEAD has the headers and no text; other methods are refused", async () => {
  const { url } = await open();
  const head = await fetch(`${url}/metrics`, { method: "HEAD" });
  expect(head.status).toBe(200);
  expect(head.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  expect(head.headers.get("cache-control")).toBe("no-store");
  expect(await head.text()).toBe("");
  const posted = await fetch(`${url}/metrics`, { method: "POST" });
  expect(posted.status).toBe(405);
  expect(posted.headers.get("allow")).toBe("GET, HEAD");
  const { paths } = (await (await fetch(`${url}/swagger/json`)).json()) as { paths: Record<string, object> };
  expect(paths["/metrics"]).toMatchObject({ get: { tags: ["Operator"], security: [{ adminKey: [] }] } });
});
