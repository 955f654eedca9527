// The filters of a list of requests as the address and /api spell them.

export type FilterKey =
  "tenant" | "client" | "session" | "agent" | "provider" | "model" | "rule" | "status" | "tag" | "min_usd";

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
