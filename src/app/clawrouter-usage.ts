// What a tenant has spent of its budget, as OpenClaw's plugin `clawrouter` reads it: one window in micro-USD, the one that will stop
// the tenant first. It must never call a tenant unmetered that has any budget.

import { Failure } from "../canon/failure.ts";
import type { TenantSettings } from "../tenants/settings.ts";
import type { Amount, Spent } from "../tenants/spending.ts";
import type { AppServices } from "./app-services.ts";

export type UsageServices = Pick<AppServices, "reports" | "meters" | "clock">;
type Limits = NonNullable<NonNullable<TenantSettings["limits"]>["budget"]>;

const microsOfUsd = (usd: number): number => Math.round(usd * 1e6);

export async function clawrouterUsage(
  services: UsageServices,
  tenant: string | null,
  limits: Partial<Limits>,
) {
  const isLimited = Object.values(limits).some((limit) => limit !== undefined);
  const budget =
    tenant === null || !isLimited
      ? { configured: false }
      : { configured: true, ...budgetOf(limits, (await services.meters.of(tenant).usage()).spent) };
  return { budget, usage: await monthOf(services, tenant) };
}

/** The plugin takes a reset from a key that ends in a month, and claims none for any other. */
type Window = { readonly limit: number; readonly spent: number; readonly key: string };

function windowsOf(
  spent: Spent,
  limits: { readonly day: number | undefined; readonly month: number | undefined },
  count: (amount: Amount) => number,
): readonly Window[] {
  const { day, month } = limits;
  const dateOf = (ms: number, letters: number): string => new Date(ms).toISOString().slice(0, letters);
  return [
    ...(month === undefined
      ? []
      : [{ limit: month, spent: count(spent.month), key: `clawgate/${dateOf(spent.monthMs, 7)}` }]),
    ...(day === undefined
      ? []
      : [{ limit: day, spent: count(spent.day), key: `clawgate/${dateOf(spent.dayMs, 10)}` }]),
  ];
}

/** The one with the least left: it is spent first. */
function tightest(windows: readonly Window[]): Window | null {
  let found: Window | null = null;
  for (const each of windows)
    if (found === null || each.limit - each.spent < found.limit - found.spent) found = each;
  return found;
}

function budgetOf(limits: Partial<Limits>, spent: Spent) {
  const usd = tightest(
    windowsOf(
      spent,
      { day: limits.usd_per_day, month: limits.usd_per_month },
      ({ nanoUsd }) => nanoUsd / 1e9,
    ),
  );
  const tokens = tightest(
    windowsOf(spent, { day: limits.tokens_per_day, month: limits.tokens_per_month }, (each) => each.tokens),
  );
  return {
    ...(usd === null ? sessionCap(limits.usd_per_session) : inMicros(usd)),
    // The plugin has no place for it; without it a budget of tokens alone would be nameless.
    ...(tokens === null
      ? {}
      : { tokens: { limit: tokens.limit, spent: tokens.spent, windowKey: tokens.key } }),
  };
}

const inMicros = ({ limit, spent, key }: Window) => ({
  limitMicros: microsOfUsd(limit),
  spentMicros: microsOfUsd(spent),
  windowKey: key,
});

/** What is spent of it differs by session, and a key has many. */
const sessionCap = (limit: number | undefined) =>
  limit === undefined ? {} : { limitMicros: microsOfUsd(limit), windowKey: "clawgate/session" };

/** What the records count of this UTC month; empty: there are none. */
async function monthOf({ reports, clock }: UsageServices, tenant: string | null) {
  const nowMs = clock.nowMs();
  const month = new Date(nowMs).toISOString().slice(0, 7);
  const range = { fromMs: Date.parse(`${month}-01T00:00:00Z`), toMs: nowMs + 1, nowMs };
  try {
    const { totals } = await reports.series({
      ...range,
      // Without a tenant: the requests that have none.
      tenant: tenant ?? "",
      tz: "UTC",
      bucket: "total",
    });
    return {
      summary: {
        requestCount: totals.requests,
        totalTokens: totals.input_tokens + totals.output_tokens,
        actualCostMicros: microsOfUsd(totals.cost_usd),
      },
    };
  } catch (error) {
    // Records are switched off or cannot be read: the budget is known all the same.
    if (error instanceof Failure) return {};
    throw error;
  }
}
