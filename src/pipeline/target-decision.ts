// Decides which targets a request gets, in which order: the router's decision, within a tenant's grant and budget. A preview
// runs the same code without side effects.

import type { RoutedDecision } from "../routing/decision-builder.ts";
import type { PipelineSnapshot } from "./dependencies.ts";
import { type IncomingRequest, routeRequestOf } from "./incoming-request.ts";
import { PreviewBudget, RunBudget } from "./tenants/request-budget.ts";
import { noPolicy } from "./tenants/session-budget.ts";
import type { Run } from "./run.ts";
import { zeroAmount } from "../tenants/spending.ts";
import { decideForTenant } from "./tenants/tenant-limits.ts";
import type { TenantPolicy } from "./tenants/tenant-policy.ts";

/** After `enterTenant`. Throws Failure, or rejects with it. */
export function decideTargets(
  run: Run,
  incoming: IncomingRequest,
  policy: TenantPolicy | undefined,
): RoutedDecision | Promise<RoutedDecision> {
  const { router } = run.snapshot;
  const { tenantUsage } = run;
  if (policy === undefined && tenantUsage === null)
    return router.decide(routeRequestOf(incoming, incoming.envelope.model, false));
  // Counting tokens is free.
  const isFree = tenantUsage === null || incoming.endpoint.kind === "count-tokens";
  const judged = policy ?? noPolicy;
  const budget = isFree ? null : new RunBudget(run, incoming, judged, tenantUsage);
  return decideForTenant({ incoming, policy: judged, router, isDry: false }, budget);
}

/** What `decideTargets` would return now. Throws the same failures, and those of `enterTenant`. */
export async function previewTargets(
  snapshot: Pick<PipelineSnapshot, "router" | "providers">,
  incoming: IncomingRequest,
  policy: TenantPolicy | undefined,
  nowMs: number,
): Promise<RoutedDecision> {
  const { router } = snapshot;
  if (policy === undefined)
    return router.decide(routeRequestOf(incoming, incoming.envelope.model, false), true);
  const { meter } = policy;
  await meter?.preview(zeroAmount);
  const budget = meter === null ? null : new PreviewBudget(snapshot, incoming, { ...policy, meter }, nowMs);
  return decideForTenant({ incoming, policy, router, isDry: true }, budget);
}
