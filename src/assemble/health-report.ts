// GET /health: ClawGate's shape with the overall truth, and the words that a person needs to act on it. Anybody may ask: hosts,
// ports, paths and tenants must never be told to anybody but those who may read what the operator reads.

import type { Health } from "../server/face.ts";
import { version } from "../system/identity.ts";
import type { Assembled } from "./generation.ts";
import type { HouseEstate } from "./estate.ts";

export async function healthReport(
  estate: HouseEstate,
  current: Assembled,
  mayRead: boolean,
): Promise<Health> {
  const ids = [...current.road.providers.keys()];
  const views = ids.map((id) => [id, estate.health.view(id)] as const);
  const healthy = views.filter(([, view]) => view.healthy).length;
  const status = healthy === 0 ? "down" : healthy < views.length ? "degraded" : "ok";
  const iso = (atMs: number | null): string | null => (atMs === null ? null : new Date(atMs).toISOString());
  const { queued, dropped, state } = estate.store.status();
  return {
    status,
    version,
    uptime_s: Math.max(0, Math.floor(estate.clock.nowMs() / 1000) - estate.startedAtSeconds),
    running: estate.live.count(),
    oldest_running_s: oldestSeconds(estate),
    providers: Object.fromEntries(
      views.map(([id, view]) => [
        id,
        {
          name: id,
          healthy: view.healthy,
          consecutive_failures: view.consecutiveFailures,
          avg_latency_ms: view.avgLatencyMs,
          last_error: mayRead ? view.lastError : view.lastShort,
          last_check: iso(view.lastCheckMs),
          circuit: view.circuit,
          ejections: view.ejections,
          retry_at: iso(view.retryAtMs),
          credential: view.credential,
          cooling_models: Object.keys(view.coolingModels),
          ...(view.credentials.length > 1
            ? {
                credentials: view.credentials.map((each) => ({
                  id: each.id,
                  state: each.state,
                  retry_at: iso(each.retryAtMs),
                  cooling_models: Object.keys(each.coolingModels),
                })),
              }
            : {}),
          ...current.road.providers.get(id)?.queue.counts(),
        },
      ]),
    ),
    skipped: Object.fromEntries(current.loaded.skippedProviders.map(({ id, reason }) => [id, reason])),
    metrics: { state, queued, dropped },
    ...(mayRead ? tenantsAndQueue(current) : {}),
  };
}

/** As openclaw-cc-gateway's /health has them: names, turns that are out, requests that wait for one. */
function tenantsAndQueue({ loaded, road }: Assembled) {
  const names = loaded.config.tenants.map(({ name }) => name);
  const perTenant = new Map<string, number>();
  let running = 0;
  let queued = 0;
  for (const { queue } of road.providers.values()) {
    const counts = queue.counts();
    running += counts.running;
    queued += counts.waiting;
    for (const [tenant, turns] of queue.runningByTenant()) {
      // Its word for requests that belong to no tenant; a tenant of that name is not mixed up with them.
      const name = tenant ?? (names.includes(nobody) ? null : nobody);
      if (name !== null) perTenant.set(name, (perTenant.get(name) ?? 0) + turns);
    }
  }
  return { tenants: names, queue: { running, queued, perTenant: Object.fromEntries(perTenant) } };
}

const nobody = "default";

function oldestSeconds(estate: HouseEstate): number | null {
  const started = estate.live.list().map((request) => request.startedAtMs);
  if (started.length === 0) return null;
  return Math.max(0, Math.round((estate.clock.nowMs() - Math.min(...started)) / 1000));
}
