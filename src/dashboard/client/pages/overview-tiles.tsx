// The tiles of the overview: the totals of the range with their course.

import type { JSX } from "preact";
import type { SeriesPoints } from "../../../metrics/query-shapes.ts";
import type { SeriesAnswer } from "../api-shapes.ts";
import { Tile } from "../components/tile.tsx";
import { count, dash, duration, money, percent, short } from "../formatting.ts";
import { knownCost } from "../spending-outlook.ts";

type Course = Exclude<keyof SeriesPoints, "avg_latency_ms">;

/** All groups of a report together. */
function courseOf({ groups, buckets }: SeriesAnswer, key: Course): readonly number[] {
  return buckets.map((_, at) => groups.reduce((sum, { points }) => sum + (points[key][at] ?? 0), 0));
}

const shareOf = (part: number, whole: number): number | null => (whole === 0 ? null : (part / whole) * 100);

export function OverviewTiles({ report }: { readonly report: SeriesAnswer }): JSX.Element {
  const { totals, previous } = report;
  const failureShare = shareOf(totals.failures, totals.requests);
  const failureShareBefore = previous === null ? null : shareOf(previous.failures, previous.requests);
  const unknown = totals.unknown_cost_requests;
  return (
    <div class="tiles">
      <Tile
        title="Requests"
        value={count(totals.requests)}
        now={totals.requests}
        before={previous?.requests}
        note={`${count(totals.fallbacks)} fallbacks, ${count(totals.cancelled)} cancelled`}
        course={courseOf(report, "requests")}
      />
      <Tile
        title="Cost"
        value={money(knownCost(totals))}
        now={totals.cost_usd}
        before={previous?.cost_usd}
        more="bad"
        note={unknown === 0 ? "all prices known" : `${count(unknown)} of unknown cost`}
        course={courseOf(report, "cost_usd")}
      />
      <Tile
        title="Tokens"
        value={short(totals.input_tokens + totals.output_tokens)}
        now={totals.input_tokens + totals.output_tokens}
        before={previous === null ? null : previous.input_tokens + previous.output_tokens}
        note={`${short(totals.input_tokens)} in, ${short(totals.output_tokens)} out`}
        course={courseOf(report, "input_tokens")}
      />
      <Tile
        title="Cache hits"
        value={totals.input_tokens === 0 ? dash : percent(totals.cache_hit_pct)}
        now={totals.cache_hit_pct}
        before={previous?.cache_hit_pct}
        more="good"
        note={`${short(totals.cached_tokens)} of ${short(totals.input_tokens)} tokens in`}
        course={courseOf(report, "cached_tokens")}
      />
      <Tile
        title="Errors"
        value={percent(failureShare, failureShare !== null && failureShare < 1 ? 2 : 1)}
        now={failureShare}
        before={failureShareBefore}
        more="bad"
        note={`${count(totals.failures)} of ${count(totals.requests)} failed`}
        course={courseOf(report, "failures")}
      />
      <Tile
        title="Latency, median"
        value={duration(totals.p50_latency_ms)}
        now={totals.p50_latency_ms}
        before={previous?.p50_latency_ms}
        more="bad"
        note={`p95 ${duration(totals.p95_latency_ms)}`}
      >
        <dl class="tile-rows">
          <div>
            <dt>First token</dt>
            <dd>{duration(totals.p50_first_token_ms)}</dd>
          </div>
          <div>
            <dt>p95</dt>
            <dd>{duration(totals.p95_first_token_ms)}</dd>
          </div>
        </dl>
      </Tile>
    </div>
  );
}
