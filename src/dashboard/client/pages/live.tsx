// What runs now: requests with their progress, and the log as the terminal shows it. Both come as events; nothing is polled while the
// connection holds.

import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { LiveRow, LogEntry } from "../api-shapes.ts";
import { ApiError, callApi } from "../api.ts";
import { Badge, type Tone } from "../components/badge.tsx";
import { PageHead, Panel } from "../components/panel.tsx";
import { Empty, Loading, Problem } from "../components/states.tsx";
import { type Column, Table } from "../components/table.tsx";
import { type EventKind, useEvents } from "../event-stream.ts";
import { count, short, shown } from "../formatting.ts";
import { Link } from "../link.tsx";
import { home, segment } from "../location.ts";
import { ageText, liveOrder, type LogLine, queueText, stageText, withLines } from "../live-view.ts";
import { useMayWrite } from "../session.ts";
import { useApi } from "../use-api.ts";
import { LogStream } from "./live-log.tsx";

type Live = { readonly requests: readonly LiveRow[] };

/** A clock for ages; still while nothing runs. */
function useNow(isRunning: boolean): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (!isRunning) return;
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, [isRunning]);
  return now;
}

const gatherMs = 200;

/** Many lines can come at once: they are drawn together. */
function useLogLines(): { readonly lines: readonly LogLine[]; add(line: LogLine): void } {
  const [lines, setLines] = useState<readonly LogLine[]>([]);
  const pending = useRef<LogLine[]>([]);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const add = (line: LogLine): void => {
    pending.current.push(line);
    timer.current ??= setTimeout(() => {
      const added = pending.current;
      pending.current = [];
      timer.current = undefined;
      setLines((last) => withLines(last, added));
    }, gatherMs);
  };
  return { lines, add };
}

const stageTones: Readonly<Record<string, Tone>> = { streaming: "good", asking: "accent", waiting: "warn" };

function Stage({ row }: { readonly row: LiveRow }): JSX.Element {
  const place = queueText(row.queue);
  return (
    <>
      <Badge tone={stageTones[row.stage] ?? "plain"}>{stageText(row.stage)}</Badge>
      {place === null ? null : <span class="cell-sub">{shown(place, 60)}</span>}
    </>
  );
}

function Cancel({ id, fail }: { readonly id: string; fail(error: ApiError | null): void }): JSX.Element {
  const [isAsked, setAsked] = useState(false);
  const cancel = async (): Promise<void> => {
    setAsked(true);
    try {
      await callApi(`/api/requests/${segment(id)}/cancel`, { method: "POST" });
      fail(null);
    } catch (error) {
      setAsked(false);
      // It had ended by itself: that is what was wanted.
      if (error instanceof ApiError && error.status !== 404) fail(error);
    }
  };
  return (
    <button
      type="button"
      class="button danger"
      disabled={isAsked}
      aria-label={`Cancel the request ${shown(id, 40)}`}
      onClick={() => void cancel()}
    >
      {isAsked ? "Cancelling" : "Cancel"}
    </button>
  );
}

function columnsOf(nowMs: number): readonly Column<LiveRow>[] {
  return [
    {
      name: "model",
      title: "Asked for",
      cell: (row) => (
        <>
          {shown(row.model, 60)}
          <span class="cell-sub">{shown(row.provider, 40)}</span>
        </>
      ),
    },
    { name: "stage", title: "Stage", cell: (row) => <Stage row={row} /> },
    {
      name: "from",
      title: "From",
      from: "medium",
      cell: (row) => (
        <>
          {shown(row.tenant ?? row.client, 40)}
          <span class="cell-sub">
            {shown(row.agent ?? (row.tenant === null ? row.door : row.client), 40)}
          </span>
        </>
      ),
    },
    {
      name: "session",
      title: "Session",
      from: "wide",
      cell: ({ session }) =>
        session ? <Link to={`${home}/sessions/${segment(session)}`}>{shown(session, 14)}</Link> : "–",
    },
    {
      name: "tokens",
      title: <span title="So far, an estimate while it streams">Tokens</span>,
      kind: "number",
      cell: (row) =>
        row.output_tokens === null || row.output_tokens === undefined ? (
          "–"
        ) : (
          <span title="An estimate while it streams">~{short(row.output_tokens)}</span>
        ),
    },
    {
      name: "speed",
      title: "Tokens / s",
      kind: "number",
      from: "medium",
      cell: (row) =>
        row.tokens_per_second === null || row.tokens_per_second === undefined
          ? "–"
          : row.tokens_per_second.toFixed(1),
    },
    {
      name: "age",
      title: "Since",
      kind: "number",
      cell: (row) => ageText(nowMs - row.started_at_ms),
    },
  ];
}

export function LivePage(): JSX.Element {
  const [rows, setRows] = useState<readonly LiveRow[] | null>(null);
  const { lines, add } = useLogLines();
  const [failure, setFailure] = useState<ApiError | null>(null);
  const mayWrite = useMayWrite();
  const stream = useEvents(["live", "log"], (kind: EventKind, data, id) => {
    if (kind === "live") setRows((data as Live).requests);
    else if (kind === "log") add({ ...(data as LogEntry), id });
  });
  // The first answer, and the only ones while no stream can be had.
  const asked = useApi<Live>("/api/live", stream === "open" ? {} : { everyMs: 2_000 });
  useEffect(() => {
    if (asked.data !== null) setRows(asked.data.requests);
  }, [asked.data]);
  const shownRows = liveOrder(rows ?? []);
  const nowMs = useNow(shownRows.length > 0);
  const waiting = shownRows.filter(({ stage }) => stage === "waiting").length;
  const cancel: Column<LiveRow> = {
    name: "cancel",
    title: <span class="visually-hidden">Cancel</span>,
    kind: "number",
    cell: ({ id }) => <Cancel id={id} fail={setFailure} />,
  };
  return (
    <>
      <PageHead title="Live">
        <span class={`stream-state stream-${stream}`} role="status">
          <i aria-hidden="true" />
          {stream === "open"
            ? "Connected"
            : stream === "lost"
              ? "Connection lost, trying again"
              : "Connecting"}
        </span>
      </PageHead>
      {failure === null ? null : <Problem error={failure} />}
      {asked.error === null || rows !== null ? null : <Problem error={asked.error} retry={asked.reload} />}
      <Panel
        title="Requests"
        note={rows === null ? "" : `${count(shownRows.length - waiting)} running, ${count(waiting)} waiting`}
        class="live-panel"
      >
        {rows === null ? (
          asked.error === null ? (
            <Loading />
          ) : null
        ) : shownRows.length === 0 ? (
          <Empty title="Nothing runs">A request appears here while it is answered.</Empty>
        ) : (
          <Table
            caption="Requests that run now"
            columns={mayWrite ? [...columnsOf(nowMs), cancel] : columnsOf(nowMs)}
            rows={shownRows}
            keyOf={({ id }) => id}
          />
        )}
      </Panel>
      <LogStream lines={lines} />
    </>
  );
}
