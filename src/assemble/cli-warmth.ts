// Whose Claude Code processes are worth starting before anybody asks. It must never start one for a tenant that is gone.

import type { Likely, LikelyKey } from "../backends/cli/likely.ts";
import type { PoolLimits } from "../backends/cli/pool.ts";

type Served = {
  readonly tenants: ReadonlyMap<string, unknown>;
  /** For requests that name no model. */
  readonly model: string;
};

/** The likeliest last: it is the one that the stock gives up last. */
export async function keysToWarm(
  likely: Pick<Likely, "recall">,
  served: Served,
  limits: Pick<PoolLimits, "size" | "max">,
): Promise<LikelyKey[]> {
  const { tenants } = served;
  const { size, max } = limits;
  if (size <= 0) return [];
  const isServed = ({ tenant }: LikelyKey): boolean =>
    tenant === null ? tenants.size === 0 : tenants.has(tenant);
  const known = (await likely.recall()).filter(isServed);
  const named = new Set(known.map(({ tenant, model }) => JSON.stringify([tenant, model])));
  const first = firstKeys(served).filter(({ tenant, model }) => !named.has(JSON.stringify([tenant, model])));
  return [...known, ...first].slice(0, Math.floor(max / size)).toReversed();
}

/** Of a gateway that nobody has asked yet: with several tenants it cannot tell whose turn comes first. */
function firstKeys({ tenants, model }: Served): readonly LikelyKey[] {
  const [tenant = null] = tenants.keys();
  return tenants.size > 1 ? [] : [{ tenant, model }];
}
