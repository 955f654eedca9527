// The first page: what ran, what it cost, what failed, what could have been spared, in the range of time that the address names.

import type { JSX } from "preact";
import type { SeriesAnswer } from "../api-shapes.ts";
import { apiPath } from "../api.ts";
import { NoRequests } from "../components/first-steps.tsx";
import { PageHead } from "../components/panel.tsx";
import { RangePicker } from "../components/range-picker.tsx";
import { Loaded } from "../components/states.tsx";
import { viewerZone } from "../formatting.ts";
import type { PageProps } from "../page-props.ts";
import { rangeOf } from "../time-range.ts";
import { useApi } from "../use-api.ts";
import { ActiveAlerts } from "./overview-alerts.tsx";
import { groupingOf, TrafficPanels } from "./overview-charts.tsx";
import { MoneyPanel } from "./overview-money.tsx";
import { OverviewTiles } from "./overview-tiles.tsx";
import { WastePanel } from "./overview-waste.tsx";

const refreshMs = 20_000;

export function OverviewPage({ place }: PageProps): JSX.Element {
  const range = rangeOf(place.query);
  const path = apiPath("/api/series", {
    from: range.from,
    to: range.to,
    tz: viewerZone(),
    bucket: "auto",
    by: groupingOf(place.query),
    limit: 7,
    previous: 1,
    waste: 1,
  });
  // A range that is over does not change any more.
  const answer = useApi<SeriesAnswer>(path, range.to === null ? { everyMs: refreshMs } : {});
  return (
    <>
      <PageHead title="Overview">
        <RangePicker place={place} />
      </PageHead>
      <ActiveAlerts />
      <Loaded answer={answer} label="Reading the records">
        {(report) => (
          <>
            {report.totals.requests > 0 ? null : (
              <NoRequests place={place} title="No requests in this time">
                Choose a longer range.
              </NoRequests>
            )}
            <OverviewTiles report={report} />
            <div class="overview-columns">
              <MoneyPanel report={report} />
              <WastePanel waste={report.waste ?? []} />
            </div>
            {report.totals.requests === 0 ? null : <TrafficPanels place={place} report={report} />}
            {report.exact ? null : (
              <p class="muted footnote">
                Some records of this time are gone, not written yet, or counted by the hour only.
              </p>
            )}
          </>
        )}
      </Loaded>
    </>
  );
}
