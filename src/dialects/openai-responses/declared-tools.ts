// Turns kinds of tools that other APIs lack into functions: free text becomes one string argument, and a namespace
// becomes part of the name. On the way back a call gets the kind that its tool was declared with.

import type { Tool } from "../../canon/request.ts";
import { isRecord } from "../decoding.ts";
import { unwrapText } from "../free-text-tools.ts";
import { isSearching, searchCallItem } from "./client-tool-search.ts";
import { extrasOf, type Wire } from "./extras.ts";

/** How a call of the tool must be written for the client that declared it. */
export type CallForm = {
  readonly isFreeText: boolean;
  /** The client's own search for tools. */
  readonly isSearch?: true;
  readonly name: string;
  readonly namespace: string | null;
};

export function callForms(tools: readonly Tool[]): (name: string) => CallForm {
  const forms = new Map<string, CallForm>();
  for (const tool of tools) {
    const { type, namespace, name } = extrasOf(tool.extras);
    if (isSearching(tool)) forms.set(tool.name, { ...plainForm(tool.name), isSearch: true });
    if (type !== "custom" && !isRecord(namespace)) continue;
    forms.set(tool.name, {
      isFreeText: type === "custom",
      name: typeof name === "string" ? name : tool.name,
      namespace: isRecord(namespace) && typeof namespace.name === "string" ? namespace.name : null,
    });
  }
  return (name) => forms.get(name) ?? plainForm(name);
}

const plainForm = (name: string): CallForm => ({ isFreeText: false, name, namespace: null });

export function prefixOf({ isFreeText, isSearch }: CallForm): "fc" | "ctc" | "tsc" {
  if (isSearch === true) return "tsc";
  return isFreeText ? "ctc" : "fc";
}

/** A call as an output item. `input` is the arguments' JSON text. */
export function callItem(form: CallForm, id: string, callId: string, input: string): Wire {
  if (form.isSearch === true) return searchCallItem(id, callId, input);
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
