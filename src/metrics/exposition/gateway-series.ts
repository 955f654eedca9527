// Series about the gateway's own work beside the requests: what it refuses, remembers, budgets and exports.

import type { Sample, StateRow, TenantBudget } from "./series-row.ts";

export const gatewaySeries: readonly StateRow[] = [
  {
    of: "state",
    type: "counter",
    name: "clawgate_refused_requests_total",
    help: "Requests that were refused before they had a record: wrong key, path, method, content type or size.",
    labels: ["status", "failure"],
    read: ({ refusals }) =>
      refusals.map(({ status, failure, count }) => ({ labels: [String(status), failure], value: count })),
  },
  {
    of: "state",
    type: "gauge",
    name: "clawgate_remembered_sessions",
    help: "Conversations whose provider is remembered, so that their next turn finds its prompt cache.",
    labels: [],
    read: ({ sessions }) => [{ labels: [], value: sessions }],
  },
  {
    of: "state",
    type: "gauge",
    name: "clawgate_tenant_budget_usd",
    help: "Budget of the tenant in US dollars, for the UTC day or month.",
    labels: ["tenant", "period"],
    read: ({ budgets }) => budgetSamples(budgets, "usd", ({ limit }) => limit),
  },
  {
    of: "state",
    type: "gauge",
    name: "clawgate_tenant_budget_spent_usd",
    help: "US dollars that count against the budget of the tenant in this UTC day or month.",
    labels: ["tenant", "period"],
    read: ({ budgets }) => budgetSamples(budgets, "usd", ({ spent }) => spent),
  },
  {
    of: "state",
    type: "gauge",
    name: "clawgate_tenant_budget_tokens",
    help: "Budget of the tenant in tokens, for the UTC day or month.",
    labels: ["tenant", "period"],
    read: ({ budgets }) => budgetSamples(budgets, "tokens", ({ limit }) => limit),
  },
  {
    of: "state",
    type: "gauge",
    name: "clawgate_tenant_budget_spent_tokens",
    help: "Tokens that count against the budget of the tenant in this UTC day or month.",
    labels: ["tenant", "period"],
    read: ({ budgets }) => budgetSamples(budgets, "tokens", ({ spent }) => spent),
  },
  {
    of: "state",
    type: "counter",
    name: "clawgate_otel_exported_total",
    help: "Spans and data points for the OpenTelemetry collector: sent, or lost because it was away, slow or refused them.",
    labels: ["signal", "outcome"],
    read: ({ exports }) =>
      exports.flatMap(({ signal, sent, lost }) => [
        { labels: [signal, "sent"], value: sent },
        { labels: [signal, "lost"], value: lost },
      ]),
  },
];

const budgetSamples = (
  budgets: readonly TenantBudget[],
  unit: TenantBudget["unit"],
  read: (budget: TenantBudget) => number,
): readonly Sample[] =>
  budgets.flatMap((budget) =>
    budget.unit === unit ? [{ labels: [budget.tenant, budget.period], value: read(budget) }] : [],
  );
