// Turns a request into a Decision: which targets, in which order, and why. Synchronous except for the classifier's
// question. It uses the config, the request and a view of health, load and prices; it must never send a request itself.

import type { Target } from "../canon/decision.ts";
import { Failure } from "../canon/failure.ts";
import { missingCapability, type Requirements, requirementsOf, outputShortfall } from "./eligibility.ts";
import { type LayerChoice, type Layers, noMatch } from "./layers.ts";
import { createNames, type Names, type NameTable, type ResolvedName } from "./names.ts";
import { type PoolOptions, Pools } from "./pools.ts";
import type { RuleInput } from "./rule-input.ts";
import {
  createDecisionBuilder,
  type DecisionInput,
  type RoutedDecision,
  type RouteRequest,
} from "./decision-builder.ts";

export type RouterOptions = NameTable &
  PoolOptions & {
    /** Providers whose direct choices never fall back to the chain (`fallback: false`). */
    readonly withoutFallback: ReadonlySet<string>;
    readonly layers: Layers;
  };

export type Router = {
  /** `isDry`: nothing is remembered and no rotation advances. Throws Failure. */
  decide(request: RouteRequest, isDry?: boolean): RoutedDecision | Promise<RoutedDecision>;
  /** The target of a name; null when the name is unknown or means `auto`. */
  targetOf(name: string): Target | null;
  /** The name is unknown, and the default for unknown names would answer it. */
  isDefault(name: string): boolean;
  /** Whether routing chooses for this name. */
  isAuto(name: string): boolean;
  /** The config's own name behind a name made for Claude Code; any other name unchanged. */
  configName(name: string): string;
  known(): string[];
};

/** The decision is not the one cached for the name. */
const isSpecial = (request: RouteRequest): boolean => request.isFallbackOff || request.keepsModel === true;

const maxRemembered = 1_000;

export function createRouter(options: RouterOptions): Router {
  return new ConfiguredRouter(options);
}

class ConfiguredRouter implements Router {
  private readonly names: Names;
  private readonly pools: Pools;
  private readonly buildDecision: (input: DecisionInput) => RoutedDecision;
  /** Decisions that apply to every request for this model without special needs. */
  private readonly remembered = new Map<string, RoutedDecision>();

  constructor(private readonly options: RouterOptions) {
    this.names = createNames(options);
    this.pools = new Pools(options);
    this.buildDecision = createDecisionBuilder(options);
  }

  known(): string[] {
    return this.names.known();
  }

  targetOf(name: string): Target | null {
    const meaning = this.meaningOf(name);
    return meaning?.kind === "target" ? meaning.target : null;
  }

  isDefault(name: string): boolean {
    const meaning = this.meaningOf(name);
    return meaning === null || (meaning.kind === "target" && meaning.isDefault === true);
  }

  isAuto(name: string): boolean {
    return this.meaningOf(name)?.kind === "auto";
  }

  configName(name: string): string {
    return this.names.configName(name);
  }

  decide(request: RouteRequest, isDry = false): RoutedDecision | Promise<RoutedDecision> {
    const known = isDry || isSpecial(request) ? undefined : this.remembered.get(request.model);
    if (known !== undefined && this.mayReuse(known) && this.fitsAll(known, request.requirements))
      return known;
    const meaning = this.names.resolve(request.model);
    if (meaning.kind === "target") return this.decideDirect(meaning, request, isDry);
    const { layers } = this.options;
    if (request.requirements === null || !layers.hasRules)
      return this.decideByLayers(noMatch, request, null, isDry);
    const read = request.read();
    const choice = layers.choose(read, isDry);
    return choice instanceof Promise
      ? choice.then((each) => this.decideByLayers(each, request, read, isDry))
      : this.decideByLayers(choice, request, read, isDry);
  }

  /** The order of the fallbacks depends on what is left of their quotas. */
  private mayReuse({ targets }: RoutedDecision): boolean {
    const { view } = this.options;
    return (
      view.avoid === undefined ||
      targets.every(({ provider, model }, at) => at === 0 || view.avoid?.(provider, model) === null)
    );
  }

  private fitsAll({ candidates }: RoutedDecision, requirements: Requirements | null): boolean {
    if (requirements === null) return true;
    let isNamed = true;
    for (const { provider, model } of candidates) {
      const facts = this.options.modelFacts(provider, model);
      if (missingCapability(facts, requirements, isNamed) !== null) return false;
      if (!isNamed && outputShortfall(facts, requirements) !== null) return false;
      isNamed = false;
    }
    return true;
  }

  private decideDirect(
    meaning: Extract<ResolvedName, { kind: "target" }>,
    request: RouteRequest,
    isDry: boolean,
  ): RoutedDecision {
    const { target } = meaning;
    const mayFallBack = !request.isFallbackOff && !this.options.withoutFallback.has(target.provider);
    const equals = request.keepsModel === true ? this.pools.sellersOf(target.model) : this.pools.chain;
    const others = equals.filter((each) => each.provider !== target.provider);
    const decision = this.buildDecision({
      choice: {
        layer: "direct",
        rule: "explicit-model",
        confidence: 1,
        reason: `${meaning.via} names ${target.provider}/${target.model}`,
        routeTo: null,
      },
      first: [target],
      rest: mayFallBack ? others : [],
      isClientsChoice: true,
      isClientsOwnModel: !meaning.isListed,
      pool: null,
      why: null,
      request,
      known: null,
      isDry,
    });
    const isLasting = decision.facts === null && this.mayReuse(decision);
    if (meaning.isListed && !isDry && !isSpecial(request) && isLasting) {
      // A wildcard alias matches any number of names.
      if (this.remembered.size >= maxRemembered) this.remembered.clear();
      this.remembered.set(request.model, decision);
    }
    return decision;
  }

  /** Turns the layers' choice into targets: its pool in order, then the chain. */
  private decideByLayers(
    choice: LayerChoice,
    request: RouteRequest,
    read: RuleInput | null,
    isDry: boolean,
  ): RoutedDecision {
    const { pools } = this;
    const requirements = read === null ? request.requirements : requirementsOf(read.facts);
    const named = choice.routeTo === null ? null : this.names.resolveOrNull(choice.routeTo);
    const mayChoose =
      named?.kind !== "target" || this.options.neverChosen?.has(named.target.provider) !== true;
    const routeTarget = mayChoose ? named : null;
    const missing = choice.routeTo !== null && routeTarget?.kind !== "target" ? choice.routeTo : null;
    const start = routeTarget?.kind === "target" ? routeTarget.target : pools.autoChain[0];
    if (start === undefined)
      throw new Failure("unknown-model", "No provider is loaded, so there is nothing to choose from.", {
        param: "model",
      });
    const pool = this.options.strategy === "priority" ? null : pools.poolOf(start);
    const ordered = pool === null ? null : pools.order(pool, requirements, request.session, isDry);
    const first = ordered?.targets ?? [start];
    return this.buildDecision({
      choice: missing === null ? choice : withoutRouteTarget(choice, missing),
      first: request.isFallbackOff ? first.slice(0, 1) : first,
      rest: request.isFallbackOff
        ? []
        : pools.autoChain.filter((each) => first.every(({ provider }) => provider !== each.provider)),
      isClientsChoice: false,
      isClientsOwnModel: false,
      pool: pool?.name ?? null,
      why: ordered?.why ?? null,
      request,
      known: read,
      isDry,
    });
  }

  private meaningOf(name: string): ResolvedName | null {
    try {
      return this.names.resolve(name);
    } catch (thrown) {
      if (thrown instanceof Failure) return null;
      throw thrown;
    }
  }
}

/** The rule's own target is not loaded: the chain answers. */
function withoutRouteTarget(choice: LayerChoice, missing: string): LayerChoice {
  return {
    ...choice,
    rule: `${choice.rule}->fallback`,
    confidence: Math.round(choice.confidence * 800) / 1000,
    reason: `${choice.reason}; ${missing} is not loaded`,
  };
}
