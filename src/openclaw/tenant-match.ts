// Which tenant of the config an instance belongs to: by the container that the tenant names, else by the name. Pure; it must never
// assign one tenant to two instances if the config distinguishes them.

import type { Instance } from "./instances.ts";

export type NamedTenant = { readonly name: string; readonly container?: string | null | undefined };

/** The tenant's name; for a new tenant, one that is not in use. */
export function tenantFor(
  { name, kind, container }: Instance,
  tenants: readonly NamedTenant[],
): { readonly name: string; readonly isKnown: boolean } {
  const isBound = (each: NamedTenant): boolean => (each.container ?? null) !== null;
  const bound = container === null ? undefined : tenants.find((each) => each.container === container);
  if (bound !== undefined) return { name: bound.name, isKnown: true };
  const named = (wanted: string) => tenants.find((each) => each.name === wanted);
  const mayBe = (wanted: string): boolean => {
    const tenant = named(wanted);
    return tenant !== undefined && !isBound(tenant);
  };
  // openclaw-cc-gateway called the usual compose project "dc"; its users keep the name and the key.
  const known = kind === "docker" && name === "openclaw" ? [name, "dc"] : [name];
  const own = known.find(mayBe);
  if (own !== undefined) return { name: own, isKnown: true };
  for (let count = 1; ; count++) {
    const free = count === 1 ? name : count === 2 ? `${name}-${kind}` : `${name}-${count}`;
    // A config refuses two names that differ only in case.
    const isTaken = tenants.some((each) => each.name.toLowerCase() === free.toLowerCase());
    if (!isTaken) return { name: free, isKnown: false };
  }
}
