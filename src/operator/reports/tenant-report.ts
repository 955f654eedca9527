// The answer of GET /api/tenants. It must never contain a key, only the first digits of its hash.

import { fingerprintOfEntry } from "../../tenants/key-directory.ts";
import type { Meter } from "../../tenants/limits.ts";
import { keysOfTenant, type TenantSettings } from "../../tenants/settings.ts";
import type { Amount } from "../../tenants/spending.ts";

export async function tenantReport(
  configured: readonly TenantSettings[],
  meters: { of(tenant: string): Meter },
  now: number,
) {
  const tenants = configured.map(async (tenant) => {
    const { limits } = tenant;
    const used = limits === undefined ? null : await usedOf(meters.of(tenant.name), limits);
    return {
      name: tenant.name,
      keys: keysOfTenant(tenant).map(({ key, expiresAtMs, createdAtMs }) => ({
        fingerprint: fingerprintOfEntry(key),
        created: createdAtMs === null ? null : new Date(createdAtMs).toISOString(),
        expires: expiresAtMs === null ? null : new Date(expiresAtMs).toISOString(),
        is_expired: expiresAtMs !== null && now >= expiresAtMs,
      })),
      models: tenant.models ?? null,
      provider: tenant.provider ?? null,
      limits: limits ?? null,
      used,
    };
  });
  return { tenants: await Promise.all(tenants) };
}

/** Only tenants with limits are metered; /api/stats?tenant= covers the others. */
async function usedOf(meter: Meter, limits: NonNullable<TenantSettings["limits"]>) {
  const { requests, tokens, reserved, spent } = await meter.usage();
  const { day, month } = spent;
  const usedUp = await meter.usedUp();
  return {
    running: meter.running(),
    requests_last_minute: requests,
    tokens_last_minute: tokens,
    today: shown(day),
    this_month: shown(month),
    // Reserved for running requests: neither spent nor free.
    reserved: shown(reserved),
    is_over_budget: limits.budget !== undefined && usedUp !== null,
    budget_resets_in_s: usedUp === null ? null : Math.ceil(usedUp.resetInMs / 1_000),
  };
}

const shown = ({ tokens, nanoUsd }: Amount) => ({ tokens, usd: nanoUsd / 1e9 });
