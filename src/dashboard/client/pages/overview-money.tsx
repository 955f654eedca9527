// Money: today, this month and where it leads; and what the same traffic would have cost otherwise. What is computed is called an estimate.

import type { ComponentChildren, JSX } from "preact";
import { useMemo } from "preact/hooks";
import type { SeriesAnswer } from "../api-shapes.ts";
import { apiPath } from "../api.ts";
import { Estimate } from "../components/badge.tsx";
import { Panel } from "../components/panel.tsx";
import { count, dash, money, viewerZone } from "../formatting.ts";
import { dayStart, knownCost, monthAt, projection } from "../spending-outlook.ts";
import { useApi } from "../use-api.ts";

const refreshMs = 60_000;

function Amount({
  term,
  value,
  children,
}: {
  readonly term: ComponentChildren;
  readonly value: string;
  readonly children?: ComponentChildren;
}): JSX.Element {
  return (
    <div class="amount">
      <dt>{term}</dt>
      <dd>
        <b>{value}</b>
        <span class="amount-note">{children}</span>
      </dd>
    </div>
  );
}

const cents = (usd: number): number => Math.round(usd * 100) / 100;

/** Of the figures as they are shown: beside $0.13 and $0.11 stands $0.02, whatever the digits behind them are. */
export function shownDifference(one: number, other: number): number {
  return one >= 0.01 && other >= 0.01 ? cents(cents(one) - cents(other)) : one - other;
}

/** "saved $1.20", or that it would have been cheaper. */
function difference(otherwise: number, cost: number | null): string {
  if (cost === null) return "no price is known";
  const saved = shownDifference(otherwise, cost);
  if (Math.abs(saved) < 0.000_001) return "no difference";
  return saved > 0 ? `saved ${money(saved)}` : `${money(-saved)} less than now`;
}

export function MoneyPanel({ report }: { readonly report: SeriesAnswer }): JSX.Element {
  const { totals } = report;
  const nowMs = Date.now();
  const today = dayStart(nowMs);
  const month = useMemo(() => monthAt(nowMs), [today]);
  const tz = viewerZone();
  const spent = (fromMs: number): string =>
    apiPath("/api/series", { from: fromMs, to: "now", tz, bucket: "total" });
  const ofToday = useApi<SeriesAnswer>(spent(today), { everyMs: refreshMs });
  const ofMonth = useApi<SeriesAnswer>(spent(month.startMs), { everyMs: refreshMs });
  const monthUsd = knownCost(ofMonth.data?.totals);
  const rangeUsd = knownCost(totals);
  return (
    <Panel title="Money">
      <dl class="amounts">
        <Amount term="Today" value={money(knownCost(ofToday.data?.totals))} />
        <Amount term="This month" value={money(monthUsd)} />
        <Amount
          term={
            <>
              Month at this pace <Estimate />
            </>
          }
          value={monthUsd === null ? dash : money(projection(monthUsd, month, nowMs))}
        />
        <Amount
          term={
            <>
              Without routing <Estimate />
            </>
          }
          value={rangeUsd === null ? dash : money(totals.without_routing_usd)}
        >
          {difference(totals.without_routing_usd, rangeUsd)}
        </Amount>
        <Amount
          term={
            <>
              Without prompt cache <Estimate />
            </>
          }
          value={rangeUsd === null ? dash : money(totals.without_cache_usd)}
        >
          {difference(totals.without_cache_usd, rangeUsd)}
        </Amount>
        {totals.flat_rate_requests === 0 ? null : (
          <Amount term="Flat rate, own sign-in" value="$0">
            {count(totals.flat_rate_requests)} requests, by the list {money(totals.flat_rate_list_usd)}
          </Amount>
        )}
      </dl>
    </Panel>
  );
}
