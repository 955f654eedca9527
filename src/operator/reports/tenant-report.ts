// The answer of GET /api/tenants. It must never hold a key: only the first digits of its hash.

import { fingerprintOfEntry } from "../../tenants/key-directory.ts";
import type { Meter } from "../../tenants/limits.ts";
import { keysOfTenant, type TenantSettings } from "../../tenants/settings.ts";
import type { Amount } from "../../tenants/spending.ts";

export function tenantReport(
  tenants: readonly TenantSettings[],
  meters: { of(tenant: string): Meter },
  now: number,
) {
  return {
    tenants: tenants.map((tenant) => ({
      name: tenant.name,
      keys: keysOfTenant(tenant).map(({ key, expiresAtMs }) => ({
        fingerprint: fingerprintOfEntry(key),
        expires: expiresAtMs === null ? null : new Date(expiresAtMs).toISOString(),
        is_expired: expiresAtMs !== null && now >= expiresAtMs,
      })),
      models: tenant.models ?? null,
      provider: tenant.provider ?? null,
      limits: tenant.limits ?? null,
      used: tenant.limits === undefined ? null : usedOf(meters.of(tenant.name), tenant.limits),
    })),
  };
}

/** Only tenants with limits are metered; /api/stats?tenant= has the others. */
function usedOf(meter: Meter, limits: NonNullable<TenantSettings["limits"]>) {
  const minute = meter.usedThisMinute();
  const { day, month } = meter.spent();
  const usedUp = meter.usedUp();
  return {
    running: meter.running(),
    requests_last_minute: minute.requests,
    tokens_last_minute: minute.tokens,
    today: shown(day),
    this_month: shown(month),
    // Set aside for requests that still run: neither spent nor free.
    reserved: shown(meter.reserved()),
    is_over_budget: limits.budget !== undefined && usedUp !== null,
    budget_resets_in_s: usedUp === null ? null : Math.ceil(usedUp.resetInMs / 1_000),
  };
}

const shown = ({ tokens, nanoUsd }: Amount) => ({ tokens, usd: nanoUsd / 1e9 });
