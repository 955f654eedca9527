// What the page of a session makes of its report: the tree of its agents, its turns as bars, its cache misses.

import type { SessionAgent, SessionReport } from "../../metrics/query-shapes.ts";
import type { Row } from "./api-shapes.ts";

export type AgentNode = { readonly agent: SessionAgent; readonly below: readonly AgentNode[] };

/** The conversation itself first; agents below the ones that started them; one whose parent is unknown stands at the top. Circles are cut. */
export function agentTree(agents: readonly SessionAgent[]): readonly AgentNode[] {
  const names = new Set(agents.map(({ agent }) => agent));
  const placed = new Set<string | null>();
  const below = (parent: string): readonly AgentNode[] =>
    agents
      .filter(({ agent, parent_agent }) => parent_agent === parent && agent !== parent && !placed.has(agent))
      .map(nodeOf);
  const nodeOf = (agent: SessionAgent): AgentNode => {
    placed.add(agent.agent);
    return { agent, below: agent.agent === null ? [] : below(agent.agent) };
  };
  const roots = agents
    .filter(({ parent_agent }) => parent_agent === null || !names.has(parent_agent))
    .toSorted((one, other) => Number(one.agent !== null) - Number(other.agent !== null))
    .map(nodeOf);
  // Agents that start each other in a circle are below nobody.
  const rest = agents.filter(({ agent }) => !placed.has(agent)).map((agent) => ({ agent, below: [] }));
  return [...roots, ...rest];
}

export type TurnBar = {
  readonly row: Row;
  /** 0..100 of the dearest turn. */
  readonly height: number;
  readonly kind: "hit" | "miss" | "none" | "failed";
};

function kindOf(row: Row): TurnBar["kind"] {
  if (row.failure !== null) return "failed";
  if (row.missed_cache) return "miss";
  return row.cache_hit > 0 ? "hit" : "none";
}

/** A flat rate's turns by their list price: their cost is nothing, but their course is not. */
const weightOf = ({ cost_usd, list_usd }: Row): number => (list_usd ?? 0) || (cost_usd ?? 0);

/** Oldest first. */
export function turnBars(turns: SessionReport["turns"]): readonly TurnBar[] {
  const rows: readonly Row[] = turns.toReversed();
  const most = Math.max(0, ...rows.map(weightOf));
  return rows.map((row) => ({
    row,
    height: most === 0 ? 0 : (weightOf(row) / most) * 100,
    kind: kindOf(row),
  }));
}

export function toolRows(tools: SessionReport["tools"]): readonly (readonly [string, number])[] {
  return Object.entries(tools).toSorted(([, one], [, other]) => other - one);
}
