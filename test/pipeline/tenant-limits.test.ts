// Limits of tenants through the whole gateway, at both endpoints: how much they may use, what their answers say of it, and what is
// put on their account when a client leaves or the gateway starts again.

import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fakeClock } from "../support/clock.ts";
import { goodAnswer } from "./test-pipeline.ts";
import {
  ask,
  endpointFormats,
  type Json,
  keys,
  type Opening,
  spentOf,
  openTenantGateways,
} from "./tenant-gateways.ts";

const { vendor, cleanups, configOf, open } = openTenantGateways();

describe.each(endpointFormats)("limits at the %s endpoint", (door) => {
  test("a good answer says where the tenant stands; somebody else's says nothing", async () => {
    const gateway = await open({
      tenant: { limits: { requests_per_minute: 3, tokens_per_minute: 10_000 } },
      clock: fakeClock(),
    });
    const { status, headers } = await ask(gateway, { door });
    expect(status).toBe(200);
    if (door === "openai") {
      expect(headers.get("x-ratelimit-limit-requests")).toBe("3");
      expect(headers.get("x-ratelimit-remaining-requests")).toBe("2");
      expect(headers.get("x-ratelimit-reset-requests")).toBe("1m1s");
      expect(headers.get("x-ratelimit-limit-tokens")).toBe("10000");
      expect(Number(headers.get("x-ratelimit-remaining-tokens"))).toBeLessThan(10_000);
    } else {
      expect(headers.get("anthropic-ratelimit-requests-limit")).toBe("3");
      expect(headers.get("anthropic-ratelimit-requests-remaining")).toBe("2");
      expect(headers.get("anthropic-ratelimit-requests-reset")).toBe("2026-01-01T00:01:01Z");
      expect(Number(headers.get("anthropic-ratelimit-tokens-remaining"))).toBeLessThan(10_000);
    }
    const other = await ask(gateway, { door, key: keys.bob });
    expect(other.status).toBe(200);
    expect([...other.headers.keys()].filter((name) => name.includes("ratelimit"))).toEqual([]);
  });

  test("of 200 at once exactly as many reach the vendor as may; the rest is 429 in the format's own words", async () => {
    const gateway = await open({ tenant: { limits: { requests_per_minute: 20 } } });
    const answers = await Promise.all(Array.from({ length: 200 }, () => ask(gateway, { door })));
    const refused = answers.filter(({ status }) => status === 429);
    expect(answers.length - refused.length).toBe(20);
    expect(vendor.count()).toBe(20);
    const [one] = refused;
    if (one === undefined) throw new Error("nobody was refused");
    expect(Number(one.headers.get("retry-after"))).toBeGreaterThan(50);
    const { error } = (await one.json()) as { error: Json };
    expect(error["message"]).toContain("20 requests a minute");
    expect(door === "openai" ? error["code"] : error["type"]).toBe(
      door === "openai" ? "rate_limit_exceeded" : "rate_limit_error",
    );
    await gateway.assertClean(vendor.requests);
    expect(gateway.app.services.meters.of("alice").running()).toBe(0);
  });

  test("requests at once: a place is free again when its answer has ended", async () => {
    const gateway = await open({ tenant: { limits: { max_concurrent: 1 } } });
    vendor.script((request) => ({ ...goodAnswer(request), ending: "hang", cutAfterBytes: 30 }));
    const leaver = new AbortController();
    const first = ask(gateway, { door, stream: true, signal: leaver.signal }).catch(() => null);
    await vendor.waitFor((request) => request.bytesSent > 0 || request.status !== null);
    const second = await ask(gateway, { door });
    expect(second.status).toBe(429);
    expect(second.headers.get("retry-after")).toBe("1");
    leaver.abort();
    await first;
    await gateway.waitForRecord((record) => record.failure === "cancelled");
    vendor.script(goodAnswer);
    expect((await ask(gateway, { door })).status).toBe(200);
  });

  test("a spent budget refuses until the day ends; counting tokens stays free", async () => {
    const gateway = await open({
      // 12 tokens of a thousand dollars a million are 12,000,000 nano-USD.
      tenant: { limits: { budget: { usd_per_day: 0.2 } } },
      clock: fakeClock(Date.UTC(2026, 0, 1, 23, 59)),
    });
    expect((await ask(gateway, { door })).status).toBe(200);
    expect(spentOf(gateway)).toEqual({ tokens: 12, nanoUsd: 12_000_000 });
    for (let i = 0; i < 20; i++) await ask(gateway, { door });
    const last = await ask(gateway, { door });
    expect(last.status).toBe(429);
    expect(last.headers.get("retry-after")).toBe("60");
    const { error } = (await last.json()) as { error: Json };
    expect(error["message"]).toContain("budget of this day");
    // At most one answer goes beyond it.
    expect(spentOf(gateway).nanoUsd).toBeLessThan(200_000_000 + 12_000_000);
    expect((await ask(gateway, { door, key: keys.bob })).status).toBe(200);
    const counted = await fetch(`${gateway.url}/v1/messages/count_tokens`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-api-key": keys.alice },
      body: JSON.stringify({ model: "dear", messages: [{ role: "user", content: "hi" }] }),
    });
    expect(counted.status).toBe(200);
  });

  test("with a cheaper model a spent budget is no end: header, rule and reason say so", async () => {
    const gateway = await open({
      tenant: { limits: { budget: { tokens_per_day: 10 }, over_budget_model: "cheap" } },
    });
    expect((await ask(gateway, { door })).headers.get("x-clawgate-over-budget")).toBeNull();
    const answer = await ask(gateway, { door });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("x-clawgate-provider")).toBe("cheap");
    expect(answer.headers.get("x-clawgate-over-budget")).toBe("cheap");
    const record = await gateway.recordOf(answer);
    expect(record).toMatchObject({ rule: "over-budget", provider: "cheap", requestedModel: "dear" });
    expect(record.reason).toContain("budget of this day is spent, so cheap answers");
  });

  test("a stream that the client left is billed: what is known of it, else the estimate", async () => {
    const gateway = await open({ tenant: { limits: { budget: { usd_per_day: 1_000 } } } });
    vendor.script((request) => ({
      ...goodAnswer(request),
      chunks: (goodAnswer(request).chunks ?? []).slice(0, -3),
      cutAfterBytes: 1_000_000,
      ending: "hang",
    }));
    const leaver = new AbortController();
    const answer = await ask(gateway, { door, stream: true, signal: leaver.signal });
    const reader = answer.body?.getReader();
    await reader?.read();
    leaver.abort();
    await reader?.cancel().catch(() => undefined);
    await gateway.waitForRecord((record) => record.failure === "cancelled");
    const { tokens, nanoUsd } = spentOf(gateway);
    // max_tokens is 100, and nobody can say how much of it was written.
    expect(tokens).toBeGreaterThan(100);
    expect(nanoUsd).toBe(tokens * 1_000_000);
  });
});

describe("what is charged", () => {
  test("a refusal by the vendor costs nothing, and nothing stays promised", async () => {
    const gateway = await open({ tenant: { limits: { budget: { tokens_per_day: 1_000 } } } });
    vendor.script(() => ({ status: 400, body: { error: { message: "no", type: "invalid_request_error" } } }));
    for (let i = 0; i < 30; i++) expect((await ask(gateway)).status).toBe(400);
    expect(spentOf(gateway).tokens).toBe(0);
    vendor.script(goodAnswer);
    expect((await ask(gateway)).status).toBe(200);
    expect(spentOf(gateway).tokens).toBe(12);
  });

  test("a restart forgets nothing: neither by the state file nor by the records alone", async () => {
    const directory = mkdtempSync(join(tmpdir(), "clawgate-spent-"));
    cleanups.push(() => rmSync(directory, { recursive: true, force: true }));
    const clock = fakeClock(Date.UTC(2026, 4, 5, 6));
    const opening = (state: string, more: object = {}): Opening => ({
      tenant: { limits: { budget: { usd_per_month: 1 } } },
      more,
      clock,
      environment: {
        CLAWGATE_STATE_DIR: join(directory, state),
        CLAWGATE_DB_PATH: join(directory, "records.db"),
      },
    });
    const spend = async (from: Opening): Promise<{ tokens: number; nanoUsd: number }> => {
      const gateway = await open(from);
      expect((await ask(gateway)).status).toBe(200);
      const spent = spentOf(gateway);
      await gateway.stop();
      return spent;
    };
    expect(await spend(opening("one"))).toEqual({ tokens: 12, nanoUsd: 12_000_000 });
    expect(await spend(opening("one", { metrics: { enabled: false } }))).toEqual({
      tokens: 24,
      nanoUsd: 24_000_000,
    });
    // Another state directory: only the records know, and they were switched off once.
    expect(await spend(opening("two"))).toEqual({ tokens: 24, nanoUsd: 24_000_000 });
    expect((await spend(opening("one"))).tokens).toBe(36);
  });

  test("a reload that brings a budget counts what the day has cost already", async () => {
    const gateway = await open({});
    expect((await ask(gateway)).status).toBe(200);
    gateway.write(configOf({ tenant: { limits: { budget: { tokens_per_day: 12 } } } }));
    expect((await gateway.app.reload("test")).ok).toBe(true);
    for (let i = 0; i < 1_000 && spentOf(gateway).tokens === 0; i++)
      await new Promise<void>((resolve) => setImmediate(resolve));
    expect(spentOf(gateway).tokens).toBe(12);
    expect((await ask(gateway)).status).toBe(429);
    gateway.write(configOf({}));
    await gateway.app.reload("test");
    expect((await ask(gateway)).status).toBe(200);
  });
});
