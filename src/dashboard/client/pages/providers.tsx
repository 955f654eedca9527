// The providers: what state each is in and why, what it did in the range, what its vendor says is left of each key's quota.

import type { JSX } from "preact";
import { apiPath } from "../api.ts";
import { PageHead, Panel } from "../components/panel.tsx";
import { RangePicker } from "../components/range-picker.tsx";
import { Empty, Loaded } from "../components/states.tsx";
import { Table } from "../components/table.tsx";
import { ReadingOnly } from "../components/write-access.tsx";
import { useEvents } from "../event-stream.ts";
import { shown, viewerZone } from "../formatting.ts";
import { ProviderCard } from "../operator/provider-card.tsx";
import { inOrderOfNeed, shareOf } from "../operator/providers-model.ts";
import type { ProvidersAnswer } from "../operator/shapes.ts";
import type { PageProps } from "../page-props.ts";
import { rangeOf } from "../time-range.ts";
import { useApi } from "../use-api.ts";
import type { SeriesReport } from "../../../metrics/query-shapes.ts";

const refreshMs = 10_000;

function Skipped({ answer }: { readonly answer: ProvidersAnswer }): JSX.Element | null {
  if (answer.skipped.length === 0) return null;
  return (
    <Panel title="Configured, not loaded">
      <Table
        caption="Providers that are not loaded"
        rows={answer.skipped}
        keyOf={({ id }) => id}
        columns={[
          { name: "id", title: "Provider", cell: ({ id }) => shown(id) },
          {
            name: "reason",
            title: "Why",
            cell: ({ reason }) => <span class="wraps">{shown(reason, 600)}</span>,
          },
        ]}
      />
    </Panel>
  );
}

export function ProvidersPage({ place }: PageProps): JSX.Element {
  const range = rangeOf(place.query);
  const answer = useApi<ProvidersAnswer>("/api/providers", { everyMs: refreshMs });
  const series = useApi<SeriesReport>(
    apiPath("/api/series", { ...range, tz: viewerZone(), bucket: "total", by: "provider", limit: 1000 }),
    { everyMs: 60_000 },
  );
  useEvents(["health"], answer.reload);
  return (
    <>
      <PageHead title="Providers">
        <RangePicker place={place} />
      </PageHead>
      <ReadingOnly />
      <Loaded answer={answer}>
        {(data) => (
          <>
            {data.providers.length === 0 ? (
              <Empty title="No provider is loaded.">
                Set a key such as ANTHROPIC_API_KEY, or add a provider to the config.
              </Empty>
            ) : (
              <div class="cards">
                {inOrderOfNeed(data.providers).map((provider) => (
                  <ProviderCard
                    key={provider.id}
                    provider={provider}
                    share={series.data === null ? null : shareOf(provider.id, series.data)}
                    changed={answer.reload}
                  />
                ))}
              </div>
            )}
            <Skipped answer={data} />
          </>
        )}
      </Loaded>
    </>
  );
}
