// Conversations, the latest first; one of them on a page of its own.

import type { JSX } from "preact";
import type { SessionRow, SessionsPage as Answered } from "../../../metrics/query-shapes.ts";
import { apiPath } from "../api.ts";
import { FilterBar } from "../components/filter-bar.tsx";
import { PageHead } from "../components/panel.tsx";
import { RangePicker } from "../components/range-picker.tsx";
import { Empty, Loaded } from "../components/states.tsx";
import { type Column, Table } from "../components/table.tsx";
import { count, duration, money, percent, short, shortTime, shown, time, viewerZone } from "../formatting.ts";
import { Link } from "../link.tsx";
import { addressWith, home, navigate, type Place, segment } from "../location.ts";
import type { PageProps } from "../page-props.ts";
import { filtersOf } from "../request-filters.ts";
import { rangeOf } from "../time-range.ts";
import { useApi } from "../use-api.ts";
import { SessionPage } from "./session.tsx";
import { knownCost } from "../spending-outlook.ts";

const refreshMs = 15_000;

function columnsOf(addressOf: (row: SessionRow) => string): readonly Column<SessionRow>[] {
  return [
    {
      name: "session",
      title: "Session",
      cell: (row) => (
        <Link to={addressOf(row)} class="mono" title={shown(row.session, 300)}>
          {shown(row.session, 18)}
        </Link>
      ),
    },
    {
      name: "from",
      title: "From",
      from: "medium",
      cell: (row) => (
        <>
          {shown(row.tenant ?? row.client, 40)}
          {row.tenant === null ? null : <span class="cell-sub">{shown(row.client, 40)}</span>}
        </>
      ),
    },
    {
      name: "last",
      title: "Last request",
      cell: (row) => (
        <span title={time(row.last_ms, "full")}>
          {shortTime(row.last_ms)}
          <span class="cell-sub">over {duration(row.last_ms - row.first_ms)}</span>
        </span>
      ),
    },
    {
      name: "models",
      title: "Models",
      from: "wide",
      cell: ({ models }) => (
        <>
          {shown(models[0], 40)}
          {models.length > 1 ? (
            <span class="cell-sub">
              {models
                .slice(1)
                .map((model) => shown(model, 30))
                .join(", ")}
            </span>
          ) : null}
        </>
      ),
    },
    {
      name: "requests",
      title: "Requests",
      kind: "number",
      cell: (row) => (
        <>
          {count(row.requests)}
          {row.failures === 0 ? null : <span class="cell-sub cell-bad">{count(row.failures)} failed</span>}
        </>
      ),
    },
    { name: "agents", title: "Agents", kind: "number", from: "wide", cell: ({ agents }) => count(agents) },
    {
      name: "tokens",
      title: "Tokens in / out",
      kind: "number",
      from: "medium",
      cell: (row) => `${short(row.input_tokens)} / ${short(row.output_tokens)}`,
    },
    {
      name: "cache",
      title: "Cache hits",
      kind: "number",
      from: "medium",
      cell: (row) => (
        <>
          {percent(row.cache_hit_pct, 0)}
          {row.misses === 0 ? null : (
            <span class="cell-sub">
              {count(row.misses)} missed, {money(row.miss_usd)}
            </span>
          )}
        </>
      ),
    },
    {
      name: "cost",
      title: "Cost",
      kind: "number",
      cell: (row) => (
        <>
          {money(knownCost(row))}
          {row.flat_rate_list_usd > 0 ? (
            <span class="cell-sub">list {money(row.flat_rate_list_usd)}</span>
          ) : null}
          {row.unknown_cost_requests > 0 ? (
            <span class="cell-sub">{count(row.unknown_cost_requests)} of unknown cost</span>
          ) : null}
        </>
      ),
    },
  ];
}

function SessionList({ place }: { readonly place: Place }): JSX.Element {
  const range = rangeOf(place.query);
  const cursor = place.query.get("cursor");
  const answer = useApi<Answered>(
    apiPath("/api/sessions", {
      ...filtersOf(place.query),
      from: range.from,
      to: range.to,
      tz: viewerZone(),
      cursor,
      limit: 50,
    }),
    cursor === null && range.to === null ? { everyMs: refreshMs } : {},
  );
  const addressOf = ({ session, tenant }: SessionRow): string =>
    addressWith(
      { path: `${home}/sessions/${segment(session)}`, query: place.query },
      { tenant, cursor: null },
    );
  return (
    <>
      <PageHead title="Sessions">
        <RangePicker place={place} />
      </PageHead>
      <div class="filter-row">
        <FilterBar place={place} />
      </div>
      <section class="panel" aria-label="Sessions">
        <Loaded answer={answer} label="Reading sessions">
          {({ sessions }) =>
            sessions.length === 0 ? (
              <Empty title="No session in this time">
                Clients that name their session appear here: Claude Code, Codex, and whatever sends a session
                header.
              </Empty>
            ) : (
              <Table
                caption="Sessions, the one with the latest request first"
                columns={columnsOf(addressOf)}
                rows={sessions}
                keyOf={({ session, tenant }) => `${tenant ?? ""} ${session}`}
                open={(row) => navigate(addressOf(row))}
              />
            )
          }
        </Loaded>
      </section>
      {answer.data === null || (cursor === null && answer.data.next === null) ? null : (
        <nav class="pager" aria-label="Pages of the list">
          <button
            type="button"
            class="button"
            disabled={cursor === null}
            onClick={() => navigate(addressWith(place, { cursor: null }))}
          >
            Latest
          </button>
          <button
            type="button"
            class="button"
            disabled={answer.data.next === null}
            onClick={() => navigate(addressWith(place, { cursor: answer.data?.next ?? null }))}
          >
            Older
          </button>
        </nav>
      )}
    </>
  );
}

export function SessionsPage({ place, rest }: PageProps): JSX.Element {
  const [session, request] = rest;
  if (session === undefined) return <SessionList place={place} />;
  return <SessionPage key={session} place={place} session={session} openId={request} />;
}
