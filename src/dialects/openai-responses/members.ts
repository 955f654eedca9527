// The plain top-level members of a request: of what kind each must be, for both lanes.
// It must never know what stands inside a list or an object.

import type { JsonMember } from "../../wire/json.ts";
import { optionalCount, optionalInteger, optionalNumber, wrongKind } from "../read-fields.ts";

type Kind = JsonMember["kind"];

export type Rule = {
  readonly kinds: readonly Kind[];
  /** The kind in words, for the error. */
  readonly wanted: string;
  readonly isOptional: boolean;
  /** Throws for a number that is out of bounds. */
  readonly read: (value: unknown, key: string) => unknown;
};

const anything = (): void => undefined;
const rule = (
  wanted: string,
  kinds: readonly Kind[],
  read: Rule["read"] = anything,
  isOptional = true,
): Rule => ({
  kinds,
  wanted,
  isOptional,
  read,
});

const text = rule("a string", ["string"]);
const flag = rule("true or false", ["boolean"]);
const list = rule("an array", ["array"]);
const record = rule("an object", ["object"]);
const number = (read: Rule["read"]): Rule => rule("a number", ["number"], read);

export const memberRules: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ["input", rule("a string or an array of items", ["string", "array"])],
  ["instructions", text],
  ["tools", list],
  ["tool_choice", rule("a string or an object", ["string", "object"])],
  ["parallel_tool_calls", flag],
  ["max_output_tokens", number(optionalCount)],
  ["max_tool_calls", number(optionalCount)],
  ["temperature", number((value, key) => optionalNumber(value, key, 0, 2))],
  ["top_p", number((value, key) => optionalNumber(value, key, 0, 1))],
  ["top_logprobs", number(optionalInteger)],
  ["reasoning", record],
  ["text", record],
  ["include", list],
  ["metadata", record],
  ["store", flag],
  ["background", flag],
  ["stream_options", record],
  ["previous_response_id", text],
  ["conversation", rule("a string or an object", ["string", "object"])],
  ["prompt", record],
  ["prompt_cache_key", text],
  ["prompt_cache_retention", text],
  ["service_tier", text],
  ["truncation", text],
  ["user", text],
  ["safety_identifier", text],
]);

function kindOf(value: unknown): Kind {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  const type = typeof value;
  return type === "string" || type === "number" || type === "boolean" ? type : "object";
}

/** Throws Failure `invalid-request`. */
export function checkMembers(body: Record<string, unknown>): void {
  for (const [key, { kinds, wanted, isOptional, read }] of memberRules) {
    const value = body[key];
    if (value === undefined || (value === null && isOptional)) continue;
    if (!kinds.includes(kindOf(value))) throw wrongKind(key, wanted, value);
    read(value, key);
  }
}
