// Canonical limits, sampling, format, tool choice and thinking -> Google's `generationConfig` and `toolConfig`.
// A client's own words go back as they were, as long as the wish behind them still stands.

import { budgetOfEffort, type Effort, effortOfBudget, nearestEffort } from "../../canon/effort.ts";
import type { ChatRequest } from "../../canon/request.ts";
import { isRecord } from "../decoding.ts";
import { cutTokens, thinkingOff, unheard } from "../adapting.ts";
import type { Note, TargetFacts } from "../dialect.ts";
import { budgetRange, hasThinkingLevels, isPro, knowsThinking } from "./model-traits.ts";
import { type Members, pocketOf } from "./pocket.ts";

type Wire = Record<string, unknown>;

/** "The set of character sequences (up to 5)" (ai.google.dev/api/generate-content#v1beta.GenerationConfig). */
const mostStops = 5;

export function unsaidStops(request: ChatRequest): readonly string[] {
  return request.stop.slice(mostStops);
}

export function encodeGenerationConfig(
  request: ChatRequest,
  target: TargetFacts,
  note: Note = unheard,
): Wire | null {
  const pocket = pocketOf(request.extras);
  const config: Wire = isRecord(pocket["generationConfig"]) ? { ...pocket["generationConfig"] } : {};
  if (request.maxTokens !== null) config["maxOutputTokens"] = cutTokens(request.maxTokens, target, note);
  if (request.temperature !== null) config["temperature"] = request.temperature;
  if (request.topP !== null) config["topP"] = request.topP;
  if (request.topK !== null) config["topK"] = request.topK;
  if (request.stop.length > 0) config["stopSequences"] = request.stop.slice(0, mostStops);
  Object.assign(config, encodeFormat(request, pocket));
  const thinking = target.canThink === false ? null : encodeThinking(request, pocket, target.model, note);
  if (thinking !== null) config["thinkingConfig"] = thinking;
  return Object.keys(config).length === 0 ? null : config;
}

function encodeFormat({ format }: ChatRequest, pocket: Members): Wire {
  if (format === null) return {};
  if (isRecord(pocket["format"])) return pocket["format"];
  const json = { responseMimeType: "application/json" };
  return format.type === "json-object" ? json : { ...json, responseJsonSchema: format.schema };
}

function encodeThinking(request: ChatRequest, pocket: Members, model: string, note: Note): Members | null {
  const { thinking, effort } = request;
  const own = pocket["thinkingConfig"];
  if (isRecord(own) && (thinking !== null || effort !== null || own["includeThoughts"] === false)) return own;
  if (thinking === null && effort === null) return null;
  const isOff = thinking?.mode === "off" || (thinking === null && effort === "none");
  if (!knowsThinking(model)) {
    if (!isOff) note(thinkingOff);
    return null;
  }
  if (isOff) {
    if (hasThinkingLevels(model) || isPro(model)) note("thinking-at-least");
    return leastThinking(model);
  }
  const shown = { includeThoughts: true };
  const budget = thinking?.mode === "budget" ? thinking.budgetTokens : null;
  if (hasThinkingLevels(model)) {
    const wish = effort ?? (budget === null ? null : effortOfBudget(budget));
    return wish === null ? shown : { ...shown, thinkingLevel: levelFor(wish, model) };
  }
  if (budget === null && effort === null) return { ...shown, thinkingBudget: -1 };
  const { least, most } = budgetRange(model);
  const tokens = budget ?? budgetOfEffort(effort ?? "medium");
  if (budget !== null && budget > most) note(`thinking-cut:${most}`);
  return { ...shown, thinkingBudget: Math.min(most, Math.max(least, tokens)) };
}

/** Models that always think are asked for the least of it. */
function leastThinking(model: string): Members {
  if (hasThinkingLevels(model)) return { thinkingLevel: levelFor("minimal", model) };
  return { thinkingBudget: isPro(model) ? budgetRange(model).least : 0 };
}

/** MINIMAL is Flash's alone, and the first Pro of the third generation knows no MEDIUM. */
function levelFor(wish: Effort, model: string): string {
  const proLevels: readonly Effort[] = /gemini-3-pro/i.test(model)
    ? ["low", "high"]
    : ["low", "medium", "high"];
  const levels: readonly Effort[] = isPro(model) ? proLevels : ["minimal", "low", "medium", "high"];
  return (nearestEffort(wish, levels) ?? "medium").toUpperCase();
}

export function encodeToolConfig(request: ChatRequest): Members | null {
  const own = pocketOf(request.extras)["toolConfig"];
  const kept: Members = isRecord(own) ? own : {};
  const { toolChoice, tools } = request;
  if (toolChoice === null || tools.length === 0) return Object.keys(kept).length === 0 ? null : kept;
  const calling = kept["functionCallingConfig"];
  if (isRecord(calling)) return kept;
  return { ...kept, functionCallingConfig: encodeChoice(toolChoice) };
}

function encodeChoice(choice: NonNullable<ChatRequest["toolChoice"]>): Members {
  switch (choice.type) {
    case "auto":
      return { mode: "AUTO" };
    case "none":
      return { mode: "NONE" };
    case "required":
      return { mode: "ANY" };
    case "tool":
      return { mode: "ANY", allowedFunctionNames: [choice.name] };
  }
}
