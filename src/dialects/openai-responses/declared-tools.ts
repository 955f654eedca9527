// Kinds of tools that other APIs do not have, as functions that they do: free text becomes one string argument, and a
// namespace becomes part of the name. On the way back a call gets the kind in which its tool was declared.

import type { Tool } from "../../canon/request.ts";
import { isRecord, parseLoosely } from "../decoding.ts";
import { pocketOf, type Wire } from "./pocket.ts";

/** The schema that stands for free text. */
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

/** How a call of the tool must be written for the client that declared it. */
export type CallForm = {
  readonly isFreeText: boolean;
  readonly name: string;
  readonly namespace: string | null;
};

export function callForms(tools: readonly Tool[]): (name: string) => CallForm {
  const forms = new Map<string, CallForm>();
  for (const tool of tools) {
    const { type, namespace, name } = pocketOf(tool.extras);
    if (type !== "custom" && !isRecord(namespace)) continue;
    forms.set(tool.name, {
      isFreeText: type === "custom",
      name: typeof name === "string" ? name : tool.name,
      namespace: isRecord(namespace) && typeof namespace.name === "string" ? namespace.name : null,
    });
  }
  return (name) => forms.get(name) ?? { isFreeText: false, name, namespace: null };
}

/** A call as an output item. `input` is the arguments' JSON text. */
export function callItem(form: CallForm, id: string, callId: string, input: string): Wire {
  const named = {
    id,
    status: "completed",
    call_id: callId,
    name: form.name,
    ...(form.namespace === null ? {} : { namespace: form.namespace }),
  };
  return form.isFreeText
    ? { ...named, type: "custom_tool_call", input: unwrapText(input) }
    : { ...named, type: "function_call", arguments: input };
}
