// Tools whose input is free text, for models that know only functions: the text becomes one string argument, and a grammar
// becomes a description, because no other API enforces one. It must never read text as JSON where the model wrote plain
// text.

import type { Takes } from "../canon/takes.ts";
import { isRecord, parseLoosely } from "./decoding.ts";

/** The schema that represents free text. */
export const freeTextSchema = {
  type: "object",
  properties: { input: { type: "string", description: "The tool's whole input, as plain text." } },
  required: ["input"],
  additionalProperties: false,
} as const;

export const wrapText = (text: string): string => JSON.stringify({ input: text });

/** Models sometimes name the argument differently, or write the text without its wrapping. */
export function unwrapText(input: string): string {
  const value = parseLoosely(input);
  if (typeof value === "string") return value;
  if (!isRecord(value)) return input;
  if (typeof value.input === "string") return value.input;
  const texts = Object.values(value);
  return texts.length === 1 && typeof texts[0] === "string" ? texts[0] : input;
}

/** A call's arguments where the client or model wrote the bare text. */
export function wrappedText(input: string): string {
  return isRecord(parseLoosely(input)) ? input : wrapText(input);
}

/** `format`: `{type: "grammar", syntax, definition}` as Responses writes it. Null: no grammar. */
export function describedText(description: string | null, format: unknown): string | null {
  const rule =
    isRecord(format) && format["type"] === "grammar" && typeof format["definition"] === "string"
      ? `The input must follow this ${String(format["syntax"] ?? "")} grammar:\n${format["definition"]}`
      : null;
  const text = [description, rule].filter((each) => each !== null).join("\n\n");
  return text === "" ? null : text;
}

/** OpenAI's models since GPT-5 call such tools natively; those models also introduced `verbosity`. */
export const acceptsFreeText = (takes: Takes | null | undefined): boolean =>
  takes != null && takes.newerLimit && takes.verbosity;
