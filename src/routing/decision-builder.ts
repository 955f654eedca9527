// Targets in the wished order -> the Decision: filtered by what models can do, those held back last, and all of it explained.
// It must never know which layer chose, only what to write of it.

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

/** What is true right now. */
export type RoutingView = {
  judge(
    provider: string,
    model: string,
  ): { readonly go: "yes" | "probe" } | { readonly go: "no"; readonly untilMs: number; readonly why: string };
  load(provider: string): Load;
  /** The provider of this pool that served the session last, null when nobody did. */
  lastOf(pool: string, session: string): string | null;
};

export type RouteRequest = {
  readonly model: string;
  /** The client said `x-clawgate-fallback: off`. */
  readonly isFallbackOff: boolean;
  readonly session: string | null;
  /** Only this very model may answer, wherever it is sold: vectors of another one mean nothing beside its own. */
  readonly keepsModel?: boolean;
  /** What the request needs at most; null where the road is no chat and nothing is filtered. */
  readonly requirements: Requirements | null;
  /** The request itself; decodes the body. Throws Failure. */
  read(): RuleInput;
};

export type RoutedDecision = Decision & {
  /** True when the client itself named a model that the config does not list. */
  readonly isClientsOwnModel: boolean;
  /** The target that the client itself named; its refusal is the answer. */
  readonly clientsTarget: Target | null;
  /** Where a session's last provider is remembered; null when there was nothing to choose. */
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

/** One target on its way into the decision. */
type RatedTarget = {
  readonly target: Target;
  readonly isNamed: boolean;
  readonly lack: MissingCapability | null;
  readonly shortfall: MissingCapability | null;
  /** Why it should not be asked right now. */
  readonly heldBack: string | null;
};

export function createDecisionBuilder(options: {
  readonly view: RoutingView;
  readonly modelFacts: (provider: string, model: string) => ModelFacts;
}): (input: DecisionInput) => RoutedDecision {
  const { view, modelFacts } = options;

  return (input) => {
    const { choice, request, isClientsChoice } = input;
    let read = input.known;
    // The road judges a direct choice itself, target by target; here it is only shown.
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
      // A glance at the bytes says at most what is needed: only a close look may refuse.
      if (read === null && (found.lack !== null || found.shortfall !== null)) {
        read = request.read();
        requirements = requirementsOf(read.facts);
        found = find();
      }
      const verdict = isJudged ? view.judge(target.provider, target.model) : null;
      return { target, isNamed, ...found, heldBack: verdict?.go === "no" ? verdict.why : null };
    };
    const all = [...input.first, ...input.rest].map(rate);
    const able = all.filter(({ lack }) => lack === null);
    if (able.length === 0) throw noCapableTarget(all, isClientsChoice);
    const full = able.filter(({ shortfall }) => shortfall === null);
    const kept = full.length > 0 ? full : able;
    const ready = kept.filter(({ heldBack }) => heldBack === null);
    const ordered = [...ready, ...kept.filter(({ heldBack }) => heldBack !== null)];
    const [winner] = ordered;
    const isDiverted = winner !== all[0] && !choice.rule.endsWith("->fallback");

    const noteOf = (rated: RatedTarget): string => {
      const { lack, shortfall, heldBack } = rated;
      if (lack !== null) return `dropped: ${lack.reason}`;
      if (!kept.includes(rated)) return `dropped: ${shortfall?.reason ?? ""}`;
      const cut = shortfall === null ? "" : `; ${shortfall.reason}, so the limit is cut`;
      const held = heldBack === null ? "" : `held back: ${heldBack}`;
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
      // A copy: the question's own facts are worked out late and hold the whole request.
      facts: read === null ? null : { ...read.facts },
      isClientsOwnModel: input.isClientsOwnModel && winner === all[0],
      clientsTarget: isClientsChoice ? (input.first[0] ?? null) : null,
      pool: input.pool,
    };
  };
}
