// The cap of a request's session: what its client names (budget-header.ts), and what its tenant's sessions may spend. It must cost
// nothing for a request whose session has none.

import { SessionReservation } from "../../tenants/session-reservation.ts";
import type { IncomingRequest } from "../incoming-request.ts";
import type { Run } from "../run.ts";
import type { TenantPolicy } from "./tenant-policy.ts";
import { TenantUsage } from "./tenant-usage.ts";

/** For a tenant without settings, and for callers that are none. */
export const noPolicy: TenantPolicy = {
  models: null,
  provider: null,
  meter: null,
  overBudgetModel: null,
  keeps: "nothing",
  countsMoney: false,
  refusesUnpriced: false,
  unknownPrice: null,
  sessionNanoUsd: null,
};

/** After `enterTenant`: the request's share of its session is reserved and charged together with its tenant's. */
export function enterSession(run: Run, incoming: IncomingRequest, policy: TenantPolicy = noPolicy): void {
  const { sessionNanoUsd: tenant, unknownPrice } = policy;
  const hold = run.services.sessions.hold(incoming.sessionKey, { named: incoming.namedBudget, tenant });
  if (hold === null) return;
  // A cap that is counted in dollars only: what has no price could be used without limit.
  const refusesUnpriced = policy.refusesUnpriced || (hold.isLimited && unknownPrice !== "allow");
  const reservation = new SessionReservation(hold, run.tenantUsage?.reservation ?? null);
  run.tenantUsage = new TenantUsage(reservation, refusesUnpriced, null, hold);
}
