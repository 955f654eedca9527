// The audit log: who changed the config, a key or a provider's state, when and from where. Newest first, page by page.

import type { JSX } from "preact";
import { apiPath } from "../api.ts";
import { Moment } from "../components/moment.tsx";
import { Panel } from "../components/panel.tsx";
import { Empty, Loaded } from "../components/states.tsx";
import { Table } from "../components/table.tsx";
import { shown } from "../formatting.ts";
import { Link } from "../link.tsx";
import { addressWith, type Place } from "../location.ts";
import { useApi } from "../use-api.ts";
import type { AuditAnswer, AuditEntry } from "./shapes.ts";

/** Details are whatever the action left; texts as they are, the rest as JSON. */
export function detailText(detail: unknown): string {
  if (detail === null || detail === undefined) return "";
  return typeof detail === "string" ? detail : JSON.stringify(detail);
}

function Entries({ entries }: { readonly entries: readonly AuditEntry[] }): JSX.Element {
  return (
    <Table
      caption="Audit log"
      rows={entries}
      keyOf={({ id }) => id}
      columns={[
        { name: "at", title: "When", cell: ({ at_ms: ms }) => <Moment ms={ms} /> },
        { name: "actor", title: "Who", cell: ({ actor }) => shown(actor, 80) },
        { name: "address", title: "From", from: "medium", cell: ({ address }) => shown(address, 60) },
        { name: "action", title: "Did", cell: ({ action }) => shown(action.replaceAll(/[._]/g, " "), 80) },
        { name: "subject", title: "To", cell: ({ subject }) => shown(subject, 120) },
        {
          name: "detail",
          title: "Detail",
          from: "medium",
          cell: ({ detail }) => <span class="wraps muted">{shown(detailText(detail), 400)}</span>,
        },
      ]}
    />
  );
}

export function AuditLog({ place }: { readonly place: Place }): JSX.Element {
  const cursor = place.query.get("cursor");
  const answer = useApi<AuditAnswer>(apiPath("/api/audit", { limit: 100, cursor }));
  return (
    <Panel title="Audit log" note="who changed config, keys and providers">
      <Loaded answer={answer}>
        {({ entries, next }) => (
          <>
            {entries.length === 0 ? <Empty title="Nothing was changed." /> : <Entries entries={entries} />}
            <div class="button-row pager">
              {cursor === null ? null : (
                <Link to={addressWith(place, { cursor: null })} class="button">
                  Newest
                </Link>
              )}
              {next === null ? null : (
                <Link to={addressWith(place, { cursor: next })} class="button">
                  Older
                </Link>
              )}
            </div>
          </>
        )}
      </Loaded>
    </Panel>
  );
}
