// What is refused before it has a record: counted by status and kind for `/metrics`, and logged.

import { consequences, type Failure } from "../canon/failure.ts";
import type { LiveState } from "../metrics/exposition/series-row.ts";
import type { RefusedRequest } from "../server/server-port.ts";
import type { Log } from "../system/log.ts";
import { type AccessLogStyle, createRefusalLog } from "./access-log.ts";

export type Refusals = {
  /** Called for each; `request` is called only if it will be logged. */
  refused(request: () => RefusedRequest, failure: Failure, status: number): void;
  refusals(): LiveState["refusals"];
};

export function createRefusals(log: Log, style: AccessLogStyle, monotonicMs: () => number): Refusals {
  const write = createRefusalLog(log, style, monotonicMs);
  // Both come from our own tables, so there are few.
  const counts = new Map<string, { status: number; failure: string; count: number }>();
  return {
    refused(request, failure, status) {
      const { metric } = consequences[failure.kind];
      const key = `${status} ${metric}`;
      const known = counts.get(key);
      if (known === undefined) counts.set(key, { status, failure: metric, count: 1 });
      else known.count += 1;
      write(request, failure, status);
    },
    refusals: () => [...counts.values()],
  };
}
