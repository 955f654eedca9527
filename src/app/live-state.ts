// The current state that `GET /metrics` reports, read from the services and the active config on each request.

import type { LiveState, TenantBudget } from "../metrics/exposition/series-row.ts";
import { descriptorsInUse } from "../system/descriptors.ts";
import { commit, version } from "../system/identity.ts";
import type { TelemetryStatus } from "../telemetry/telemetry.ts";
import type { TenantSettings } from "../tenants/settings.ts";
import type { Amount } from "../tenants/spending.ts";
import type { AppServices } from "./app-services.ts";
import type { ConfigSnapshot } from "./config-snapshot.ts";

export type LiveStateServices = Pick<
  AppServices,
  | "startedAtSeconds"
  | "live"
  | "health"
  | "claudePrograms"
  | "descriptors"
  | "store"
  | "refusals"
  | "stickiness"
  | "meters"
  | "telemetry"
>;

export async function liveState(
  services: LiveStateServices,
  { pipeline, loaded }: ConfigSnapshot,
): Promise<LiveState> {
  const { user, system } = process.cpuUsage();
  return {
    version,
    commit,
    runtime: Bun.version,
    startedAtSeconds: services.startedAtSeconds,
    running: services.live.count(),
    providers: [...pipeline.providers].map(([id, { queue }]) => {
      const { healthy: isHealthy, circuit } = services.health.view(id);
      return { id, isHealthy, circuit, ...queue.counts() };
    }),
    processes: [...services.claudePrograms.counts()].map(([provider, counts]) => ({ provider, counts })),
    openFiles: descriptorsInUse(),
    maxFiles: services.descriptors.limit,
    memoryBytes: process.memoryUsage.rss(),
    cpuSeconds: (user + system) / 1e6,
    refusals: services.refusals(),
    sessions: services.stickiness.count(),
    budgets: await tenantBudgets(loaded.config.tenants, services.meters),
    exports: exportStates(services.telemetry.status()),
    records: services.store.status(),
  };
}

/** A config may have very many tenants, a scrape must stay small. */
const mostTenants = 500;

async function tenantBudgets(
  tenants: readonly Pick<TenantSettings, "name" | "limits">[],
  meters: Pick<AppServices["meters"], "of">,
): Promise<readonly TenantBudget[]> {
  const withBudget = tenants.filter(({ limits }) => limits?.budget !== undefined).slice(0, mostTenants);
  const read = withBudget.map(async ({ name, limits }) => {
    const { spent } = await meters.of(name).usage();
    return budgetsOf(name, limits?.budget ?? {}, spent);
  });
  // Limits that are kept elsewhere may be out of reach; the other series must not be.
  const settled = await Promise.allSettled(read);
  return settled.flatMap((each) => (each.status === "fulfilled" ? each.value : []));
}

type Budget = NonNullable<NonNullable<TenantSettings["limits"]>["budget"]>;

function budgetsOf(
  tenant: string,
  budget: Budget,
  { day, month }: { readonly day: Amount; readonly month: Amount },
): readonly TenantBudget[] {
  const of = (
    period: TenantBudget["period"],
    unit: TenantBudget["unit"],
    limit: number | undefined,
    spent: number,
  ): readonly TenantBudget[] => (limit === undefined ? [] : [{ tenant, period, unit, limit, spent }]);
  return [
    ...of("day", "usd", budget.usd_per_day, day.nanoUsd / nanoPerUsd),
    ...of("month", "usd", budget.usd_per_month, month.nanoUsd / nanoPerUsd),
    ...of("day", "tokens", budget.tokens_per_day, day.tokens),
    ...of("month", "tokens", budget.tokens_per_month, month.tokens),
  ];
}

const nanoPerUsd = 1e9;

function exportStates(status: TelemetryStatus | null): LiveState["exports"] {
  const { traces = null, metrics = null } = status ?? {};
  return [
    ...(traces === null ? [] : [{ signal: "traces", sent: traces.sent, lost: traces.lost }]),
    ...(metrics === null ? [] : [{ signal: "metrics", sent: metrics.sent, lost: metrics.lost }]),
  ];
}
