// The store for `metrics.enabled: false` and `metrics.log_requests: false`: it keeps nothing, and every report is empty.

import { aggregateStats } from "./aggregation.ts";
import { emptyQueries } from "./empty-queries.ts";
import type { MetricsStore } from "./metrics-store.ts";
import type { StoreStatus } from "./store-status.ts";

const status: StoreStatus = {
  path: null,
  queued: 0,
  dropped: 0,
  written: 0,
  state: "disabled",
  detail: "metrics are switched off in the config",
};

export function disabledMetricsStore(): MetricsStore {
  return {
    record: () => undefined,
    stats: ({ nowMs }) => Promise.resolve({ ...aggregateStats(null, nowMs), database: status }),
    recent: () => Promise.resolve([]),
    ...emptyQueries,
    requestsToday: () => Promise.resolve(null),
    spent: () => Promise.resolve(null),
    flush: () => Promise.resolve(true),
    status: () => status,
    close: () => Promise.resolve(),
  };
}
