// Groups of targets that can replace each other: the fallback chain, a target's equals (its tier), and the order in which they
// are asked. It must never send a request; a dry run advances no rotation.

import type { Target } from "../canon/decision.ts";
import type { RoutingView } from "./decision-builder.ts";
import { estimateCostUsd, type ModelFacts, type Requirements } from "./eligibility.ts";
import type { NameTable, RoutedProvider } from "./names.ts";
import type { Strategy } from "./settings.ts";
import { createRotation, orderMembers, type PoolMember, type Rotation } from "./strategies.ts";

export type PoolOptions = Pick<NameTable, "providers" | "fallbackChain"> & {
  readonly strategy: Strategy;
  /** Providers that answer only requests which name them. Absent: none. */
  readonly neverChosen?: ReadonlySet<string>;
  /** Tier and weight of each loaded provider; absent: no tier, weight 1. */
  readonly standing: ReadonlyMap<string, { readonly tier: string | null; readonly weight: number }>;
  readonly modelFacts: (provider: string, model: string) => ModelFacts;
  readonly view: RoutingView;
};

export type Pool = { readonly name: string; readonly targets: readonly Target[] };

const noNeeds: Requirements = {
  tokens: 0,
  tools: false,
  images: false,
  jsonSchema: false,
  thinking: false,
  outputTokens: null,
};

const targetOf = ({ id, model }: RoutedProvider): Target => ({ provider: id, model });

export class Pools {
  /** The configured strategy. */
  readonly chain: readonly Target[];
  /**
   * The chain for `auto`: without a configured chain, the config's order is the chain and direct choices have no
   * fallback.
   */
  readonly autoChain: readonly Target[];
  private readonly choosable: readonly RoutedProvider[];
  private readonly loaded: ReadonlyMap<string, RoutedProvider>;
  private readonly rotations = new Map<string, Rotation>();

  constructor(private readonly options: PoolOptions) {
    this.loaded = new Map(options.providers.map((each) => [each.id, each]));
    this.chain = options.fallbackChain.flatMap((id) => {
      const provider = this.loaded.get(id);
      return provider === undefined ? [] : [targetOf(provider)];
    });
    this.choosable = options.providers.filter(({ id }) => options.neverChosen?.has(id) !== true);
    this.autoChain = this.chain.length > 0 ? this.chain : this.choosable.map(targetOf);
  }

  /** The chain's providers that have the model. */
  sellersOf(model: string): readonly Target[] {
    return this.chain.flatMap(({ provider }) => {
      const seller = this.loaded.get(provider);
      return seller?.model === model || seller?.models.includes(model) === true ? [{ provider, model }] : [];
    });
  }

  /** The target's equals: its tier; for a target without a tier, those of the chain without one. */
  poolOf(target: Target): Pool {
    const tier = this.tierOf(target.provider);
    const equals =
      tier === null
        ? this.autoChain.filter((each) => this.tierOf(each.provider) === null)
        : this.choosable.filter((each) => this.tierOf(each.id) === tier).map(targetOf);
    const others = equals.filter((each) => each.provider !== target.provider);
    return { name: tier === null ? "chain" : `tier ${tier}`, targets: [target, ...others] };
  }

  order(
    pool: Pool,
    requirements: Requirements | null,
    session: string | null,
    isDry: boolean,
  ): { readonly targets: readonly Target[]; readonly why: string } {
    const { strategy, standing, modelFacts, view } = this.options;
    const members = pool.targets.map((target): PoolMember => ({
      target,
      weight: standing.get(target.provider)?.weight ?? 1,
      costUsd: estimateCostUsd(modelFacts(target.provider, target.model), requirements ?? noNeeds),
      load: view.load(target.provider),
    }));
    const last = session === null ? null : view.lastOf(pool.name, session);
    const sticky = last === null ? undefined : members.find((each) => each.target.provider === last);
    const others = sticky === undefined ? members : members.filter((each) => each !== sticky);
    // A session that stays where its prompt cache is takes no turn of the rotation.
    const keepsRotation = isDry || sticky !== undefined;
    const ordered = orderMembers(strategy, others, this.rotationOf(pool.name), keepsRotation);
    const targets = ordered.members.map((each) => each.target);
    return sticky === undefined
      ? { targets, why: ordered.why }
      : { targets: [sticky.target, ...targets], why: "the session's last provider" };
  }

  private tierOf(provider: string): string | null {
    return this.options.standing.get(provider)?.tier ?? null;
  }

  private rotationOf(pool: string): Rotation {
    let rotation = this.rotations.get(pool);
    if (rotation === undefined) this.rotations.set(pool, (rotation = createRotation()));
    return rotation;
  }
}
