// The reports on recorded requests: /api/series, /api/requests, /api/sessions. It turns a query into the store's question, and
// refuses one whose answer would be too large.

import { Failure } from "../../canon/failure.ts";
import { readRequestQuery, type RequestQuery } from "../../canon/request-filters.ts";
import type {
  RecordQueries,
  RequestReport,
  RequestsPage,
  SeriesReport,
  SessionReport,
  SessionsPage,
  WasteLine,
} from "../../metrics/query-shapes.ts";

export type SeriesAnswer = SeriesReport & { readonly waste?: readonly WasteLine[] };

const bucketMs = { "1m": 60_000, "5m": 300_000, "15m": 900_000, "1h": 3_600_000, "1d": 86_400_000 };
const maxBuckets = 3_000;
const longestName = 300;

export class RecordReports {
  constructor(
    private readonly store: RecordQueries,
    private readonly nowMs: () => number,
  ) {}

  async series(query: URLSearchParams): Promise<SeriesAnswer> {
    const nowMs = this.nowMs();
    const asked = readRequestQuery(query, nowMs);
    checkBuckets(asked, nowMs);
    const { filter, tz, bucket, by, limit, previous: withPrevious } = asked;
    const report = await this.store.series({
      ...filter,
      nowMs,
      tz,
      bucket,
      ...(by === undefined ? {} : { by }),
      ...(limit === undefined ? {} : { limit }),
      withPrevious,
    });
    return asked.waste ? { ...report, waste: await this.store.waste({ ...filter, nowMs }) } : report;
  }

  requests(query: URLSearchParams): Promise<RequestsPage> {
    return this.store.requests(this.page(query));
  }

  /** Null: there is no such record. */
  async request(id: string): Promise<{ readonly request: RequestReport } | null> {
    const request = id.length > longestName ? null : await this.store.request(id);
    return request === null ? null : { request };
  }

  sessions(query: URLSearchParams): Promise<SessionsPage> {
    return this.store.sessions(this.page(query));
  }

  /** Null: no request of that session is recorded. */
  async session(id: string, query: URLSearchParams): Promise<SessionReport | null> {
    const { filter, cursor } = readRequestQuery(query, this.nowMs());
    if (id.length > longestName) return null;
    return this.store.session(id, {
      ...(filter.tenant === undefined ? {} : { tenant: filter.tenant }),
      ...(cursor === undefined ? {} : { cursor }),
    });
  }

  private page(query: URLSearchParams) {
    const { filter, limit, cursor } = readRequestQuery(query, this.nowMs());
    return {
      ...filter,
      ...(limit === undefined ? {} : { limit }),
      ...(cursor === undefined ? {} : { cursor }),
    };
  }
}

function checkBuckets({ bucket, filter }: RequestQuery, nowMs: number): void {
  if (bucket === "auto" || bucket === "total") return;
  const size = bucketMs[bucket];
  const { fromMs, toMs = nowMs } = filter;
  if (fromMs === undefined) {
    if (size >= bucketMs["1h"]) return;
    throw new Failure("invalid-request", `from is needed with buckets of ${bucket}.`, { param: "from" });
  }
  const count = Math.ceil((toMs - fromMs) / size);
  if (count > maxBuckets)
    throw new Failure(
      "invalid-request",
      `bucket ${bucket} would make ${count} steps of this time, and at most ${maxBuckets} are answered; choose a longer one.`,
      { param: "bucket" },
    );
}
