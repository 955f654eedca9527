// What one config says about a tenant's requests. Types only.

import type { Target } from "../../canon/decision.ts";
import type { Meter } from "../../tenants/limits.ts";

export type TenantPolicy = {
  /** Null: the tenant may ask for everything. */
  readonly models: ModelGrant | null;
  /** The provider that gets all its `auto` requests. */
  readonly provider: string | null;
  /** Null: it may use as much as it likes. */
  readonly meter: Meter | null;
  readonly overBudgetModel: string | null;
  /**
   * What a client may not choose at the upstream besides `model`, which is checked separately: other models, or another
   * price as well.
   */
  readonly keeps: "nothing" | "models" | "models-and-prices";
  /** It has a budget in dollars. */
  readonly countsMoney: boolean;
  /** It may not use what has no known price. */
  readonly refusesUnpriced: boolean;
  /** What its settings say of models without a known price; null: nothing. */
  readonly unknownPrice: "allow" | "refuse" | null;
  /** What one of its sessions may spend, in nano-USD; null: any amount. */
  readonly sessionNanoUsd: number | null;
};

export type ModelGrant = {
  readonly hasAuto: boolean;
  /** A name as a client writes it, for a list of names. */
  allowsName(name: string): boolean;
  /** The same name as the config spells it; null: not listed. */
  spelled(name: string): string | null;
  /** The target's model as the config spells it, which is what goes upstream; null: not allowed. */
  modelAt(target: Target): string | null;
  allowsTarget(target: Target): boolean;
  /** False: the provider would run another model for this one, which is not allowed. */
  runs(target: Target): boolean;
};
