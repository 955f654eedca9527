// Turns any dialect's thinking options into `thinking`, `output_config.effort` and a max_tokens with room for both. It must
// never send a combination that the API refuses: thinking is dropped before the answer is.

import { budgetOfEffort, type Effort, nearestEffort } from "../../canon/effort.ts";
import type { ChatRequest } from "../../canon/request.ts";
import type { Takes } from "../../canon/takes.ts";
import { cutTokens, thinkingOff, asksForThinking } from "../adaptation-notes.ts";
import type { Note, TargetFacts } from "../dialect.ts";
import {
  planForeignAdaptive,
  planOwnAdaptive,
  type ThinkingCase,
  type ThinkingPlan,
} from "./encode-adaptive-thinking.ts";
import type { WireMessage } from "./encode-messages.ts";
import { extrasOf } from "./extras.ts";

/** The API's floor for `budget_tokens`. */
export const leastBudget = 1024;

/** "Thinking may not be enabled when tool_choice forces tool use." */
export function mayThink(request: ChatRequest): boolean {
  return request.toolChoice?.type !== "required" && request.toolChoice?.type !== "tool";
}

/** Whether the request asks for thinking in any form. */
export function wantsThinking(request: ChatRequest): boolean {
  return mayThink(request) && asksForThinking(request);
}

/**
 * For a request of this dialect: its own members, corrected only where something that was removed makes them
 * impossible. `messages`: empty where the vendor accepts any turn.
 */
export function planOwnThinking(
  request: ChatRequest,
  target: TargetFacts,
  messages: readonly WireMessage[],
  note: Note,
): ThinkingPlan {
  const maxTokens = limitOf(request, target, note);
  const takes = target.takes ?? null;
  const asked = { request, maxTokens, mayThink: mayThink(request) && !startsMidTurn(messages), note };
  if (takes?.thinking === "adaptive") return planOwnAdaptive(asked, takes);
  if (takes?.thinking === "budget" && request.thinking?.mode === "adaptive")
    return planForeignThinking(request, target, messages, note);
  return planGivenThinking(asked, knownEffort(request, takes, note));
}

/** Older models have no effort, or not every level. */
function knownEffort({ effort }: ChatRequest, takes: Takes | null, note: Note): Effort | null {
  if (effort === null || effort === "none") return null;
  const level = effort === "minimal" ? "low" : effort;
  if (takes?.thinking !== "budget" || takes.efforts === null) return level;
  const nearest = nearestEffort(level, takes.efforts);
  if (nearest !== level) note(nearest === null ? "effort-dropped" : `effort-set:${nearest}`);
  return nearest;
}

function planGivenThinking(
  { request, maxTokens, mayThink, note }: ThinkingCase,
  effort: Effort | null,
): ThinkingPlan {
  const { thinking } = request;
  const off = { maxTokens, thinking: { type: "disabled" }, effort };
  if (thinking === null) return request.effort === "none" ? off : { maxTokens, thinking: null, effort };
  if (thinking.mode === "off") return off;
  if (!mayThink) {
    note(thinkingOff);
    return { maxTokens, thinking: null, effort };
  }
  const extras = extrasOf(thinking.extras);
  if (thinking.mode === "adaptive") return { maxTokens, thinking: { type: "adaptive", ...extras }, effort };
  const wasCut = request.maxTokens === null || maxTokens < request.maxTokens;
  const budget = wasCut ? Math.min(thinking.budgetTokens, maxTokens - 1) : thinking.budgetTokens;
  if (wasCut && budget < leastBudget) {
    note(thinkingOff);
    return { maxTokens, thinking: null, effort };
  }
  if (budget < thinking.budgetTokens) note(`thinking-cut:${budget}`);
  return { maxTokens, thinking: { type: "enabled", budget_tokens: budget, ...extras }, effort };
}

/**
 * For other dialects: a budget where the model takes one, or where its options are unknown. `max_tokens` counts the
 * thinking here, so it grows by the budget where it would leave no room for the answer.
 */
export function planForeignThinking(
  request: ChatRequest,
  target: TargetFacts,
  messages: readonly WireMessage[],
  note: Note,
): ThinkingPlan {
  const answer = limitOf(request, target, note);
  const none = { maxTokens: answer, thinking: null, effort: null };
  const { takes } = target;
  // With adaptive thinking, earlier turns need not begin with thinking (docs: adaptive thinking, validation changes).
  if (takes?.thinking === "adaptive")
    return planForeignAdaptive(
      { request, maxTokens: answer, mayThink: mayThink(request), note },
      target,
      takes,
    );
  if (!asksForThinking(request)) return none;
  const off = (): ThinkingPlan => {
    note(thinkingOff);
    return none;
  };
  if (!mayThink(request) || startsMidTurn(messages)) return off();
  const wantedEffort =
    request.thinking?.mode === "budget"
      ? request.thinking.budgetTokens
      : budgetOfEffort(request.effort ?? "medium");
  const wanted = Math.max(leastBudget, wantedEffort);
  if (wanted < answer) return { ...none, thinking: { type: "enabled", budget_tokens: wanted } };
  const maxTokens = Math.min(answer + wanted, target.maxOutput ?? Number.POSITIVE_INFINITY);
  const budget = Math.min(wanted, Math.max(leastBudget, maxTokens - answer));
  if (budget >= maxTokens) return off();
  if (budget < wanted) note(`thinking-cut:${budget}`);
  return { maxTokens, thinking: { type: "enabled", budget_tokens: budget }, effort: null };
}

/** The API requires a limit: where the client set none, ours may end the answer. */
function limitOf(request: ChatRequest, target: TargetFacts, note: Note): number {
  if (request.maxTokens !== null) return cutTokens(request.maxTokens, target, note);
  const limit = Math.min(target.defaultMaxTokens, target.maxOutput ?? target.defaultMaxTokens);
  note(`max-tokens-set:${limit}`);
  return limit;
}

/**
 * With a budget the API refuses a prefill, and a running tool turn that does not begin with its thinking
 * ("Expected `thinking` … but found `tool_use`"), which other formats cannot carry.
 */
function startsMidTurn(messages: readonly WireMessage[]): boolean {
  const last = messages.findLastIndex((each) => each.role === "assistant");
  if (last < 0) return false;
  if (last === messages.length - 1) return true;
  let calls = false;
  // One turn, however many calls and results it has: its only thinking may be at its start.
  for (let at = last; messages[at]?.role === "assistant" && holdsResult(messages[at + 1]); at -= 2) {
    const content = messages[at]?.content ?? [];
    const first = content[0]?.["type"];
    if (first === "thinking" || first === "redacted_thinking") return false;
    calls ||= content.some((block) => block["type"] === "tool_use");
  }
  return calls;
}

function holdsResult(message: WireMessage | undefined): boolean {
  return message?.content.some((block) => block["type"] === "tool_result") ?? false;
}
