// The dialect's name and its part of `extras`, which carries what only the Responses API understands. It must never read
// another dialect's extras.

import type { Extras } from "../../canon/request.ts";

export const name = "openai-responses";

export type Wire = Record<string, unknown>;
type Members = Readonly<Wire>;
const noExtras: Members = {};

export function extrasOf(extras: Extras | undefined): Members {
  return extras?.[name] ?? noExtras;
}

/** `{ extras }` to be spread into a block, or nothing where there are none. */
export function toExtras(members: Wire): { extras?: Extras } {
  return Object.keys(members).length === 0 ? {} : { extras: { [name]: members } };
}
