// Turns canonical limits, sampling, format, tool choice and thinking into Google's `generationConfig` and `toolConfig`.
// What a client of this format wrote is sent unchanged, as long as the request still asks for it.

import { budgetOfEffort, type Effort, effortOfBudget, nearestEffort } from "../../canon/effort.ts";
import type { ChatRequest } from "../../canon/request.ts";
import { type Takes, takesAnything } from "../../canon/takes.ts";
import { isRecord } from "../decoding.ts";
import { cutTokens, thinkingOff, ignoreNote } from "../adaptation-notes.ts";
import type { Note, TargetFacts } from "../dialect.ts";
import { isThinkingOff, thinkingAtLeast } from "../fit-to-model.ts";
import { type Members, extrasOf } from "./extras.ts";
import { configMembers } from "./members.ts";
import { nameAmong } from "../tool-names.ts";

type Wire = Record<string, unknown>;

/** "The set of character sequences (up to 5)" (ai.google.dev/api/generate-content#v1beta.GenerationConfig). */
const maxStops = 5;

export function unsupportedStops(request: ChatRequest): readonly string[] {
  return request.stop.slice(maxStops);
}

export function encodeGenerationConfig(
  request: ChatRequest,
  target: TargetFacts,
  note: Note = ignoreNote,
): Wire | null {
  const ownExtras = extrasOf(request.extras);
  const own = ownExtras["generationConfig"];
  const config: Wire = isRecord(own) ? configMembers.passedOn(own) : {};
  if (request.maxTokens !== null) config["maxOutputTokens"] = cutTokens(request.maxTokens, target, note);
  if (request.temperature !== null) config["temperature"] = request.temperature;
  if (request.topP !== null) config["topP"] = request.topP;
  if (request.topK !== null) config["topK"] = request.topK;
  if (request.stop.length > 0) config["stopSequences"] = request.stop.slice(0, maxStops);
  Object.assign(config, encodeFormat(request, ownExtras));
  const takes = target.takes ?? takesAnything;
  const thinking = target.canThink === false ? null : encodeThinking(request, ownExtras, takes, note);
  if (thinking !== null) config["thinkingConfig"] = thinking;
  return Object.keys(config).length === 0 ? null : config;
}

function encodeFormat({ format }: ChatRequest, ownExtras: Members): Wire {
  if (format === null) return {};
  if (isRecord(ownExtras["format"])) return ownExtras["format"];
  const json = { responseMimeType: "application/json" };
  return format.type === "json-object" ? json : { ...json, responseJsonSchema: format.schema };
}

function encodeThinking(request: ChatRequest, ownExtras: Members, takes: Takes, note: Note): Members | null {
  const { thinking, effort } = request;
  const own = ownExtras["thinkingConfig"];
  const isOff = isThinkingOff(request);
  if (
    isRecord(own) &&
    (thinking !== null || effort !== null || own["includeThoughts"] === false) &&
    isAcceptedThinking(request, takes)
  )
    return own;
  if (thinking === null && effort === null) return null;
  if (takes.thinking === "none") {
    if (!isOff) note(thinkingOff);
    return null;
  }
  if (isOff) {
    if (!takes.thinkingOff) note(thinkingAtLeast);
    return leastThinking(takes);
  }
  const shown: Members = isRecord(own) ? shownIn(own) : { includeThoughts: true };
  const budget = thinking?.mode === "budget" ? thinking.budgetTokens : null;
  if (takes.thinking === "adaptive") {
    const wanted = effort ?? (budget === null ? null : effortOfBudget(budget));
    return wanted === null ? shown : { ...shown, thinkingLevel: levelFor(wanted, takes) };
  }
  if (budget === null && effort === null) return { ...shown, thinkingBudget: -1 };
  const { least, most } = rangeOf(takes);
  const tokens = budget ?? budgetOfEffort(effort ?? "medium");
  if (budget !== null && budget > most) note(`thinking-cut:${most}`);
  return { ...shown, thinkingBudget: Math.min(most, Math.max(least, tokens)) };
}

const shownIn = ({ includeThoughts }: Members): Members =>
  includeThoughts === undefined ? {} : { includeThoughts };

/**
 * Whether the model accepts what the client wrote. Models with levels accept budgets too, but not the other way round.
 */
function isAcceptedThinking({ thinking, effort }: ChatRequest, takes: Takes): boolean {
  if (takes.thinking === "none") return false;
  if (takes.thinking === "adaptive")
    return effort === null || takes.efforts === null || takes.efforts.includes(effort);
  if (takes.budgets === null) return true;
  if (effort !== null) return false;
  if (thinking?.mode === "off") return takes.thinkingOff;
  if (thinking?.mode !== "budget") return true;
  const { least, most } = takes.budgets;
  return thinking.budgetTokens >= least && thinking.budgetTokens <= most;
}

const rangeOf = ({ budgets }: Takes): { readonly least: number; readonly most: number } =>
  budgets ?? { least: 1, most: Number.MAX_SAFE_INTEGER };

/** Models that always think get the lowest level. */
function leastThinking(takes: Takes): Members {
  if (takes.thinking === "adaptive") return { thinkingLevel: levelFor("minimal", takes) };
  return { thinkingBudget: takes.thinkingOff ? 0 : rangeOf(takes).least };
}

const levels: readonly Effort[] = ["minimal", "low", "medium", "high"];

function levelFor(wanted: Effort, takes: Takes): string {
  return (nearestEffort(wanted, takes.efforts ?? levels) ?? "medium").toUpperCase();
}

export function encodeToolConfig(request: ChatRequest): Members | null {
  const own = extrasOf(request.extras)["toolConfig"];
  const kept: Members = isRecord(own) ? own : {};
  const { toolChoice, tools } = request;
  if (toolChoice === null || tools.length === 0) return Object.keys(kept).length === 0 ? null : kept;
  const calling = kept["functionCallingConfig"];
  // A forced call that the model does not support has been withdrawn.
  const isTakenBack = isRecord(calling) && calling["mode"] === "ANY" && toolChoice.type === "auto";
  if (isRecord(calling) && !isTakenBack) {
    const allowed = calling["allowedFunctionNames"];
    if (!Array.isArray(allowed)) return kept;
    const names = tools.map(({ name }) => name);
    const allowedFunctionNames = allowed.map((own) => nameAmong(names, String(own)));
    return { ...kept, functionCallingConfig: { ...calling, allowedFunctionNames } };
  }
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
