// The tenants of one config: their keys, and the limits that the pipeline applies to their requests. It must never keep usage:
// the meters do, which outlive the config.

import type { Config } from "../../config/schema.ts";
import type { PipelineSnapshot } from "../../pipeline/dependencies.ts";
import type { TenantPolicy } from "../../pipeline/tenants/tenant-policy.ts";
import type { Router } from "../../routing/router.ts";
import { createKeyDirectory, type KeyDirectory } from "../../tenants/key-directory.ts";
import { type Limits, noLimits } from "../../tenants/limit-store.ts";
import type { MeterRegistry } from "../../tenants/limits.ts";
import { nanoOfUsd } from "../../tenants/spending.ts";
import { keysOfTenant, type TenantSettings } from "../../tenants/settings.ts";
import type { AppServices } from "../app-services.ts";
import { createModelGrant } from "./model-grant.ts";

/** At most one line per key in this time: a client with an expired key keeps trying. */
const repeatMs = 60_000;

export function keyDirectory(
  config: Config,
  { clock, log }: Pick<AppServices, "clock" | "log">,
  stateToken: string | null,
): KeyDirectory {
  const reportedAt = new Map<string, number>();
  return createKeyDirectory({
    keys: config.auth.keys,
    clients: config.auth.clients,
    tenants: config.tenants.flatMap((tenant) =>
      keysOfTenant(tenant).map(({ key, expiresAtMs }) => ({ name: tenant.name, key, expiresAtMs })),
    ),
    adminKey: config.auth.admin_key ?? null,
    stateToken,
    nowMs: clock.nowMs,
    onExpired(tenant, keyId) {
      const now = clock.monotonicMs();
      if (now - (reportedAt.get(keyId) ?? Number.NEGATIVE_INFINITY) < repeatMs) return;
      reportedAt.set(keyId, now);
      log.warn(`a key of the tenant ${tenant} was refused: it has expired`, { tenant, key: keyId });
    },
  });
}

/** Only tenants that are restricted in some way: others are not checked. */
export function policiesOf(
  config: Config,
  { meters, claudePrograms }: Pick<AppServices, "meters" | "claudePrograms">,
  router: () => Router,
): ReadonlyMap<string, TenantPolicy> {
  return new Map(
    config.tenants.flatMap((tenant): [string, TenantPolicy][] => {
      const { name, models, provider, limits } = tenant;
      if (models === undefined && provider === undefined && limits === undefined) return [];
      const policy: TenantPolicy = {
        models:
          models === undefined
            ? null
            : createModelGrant(models, { config, router, reported: claudePrograms }),
        provider: provider ?? null,
        meter: limits === undefined ? null : meters.of(name),
        overBudgetModel: limits?.over_budget_model ?? null,
        keeps: keptFrom(tenant),
        countsMoney: countsMoney(limits),
        refusesUnpriced: refusesUnpriced(limits),
        unknownPrice: limits?.unknown_price ?? null,
        sessionNanoUsd: nanoUsd(limits?.budget?.usd_per_session),
      };
      return [[name, policy]];
    }),
  );
}

const nanoUsd = (usd: number | undefined): number | null =>
  usd === undefined ? null : Math.round(usd * nanoOfUsd);

/** A budget counts what the checked models cost. */
function keptFrom({ models, provider, limits }: TenantSettings): TenantPolicy["keeps"] {
  const budget = limits?.budget;
  if (countsMoney(limits)) return "models-and-prices";
  return models === undefined && provider === undefined && budget === undefined ? "nothing" : "models";
}

type LimitsSettings = TenantSettings["limits"];

export function countsMoney(limits: LimitsSettings): boolean {
  const { usd_per_day, usd_per_month, usd_per_session } = limits?.budget ?? {};
  return usd_per_day !== undefined || usd_per_month !== undefined || usd_per_session !== undefined;
}

/** If only money is counted, models without a price could be used without limit. */
export function refusesUnpriced(limits: LimitsSettings): boolean {
  const { tokens_per_day, tokens_per_month } = limits?.budget ?? {};
  const countsTokens = tokens_per_day !== undefined || tokens_per_month !== undefined;
  if (!countsMoney(limits)) return false;
  return limits?.unknown_price === undefined ? !countsTokens : limits.unknown_price === "refuse";
}

/** Applies the limits of this config, also to running requests. */
export function adjustMeters(config: Config, meters: MeterRegistry): void {
  for (const { name, limits } of config.tenants)
    if (limits === undefined) meters.find(name)?.adjust(noLimits);
    else meters.of(name).adjust(limitsOf(limits));
}

function limitsOf(settings: NonNullable<TenantSettings["limits"]>): Limits {
  const { budget } = settings;
  return {
    requestsPerMinute: settings.requests_per_minute ?? null,
    tokensPerMinute: settings.tokens_per_minute ?? null,
    maxConcurrent: settings.max_concurrent ?? null,
    budget:
      budget === undefined
        ? null
        : {
            usdPerDay: budget.usd_per_day ?? null,
            usdPerMonth: budget.usd_per_month ?? null,
            tokensPerDay: budget.tokens_per_day ?? null,
            tokensPerMonth: budget.tokens_per_month ?? null,
          },
  };
}

/** The names that a tenant sees in the list of models. */
export function visibleNames(pipeline: PipelineSnapshot, tenant: string | null): (name: string) => boolean {
  const models = tenant === null ? null : (pipeline.tenants.get(tenant)?.models ?? null);
  if (models === null) return () => true;
  return (written) => {
    const name = pipeline.router.configName(written);
    if (models.allowsName(name)) return true;
    if (pipeline.router.isAuto(name)) return models.hasAuto;
    const target = pipeline.router.targetOf(name);
    return target !== null && models.allowsTarget(target);
  };
}
