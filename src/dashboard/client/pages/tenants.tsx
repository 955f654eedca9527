// The tenants: each one's limits with what is used of them and where the period will end at this pace, its queue, and its keys.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { apiPath } from "../api.ts";
import type { LiveRow } from "../api-shapes.ts";
import { PageHead } from "../components/panel.tsx";
import { RangePicker } from "../components/range-picker.tsx";
import { Empty, Loaded } from "../components/states.tsx";
import { ReadingOnly } from "../components/write-access.tsx";
import { useEvents } from "../event-stream.ts";
import { viewerZone } from "../formatting.ts";
import type { TenantEntry } from "../operator/shapes.ts";
import { TenantCard, type TenantTraffic } from "../operator/tenant-card.tsx";
import type { PageProps } from "../page-props.ts";
import { knownCost } from "../spending-outlook.ts";
import { rangeOf } from "../time-range.ts";
import { useApi } from "../use-api.ts";
import type { SeriesReport } from "../../../metrics/query-shapes.ts";

function trafficOf(
  name: string,
  series: SeriesReport | null,
  live: readonly LiveRow[] | null,
): TenantTraffic {
  const totals = series?.groups.find((group) => group.name === name)?.totals ?? null;
  const own = live?.filter(({ tenant }) => tenant === name) ?? null;
  const queued = own?.filter(({ queue }) => queue !== null).length ?? null;
  return {
    requests: series === null ? null : (totals?.requests ?? 0),
    failures: series === null ? null : (totals?.failures ?? 0),
    costUsd: series === null ? null : totals === null ? 0 : knownCost(totals),
    running: own === null || queued === null ? null : own.length - queued,
    queued,
  };
}

export function TenantsPage({ place }: PageProps): JSX.Element {
  const answer = useApi<{ readonly tenants: readonly TenantEntry[] }>("/api/tenants", { everyMs: 15_000 });
  const [live, setLive] = useState<readonly LiveRow[] | null>(null);
  useEvents(["live"], (_, data) => setLive((data as { readonly requests: readonly LiveRow[] }).requests));
  const series = useApi<SeriesReport>(
    apiPath("/api/series", {
      ...rangeOf(place.query),
      tz: viewerZone(),
      bucket: "total",
      by: "tenant",
      limit: 1000,
    }),
    { everyMs: 60_000 },
  );
  return (
    <>
      <PageHead title="Tenants">
        <RangePicker place={place} />
      </PageHead>
      <ReadingOnly />
      <Loaded answer={answer}>
        {({ tenants }) =>
          tenants.length === 0 ? (
            <Empty title="There are no tenants.">
              With <code>tenants</code> in the config each user has keys, limits and a budget of their own.
            </Empty>
          ) : (
            <div class="cards">
              {tenants.map((tenant) => (
                <TenantCard
                  key={tenant.name}
                  tenant={tenant}
                  traffic={trafficOf(tenant.name, series.data, live)}
                  query={place.query}
                  changed={answer.reload}
                />
              ))}
            </div>
          )
        }
      </Loaded>
    </>
  );
}
