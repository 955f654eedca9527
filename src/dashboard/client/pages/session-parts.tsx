// The parts of a session's page: its turns as bars, its cache misses, its agents as a tree, its tools.

import type { JSX } from "preact";
import type { SessionReport } from "../../../metrics/query-shapes.ts";
import type { Row } from "../api-shapes.ts";
import { Estimate } from "../components/badge.tsx";
import { Panel } from "../components/panel.tsx";
import { Empty } from "../components/states.tsx";
import { count, money, short, shortTime, shown } from "../formatting.ts";
import { Link } from "../link.tsx";
import { navigate } from "../location.ts";
import { type AgentNode, agentTree, toolRows, type TurnBar, turnBars } from "../session-view.ts";
import { missText } from "./request-cost.tsx";
import { knownCost } from "../spending-outlook.ts";

type PartProps = { readonly report: SessionReport };
type LinkedProps = PartProps & { addressOf(row: Row): string };

const kindNames: Readonly<Record<TurnBar["kind"], string>> = {
  hit: "cache hit",
  miss: "cache missed",
  none: "no cache",
  failed: "failed",
};

function titleOf({ row, kind }: TurnBar): string {
  const cost = row.list_usd ? `list ${money(row.list_usd)}` : money(row.cost_usd);
  return `${shortTime(row.timestamp * 1000)} · ${shown(row.model, 40)} · ${cost} · ${kindNames[kind]}`;
}

/** The table of turns below it says the same to whoever cannot see it. */
export function TurnsPanel({ report, addressOf }: LinkedProps): JSX.Element {
  const bars = turnBars(report.turns);
  const counted = (kind: TurnBar["kind"]): number => bars.filter((bar) => bar.kind === kind).length;
  const said = (["hit", "miss", "none", "failed"] as const)
    .map((kind) => `${counted(kind)} ${kindNames[kind]}`)
    .join(", ");
  return (
    <Panel
      title="Cost over turns"
      actions={
        <span class="turn-keys" aria-hidden="true">
          {(["hit", "miss", "none", "failed"] as const).map((kind) => (
            <span key={kind}>
              <i class={`swatch turn-${kind}`} /> {kindNames[kind]}
            </span>
          ))}
        </span>
      }
    >
      <div
        class={`turns ${bars.length > 200 ? "turns-dense" : ""}`}
        role="img"
        aria-label={`${bars.length} turns: ${said}. The table of turns has each.`}
      >
        {bars.map((bar) => (
          <i
            key={bar.row.request_id}
            class="turn"
            title={titleOf(bar)}
            onClick={() => navigate(addressOf(bar.row))}
          >
            <i class={`turn-${bar.kind}`} style={{ height: `max(3px, ${bar.height.toFixed(1)}%)` }} />
          </i>
        ))}
      </div>
    </Panel>
  );
}

export function MissesPanel({ report, addressOf }: LinkedProps): JSX.Element {
  const missed: readonly Row[] = report.turns;
  const rows = missed.flatMap((row) => (row.missed_cache ? [{ row, miss: row.missed_cache }] : []));
  return (
    <Panel title="Prompt cache missed" actions={<Estimate />}>
      {rows.length === 0 ? (
        <Empty title="No miss in these turns" />
      ) : (
        <ul class="lines">
          {rows.slice(0, 12).map(({ row, miss }) => (
            <li key={row.request_id}>
              <Link to={addressOf(row)}>{shortTime(row.timestamp * 1000)}</Link>
              <span>
                {missText(miss)} <span class="muted">{short(miss.missed_tokens)} tokens</span>
              </span>
              <b>{money(miss.usd)}</b>
            </li>
          ))}
          {rows.length > 12 ? <li class="muted">and {rows.length - 12} more in the table below</li> : null}
        </ul>
      )}
    </Panel>
  );
}

function Agent({ node }: { readonly node: AgentNode }): JSX.Element {
  const { agent, below } = node;
  return (
    <li>
      <div class="agent">
        <span class="agent-name">
          {agent.agent === null ? "the conversation itself" : shown(agent.agent, 60)}
        </span>
        <span class="muted">{count(agent.requests)} requests</span>
        <b>
          {money(knownCost(agent))}
          {agent.flat_rate_list_usd > 0 ? (
            <span class="cell-sub">list {money(agent.flat_rate_list_usd)}</span>
          ) : null}
          {agent.unknown_cost_requests > 0 ? (
            <span class="cell-sub">{count(agent.unknown_cost_requests)} of unknown cost</span>
          ) : null}
        </b>
      </div>
      {below.length === 0 ? null : (
        <ul>
          {below.map((each) => (
            <Agent key={each.agent.agent} node={each} />
          ))}
        </ul>
      )}
    </li>
  );
}

export function AgentsPanel({ report }: PartProps): JSX.Element {
  return (
    <Panel title="Agents">
      <ul class="agents">
        {agentTree(report.agents).map((node) => (
          <Agent key={node.agent.agent} node={node} />
        ))}
      </ul>
    </Panel>
  );
}

export function ToolsPanel({ report }: PartProps): JSX.Element {
  const rows = toolRows(report.tools);
  const most = rows[0]?.[1] ?? 1;
  return (
    <Panel title="Tools">
      {rows.length === 0 ? (
        <Empty title="No tool was run" />
      ) : (
        <ul class="lines">
          {rows.slice(0, 16).map(([name, calls]) => (
            <li key={name}>
              <span class="tool-name">{shown(name, 60)}</span>
              <meter min={0} max={most} value={calls} aria-label={`Calls of ${shown(name, 60)}`} />
              <b>{count(calls)}</b>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
