// The dialect's name and its extras, which carry what only Anthropic understands. It must never read another dialect's
// extras.

import { anthropicCitation, storedCitations } from "../citations.ts";
import type { Extras } from "../../canon/request.ts";

export const name = "anthropic-messages";

type Members = Readonly<Record<string, unknown>>;
const noExtras: Members = {};

export function extrasOf(extras: Extras | undefined): Members {
  return extras?.[name] ?? noExtras;
}

/** The citations of an answer's text: the API's own, else those of another vendor's text. */
export function citationsOf(extras: Extras | undefined): readonly unknown[] {
  const ownExtras = extrasOf(extras);
  const { citations } = ownExtras;
  return Array.isArray(citations)
    ? (citations as readonly unknown[])
    : storedCitations(ownExtras).map(anthropicCitation);
}

/** Members of `record` that are not in `known`, or null when there are none. */
export function restOf(record: Members, known: ReadonlySet<string>): Record<string, unknown> | null {
  let rest: Record<string, unknown> | null = null;
  for (const key in record) {
    // JSON.parse makes `__proto__` an own property; copying it by assignment would set a prototype.
    if (known.has(key) || key === "__proto__") continue;
    rest ??= {};
    rest[key] = record[key];
  }
  return rest;
}

/** `{ extras }` to be spread into a block, or nothing when there are none. */
export function toExtras(members: Members | null): { extras?: Extras } {
  return members === null ? {} : { extras: { [name]: members } };
}
