// Encodes thinking for models that decide themselves how much to think: `thinking: adaptive` and `output_config.effort`. It must
// never send such a model a budget, nor switch off what cannot be switched off.

import { budgetOfEffort, type Effort, effortOfBudget, nearestEffort } from "../../canon/effort.ts";
import type { ChatRequest, Thinking } from "../../canon/request.ts";
import type { Takes } from "../../canon/takes.ts";
import { thinkingOff, asksForThinking } from "../adaptation-notes.ts";
import type { Note, TargetFacts } from "../dialect.ts";
import { fitEffort, isThinkingOff, thinkingAtLeast } from "../fit-to-model.ts";
import { extrasOf } from "./extras.ts";

export type ThinkingPlan = {
  readonly maxTokens: number;
  readonly thinking: Record<string, unknown> | null;
  readonly effort: string | null;
};

/** The input of a plan. */
export type ThinkingCase = {
  readonly request: ChatRequest;
  /** The answer's limit before thinking is added. */
  readonly maxTokens: number;
  /** False: something else in the request rules thinking out. */
  readonly mayThink: boolean;
  readonly note: Note;
};

/** For other dialects. `max_tokens` counts the thinking here, so it grows where that would leave no room for the answer. */
export function planForeignAdaptive(
  { request, maxTokens, mayThink, note }: ThinkingCase,
  target: TargetFacts,
  takes: Takes,
): ThinkingPlan {
  const none = { maxTokens, thinking: null, effort: null };
  if (!asksForThinking(request)) return isThinkingOff(request) ? withThinkingOff(none, takes, note) : none;
  if (!mayThink) {
    note(thinkingOff);
    return takes.thinkingOff ? { ...none, thinking: { type: "disabled" } } : none;
  }
  const wantedEffort = requestedLevel(request);
  const effort = wantedEffort === null ? null : fitLevel(wantedEffort, takes, note);
  const wanted = budgetOfEffort(effort ?? "medium");
  const ceiling = target.maxOutput ?? Number.POSITIVE_INFINITY;
  return {
    maxTokens: wanted < maxTokens ? maxTokens : Math.max(maxTokens, Math.min(maxTokens + wanted, ceiling)),
    // A client that asks for thinking wants to see it, and newer models hide it by default; an effort alone is no request to see
    // it.
    thinking: { type: "adaptive", ...(request.thinking === null ? {} : { display: "summarized" }) },
    effort,
  };
}

/** Where a model's levels are unknown (the operator named it), this API's levels apply: it has no `minimal`. */
function fitLevel(wanted: Effort, takes: Takes, note: Note): Effort | null {
  const level = fitEffort(wanted, takes, note);
  if (level !== "minimal") return level;
  note("effort-set:low");
  return "low";
}

function requestedLevel({ effort, thinking }: ChatRequest): Effort | null {
  if (effort !== null && effort !== "none") return effort;
  return thinking?.mode === "budget" ? effortOfBudget(thinking.budgetTokens) : null;
}

/** Off where the model allows it, else the lowest level. `effort` of the plan: what the client also requested. */
function withThinkingOff(plan: ThinkingPlan, takes: Takes, note: Note): ThinkingPlan {
  if (takes.thinkingOff) return { ...plan, thinking: { type: "disabled" } };
  note(thinkingAtLeast);
  const least = nearestEffort("none", takes.efforts ?? ["low"]);
  return { ...plan, thinking: null, effort: plan.effort ?? least };
}

/** For a request of this dialect: its own members, as far as the model accepts them. */
export function planOwnAdaptive(
  { request, maxTokens, mayThink, note }: ThinkingCase,
  takes: Takes,
): ThinkingPlan {
  const { thinking, effort } = request;
  const level = effort === null || effort === "none" ? null : fitLevel(effort, takes, note);
  const plan = { maxTokens, thinking: null, effort: level };
  if (isThinkingOff(request)) return withThinkingOff(lowerEffort(plan, takes, note), takes, note);
  if (thinking === null || thinking.mode === "off") return plan;
  if (!mayThink) {
    note(thinkingOff);
    return plan;
  }
  return { ...plan, ...ownThinking(thinking, level, takes, note) };
}

function ownThinking(
  thinking: Exclude<Thinking, { mode: "off" }>,
  level: Effort | null,
  takes: Takes,
  note: Note,
): Pick<ThinkingPlan, "thinking" | "effort"> {
  const extras = extrasOf(thinking.extras);
  if (thinking.mode === "adaptive") return { thinking: { type: "adaptive", ...extras }, effort: level };
  note("thinking-budget-dropped");
  return {
    // Models that take a budget show their thinking by default.
    thinking: { type: "adaptive", display: "summarized", ...extras },
    effort: level ?? fitLevel(effortOfBudget(thinking.budgetTokens), takes, note),
  };
}

/** Some models always think at the two highest levels and refuse a request that switches thinking off there. */
function lowerEffort(plan: ThinkingPlan, takes: Takes, note: Note): ThinkingPlan {
  if (takes.thinkingOffAboveHigh || (plan.effort !== "xhigh" && plan.effort !== "max")) return plan;
  note("effort-set:high");
  return { ...plan, effort: "high" };
}
