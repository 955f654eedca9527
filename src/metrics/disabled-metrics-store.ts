// The store for `metrics.enabled: false` and `metrics.log_requests: false`: it keeps nothing. Its statistics are empty and say why; the
// other queries fail with the reason, because an empty list would say that there were no requests.

import { Failure } from "../canon/failure.ts";
import { aggregateStats } from "./aggregation.ts";
import type { MetricsStore } from "./metrics-store.ts";
import type { RecordQueries } from "./query-shapes.ts";
import type { StoreStatus } from "./store-status.ts";

const status: StoreStatus = {
  path: null,
  queued: 0,
  dropped: 0,
  written: 0,
  state: "disabled",
  detail: "metrics are switched off in the config",
};

const none = (): Promise<never> =>
  Promise.reject(
    new Failure(
      "not-found",
      "No requests are recorded: metrics.enabled or metrics.log_requests is false in the config.",
    ),
  );

const queries: RecordQueries = {
  series: none,
  requests: none,
  request: none,
  sessions: none,
  session: none,
  waste: none,
  // oxlint-disable-next-line require-yield -- there is nothing to yield.
  async *export() {
    await none();
  },
};

export function disabledMetricsStore(): MetricsStore {
  return {
    record: () => undefined,
    stats: ({ nowMs }) => Promise.resolve({ ...aggregateStats(null, nowMs), database: status }),
    recent: () => Promise.resolve([]),
    ...queries,
    requestsToday: () => Promise.resolve(null),
    spent: () => Promise.resolve(null),
    flush: () => Promise.resolve(true),
    setUpkeep: () => undefined,
    status: () => status,
    close: () => Promise.resolve(),
  };
}
