// Which agent processes are worth starting before a request needs them. It must never start one for a tenant that is gone.

import type { RecentKeys, WarmKey } from "./recent-keys.ts";
import type { PoolLimits } from "./pool.ts";

type Served = {
  readonly tenants: ReadonlyMap<string, unknown>;
  /** For requests that name no model. */
  readonly model: string;
};

/** The likeliest last: the pool drops it last. */
export async function keysToWarm(
  recentKeys: Pick<RecentKeys, "recall">,
  served: Served,
  limits: Pick<PoolLimits, "size" | "max">,
): Promise<WarmKey[]> {
  const { tenants } = served;
  const { size, max } = limits;
  if (size <= 0) return [];
  const isServed = ({ tenant }: WarmKey): boolean =>
    tenant === null ? tenants.size === 0 : tenants.has(tenant);
  const known = (await recentKeys.recall()).filter(isServed);
  const named = new Set(known.map(({ tenant, model }) => JSON.stringify([tenant, model])));
  const first = firstKeys(served).filter(({ tenant, model }) => !named.has(JSON.stringify([tenant, model])));
  return [...known, ...first].slice(0, Math.floor(max / size)).toReversed();
}

/** For a gateway without any request yet: with several tenants, which one comes first is unknown. */
function firstKeys({ tenants, model }: Served): readonly WarmKey[] {
  const [tenant = null] = tenants.keys();
  return tenants.size > 1 ? [] : [{ tenant, model }];
}
