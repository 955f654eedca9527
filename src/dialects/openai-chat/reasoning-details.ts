// Thinking as OpenRouter and MiniMax send it: a list of details, some of which only their vendor can read. It must
// never join pieces of two different details.

import { isRecord } from "../decoding.ts";

type Detail = Readonly<Record<string, unknown>>;

export const detailsIn = (delta: Detail): readonly Detail[] =>
  Array.isArray(delta.reasoning_details) ? delta.reasoning_details.filter(isRecord) : [];

/** The readable part of it. */
export function textOfDetails(details: readonly Detail[]): string {
  return details.map(({ text, summary }) => word(text) || word(summary)).join("");
}

const word = (value: unknown): string => (typeof value === "string" ? value : "");
const spelled = ["text", "summary", "data"] as const;

/** Streams send a detail in pieces, which carry its type and its index or id. */
export function joinDetails(known: Detail[], news: readonly Detail[]): void {
  for (const piece of news) {
    const at = known.findLastIndex((each) => isSame(each, piece));
    const before = known[at];
    if (before === undefined) {
      known.push(piece);
      continue;
    }
    const joined: Record<string, unknown> = { ...before };
    for (const [key, value] of Object.entries(piece))
      if (value !== null && key !== "__proto__") joined[key] = value;
    for (const key of spelled)
      if (typeof before[key] === "string" && typeof piece[key] === "string")
        joined[key] = before[key] + piece[key];
    known[at] = joined;
  }
}

function isSame(left: Detail, right: Detail): boolean {
  if (left.type !== right.type || left.type === "reasoning.encrypted") return false;
  const sameIndex = typeof right.index === "number" && left.index === right.index;
  const sameId = typeof right.id === "string" && left.id === right.id;
  return sameIndex || sameId || (right.index === undefined && right.id === undefined);
}
