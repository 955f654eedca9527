// What one config says of a tenant's requests. Types only.

import type { Target } from "../canon/decision.ts";
import type { Meter } from "../tenants/limits.ts";

export type TenantPolicy = {
  /** Null: the tenant may ask for everything. */
  readonly models: ModelGrant | null;
  /** Provider that gets all of its `auto`. */
  readonly provider: string | null;
  /** Null: it may use as much as it likes. */
  readonly meter: Meter | null;
  readonly overBudgetModel: string | null;
  /** What a client may not choose at the upstream, beside `model`, which is judged: other models; another price as well. */
  readonly keeps: "nothing" | "models" | "models-and-prices";
  /** It has a budget in dollars. */
  readonly countsMoney: boolean;
  /** What has no known price is not for it. */
  readonly refusesUnpriced: boolean;
};

export type ModelGrant = {
  readonly hasAuto: boolean;
  /** A name as a client writes it, for a list of names. */
  allowsName(name: string): boolean;
  /** The same name as the config spells it; null: none that is listed. */
  spelled(name: string): string | null;
  /** The model of a target as the config spells it, for that is what goes up; null: it is not allowed. */
  modelAt(target: Target): string | null;
  allowsTarget(target: Target): boolean;
  /** False: the provider would run another model for this one, and that is not allowed. */
  runs(target: Target): boolean;
};
