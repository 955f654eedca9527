// Turns a request's sampling and thinking options into settings that the program accepts between two answers. It must
// never ask for a combination that the API refuses; what cannot be expressed is reported, not silently dropped.

import type { ChatRequest } from "../../canon/request.ts";
import { thinkingOff, asksForThinking } from "../adaptation-notes.ts";
import type { Note } from "../dialect.ts";
import { isThinkingOff, thinkingAtLeast } from "../fit-to-model.ts";
import type { ProtocolLine } from "./protocol-lines.ts";
import type { ToolNames } from "./client-tool-names.ts";

export type LiveSettings = {
  readonly effort: string | null;
  readonly maxTokens: number | null;
  /** 0: thinking is off. Null: the program decides. */
  readonly thinkingTokens: number | null;
  /** Members that are merged into the body of the program's request. */
  readonly extraBody: ProtocolLine;
};

export type LiveOptions = {
  readonly note: Note;
  /** Called with each parameter that has no effect. */
  readonly unsupported: (parameter: string) => void;
  /** "none" when tools are only declared and must not be called. */
  readonly tools: "offered" | "history-only" | "none";
  readonly names: ToolNames;
  /** The effort level in the program's terms; null: the program decides. */
  readonly effort: string | null;
  /**
   * The model's thinking cannot be switched off: a request to do so would only hide it, and sampling must be valid with
   * thinking.
   */
  readonly alwaysThinks?: boolean;
  /** The model itself decides how much it thinks: a budget has no effect. */
  readonly adaptsThinking?: boolean;
};

/** The API's floor for a thinking budget. */
const leastBudget = 1_024;

export const defaultSettings: LiveSettings = {
  effort: null,
  maxTokens: null,
  thinkingTokens: null,
  extraBody: {},
};

export function liveSettings(request: ChatRequest, options: LiveOptions): LiveSettings {
  const planned = planThinking(request, options);
  if (options.adaptsThinking === true && request.thinking?.mode === "budget")
    options.unsupported("thinking.budget_tokens");
  const thinkingTokens = planned === 0 && options.alwaysThinks === true ? null : planned;
  if (thinkingTokens !== planned && isThinkingOff(request)) {
    options.unsupported("thinking");
    options.note(thinkingAtLeast);
  }
  return {
    effort: options.effort,
    maxTokens: request.maxTokens,
    thinkingTokens,
    extraBody: {
      ...sampling(request, thinkingTokens !== 0, options),
      ...stopSequences(request),
      ...toolChoice(request, options),
    },
  };
}

function isForced({ toolChoice: choice }: ChatRequest): boolean {
  return choice?.type === "required" || choice?.type === "tool";
}

/**
 * "Thinking may not be enabled when tool_choice forces tool use.": a model that always thinks can only be asked by an
 * instruction. Null where none is needed.
 */
export function choiceAsText(
  request: ChatRequest,
  { tools, names, alwaysThinks }: Pick<LiveOptions, "tools" | "names" | "alwaysThinks">,
): string | null {
  if (alwaysThinks !== true || tools !== "offered" || !isForced(request)) return null;
  const { toolChoice: choice } = request;
  const which = choice?.type === "tool" ? `the tool "${names.toWire(choice.name)}"` : "one of your tools";
  return `Answer this with a call of ${which}, not with words.`;
}

function planThinking(request: ChatRequest, options: LiveOptions): number | null {
  const { note, tools } = options;
  if (isThinkingOff(request)) return 0;
  const { thinking, maxTokens } = request;
  if (tools === "offered" && isForced(request) && options.alwaysThinks !== true) {
    if (asksForThinking(request)) note(thinkingOff);
    return 0;
  }
  if (thinking?.mode === "budget") {
    const budget = Math.min(
      Math.max(leastBudget, thinking.budgetTokens),
      (maxTokens ?? Number.POSITIVE_INFINITY) - 1,
    );
    if (budget < leastBudget) {
      note(thinkingOff);
      return 0;
    }
    if (budget < thinking.budgetTokens) note(`thinking-cut:${budget}`);
    return budget;
  }
  // The limit includes the thinking: the client did not ask for it, and it would leave no room for the answer.
  if (!asksForThinking(request) && maxTokens !== null && maxTokens <= 2 * leastBudget) return 0;
  return null;
}

/** Thinking takes only temperature 1, a top_p from 0.95 and no top_k; the API refuses the rest. */
function sampling(request: ChatRequest, thinks: boolean, options: LiveOptions): ProtocolLine {
  const { temperature, topP, topK } = request;
  const members: Record<string, unknown> = {};
  const drop = (parameter: string): void => {
    options.unsupported(parameter);
    options.note(`${parameter.replaceAll("_", "-")}-dropped`);
  };
  if (temperature !== null) {
    if (thinks && temperature !== 1) drop("temperature");
    else members["temperature"] = Math.min(1, Math.max(0, temperature));
    if (!thinks && temperature > 1) options.note("temperature-cut:1");
  }
  if (topP !== null) {
    if (thinks && topP < 0.95) drop("top_p");
    else members["top_p"] = topP;
  }
  if (topK !== null) {
    if (thinks) drop("top_k");
    else members["top_k"] = topK;
  }
  return members;
}

/** "each stop sequence must contain non-whitespace": the gateway looks for the others in the answer. */
export function unsupportedStops(request: ChatRequest): readonly string[] {
  return request.stop.filter((each) => each.trim() === "");
}

function stopSequences(request: ChatRequest): ProtocolLine {
  const stops = request.stop.filter((each) => each.trim() !== "");
  return stops.length > 0 ? { stop_sequences: stops } : {};
}

function toolChoice(request: ChatRequest, options: LiveOptions): ProtocolLine {
  const { tools, names } = options;
  if (tools === "none") return {};
  const { parallelTools } = request;
  let { toolChoice: choice } = request;
  if (choiceAsText(request, options) !== null) {
    options.unsupported("tool_choice");
    options.note("tool-choice-in-words");
    choice = null;
  }
  if (tools === "history-only" || choice?.type === "none") return { tool_choice: { type: "none" } };
  const single = parallelTools === false ? { disable_parallel_tool_use: true } : {};
  switch (choice?.type) {
    case "required":
      return { tool_choice: { type: "any", ...single } };
    case "tool":
      return { tool_choice: { type: "tool", name: names.toWire(choice.name), ...single } };
    default:
      return parallelTools === false ? { tool_choice: { type: "auto", ...single } } : {};
  }
}

/** The control requests that lead from one state of the settings to another; none where nothing changes. */
export function settingsRequests(before: LiveSettings, after: LiveSettings): ProtocolLine[] {
  const env: Record<string, string> = {};
  const body = JSON.stringify(after.extraBody);
  if (body !== JSON.stringify(before.extraBody)) env["CLAUDE_CODE_EXTRA_BODY"] = body;
  // An empty text restores the model's own limit.
  if (after.maxTokens !== before.maxTokens)
    env["CLAUDE_CODE_MAX_OUTPUT_TOKENS"] = after.maxTokens === null ? "" : String(after.maxTokens);
  const settings = {
    ...(after.effort === before.effort || after.effort === null ? {} : { effortLevel: after.effort }),
    ...(Object.keys(env).length > 0 ? { env } : {}),
  };
  const requests: ProtocolLine[] = [];
  if (Object.keys(settings).length > 0) requests.push({ subtype: "apply_flag_settings", settings });
  if (after.thinkingTokens !== before.thinkingTokens)
    requests.push({ subtype: "set_max_thinking_tokens", max_thinking_tokens: after.thinkingTokens });
  return requests;
}
