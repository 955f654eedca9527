// The requests, newest first: filters and range in the address, older ones by cursor, one opened as a sheet with an address of its own.

import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { RequestsPage as Answered } from "../../../metrics/query-shapes.ts";
import type { Row } from "../api-shapes.ts";
import { apiPath } from "../api.ts";
import { FilterBar } from "../components/filter-bar.tsx";
import { NoRequests } from "../components/first-steps.tsx";
import { Icon } from "../components/icon.tsx";
import { PageHead } from "../components/panel.tsx";
import { RangePicker } from "../components/range-picker.tsx";
import { RequestTable } from "../components/request-table.tsx";
import { Segments } from "../components/segments.tsx";
import { Empty, Loaded } from "../components/states.tsx";
import { useEvents } from "../event-stream.ts";
import { shortTime, viewerZone } from "../formatting.ts";
import { addressWith, home, navigate, type Place, segment } from "../location.ts";
import type { PageProps } from "../page-props.ts";
import { filtersOf, rowMatches } from "../request-filters.ts";
import { rangeOf } from "../time-range.ts";
import { useApi } from "../use-api.ts";
import { RequestSheet } from "./request-sheet.tsx";

const rowsPerPage = 50;
/** Rows that end within this time come with one answer. */
const gatherMs = 1_500;
const listPath = `${home}/requests`;

type Listed = Omit<Answered, "requests"> & { readonly requests: readonly Row[] };

const listId = "request-list";

/** The pointer or the focus is in the list: a row must not move away from under it. */
const isInUse = (): boolean => document.querySelector(`#${listId}:is(:hover, :focus-within)`) !== null;

/** New ones are shown at once while the viewer looks at the top of the list; else they are counted, and nothing moves. */
type NewRequests = {
  readonly isWatching: boolean;
  /** A sheet is open: the list behind it stays. */
  readonly isBusy: boolean;
  matches(row: Row): boolean;
  reload(): void;
};

function useNewRequests({ isWatching, isBusy, matches, reload }: NewRequests): {
  readonly waiting: number;
  show(): void;
} {
  const [waiting, setWaiting] = useState(0);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const busy = useRef(isBusy);
  busy.current = isBusy;
  const show = (): void => {
    setWaiting(0);
    reload();
  };
  useEffect(() => () => clearTimeout(timer.current), []);
  useEffect(() => setWaiting(0), [isWatching]);
  useEvents(
    ["request"],
    (_kind, row) => {
      if (!matches(row as Row)) return;
      setWaiting((last) => last + 1);
      timer.current ??= setTimeout(() => {
        timer.current = undefined;
        if (!busy.current && scrollY <= 40 && !isInUse()) show();
      }, gatherMs);
    },
    isWatching,
  );
  return { waiting, show };
}

function FindById({ place }: { readonly place: Place }): JSX.Element {
  const [id, setId] = useState("");
  const find = (event: Event): void => {
    event.preventDefault();
    const wanted = id.trim();
    if (wanted !== "") navigate(addressWith({ ...place, path: `${listPath}/${segment(wanted)}` }, {}));
  };
  return (
    <form class="find" role="search" onSubmit={find}>
      <input
        type="search"
        aria-label="Open a request by its id"
        placeholder="Request id"
        value={id}
        maxLength={200}
        onInput={({ currentTarget }) => setId(currentTarget.value)}
      />
    </form>
  );
}

function Pager({ place, page }: { readonly place: Place; readonly page: Listed }): JSX.Element | null {
  const isFirst = !place.query.has("cursor");
  if (isFirst && page.next === null) return null;
  const go = (cursor: string | null): void => {
    navigate(addressWith(place, { cursor }));
    scrollTo({ top: 0 });
  };
  return (
    <nav class="pager" aria-label="Pages of the list">
      <button type="button" class="button" disabled={isFirst} onClick={() => go(null)}>
        Newest
      </button>
      <button type="button" class="button" disabled={page.next === null} onClick={() => go(page.next)}>
        Older
      </button>
      {page.complete ? null : (
        <span class="muted">
          Searched back to {page.searched_to_ms === null ? "here" : shortTime(page.searched_to_ms)}; Older
          goes on.
        </span>
      )}
    </nav>
  );
}

const statusChoices = [
  ["", "All"],
  ["ok", "OK"],
  ["failed", "Failed"],
  ["cancelled", "Cancelled"],
] as const;

export function RequestsPage({ place, rest }: PageProps): JSX.Element {
  const openId = rest[0];
  const list: Place = { path: listPath, query: place.query };
  const range = rangeOf(place.query);
  const cursor = place.query.get("cursor");
  const answer = useApi<Listed>(
    apiPath("/api/requests", {
      ...filtersOf(place.query),
      from: range.from,
      to: range.to,
      tz: viewerZone(),
      cursor,
      limit: rowsPerPage,
    }),
  );
  const isWatching = cursor === null && range.to === null;
  const filters = filtersOf(place.query);
  const { waiting, show } = useNewRequests({
    isWatching,
    isBusy: openId !== undefined,
    matches: (row) => rowMatches(row, filters),
    reload: answer.reload,
  });
  const addressOf = ({ request_id }: Row): string =>
    addressWith({ ...list, path: `${listPath}/${segment(request_id)}` }, {});
  const status = place.query.get("status") ?? "";
  const chosen = statusChoices.find(([name]) => name === status)?.[0];
  return (
    <>
      <PageHead title="Requests">
        <FindById place={list} />
        <RangePicker place={list} />
      </PageHead>
      <div class="filter-row">
        <Segments
          label="Status"
          choices={statusChoices}
          chosen={chosen ?? ""}
          choose={(name) => navigate(addressWith(list, { status: name, cursor: null }))}
        />
        <FilterBar place={list} />
        <button
          type="button"
          class={`quiet fresh-count ${waiting > 0 ? "has-fresh" : ""}`}
          aria-live="polite"
          onClick={() => {
            scrollTo({ top: 0 });
            show();
          }}
        >
          {waiting > 0 ? (
            <>
              <Icon name="up" /> {waiting} new
            </>
          ) : (
            "Refresh"
          )}
        </button>
      </div>
      <Loaded answer={answer} label="Reading requests">
        {(page) =>
          page.requests.length === 0 && page.complete && cursor === null ? (
            <NoRequests place={list} title="No request matches">
              Take a filter away, or choose a longer range.
            </NoRequests>
          ) : (
            <section class="panel" id={listId} aria-label="Requests">
              {page.requests.length === 0 ? (
                <Empty title="None found yet">Older ones may match.</Empty>
              ) : (
                <RequestTable
                  caption="Requests, newest first"
                  rows={page.requests}
                  openId={openId}
                  addressOf={addressOf}
                  open={(row) => navigate(addressOf(row))}
                />
              )}
            </section>
          )
        }
      </Loaded>
      {answer.data === null ? null : <Pager place={list} page={answer.data} />}
      {openId === undefined ? null : (
        <RequestSheet key={openId} id={openId} place={list} close={() => navigate(addressWith(list, {}))} />
      )}
    </>
  );
}
