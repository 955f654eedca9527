// One line for each request, at the level that its end deserves, that nobody outside can forge; and at debug a line at every decision.

import { afterAll, describe, expect, test } from "bun:test";
import {
  createRefusalLog,
  createAccessLog,
  type FinishedRequest,
  shownName,
} from "../../src/app/access-log.ts";
import { consequences, Failure, type FailureKind } from "../../src/canon/failure.ts";
import type { AttemptRecord } from "../../src/canon/record.ts";
import { unknownUsage } from "../../src/canon/usage.ts";
import { createLog, type LogLevel } from "../../src/system/log.ts";
import { startTestGateway } from "../support/gateway.ts";
import { until } from "../pipeline/test-pipeline.ts";
import { startUpstream } from "../support/upstream.ts";

const attempt: AttemptRecord = {
  provider: "a",
  model: "m",
  credential: null,
  outcome: "ok",
  lane: "relay",
  status: 200,
  failure: null,
  message: null,
  startedAtMs: 0,
  waitMs: 0,
  headersMs: 1,
  firstTokenMs: 2,
  durationMs: 3,
  maybeBilled: false,
  adapted: [],
};

const finished: FinishedRequest = {
  id: "01REQUEST",
  startedAtMs: 0,
  tenant: "alice",
  keyId: null,
  session: null,
  door: "chat",
  client: "curl/8.5",
  tags: [],
  requestedModel: "auto",
  stream: false,
  layer: "heuristic",
  rule: "tool-use",
  confidence: 1,
  reason: null,
  facts: null,
  candidates: [],
  attempts: [attempt],
  provider: "a",
  model: "m",
  upstreamModel: "m",
  queueWaitMs: 0,
  overheadMs: 1,
  firstTokenMs: 2,
  durationMs: 812,
  usage: { ...unknownUsage, input: 1204, output: 88 },
  costNanoUsd: 1_240_000,
  status: 200,
  finish: "stop",
  failure: null,
  error: null,
};

const failed = (failure: FailureKind, more: Partial<FinishedRequest> = {}): FinishedRequest => ({
  ...finished,
  provider: null,
  model: null,
  failure,
  status: consequences[failure].status,
  error: "what went wrong",
  attempts: [],
  costNanoUsd: null,
  usage: unknownUsage,
  ...more,
});

function logged(
  level: LogLevel,
  style: { isTerminal: boolean; isPretty: boolean },
  records: readonly FinishedRequest[],
) {
  const lines: string[] = [];
  const log = createLog({
    level,
    pretty: style.isPretty,
    write: (line) => void lines.push(line),
    clock: { nowMs: () => 0 },
    redact: (text) => text,
  });
  const told = createAccessLog(log, style);
  for (const record of records) {
    const at = told.levelOf(record);
    if (at !== null) told.write(record, at);
  }
  return lines;
}

const terminal = { isTerminal: true, isPretty: true };
const service = { isTerminal: false, isPretty: false };

describe("the money of a request", () => {
  const missed: FinishedRequest = {
    ...finished,
    cacheMiss: { cause: "tools", index: 3, change: "changed", missedTokens: 8_000, nanoUsd: 72_000_000 },
    baselineNanoUsd: 9_000_000,
    uncachedNanoUsd: null,
  };
  const flat: FinishedRequest = { ...finished, costNanoUsd: 0, listNanoUsd: 120_000_000 };

  test("says what a missed cache cost, and what a flat rate's answer is worth", () => {
    const [ofMiss, ofFlat] = logged("info", terminal, [missed, flat]);
    expect(ofMiss).toContain("$0.001240, missed 8000 cached tokens for $0.0720: tools[3] changed, heuristic");
    expect(ofFlat).toContain("88 out, $0 (list $0.1200), heuristic");
    const expired = { cause: "expired", index: null, change: null, missedTokens: 40, nanoUsd: null } as const;
    const [unpriced] = logged("info", terminal, [{ ...finished, costNanoUsd: null, cacheMiss: expired }]);
    expect(unpriced).toContain("88 out, missed 40 cached tokens: expired, heuristic");
  });

  test("has fields of its own for machines, only where it is known", () => {
    const fields = (record: FinishedRequest): Record<string, unknown> =>
      JSON.parse(logged("debug", service, [record])[0] ?? "{}") as Record<string, unknown>;
    expect(fields(missed)).toMatchObject({
      cost_usd: 0.00124,
      baseline_usd: 0.009,
      uncached_usd: null,
      cache_miss: { cause: "tools", index: 3, change: "changed", missed_tokens: 8_000, usd: 0.072 },
    });
    expect(fields(flat)).toMatchObject({ cost_usd: 0, list_usd: 0.12 });
    const plain = Object.keys(fields(finished));
    for (const key of ["list_usd", "baseline_usd", "uncached_usd", "cache_miss"])
      expect(plain).not.toContain(key);
  });
});

describe("a request that went well", () => {
  test("is one line at info on a terminal", () => {
    expect(logged("info", terminal, [finished])).toEqual([
      "00:00:00.000 INFO  alice (curl/8.5) auto -> a/m 200, 812 ms, 1204 in + 88 out, $0.001240, heuristic tool-use request=01REQUEST\n",
    ]);
  });

  test("is nothing at info elsewhere, and a line with fields at debug", () => {
    expect(logged("info", service, [finished])).toEqual([]);
    const [line = "{}"] = logged("debug", service, [finished]);
    expect(JSON.parse(line)).toMatchObject({
      level: "debug",
      message: "alice (curl/8.5) auto -> a/m 200, 812 ms, 1204 in + 88 out, $0.001240, heuristic tool-use",
      request: "01REQUEST",
      tenant: "alice",
      requested_model: "auto",
      provider: "a",
      model: "m",
      status: 200,
      duration_ms: 812,
      input_tokens: 1204,
      output_tokens: 88,
      cost_usd: 0.00124,
      rule: "tool-use",
    });
  });

  test("makes nothing that nobody sees", () => {
    const log = createLog({
      level: "info",
      pretty: false,
      write: () => undefined,
      clock: { nowMs: () => 0 },
      redact: (text) => text,
    });
    const silent = new Proxy(finished, {
      get(record, name: keyof FinishedRequest) {
        if (name !== "failure" && name !== "attempts") throw new Error(`${name} was read for nothing`);
        return record[name];
      },
    });
    expect(createAccessLog(log, service).levelOf(silent)).toBeNull();
  });

  test("costs and names at their edges", () => {
    const [line = ""] = logged("info", terminal, [
      { ...finished, tenant: null, client: null, costNanoUsd: 1, requestedModel: "" },
    ]);
    expect(line).toContain("INFO  - - -> a/m 200, 812 ms, 1204 in + 88 out, <$0.000001,");
  });
});

describe("what failed is told everywhere, at its level", () => {
  test.each(Object.keys(consequences) as FailureKind[])("%s", (kind) => {
    for (const style of [terminal, service]) {
      const [line = ""] = logged("info", style, [failed(kind)]);
      const level =
        kind === "internal"
          ? "error"
          : kind === "at-capacity" || consequences[kind].penalizes !== "nobody"
            ? "warn"
            : "info";
      expect(line.toLowerCase()).toContain(level);
      expect(line).toContain(`${consequences[kind].status}, 812 ms, heuristic tool-use; ${kind}: `);
    }
  });

  test("a bug is one line, with what was thrown", () => {
    const lines = logged("info", service, [
      failed("internal", { cause: new TypeError("x is not a function") }),
    ]);
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({
      level: "error",
      request: "01REQUEST",
      error: { name: "TypeError", message: "x is not a function" },
    });
  });

  const down: AttemptRecord = {
    ...attempt,
    provider: "b",
    outcome: "failed",
    status: null,
    failure: "unreachable",
    message: "127.0.0.1:9: refused",
  };
  test("another one answered: who did not, and why", () => {
    const [line = ""] = logged("info", service, [
      { ...finished, attempts: [down, attempt], rule: "r->fallback" },
    ]);
    expect(line).toContain('"warn"');
    expect(line).toContain("heuristic r->fallback; after b/m unreachable: 127.0.0.1:9: refused");
  });

  test("a connection that had been closed meanwhile is nobody's failure", () => {
    expect(
      logged("info", service, [{ ...finished, attempts: [{ ...down, provider: "a" }, attempt] }]),
    ).toEqual([]);
  });

  test.each(["invalid-request", "refused", "context-exceeded", "upstream-error"] as const)(
    "what a vendor says of a body is left out: %s",
    (kind) => {
      const message = "cannot read: the prompt";
      const attempts = [{ ...attempt, outcome: "failed" as const, failure: kind, status: 400, message }];
      const [line = ""] = logged("debug", service, [failed(kind, { attempts, error: message })]);
      expect(line).toContain(`${kind} 400`);
      expect(line).not.toContain("the prompt");
    },
  );
});

describe("names that others choose", () => {
  const evil = [
    "x\n2026-01-01 ERROR forged",
    "x\r\nINFO y",
    "\u001b[31mred\u001b[0m",
    "\u009b31m",
    "a\u202eb",
    "a\u2028b",
    'x" -> openai/gpt 200, 1 ms',
    "x -> openai/gpt 200, 1 ms, $0",
    "m".repeat(5_000),
    "\ud800",
    "\u0000",
  ];
  test.each(evil)("%j forges nothing", (name) => {
    for (const style of [terminal, service])
      for (const record of [
        { ...finished, requestedModel: name },
        { ...finished, client: name },
        { ...finished, tenant: name, rule: name, provider: name, model: name },
        failed("unknown-model", { error: name, requestedModel: name }),
      ]) {
        const [line = "", ...rest] = logged("debug", style, [record]);
        expect(rest).toEqual([]);
        expect(line.trimEnd()).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
        const words = style.isPretty ? line : String((JSON.parse(line) as { message: string }).message);
        expect(words.length).toBeLessThan(1_000);
      }
    const shown = shownName(name, 80);
    expect(shown).toMatch(/^(?:"[^"]*"|[\w.:/@+*-]+)$/);
    expect(shown.length).toBeLessThanOrEqual(82);
  });
});

test("requests that are refused before routing are logged, so many a minute", () => {
  const lines: string[] = [];
  let nowMs = 0;
  const log = createLog({
    level: "info",
    pretty: false,
    write: (line) => void lines.push(line),
    clock: { nowMs: () => 0 },
    redact: (text) => text,
  });
  const refused = createRefusalLog(log, service, () => nowMs);
  const knock = (status: number): void =>
    refused(
      () => ({ requestId: "01X", method: "POST", path: "/v1/a\u001bb", peer: "10.0.0.9" }),
      new Failure("unauthorized", "The key was not accepted."),
      status,
    );
  knock(401);
  expect(lines.join("")).toContain('refused: POST \\"/v1/a b\\" from 10.0.0.9 401; unauthorized: The key');
  for (let count = 0; count < 10_000; count++) knock(401);
  expect(lines).toHaveLength(30);
  nowMs = 60_000;
  knock(403);
  expect(lines).toHaveLength(32);
  expect(lines[30]).toContain("9971 more requests were refused before routing");
  // Where nobody looks on, browsers and scanners are no news.
  knock(404);
  expect(lines).toHaveLength(32);
});

test.each([
  ["/v1/nothing/cGcy2zwdWbVFG8jh4UwuFVrY/x", "/v1/nothing/***/x"],
  ["/bot123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5/sendMessage", "/bot123456789:***/sendMessage"],
  ["/v1/models/claude-sonnet-4-5-20250929", "/v1/models/claude-sonnet-4-5-20250929"],
  [
    "/v1/characteristicallylongword/12345678901234567890",
    "/v1/characteristicallylongword/12345678901234567890",
  ],
])("a path that nothing answers shows no key: %s", (path, shown) => {
  const lines: string[] = [];
  const log = createLog({
    level: "debug",
    pretty: false,
    write: (line) => void lines.push(line),
    clock: { nowMs: () => 0 },
    redact: (text) => text,
  });
  createRefusalLog(log, service, () => 0)(
    () => ({ requestId: "01X", method: "GET", path, peer: null }),
    new Failure("not-found", "There is nothing at this path."),
    404,
  );
  expect(lines.join("")).toContain(`refused: GET ${shown} 404`);
});

describe("in the app", () => {
  const vendor = startUpstream();
  afterAll(() => vendor.stop());
  const key = "key-of-the-app-12345";

  test("one line for each, a line at every decision, and nobody's words or keys", async () => {
    const gateway = await startTestGateway({
      config: {
        auth: { keys: [key] },
        health: { check_interval_seconds: 0 },
        queue: { wait_s: 1 },
        providers: {
          dead: { base_url: "http://127.0.0.1:1", model: "gone", api_key: "vendor-key-0123456789" },
          good: { base_url: vendor.url, model: "fake", api_key: "vendor-key-0123456789", max_concurrent: 1 },
        },
        fallback_chain: ["dead", "good"],
        tenants: [{ name: "bob", api_key: "bobs-own-key-0123", models: ["good"] }],
      },
    });
    try {
      const ask = (model: string, as = key): Promise<Response> =>
        fetch(`${gateway.url}/v1/chat/completions`, {
          method: "POST",
          headers: { authorization: `Bearer ${as}`, "content-type": "application/json" },
          body: JSON.stringify({ model, messages: [{ role: "user", content: "CANARY of a prompt" }] }),
        });
      const linesOf = (answer: Response): { level: string; message: string }[] => {
        const id = answer.headers.get("x-request-id") ?? "";
        return gateway.log
          .filter((line) => line.includes(id))
          .map((line) => JSON.parse(line) as { level: string; message: string });
      };
      const ends = (answer: Response) =>
        linesOf(answer).filter(({ message }) => / -> \S+ \d{3}, /.test(message));
      const of = async (answer: Promise<Response>) => {
        const got = await answer;
        await got.arrayBuffer();
        if (got.status === 401) return got;
        await gateway.recordOf(got);
        // The first line waits for the table of prices, which is loaded behind the record.
        await until("its line is written", () => ends(got).length > 0);
        return got;
      };

      const diverted = await of(ask("auto"));
      expect(diverted.status).toBe(200);
      expect(ends(diverted)).toEqual([
        expect.objectContaining({
          level: "warn",
          message: expect.stringContaining("auto -> good/fake 200, "),
        }),
      ]);
      expect(ends(diverted)[0]?.message).toContain("after dead/gone unreachable: 127.0.0.1:1: ");
      expect(linesOf(diverted).map(({ message }) => message)).toEqual([
        "routed",
        "target is asked",
        "attempt ended",
        "after a failure",
        "target is asked",
        "target answers",
        "target is done",
        expect.stringContaining(" -> good/fake 200, "),
      ]);

      const good = await of(ask("good"));
      expect(ends(good)).toEqual([expect.objectContaining({ level: "debug" })]);

      const unknown = await of(ask("nobody-knows"));
      expect(ends(unknown)).toEqual([expect.objectContaining({ level: "info" })]);
      expect(linesOf(unknown)[0]?.message).toBe("refused before any target was asked");

      const foreign = await of(ask("dead", "bobs-own-key-0123"));
      expect(foreign.status).toBe(404);
      expect(linesOf(foreign)[0]).toMatchObject({ tenant: "bob", kind: "unknown-model" });
      expect(ends(foreign)[0]?.message).toContain("bob ");

      const strange = await of(ask("good", "wrong-key-0123456789"));
      expect(linesOf(strange)).toEqual([
        expect.objectContaining({ level: "info", message: expect.stringContaining(" 401; unauthorized: ") }),
      ]);

      const turn = gateway.app.current().pipeline.providers.get("good")?.queue.tryTake(null);
      const waited = await of(ask("good"));
      turn?.release();
      expect(linesOf(waited)).toContainEqual(
        expect.objectContaining({ message: "waited", for: "a slot at good", end: "over" }),
      );
      expect(linesOf(waited)).toContainEqual(
        expect.objectContaining({ message: "target passed over", why: "no slot became free in time" }),
      );

      const all = gateway.log.join("");
      expect(all).not.toContain("CANARY");
      for (const secret of [key, "bobs-own-key", "vendor-key", "wrong-key"])
        expect(all).not.toContain(secret);
    } finally {
      await gateway.stop();
    }
  });

  test("where nothing is recorded it is told all the same, with its price", async () => {
    const gateway = await startTestGateway({
      config: {
        metrics: { enabled: false },
        providers: { good: { base_url: vendor.url, model: "fake", pricing: { input: 1000, output: 1000 } } },
      },
    });
    try {
      const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ model: "good", messages: [{ role: "user", content: "hi" }] }),
      });
      await answer.arrayBuffer();
      await gateway.recordOf(answer);
      expect(gateway.log.join("")).toMatch(/ good -> good\/fake 200, \d+ ms, \d+ in \+ \d+ out, \$\d/);
    } finally {
      await gateway.stop();
    }
  });
});
