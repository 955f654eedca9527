// The dialect's name and its part of `extras`, which carries what only chat completions understand. It must never read
// another dialect's extras.

import type { Extras } from "../../canon/request.ts";

export const name = "openai-chat";

/** An object of this format's JSON. */
export type Wire = Record<string, unknown>;
type Members = Readonly<Wire>;
const noExtras: Members = {};

export function extrasOf(extras: Extras | undefined): Members {
  return extras?.[name] ?? noExtras;
}
