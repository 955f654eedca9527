// One conversation over time: what its turns cost, where the prompt cache was hit or missed and what had changed, its agents and tools.

import type { JSX } from "preact";
import type { SessionReport } from "../../../metrics/query-shapes.ts";
import type { Row } from "../api-shapes.ts";
import { apiPath } from "../api.ts";
import { PageHead, Panel } from "../components/panel.tsx";
import { RequestTable } from "../components/request-table.tsx";
import { Loaded } from "../components/states.tsx";
import { Tile } from "../components/tile.tsx";
import { count, duration, money, percent, short, shortTime, shown, time } from "../formatting.ts";
import { Link } from "../link.tsx";
import { addressWith, home, navigate, type Place, segment, withRange } from "../location.ts";
import { knownCost } from "../spending-outlook.ts";
import { useApi } from "../use-api.ts";
import { RequestSheet } from "./request-sheet.tsx";
import { AgentsPanel, MissesPanel, ToolsPanel, TurnsPanel } from "./session-parts.tsx";

const refreshMs = 10_000;

function Totals({ report }: { readonly report: SessionReport }): JSX.Element {
  const { session } = report;
  const cost = knownCost(session);
  const list = session.flat_rate_list_usd;
  const unknown = session.unknown_cost_requests;
  return (
    <div class="tiles session-tiles">
      <Tile
        title="Cost"
        value={money(cost)}
        note={
          list > 0
            ? `flat rate, by the list ${money(list)} (estimate)`
            : cost === null
              ? "no price is known"
              : unknown > 0
                ? `${count(unknown)} of unknown cost`
                : "as recorded"
        }
      />
      <Tile
        title="Requests"
        value={count(session.requests)}
        note={session.failures === 0 ? "none failed" : `${count(session.failures)} failed`}
      />
      <Tile
        title="Tokens"
        value={short(session.input_tokens + session.output_tokens)}
        note={`${short(session.input_tokens)} in, ${short(session.output_tokens)} out`}
      />
      <Tile
        title="Cache hits"
        value={percent(session.cache_hit_pct)}
        note={`${short(session.cached_tokens)} tokens from the cache`}
      />
      <Tile
        title="Cache missed"
        value={count(session.misses)}
        note={session.misses === 0 ? "never" : `${money(session.miss_usd)} more (estimate)`}
      />
      <Tile
        title="Lasted"
        value={duration(session.last_ms - session.first_ms)}
        note={`since ${shortTime(session.first_ms)}`}
      />
    </div>
  );
}

function Turns({
  report,
  place,
  addressOf,
  openId,
}: {
  readonly report: SessionReport;
  readonly place: Place;
  readonly openId: string | undefined;
  addressOf(row: Row): string;
}): JSX.Element {
  return (
    <Panel title="Turns" note={`${count(report.turns.length)} shown, newest first`}>
      <RequestTable
        caption="Turns of the session, newest first"
        rows={report.turns}
        openId={openId}
        addressOf={addressOf}
        open={(row) => navigate(addressOf(row))}
      />
      {report.next === null ? null : (
        <div class="panel-body">
          <Link to={addressWith(place, { cursor: report.next })} class="button">
            Older turns
          </Link>
        </div>
      )}
    </Panel>
  );
}

type SessionPageProps = {
  readonly place: Place;
  readonly session: string;
  readonly openId: string | undefined;
};

export function SessionPage({ place, session, openId }: SessionPageProps): JSX.Element {
  const cursor = place.query.get("cursor");
  const own: Place = { path: `${home}/sessions/${segment(session)}`, query: place.query };
  const answer = useApi<SessionReport>(
    apiPath(`/api/sessions/${segment(session)}`, { tenant: place.query.get("tenant"), cursor }),
    cursor === null ? { everyMs: refreshMs } : {},
  );
  const addressOf = ({ request_id }: Row): string =>
    addressWith({ ...own, path: `${own.path}/${segment(request_id)}` }, {});
  return (
    <>
      <PageHead title="Session">
        <Link to={withRange(`${home}/sessions`, place.query)} class="quiet">
          All sessions
        </Link>
        <Link
          to={addressWith(
            { path: `${home}/requests`, query: new URLSearchParams() },
            { session, from: "now-30d" },
          )}
          class="button"
        >
          Its requests
        </Link>
      </PageHead>
      <p class="session-name">
        <code>{shown(session, 120)}</code>
        {answer.data === null ? null : (
          <span class="muted">
            {shown(answer.data.session.tenant, 60)} · {shown(answer.data.session.client, 60)} · last{" "}
            {time(answer.data.session.last_ms, "full")} · models{" "}
            {answer.data.session.models.map((model) => shown(model, 40)).join(", ") || "none"}
          </span>
        )}
      </p>
      <Loaded answer={answer} label="Reading the session">
        {(report) => (
          <>
            <Totals report={report} />
            <TurnsPanel report={report} addressOf={addressOf} />
            <div class="session-columns">
              <MissesPanel report={report} addressOf={addressOf} />
              <AgentsPanel report={report} />
              <ToolsPanel report={report} />
            </div>
            <Turns report={report} place={own} openId={openId} addressOf={addressOf} />
          </>
        )}
      </Loaded>
      {openId === undefined ? null : (
        <RequestSheet key={openId} id={openId} place={own} close={() => navigate(addressWith(own, {}))} />
      )}
    </>
  );
}
