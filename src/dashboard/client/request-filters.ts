// The filters of a list of requests as the address and /api spell them.

import type { Row } from "./api-shapes.ts";

export type FilterKey =
  | "tenant"
  | "client"
  | "session"
  | "agent"
  | "provider"
  | "model"
  | "rule"
  | "class"
  | "status"
  | "tag"
  | "min_usd";

export type FilterField = { readonly key: FilterKey; readonly label: string; readonly example: string };

export const filterFields: readonly FilterField[] = [
  { key: "status", label: "Status", example: "failed, 429, 5xx" },
  { key: "model", label: "Model", example: "claude-sonnet-4-5" },
  { key: "provider", label: "Provider", example: "anthropic" },
  { key: "tenant", label: "Tenant", example: "team-a" },
  { key: "client", label: "Client", example: "claude-code" },
  { key: "session", label: "Session", example: "session id" },
  { key: "agent", label: "Agent", example: "agent id" },
  { key: "rule", label: "Rule", example: "explicit-model" },
  { key: "class", label: "Kind of turn", example: "auxiliary" },
  { key: "tag", label: "Tag", example: "nightly" },
  { key: "min_usd", label: "Cost above", example: "0.50" },
];

/** Only the filters, in the order of the fields. */
export function filtersOf(query: URLSearchParams): Readonly<Partial<Record<FilterKey, string>>> {
  const found: Partial<Record<FilterKey, string>> = {};
  for (const { key } of filterFields) {
    const value = query.get(key);
    if (value !== null && value !== "") found[key] = value;
  }
  return found;
}

function hasStatus({ status, failure }: Row, wanted: string): boolean {
  if (wanted === "ok") return failure === null;
  if (wanted === "failed") return failure !== null && failure !== "cancelled";
  return wanted === failure || wanted === String(status) || wanted === `${Math.floor(status / 100)}xx`;
}

/** Whether a row that has just ended belongs to a list with these filters. */
export function rowMatches(row: Row, filters: ReturnType<typeof filtersOf>): boolean {
  const { tenant, client, session, agent, provider, model, rule, status, tag, min_usd } = filters;
  const { class: turn } = filters;
  const isSame = (wanted: string | undefined, value: string | null): boolean =>
    wanted === undefined || wanted === value;
  return (
    isSame(tenant, row.tenant) &&
    isSame(client, row.client) &&
    isSame(session, row.session) &&
    (isSame(agent, row.agent) || isSame(agent, row.parent_agent)) &&
    isSame(provider, row.provider) &&
    isSame(model, row.model) &&
    isSame(rule, row.rule_name) &&
    isSame(turn, row.class) &&
    (status === undefined || hasStatus(row, status)) &&
    (tag === undefined || row.tags.includes(tag)) &&
    (min_usd === undefined || (row.cost_usd ?? 0) >= Number(min_usd))
  );
}
