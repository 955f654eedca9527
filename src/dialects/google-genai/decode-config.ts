// Turns the client's `generationConfig` into canonical limits, sampling, answer format and thinking. It must never lose
// a member: what has no canonical form stays in the extras under its own name.

import type { Effort } from "../../canon/effort.ts";
import type { AnswerFormat, Thinking } from "../../canon/request.ts";
import { invalid, optionalBoolean, optionalRecord, optionalText, shown } from "../read-fields.ts";
import { optionalMessage, optionalIntegerFrom } from "./camel-keys.ts";
import { jsonSchemaOf } from "./openapi-schema.ts";
import type { Members } from "./extras.ts";
import { configMembers } from "./members.ts";

export type GenerationConfig = {
  readonly maxTokens: number | null;
  readonly temperature: number | null;
  readonly topP: number | null;
  readonly topK: number | null;
  readonly stop: readonly string[];
  readonly format: AnswerFormat | null;
  readonly thinking: Thinking | null;
  readonly effort: Effort | null;
  /** `generationConfig` (the rest), `thinkingConfig` and `format` (as written), where present. */
  readonly ownExtras: Members;
};

const formatKeys: readonly string[] = ["responseMimeType", "responseSchema", "responseJsonSchema"];
const at = "generationConfig";

export function decodeGenerationConfig(value: unknown): GenerationConfig {
  const raw = optionalMessage(value, at) ?? {};
  const rest = configMembers.decodeExtras(raw);
  const format = decodeFormat(raw);
  const written: Record<string, unknown> = {};
  if (format !== null)
    for (const key of formatKeys) {
      if (rest[key] !== undefined) written[key] = rest[key];
      delete rest[key];
    }
  else if (rest["responseMimeType"] === "text/plain") delete rest["responseMimeType"];
  const thinkingConfig = optionalMessage(raw["thinkingConfig"], `${at}.thinkingConfig`);
  return {
    maxTokens: configMembers.read(raw, "maxOutputTokens"),
    temperature: configMembers.read(raw, "temperature"),
    topP: configMembers.read(raw, "topP"),
    topK: configMembers.read(raw, "topK"),
    stop: configMembers.read(raw, "stopSequences").filter((each) => each !== ""),
    format,
    ...decodeThinking(thinkingConfig ?? {}),
    ownExtras: {
      ...(Object.keys(rest).length === 0 ? {} : { generationConfig: rest }),
      ...(thinkingConfig === null ? {} : { thinkingConfig }),
      ...(Object.keys(written).length === 0 ? {} : { format: written }),
    },
  };
}

const efforts: ReadonlyMap<string, Effort> = new Map<string, Effort>([
  ["MINIMAL", "minimal"],
  ["LOW", "low"],
  ["MEDIUM", "medium"],
  ["HIGH", "high"],
  // From Gemini 4 on.
  ["XHIGH", "xhigh"],
]);

/** A budget of -1 means that the model decides, 0 that it must not think (ai.google.dev/gemini-api/docs/thinking). */
function decodeThinking(raw: Members): Pick<GenerationConfig, "thinking" | "effort"> {
  const param = `${at}.thinkingConfig`;
  const budget = optionalIntegerFrom(raw["thinkingBudget"], `${param}.thinkingBudget`, -1);
  const level = optionalText(raw["thinkingLevel"], `${param}.thinkingLevel`)?.toUpperCase() ?? null;
  const isShown = optionalBoolean(raw["includeThoughts"], `${param}.includeThoughts`) === true;
  const effort = level === null ? null : (efforts.get(level) ?? null);
  if (level !== null && effort === null && level !== "THINKING_LEVEL_UNSPECIFIED")
    throw invalid(
      `${param}.thinkingLevel`,
      `${param}.thinkingLevel must be MINIMAL, LOW, MEDIUM, HIGH or XHIGH, not ${shown(level)}.`,
    );
  if (budget === 0) return { thinking: { mode: "off" }, effort };
  if (budget !== null && budget > 0) return { thinking: { mode: "budget", budgetTokens: budget }, effort };
  return { thinking: budget === -1 || (isShown && effort === null) ? { mode: "adaptive" } : null, effort };
}

/** Null for plain text, and for shapes that only Google knows (enumerations). */
function decodeFormat(raw: Members): AnswerFormat | null {
  const type = configMembers.read(raw, "responseMimeType");
  if (type !== "application/json") return null;
  const openApi = optionalRecord(raw["responseSchema"], `${at}.responseSchema`);
  const schema =
    optionalRecord(raw["responseJsonSchema"], `${at}.responseJsonSchema`) ?? jsonSchemaOf(openApi);
  if (schema === null) return { type: "json-object" };
  return { type: "json-schema", name: "response", schema, strict: null };
}
