// Calls of free-text tools in the form that clients of this format read. It must never wrap the text in JSON.

import type { Tool } from "../../canon/request.ts";
import { isFreeText } from "./decode-tools.ts";
import type { Wire } from "./extras.ts";

export function freeTextNames(tools: readonly Tool[] | undefined): (name: string) => boolean {
  const names = new Set(tools?.filter(isFreeText).map(({ name }) => name));
  return (name) => names.has(name);
}

/**
 * OpenAI's own form, plus the function that Cursor looks for in every call ("Cannot read properties of undefined (reading
 * 'name')", codex-proxy#708), with the bare text as its arguments. A client reads only the form that it knows.
 */
export const freeTextCall = (name: string, text: string): Wire => ({
  type: "custom",
  custom: { name, input: text },
  function: { name, arguments: text },
});

/** The text of a call whose start was already sent. */
export const freeTextPiece = (text: string): Wire => ({
  custom: { input: text },
  function: { arguments: text },
});
