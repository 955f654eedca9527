// Turns targets in preferred order into the Decision: filtered by what models can do, held-back targets last, every step
// explained. It must never know which layer chose, only how to describe the choice.

import type { Candidate, Decision, Target } from "../canon/decision.ts";
import {
  type MissingCapability,
  missingCapability,
  type ModelFacts,
  type Requirements,
  requirementsOf,
  outputShortfall,
} from "./eligibility.ts";
import type { LayerChoice } from "./layers.ts";
import { noCapableTarget } from "./no-capable-target.ts";
import type { RuleInput } from "./rule-input.ts";
import type { Load } from "./strategies.ts";

/** The current state of providers and prices. */
export type RoutingView = {
  judge(
    provider: string,
    model: string,
  ): { readonly go: "yes" | "probe" } | { readonly go: "no"; readonly untilMs: number; readonly why: string };
  /** Why a provider that may be asked is asked after the others; null: for nothing. Absent: never. */
  avoid?(provider: string, model: string): string | null;
  load(provider: string): Load;
  /** The provider of this pool that served the session last; null: none. */
  lastOf(pool: string, session: string): string | null;
};

export type RouteRequest = {
  readonly model: string;
  /** The client sent `x-clawgate-fallback: off`. */
  readonly isFallbackOff: boolean;
  readonly session: string | null;
  /** Only this model may answer, at any provider: vectors of different models cannot be compared. */
  readonly keepsModel?: boolean;
  /** The most that the request may need; null where the request is not a chat and nothing is filtered. */
  readonly requirements: Requirements | null;
  /** Decodes and returns the request. Throws Failure. */
  read(): RuleInput;
};

export type RoutedDecision = Decision & {
  /** True when the client itself named a model that the config does not list. */
  readonly isClientsOwnModel: boolean;
  /** The target that the client itself named; its refusal is the answer. */
  readonly clientsTarget: Target | null;
  /** The pool under which a session's last provider is remembered; null when there was no choice. */
  readonly pool: string | null;
};

export type DecisionInput = {
  readonly choice: LayerChoice;
  readonly first: readonly Target[];
  readonly rest: readonly Target[];
  readonly isClientsChoice: boolean;
  readonly isClientsOwnModel: boolean;
  readonly pool: string | null;
  /** Why the first of the pool is first. */
  readonly why: string | null;
  readonly request: RouteRequest;
  readonly known: RuleInput | null;
  readonly isDry: boolean;
};

/** One candidate for the decision. */
type RatedTarget = {
  readonly target: Target;
  readonly isNamed: boolean;
  readonly lack: MissingCapability | null;
  readonly shortfall: MissingCapability | null;
  /** Why it should not be asked now. */
  readonly heldBack: string | null;
  /** Why others are asked before it. */
  readonly avoided: string | null;
};

/** Those that may be asked, then those that are better spared, then those that should not be asked now. */
const placeOf = ({ heldBack, avoided }: RatedTarget): number =>
  heldBack !== null ? 2 : avoided !== null ? 1 : 0;

export function createDecisionBuilder(options: {
  readonly view: RoutingView;
  readonly modelFacts: (provider: string, model: string) => ModelFacts;
}): (input: DecisionInput) => RoutedDecision {
  const { view, modelFacts } = options;

  return (input) => {
    const { choice, request, isClientsChoice } = input;
    let read = input.known;
    // The pipeline judges a direct choice itself, target by target; here it is only shown.
    const isJudged = !isClientsChoice || input.isDry;

    const rate = (target: Target, at: number): RatedTarget => {
      const isNamed = isClientsChoice && at === 0;
      const facts = modelFacts(target.provider, target.model);
      let requirements = read === null ? request.requirements : requirementsOf(read.facts);
      const find = (): Pick<RatedTarget, "lack" | "shortfall"> => ({
        lack: requirements === null ? null : missingCapability(facts, requirements, isNamed),
        shortfall: requirements === null || isNamed ? null : outputShortfall(facts, requirements),
      });
      let found = find();
      // The bytes alone give an upper bound of the needs: only a decoded request may be refused.
      if (read === null && (found.lack !== null || found.shortfall !== null)) {
        read = request.read();
        requirements = requirementsOf(read.facts);
        found = find();
      }
      const verdict = isJudged ? view.judge(target.provider, target.model) : null;
      return {
        target,
        isNamed,
        ...found,
        heldBack: verdict?.go === "no" ? verdict.why : null,
        // A client that named its model gets it.
        avoided: isNamed ? null : (view.avoid?.(target.provider, target.model) ?? null),
      };
    };
    const all = [...input.first, ...input.rest].map(rate);
    const able = all.filter(({ lack }) => lack === null);
    if (able.length === 0) throw noCapableTarget(all, isClientsChoice);
    const full = able.filter(({ shortfall }) => shortfall === null);
    const kept = full.length > 0 ? full : able;
    const ordered = kept.toSorted((one, other) => placeOf(one) - placeOf(other));
    const [winner] = ordered;
    const isDiverted = winner !== all[0] && !choice.rule.endsWith("->fallback");

    const noteOf = (rated: RatedTarget): string => {
      const { lack, shortfall, heldBack, avoided } = rated;
      if (lack !== null) return `dropped: ${lack.reason}`;
      if (!kept.includes(rated)) return `dropped: ${shortfall?.reason ?? ""}`;
      const cut = shortfall === null ? "" : `; ${shortfall.reason}, so the limit is cut`;
      const held = heldBack === null ? (avoided ?? "") : `held back: ${heldBack}`;
      if (rated !== winner) return (held || "fallback") + cut;
      const why = rated === all[0] && input.why !== null ? `chosen: ${input.why}` : "chosen";
      return (held === "" ? why : `${why}, though ${held}`) + cut;
    };
    const candidates = all.map((placed): Candidate => ({
      ...placed.target,
      note: noteOf(placed),
      kept: kept.includes(placed),
    }));
    return {
      layer: choice.layer,
      rule: isDiverted ? `${choice.rule}->fallback` : choice.rule,
      confidence: isDiverted ? Math.round(choice.confidence * 800) / 1000 : choice.confidence,
      reason: isDiverted ? `${choice.reason}; diverted: ${candidates[0]?.note ?? ""}` : choice.reason,
      targets: ordered.map(({ target }) => target),
      candidates,
      // A copy: the question's own facts are computed lazily and hold on to the whole request.
      facts: read === null ? null : { ...read.facts },
      isClientsOwnModel: input.isClientsOwnModel && winner === all[0],
      clientsTarget: isClientsChoice ? (input.first[0] ?? null) : null,
      pool: input.pool,
    };
  };
}
