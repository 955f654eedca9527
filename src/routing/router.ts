// A request -> a Decision: which targets, in which order, and why. Synchronous but for the classifier's question.
// It looks at the config, the request and a view of health, load and prices; it must never call anybody.

import type { Target } from "../canon/decision.ts";
import { Failure } from "../canon/failure.ts";
import {
  estimateCostUsd,
  missingCapability,
  type ModelFacts,
  type Requirements,
  requirementsOf,
  outputShortfall,
} from "./eligibility.ts";
import { type LayerChoice, type Layers, noMatch } from "./layers.ts";
import { createNames, type ResolvedName, type NameTable, type RoutedProvider } from "./names.ts";
import type { RuleInput } from "./rule-input.ts";
import type { Strategy } from "./settings.ts";
import {
  createDecisionBuilder,
  type RoutedDecision,
  type RouteRequest,
  type RoutingView,
} from "./decision-builder.ts";
import { createRotation, type PoolMember, orderMembers, type Rotation } from "./strategies.ts";

export type RouterOptions = NameTable & {
  /** Providers that never hand a direct choice on to the chain (`fallback: false`). */
  readonly withoutFallback: ReadonlySet<string>;
  readonly strategy: Strategy;
  /** Tier and weight of each loaded provider; absent: no tier, weight 1. */
  readonly standing: ReadonlyMap<string, { readonly tier: string | null; readonly weight: number }>;
  readonly modelFacts: (provider: string, model: string) => ModelFacts;
  readonly layers: Layers;
  readonly view: RoutingView;
};

export type Router = {
  /** `isDry`: nothing is remembered and no turn is used up. Throws Failure. */
  decide(request: RouteRequest, isDry?: boolean): RoutedDecision | Promise<RoutedDecision>;
  /** The one target that a name stands for; null when nothing is known by it, or it means `auto`. */
  targetOf(name: string): Target | null;
  /** Nothing knows the name; what answers such names would answer it. */
  isDefault(name: string): boolean;
  /** Whether routing chooses for this name. */
  isAuto(name: string): boolean;
  /** The config's own name behind one that is made for Claude Code; any other name as it is. */
  configName(name: string): string;
  known(): string[];
};

const noNeeds: Requirements = {
  tokens: 0,
  tools: false,
  images: false,
  jsonSchema: false,
  thinking: false,
  outputTokens: null,
};

/** Not the decision that is remembered for the name. */
const isSpecial = (request: RouteRequest): boolean => request.isFallbackOff || request.keepsModel === true;

const maxRemembered = 1_000;

export function createRouter(options: RouterOptions): Router {
  const { view, modelFacts } = options;
  const buildDecision = createDecisionBuilder({ view, modelFacts });
  const names = createNames(options);
  const loaded = new Map(options.providers.map((each) => [each.id, each]));
  const targetOf = ({ id, model }: RoutedProvider): Target => ({ provider: id, model });
  const chain: readonly Target[] = options.fallbackChain.flatMap((id) => {
    const provider = loaded.get(id);
    return provider === undefined ? [] : [targetOf(provider)];
  });
  // Without a chain of its own the config's order is the chain for `auto`, and direct choices stand alone.
  const autoChain = chain.length > 0 ? chain : options.providers.map(targetOf);
  /** Decisions that hold for every request that names this model and asks for nothing special. */
  const remembered = new Map<string, RoutedDecision>();
  const rotations = new Map<string, Rotation>();
  const rotationOf = (pool: string): Rotation => {
    let rotation = rotations.get(pool);
    if (rotation === undefined) rotations.set(pool, (rotation = createRotation()));
    return rotation;
  };
  const fitsAll = ({ candidates }: RoutedDecision, requirements: Requirements | null): boolean => {
    if (requirements === null) return true;
    let isNamed = true;
    for (const { provider, model } of candidates) {
      const facts = modelFacts(provider, model);
      if (missingCapability(facts, requirements, isNamed) !== null) return false;
      if (!isNamed && outputShortfall(facts, requirements) !== null) return false;
      isNamed = false;
    }
    return true;
  };
  /** Of the chain, who sells the model. */
  const sellersOf = (model: string): readonly Target[] =>
    chain.flatMap(({ provider }) => {
      const seller = loaded.get(provider);
      return seller?.model === model || seller?.models.includes(model) === true ? [{ provider, model }] : [];
    });
  const tierOf = (provider: string): string | null => options.standing.get(provider)?.tier ?? null;

  /** The target's equals: its tier; for one without a tier those of the chain that have none either. */
  const poolOf = (target: Target): { readonly name: string; readonly targets: readonly Target[] } => {
    const tier = tierOf(target.provider);
    const equals =
      tier === null
        ? autoChain.filter((each) => tierOf(each.provider) === null)
        : options.providers.filter((each) => tierOf(each.id) === tier).map(targetOf);
    const others = equals.filter((each) => each.provider !== target.provider);
    return { name: tier === null ? "chain" : `tier ${tier}`, targets: [target, ...others] };
  };

  const decideDirect = (
    meaning: Extract<ResolvedName, { kind: "target" }>,
    request: RouteRequest,
    isDry: boolean,
  ): RoutedDecision => {
    const mayFallBack = !request.isFallbackOff && !options.withoutFallback.has(meaning.target.provider);
    const { model } = meaning.target;
    const equals = request.keepsModel === true ? sellersOf(model) : chain;
    const others = equals.filter((each) => each.provider !== meaning.target.provider);
    const decision = buildDecision({
      choice: {
        layer: "direct",
        rule: "explicit-model",
        confidence: 1,
        reason: `${meaning.via} names ${meaning.target.provider}/${meaning.target.model}`,
        routeTo: null,
      },
      first: [meaning.target],
      rest: mayFallBack ? others : [],
      isClientsChoice: true,
      isClientsOwnModel: !meaning.isListed,
      pool: null,
      why: null,
      request,
      known: null,
      isDry,
    });
    if (meaning.isListed && !isDry && !isSpecial(request) && decision.facts === null) {
      // A wildcard alias knows any number of names.
      if (remembered.size >= maxRemembered) remembered.clear();
      remembered.set(request.model, decision);
    }
    return decision;
  };

  /** What the layers chose -> pool in its order, then the chain. */
  const decideByLayers = (
    choice: LayerChoice,
    request: RouteRequest,
    read: RuleInput | null,
    isDry: boolean,
  ): RoutedDecision => {
    const requirements = read === null ? request.requirements : requirementsOf(read.facts);
    const routeTarget = choice.routeTo === null ? null : names.resolveOrNull(choice.routeTo);
    const missing = choice.routeTo !== null && routeTarget?.kind !== "target" ? choice.routeTo : null;
    const start = routeTarget?.kind === "target" ? routeTarget.target : autoChain[0];
    if (start === undefined)
      throw new Failure("unknown-model", "No provider is loaded, so there is nothing to choose from.", {
        param: "model",
      });
    const isAlone = options.strategy === "priority";
    const pool = isAlone ? null : poolOf(start);
    const ordered = pool === null ? null : orderPool(pool, requirements ?? noNeeds, request.session, isDry);
    const first = ordered?.targets ?? [start];
    return buildDecision({
      choice:
        missing === null
          ? choice
          : {
              ...choice,
              rule: `${choice.rule}->fallback`,
              confidence: Math.round(choice.confidence * 800) / 1000,
              reason: `${choice.reason}; ${missing} is not loaded`,
            },
      first: request.isFallbackOff ? first.slice(0, 1) : first,
      rest: request.isFallbackOff
        ? []
        : autoChain.filter((each) => first.every(({ provider }) => provider !== each.provider)),
      isClientsChoice: false,
      isClientsOwnModel: false,
      pool: pool?.name ?? null,
      why: ordered?.why ?? null,
      request,
      known: read,
      isDry,
    });
  };

  const orderPool = (
    pool: { readonly name: string; readonly targets: readonly Target[] },
    requirements: Requirements,
    session: string | null,
    isDry: boolean,
  ): { readonly targets: readonly Target[]; readonly why: string } => {
    const members = pool.targets.map((target): PoolMember => ({
      target,
      weight: options.standing.get(target.provider)?.weight ?? 1,
      costUsd: estimateCostUsd(modelFacts(target.provider, target.model), requirements),
      load: view.load(target.provider),
    }));
    const last = session === null ? null : view.lastOf(pool.name, session);
    const sticky = last === null ? undefined : members.find((each) => each.target.provider === last);
    const others = sticky === undefined ? members : members.filter((each) => each !== sticky);
    // A session that stays where its prompt cache is uses up nobody's turn.
    const ordered = orderMembers(
      options.strategy,
      others,
      rotationOf(pool.name),
      isDry || sticky !== undefined,
    );
    const targets = ordered.members.map((each) => each.target);
    return sticky === undefined
      ? { targets, why: ordered.why }
      : { targets: [sticky.target, ...targets], why: "the session's last provider" };
  };

  const meaningOf = (name: string): ResolvedName | null => {
    try {
      return names.resolve(name);
    } catch (thrown) {
      if (thrown instanceof Failure) return null;
      throw thrown;
    }
  };

  return {
    known: () => names.known(),
    targetOf(name) {
      const meaning = meaningOf(name);
      return meaning?.kind === "target" ? meaning.target : null;
    },
    isDefault(name) {
      const meaning = meaningOf(name);
      return meaning === null || (meaning.kind === "target" && meaning.isDefault === true);
    },
    isAuto: (name) => meaningOf(name)?.kind === "auto",
    configName: names.configName,
    decide(request, isDry = false) {
      const known = isDry || isSpecial(request) ? undefined : remembered.get(request.model);
      if (known !== undefined && fitsAll(known, request.requirements)) return known;
      const meaning = names.resolve(request.model);
      if (meaning.kind === "target") return decideDirect(meaning, request, isDry);
      if (request.requirements === null || !options.layers.hasRules)
        return decideByLayers(noMatch, request, null, isDry);
      const read = request.read();
      const choice = options.layers.choose(read, isDry);
      return choice instanceof Promise
        ? choice.then((each) => decideByLayers(each, request, read, isDry))
        : decideByLayers(choice, request, read, isDry);
    },
  };
}
