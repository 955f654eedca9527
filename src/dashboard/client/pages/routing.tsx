// Routing: the rules in the order in which they are asked, what each chose in the range, and a box to try a request without sending it.

import type { JSX } from "preact";
import { apiPath } from "../api.ts";
import { Badge } from "../components/badge.tsx";
import { PageHead, Panel } from "../components/panel.tsx";
import { RangePicker } from "../components/range-picker.tsx";
import { Empty, Loaded, Problem } from "../components/states.tsx";
import { Table } from "../components/table.tsx";
import { count, money, percent, shown, viewerZone } from "../formatting.ts";
import { Link } from "../link.tsx";
import { withRange } from "../location.ts";
import { type OtherRow, type RuleRow, ruleTable } from "../operator/routing-model.ts";
import { RouteTester } from "../operator/route-tester.tsx";
import type { RuleEntry } from "../operator/shapes.ts";
import type { PageProps } from "../page-props.ts";
import { rangeOf } from "../time-range.ts";
import { useApi } from "../use-api.ts";
import type { SeriesReport } from "../../../metrics/query-shapes.ts";

function RuleName({ rule, query }: { readonly rule: RuleRow; readonly query: URLSearchParams }): JSX.Element {
  const address = new URL(withRange("/dashboard/requests", query), location.origin);
  address.searchParams.set("rule", rule.name);
  return (
    <span class="rule-name">
      {/* Records do not name an alias, so there is nothing to be listed. */}
      {rule.requests === null ? (
        <span>{shown(rule.name, 80)}</span>
      ) : (
        <Link to={address.pathname + address.search}>{shown(rule.name, 80)}</Link>
      )}
      {rule.enabled ? null : <Badge>off</Badge>}
      {rule.isUnused ? (
        <Badge tone="warn" title="It chose nothing in this range">
          never hit
        </Badge>
      ) : null}
    </span>
  );
}

function Hits({ rule }: { readonly rule: RuleRow }): JSX.Element {
  if (rule.requests === null)
    return <span title="Records say only that the client named a model">{count(null)}</span>;
  return (
    <>
      {count(rule.requests)}
      {rule.diverted === 0 ? null : (
        <span class="cell-sub" title="The rule's target did not answer, the next one did">
          {count(rule.diverted)} diverted
        </span>
      )}
    </>
  );
}

function RulesPanel({
  rules,
  query,
}: {
  readonly rules: readonly RuleRow[];
  readonly query: URLSearchParams;
}): JSX.Element {
  const unused = rules.filter(({ isUnused }) => isUnused).length;
  return (
    <Panel
      title="Rules"
      note={
        unused === 0
          ? `${rules.length} in order; the first match wins`
          : `${unused} of ${rules.length} never hit in this range`
      }
    >
      {rules.length === 0 ? (
        <Empty title="There are no rules.">Names, aliases and the fallback chain decide.</Empty>
      ) : (
        <Table
          caption="Rules in the order in which they are asked"
          rows={rules}
          keyOf={({ position }) => position}
          columns={[
            { name: "position", title: "#", kind: "number", cell: ({ position }) => position },
            { name: "name", title: "Rule", cell: (rule) => <RuleName rule={rule} query={query} /> },
            { name: "requests", title: "Hits", kind: "number", cell: (rule) => <Hits rule={rule} /> },
            { name: "share", title: "Share", kind: "number", cell: (rule) => percent(rule.percent) },
            {
              name: "target",
              title: "Target",
              cell: ({ target }) => <code>{shown(target, 80)}</code>,
            },
            { name: "layer", title: "Layer", cell: ({ layer }) => shown(layer, 40) },
            {
              name: "cost",
              title: "Cost",
              kind: "number",
              from: "medium",
              cell: ({ costUsd }) => money(costUsd),
            },
            {
              name: "when",
              title: "Matches when",
              from: "wide",
              cell: ({ description }) => <span class="wraps muted">{shown(description, 300)}</span>,
            },
          ]}
        />
      )}
    </Panel>
  );
}

function OthersPanel({ rows }: { readonly rows: readonly OtherRow[] }): JSX.Element | null {
  if (rows.length === 0) return null;
  return (
    <Panel
      title="Decided by no rule of the config"
      note="names, aliases, the fallback chain; rules of before"
    >
      <Table
        caption="Decisions that no rule made"
        rows={rows}
        keyOf={({ name }) => name}
        columns={[
          {
            name: "name",
            title: "Why",
            cell: ({ name, isGone }) => (
              <span class="rule-name">
                {shown(name, 100)}
                {isGone ? (
                  <Badge title="A rule of before: the config does not have it now">no longer there</Badge>
                ) : null}
              </span>
            ),
          },
          { name: "requests", title: "Requests", kind: "number", cell: ({ requests }) => count(requests) },
          { name: "share", title: "Share", kind: "number", cell: (row) => percent(row.percent) },
        ]}
      />
    </Panel>
  );
}

export function RoutingPage({ place }: PageProps): JSX.Element {
  const rules = useApi<{ readonly rules: readonly RuleEntry[] }>("/api/rules");
  const series = useApi<SeriesReport>(
    apiPath("/api/series", {
      ...rangeOf(place.query),
      tz: viewerZone(),
      bucket: "total",
      by: "rule",
      limit: 1000,
    }),
  );
  return (
    <>
      <PageHead title="Routing">
        <RangePicker place={place} />
      </PageHead>
      {series.error === null ? null : <Problem error={series.error} retry={series.reload} />}
      <Loaded answer={rules}>
        {(data) => {
          const table = ruleTable(data.rules, series.data);
          return (
            <>
              <RulesPanel rules={table.rules} query={place.query} />
              <OthersPanel rows={table.others} />
            </>
          );
        }}
      </Loaded>
      <RouteTester />
    </>
  );
}
