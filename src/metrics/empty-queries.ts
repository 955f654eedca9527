// What every query of records answers where none are kept.

import type { RecordQueries } from "./query-shapes.ts";
import { emptyRequests } from "./request-list.ts";
import { emptySeries } from "./series-report.ts";

export const emptyQueries: RecordQueries = {
  series: (query) => Promise.resolve(emptySeries(query)),
  requests: () => Promise.resolve(emptyRequests),
  request: () => Promise.resolve(null),
  sessions: () => Promise.resolve({ sessions: [], next: null }),
  session: () => Promise.resolve(null),
  waste: () => Promise.resolve([]),
  async *export() {
    // Nothing to yield.
  },
};
