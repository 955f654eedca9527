// Another home of the tenants' limits is one file: a class that implements LimitStore. Where its answers come later than at once,
// the whole gateway still promises no more than there is, and gives back what was promised.

import { afterEach, describe, expect, test } from "bun:test";
import { Failure } from "../../src/canon/failure.ts";
import {
  type LimitClaim,
  type LimitRefusal,
  type Limits,
  type LimitStatus,
  type LimitStore,
  type LimitUsage,
  noLimits,
} from "../../src/tenants/limit-store.ts";
import { createMeterRegistry } from "../../src/tenants/limits.ts";
import type { Amount, Budget, UsedUp } from "../../src/tenants/spending.ts";
import { eventually } from "../support/eventually.ts";
import type { TestGateway } from "../support/gateway.ts";
import { answerLater } from "../support/remote-limits.ts";
import { ask, get, keys, memoryLimits, openTenantGateways, spentOf } from "./tenant-gateways.ts";

type Account = { readonly key: string };

/** Stands for a server of Valkey: the keys of a tenant, a step at a time. */
class KeyValueLimitStore implements LimitStore<Account> {
  private readonly requests = new Map<string, number>();
  private readonly spent = new Map<string, number>();
  private readonly promised = new Map<string, number>();

  async countRequest(tenant: string, limit: number | null): Promise<number | null> {
    const count = this.requests.get(tenant) ?? 0;
    if (limit !== null && count >= limit) return 60_000;
    this.requests.set(tenant, count + 1);
    return null;
  }
  async requestWaitMs(tenant: string, limit: number | null): Promise<number | null> {
    return limit !== null && (this.requests.get(tenant) ?? 0) >= limit ? 60_000 : null;
  }
  accountAt(tenant: string, startedAtMs: number): Account {
    return { key: `${tenant}:${new Date(startedAtMs).toISOString().slice(0, 10)}` };
  }
  async judge(account: Account, limits: Limits, claim: LimitClaim): Promise<LimitRefusal | null> {
    return this.refusalOf(account, limits, claim);
  }
  private refusalOf({ key }: Account, { budget }: Limits, { want, own }: LimitClaim): LimitRefusal | null {
    const used = (this.spent.get(key) ?? 0) + (this.promised.get(key) ?? 0) - own.tokens;
    const limit = budget?.tokensPerDay ?? Number.POSITIVE_INFINITY;
    return used + want.tokens <= limit
      ? null
      : { why: "taken", what: "the budget of this day", resetInMs: 1 };
  }
  async reserve(account: Account, limits: Limits, claim: LimitClaim): Promise<LimitRefusal | null> {
    const refusal = this.refusalOf(account, limits, claim);
    if (refusal === null) this.promise(account, claim.want.tokens - claim.own.tokens);
    return refusal;
  }
  async settle(account: Account, reserved: Amount, real: Amount): Promise<void> {
    this.promise(account, -reserved.tokens);
    this.spent.set(account.key, (this.spent.get(account.key) ?? 0) + real.tokens);
  }
  async usedUp(_tenant: string, _budget: Budget): Promise<UsedUp | null> {
    return null;
  }
  async usage(tenant: string): Promise<LimitUsage> {
    const { key } = this.accountAt(tenant, 0);
    const day = { tokens: this.spent.get(key) ?? 0, nanoUsd: 0 };
    return {
      requests: this.requests.get(tenant) ?? 0,
      tokens: 0,
      reserved: { tokens: this.promised.get(key) ?? 0, nanoUsd: 0 },
      spent: { dayMs: 0, monthMs: 0, day, month: day },
    };
  }
  status(): LimitStatus {
    return { requests: null, tokens: null };
  }
  private promise({ key }: Account, tokens: number): void {
    this.promised.set(key, (this.promised.get(key) ?? 0) + tokens);
  }
}

describe("a meter over keys and values", () => {
  const budget = { usdPerDay: null, usdPerMonth: null, tokensPerMonth: null, tokensPerDay: 100 };
  function meterWith(limits: Partial<Limits>) {
    const meter = createMeterRegistry(new KeyValueLimitStore(), () => 0).of("alice");
    meter.adjust({ ...noLimits, ...limits });
    return meter;
  }

  test("promises, waits for what it has not heard yet, and charges", async () => {
    const meter = meterWith({ budget });
    const [one, two] = [await meter.enter(), await meter.enter()];
    const first = one.reserve({ tokens: 40, nanoUsd: 0 });
    // In place of the first, not beside it.
    const second = one.reserve({ tokens: 90, nanoUsd: 0 });
    expect([await first, await second]).toEqual([null, null]);
    expect(await two.reserve({ tokens: 20, nanoUsd: 0 })).toMatchObject({ why: "taken" });
    expect((await meter.usage()).reserved.tokens).toBe(90);
    void two.reserve({ tokens: 10, nanoUsd: 0 });
    two.charge({ tokens: 5, nanoUsd: 0 });
    one.charge({ tokens: 30, nanoUsd: 0 });
    await eventually(async () =>
      expect(await meter.usage()).toMatchObject({ reserved: { tokens: 0 }, spent: { day: { tokens: 35 } } }),
    );
  });

  test("a refused request has no place", async () => {
    const meter = meterWith({ requestsPerMinute: 1, maxConcurrent: 2 });
    const entries = await Promise.allSettled([meter.enter(), meter.enter()]);
    expect(entries.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    expect((entries[1] as PromiseRejectedResult).reason).toBeInstanceOf(Failure);
    expect(meter.running()).toBe(1);
  });
});

describe("a gateway whose limits are counted elsewhere", () => {
  const { vendor, open } = openTenantGateways();
  let gateway: TestGateway;
  const openElsewhere = async (limits: object, more: object = {}): Promise<void> => {
    gateway = await open({ tenant: { limits }, more });
    answerLater(memoryLimits(gateway));
  };
  const used = async () => {
    const { tenants } = await get(gateway, "/api/tenants");
    return (tenants as { used: Record<string, unknown> }[])[0]?.used;
  };
  afterEach(async () => {
    await gateway.assertClean();
    expect(gateway.app.services.meters.of("alice").running()).toBe(0);
  });

  test("lets exactly as many in as a minute has", async () => {
    await openElsewhere({ requests_per_minute: 5 });
    const answers = await Promise.all(Array.from({ length: 30 }, () => ask(gateway)));
    await Promise.all(answers.map((answer) => answer.text()));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(5);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(25);
    expect(vendor.count()).toBe(5);
  });

  test("charges what was used, and says so", async () => {
    await openElsewhere({ budget: { tokens_per_day: 100_000 } });
    for (let i = 0; i < 3; i++) await (await ask(gateway)).text();
    await eventually(async () => {
      expect(spentOf(gateway).tokens).toBeGreaterThan(0);
      expect(await used()).toMatchObject({
        running: 0,
        today: { tokens: spentOf(gateway).tokens },
        reserved: { tokens: 0 },
        is_over_budget: false,
      });
    });
  });

  test("a spent budget refuses, or the cheaper model answers", async () => {
    await openElsewhere({ budget: { tokens_per_day: 10 } });
    await (await ask(gateway)).text();
    await eventually(() => expect(spentOf(gateway).tokens).toBeGreaterThan(0));
    const refused = await ask(gateway);
    expect([refused.status, vendor.count()]).toEqual([429, 1]);
    await openElsewhere({ budget: { tokens_per_day: 10 }, over_budget_model: "cheap" });
    await (await ask(gateway)).text();
    await eventually(() => expect(spentOf(gateway).tokens).toBeGreaterThan(0));
    const cheaper = await ask(gateway);
    expect(cheaper.headers.get("x-clawgate-over-budget")).toBe("cheap");
    await cheaper.text();
  });

  test("a client that leaves before it is in gives its place back", async () => {
    await openElsewhere({ max_concurrent: 1, budget: { tokens_per_day: 1_000_000 } });
    for (let i = 0; i < 20; i++) {
      const leaver = new AbortController();
      const left = ask(gateway, { signal: leaver.signal, stream: true }).catch(() => null);
      await Bun.sleep(i % 4);
      leaver.abort();
      await (await left)?.text().catch(() => "");
    }
    await gateway.assertClean();
    await eventually(async () => expect(await used()).toMatchObject({ running: 0, reserved: { tokens: 0 } }));
    const answer = await ask(gateway, { key: keys.alice });
    expect(answer.status).toBe(200);
    await answer.text();
  });
});
