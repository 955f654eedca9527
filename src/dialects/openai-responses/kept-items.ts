// The items of a kept conversation as JSON text: how a request's input becomes part of it, how a later request is put together
// from it, and how its items are listed. It must never change an item that goes back to a model.

import { isRecord, parseLoosely } from "../decoding.ts";
import type { Wire } from "./extras.ts";

/** The items of a request's `input`, given as JSON text, without the brackets of their list; null: it is no input. */
export function itemsTextOf(input: string): string | null {
  const text = input.trim();
  if (text.startsWith('"')) {
    const words = parseLoosely(text);
    if (typeof words !== "string") return null;
    return JSON.stringify({
      type: "message",
      role: "user",
      content: [{ type: "input_text", text: words }],
    });
  }
  return text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1).trim() : null;
}

/** One list of all these items, as JSON text. */
export const joinedInput = (texts: readonly string[]): string =>
  `[${texts.filter((text) => text !== "").join(",")}]`;

export function itemsIn(text: string): Wire[] {
  const items = parseLoosely(`[${text}]`);
  return Array.isArray(items) ? items.filter(isRecord) : [];
}

/** An item as the API lists it: with an id, a type, a status, and its words as parts. `id` is for one that has none. */
export function listedItem(item: Wire, id: string): Wire {
  const type = typeof item.type === "string" ? item.type : "message";
  const own = typeof item.id === "string" && item.id !== "" ? item.id : `${prefixes[type] ?? "item"}_${id}`;
  const shown = { ...item, id: own, type };
  if (type !== "message") return shown;
  const textType = item.role === "assistant" ? "output_text" : "input_text";
  const content =
    typeof item.content === "string" ? [{ type: textType, text: item.content }] : (item.content ?? []);
  return { ...shown, status: item.status ?? "completed", content };
}

const prefixes: Readonly<Record<string, string>> = {
  message: "msg",
  reasoning: "rs",
  function_call: "fc",
  function_call_output: "fco",
  custom_tool_call: "ctc",
  custom_tool_call_output: "ctco",
  compaction: "cmp",
};

/** The request and the place of an item that the gateway named (encode-answer.ts `itemId`); null: a vendor or client named it. */
export function itemPlace(id: string): { readonly requestId: string; readonly index: number } | null {
  const found = /^[a-z]{2,4}_([0-9A-HJKMNP-TV-Z]{26})(\d{1,6})$/.exec(id);
  return found === null ? null : { requestId: found[1] ?? "", index: Number(found[2]) };
}

/** Searched for in every body of this format: a scan that watched for it would cost twice as much. */
export const referenceWord = Buffer.from('"item_reference"');

/** Replaces references by what they refer to. `find` null: unknown here, and the reference stays. */
export function withoutReferences(text: string, find: (id: string) => Wire | null): string {
  if (!text.includes('"item_reference"')) return text;
  let found = 0;
  const items = itemsIn(text).map((item) => {
    const kept = item.type === "item_reference" && typeof item.id === "string" ? find(item.id) : null;
    if (kept !== null) found += 1;
    return kept ?? item;
  });
  return found === 0 ? text : items.map((item) => JSON.stringify(item)).join(",");
}
