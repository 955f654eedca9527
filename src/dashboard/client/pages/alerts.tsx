// The alerts: what is wrong now and since when, and what was wrong lately.

import type { JSX } from "preact";
import { Badge } from "../components/badge.tsx";
import { Moment } from "../components/moment.tsx";
import { PageHead, Panel } from "../components/panel.tsx";
import { Empty, Loaded } from "../components/states.tsx";
import { type Column, Table } from "../components/table.tsx";
import { useEvents } from "../event-stream.ts";
import { duration, shown } from "../formatting.ts";
import type { Alert, AlertsAnswer } from "../operator/shapes.ts";
import { useApi } from "../use-api.ts";

const columns: readonly Column<Alert>[] = [
  {
    name: "severity",
    title: "Severity",
    cell: ({ severity }) => <Badge tone={severity === "critical" ? "bad" : "warn"}>{severity}</Badge>,
  },
  { name: "kind", title: "Kind", cell: ({ kind }) => shown(kind.replaceAll("-", " "), 60) },
  { name: "subject", title: "Subject", cell: ({ subject }) => shown(subject, 80) },
  {
    name: "message",
    title: "What happened",
    cell: ({ message }) => <span class="wraps">{shown(message, 400)}</span>,
  },
  { name: "since", title: "Since", cell: ({ since_ms: ms }) => <Moment ms={ms} isRelative /> },
];

const active: readonly Column<Alert>[] = [
  ...columns,
  {
    name: "until",
    title: "Until",
    cell: ({ until_ms: ms }) =>
      // Whether it is over shows with the next request or test.
      ms === null || ms <= Date.now() ? <span class="muted">not known</span> : <Moment ms={ms} isRelative />,
  },
];

type EndedAlert = AlertsAnswer["recent"][number];

const ended: readonly Column<EndedAlert>[] = [
  ...columns,
  { name: "ended", title: "Ended", cell: ({ ended_ms: ms }) => <Moment ms={ms} isRelative /> },
  {
    name: "lasted",
    title: "Lasted",
    kind: "number",
    from: "medium",
    cell: ({ since_ms: since, ended_ms: ms }) => duration(ms - since),
  },
];

export function AlertsPage(): JSX.Element {
  const answer = useApi<AlertsAnswer>("/api/alerts", { everyMs: 30_000 });
  useEvents(["alert"], answer.reload);
  return (
    <>
      <PageHead title="Alerts" />
      <Loaded answer={answer}>
        {({ alerts, recent }) => (
          <>
            <Panel title="Now">
              {alerts.length === 0 ? (
                <Empty title="Nothing is wrong.">
                  Failing providers, budgets and logins would be listed here.
                </Empty>
              ) : (
                <Table caption="Active alerts" rows={alerts} columns={active} keyOf={({ id }) => id} />
              )}
            </Panel>
            {recent.length === 0 ? null : (
              <Panel title="Over">
                <Table
                  caption="Alerts that ended"
                  rows={recent}
                  columns={ended}
                  keyOf={({ id, ended_ms: ms }) => `${id} ${ms}`}
                />
              </Panel>
            )}
          </>
        )}
      </Loaded>
    </>
  );
}
