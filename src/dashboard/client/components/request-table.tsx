// A list of requests, newest first. Each row leads to the request's own sheet.

import type { JSX } from "preact";
import type { Row } from "../api-shapes.ts";
import { count, duration, money, percent, short, shortTime, shown, time } from "../formatting.ts";
import { Link } from "../link.tsx";
import { Badge, StatusBadge } from "./badge.tsx";
import { type Column, Table } from "./table.tsx";

/** It ended before any provider was asked. */
const isUnsent = ({ attempt_count: attempts, cost_usd: usd }: Row): boolean => attempts === 0 && usd === null;

function Target({ row }: { readonly row: Row }): JSX.Element {
  if (isUnsent(row) && row.model === "")
    return (
      <span class="muted">
        {shown(row.requested_model, 60)}
        <span class="cell-sub">asked for, sent nowhere</span>
      </span>
    );
  return (
    <>
      {shown(row.model, 60)}
      <span class="cell-sub">
        {shown(row.provider, 40)}
        {row.fallbacks > 0 ? (
          <>
            {" "}
            <Badge tone="warn" title="Targets that failed before this one">
              {row.fallbacks} fallback{row.fallbacks === 1 ? "" : "s"}
            </Badge>
          </>
        ) : null}
      </span>
    </>
  );
}

function Cost({ row }: { readonly row: Row }): JSX.Element {
  if (row.list_usd === null || row.list_usd === undefined)
    return <>{money(isUnsent(row) ? 0 : row.cost_usd)}</>;
  return (
    <>
      {money(row.cost_usd)}
      <span class="cell-sub">list {money(row.list_usd)}</span>
    </>
  );
}

const cacheShare = ({ usage }: Row): string =>
  usage.input === null || usage.input === 0 || usage.input_cached === null
    ? "–"
    : percent((usage.input_cached / usage.input) * 100, 0);

function columnsOf(addressOf: (row: Row) => string): readonly Column<Row>[] {
  return [
    {
      name: "time",
      title: "Time",
      cell: (row) => (
        <Link to={addressOf(row)} title={time(row.timestamp * 1000, "full")}>
          {shortTime(row.timestamp * 1000)}
        </Link>
      ),
    },
    { name: "status", title: "Status", cell: (row) => <StatusBadge {...row} /> },
    { name: "target", title: "Model", cell: (row) => <Target row={row} /> },
    {
      name: "rule",
      title: "Rule",
      from: "wide",
      cell: (row) => (
        <>
          {shown(row.rule_name, 40)}
          <span class="cell-sub">{shown(row.layer, 20)}</span>
        </>
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
      name: "tokens",
      title: "Tokens in / out",
      kind: "number",
      from: "medium",
      cell: ({ usage }) => (
        <span title={`${count(usage.input)} in, ${count(usage.output)} out`}>
          {short(usage.input)} / {short(usage.output)}
        </span>
      ),
    },
    {
      name: "cache",
      title: "Cache",
      kind: "number",
      from: "wide",
      cell: (row) =>
        row.missed_cache ? (
          <Badge tone="warn" title="Less in the prompt cache than the turn before had left there">
            miss
          </Badge>
        ) : (
          cacheShare(row)
        ),
    },
    {
      name: "first",
      title: "First token",
      kind: "number",
      from: "wide",
      cell: (row) => duration(row.first_token_ms),
    },
    {
      name: "took",
      title: "Took",
      kind: "number",
      from: "medium",
      cell: (row) => duration(row.latency_ms),
    },
    { name: "cost", title: "Cost", kind: "number", cell: (row) => <Cost row={row} /> },
  ];
}

type RequestTableProps = {
  readonly caption: string;
  readonly rows: readonly Row[];
  readonly openId?: string | undefined;
  addressOf(row: Row): string;
  open(row: Row): void;
};

export function RequestTable({ caption, rows, openId, addressOf, open }: RequestTableProps): JSX.Element {
  return (
    <Table
      caption={caption}
      columns={columnsOf(addressOf)}
      rows={rows}
      keyOf={(row) => row.request_id}
      open={open}
      isMarked={(row) => row.request_id === openId}
    />
  );
}
