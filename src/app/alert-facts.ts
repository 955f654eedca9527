// What the checks of alerts look at, read from the services and the active config whenever they are judged.

import { unknownUsage } from "../canon/usage.ts";
import type { AlertFacts, BudgetFacts, KeyFacts, ProblemFacts, ProviderFacts } from "../alerts/facts.ts";
import type { TrafficCounts, UnpricedModel } from "../alerts/traffic-counts.ts";
import type { HealthTracker } from "../backends/health/health-tracker.ts";
import {
  type HealthFacts,
  healthProblems,
  type HealthReportServices,
} from "../operator/reports/health-report.ts";
import type { Meter } from "../tenants/limits.ts";
import { nextDayOf, nextMonthOf } from "../tenants/spending.ts";
import type { AppServices } from "./app-services.ts";
import type { ConfigSnapshot } from "./config-snapshot.ts";

export type AlertFactsServices = HealthReportServices &
  Pick<AppServices, "meters" | "prices"> & { readonly alertTraffic: TrafficCounts };

export async function alertFacts(
  services: AlertFactsServices,
  current: ConfigSnapshot,
  health: Omit<HealthFacts, "mayRead">,
): Promise<AlertFacts> {
  const { alertTraffic: traffic } = services;
  const { config } = current.loaded;
  const nowMs = services.clock.nowMs();
  return {
    nowMs,
    providers: [...current.pipeline.providers.keys()].map((id) =>
      providerFacts(id, services.health.view(id), config.providers[id]?.backend === "claude-cli"),
    ),
    chain: config.fallback_chain,
    budgets: await budgetsOf(
      config.tenants.flatMap(({ name }) => services.meters.find(name) ?? []),
      nowMs,
    ),
    problems: healthProblems(services, current, health).map((problem) => ({
      ...kindOfProblem(problem.id),
      message: services.redact(
        problem.id === "config" ? configText(problem.message, health.disk) : problem.message,
      ),
    })),
    failures: (provider) => traffic.failures(provider, config.alerts.rules.window_s * 1000),
    spentIn: (hourStartMs) => traffic.spentIn(hourStartMs),
    firstSpentHourMs: traffic.firstHourMs(),
    unpriced: await stillUnpriced(traffic.unpricedModels(), current, services),
  };
}

type View = ReturnType<HealthTracker["view"]>;

function providerFacts(id: string, view: View, isProgram: boolean): ProviderFacts {
  return {
    id,
    isProgram,
    circuit: view.circuit,
    lastError: view.lastError,
    retryAtMs: view.retryAtMs,
    lastResult: view.lastCheckMs === null ? "none" : view.consecutiveFailures > 0 ? "failed" : "ok",
    keys: view.credentials.map(keyFacts),
  };
}

function keyFacts(view: View["credentials"][number]): KeyFacts {
  const { id, state, retryAtMs, unproven, allowances, coolingModels, limitEndsAtMs } = view;
  const ends = allowances.flatMap(({ remaining, status, resetsAtMs }) =>
    resetsAtMs !== null && (remaining === 0 || status === "rejected") ? [resetsAtMs] : [],
  );
  const isLimited = state === "exhausted" || state === "rate-limited";
  // A quota is looked at again before its stated end.
  const untilMs = isLimited ? latest([limitEndsAtMs ?? retryAtMs, ...ends]) : retryAtMs;
  // Held as a whole it rests for every model.
  const models = limitEndsAtMs === null ? Object.keys(coolingModels) : [];
  return { id, state, untilMs, models, unproven: unproven === "ok" ? null : unproven };
}

function latest(times: readonly (number | null)[]): number | null {
  const known = times.filter((each) => each !== null);
  return known.length === 0 ? null : Math.max(...known);
}

async function budgetsOf(meters: readonly Meter[], nowMs: number): Promise<readonly BudgetFacts[]> {
  const found: BudgetFacts[] = [];
  for (const meter of meters) {
    const { budget } = meter.limits();
    if (budget === null) continue;
    const { spent } = await meter.usage();
    const day = { tenant: meter.name, period: "day", startMs: spent.dayMs, endMs: nextDayOf(nowMs) } as const;
    const month = {
      tenant: meter.name,
      period: "month",
      startMs: spent.monthMs,
      endMs: nextMonthOf(nowMs),
    } as const;
    const add = (
      period: typeof day | typeof month,
      unit: "usd" | "tokens",
      used: number,
      limit: number | null,
    ) => {
      if (limit !== null) found.push({ ...period, unit, spent: used, limit });
    };
    add(day, "usd", spent.day.nanoUsd / 1e9, budget.usdPerDay);
    add(day, "tokens", spent.day.tokens, budget.tokensPerDay);
    add(month, "usd", spent.month.nanoUsd / 1e9, budget.usdPerMonth);
    add(month, "tokens", spent.month.tokens, budget.tokensPerMonth);
  }
  return found;
}

/** With the first mistake: whoever is told of it is not at the gateway. */
function configText(message: string, { problems }: HealthFacts["disk"]): string {
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : "";
  return [`${message}; the one before it stays active`, ...problems.slice(0, 1)].join(": ") + more;
}

function kindOfProblem(id: string): Pick<ProblemFacts, "kind" | "subject"> {
  if (id === "config") return { kind: "config", subject: "config" };
  if (id === "certificates") return { kind: "certificates", subject: "certificates" };
  return { kind: "store", subject: id };
}

const someUsage = { ...unknownUsage, input: 1_000, inputUncached: 1_000, output: 1_000 };

/** A price that was set since, and a provider that the config no longer names, end it. */
async function stillUnpriced(
  seen: readonly UnpricedModel[],
  { pipeline }: ConfigSnapshot,
  { prices, clock }: Pick<AlertFactsServices, "prices" | "clock">,
): Promise<readonly UnpricedModel[]> {
  if (seen.length === 0) return seen;
  await prices.load();
  return seen.filter(({ provider, model, answered }) => {
    const price = pipeline.providers.get(provider)?.price;
    return price !== undefined && price.costOf(answered, model, someUsage, clock.nowMs()) === null;
  });
}
