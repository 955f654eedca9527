// The dialect's name and its part of `extras`: what only chat completions understand travels there and comes back out.
// It must never read another dialect's extras.

import type { Extras } from "../../canon/request.ts";

export const name = "openai-chat";

/** An object of this format's JSON. */
export type Wire = Record<string, unknown>;
type Members = Readonly<Wire>;
const nothing: Members = {};

export function extrasOf(extras: Extras | undefined): Members {
  return extras?.[name] ?? nothing;
}
