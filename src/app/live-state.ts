// The current state that `GET /metrics` reports, read from the services and the active config on each request.

import type { LiveState } from "../metrics/exposition/series-row.ts";
import { descriptorsInUse } from "../system/descriptors.ts";
import { commit, version } from "../system/identity.ts";
import type { AppServices } from "./app-services.ts";
import type { ConfigSnapshot } from "./config-snapshot.ts";

export type LiveStateServices = Pick<
  AppServices,
  "startedAtSeconds" | "live" | "health" | "claudePrograms" | "descriptors" | "store"
>;

export function liveState(services: LiveStateServices, { pipeline }: ConfigSnapshot): LiveState {
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
    records: services.store.status(),
  };
}
