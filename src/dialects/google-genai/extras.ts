// The dialect's name and its extras, which carry what only Google understands. It must never read another dialect's
// extras.

import type { Extras } from "../../canon/request.ts";
import { isThinkingMark } from "../thinking-signatures.ts";
import { toGoogleBase64 } from "../call-signatures.ts";

export const name = "google-genai";

export type Members = Readonly<Record<string, unknown>>;
const noExtras: Members = {};

export function extrasOf(extras: Extras | undefined): Members {
  return extras?.[name] ?? noExtras;
}

/** `{ extras }` to be spread into a block or an event, or nothing when there are none. */
export function toExtras(members: Members): { extras?: Extras } {
  return Object.keys(members).length === 0 ? {} : { extras: { [name]: members } };
}

/** The thought signature of this block, from Google's field of that name. */
export function signatureIn(extras: Extras | undefined): string | null {
  const { thoughtSignature } = extrasOf(extras);
  return typeof thoughtSignature === "string" && thoughtSignature !== "" ? thoughtSignature : null;
}

/** Google's own thought signature, else the mark that names its vendor. */
export function thinkingSignature(thought: {
  readonly signature: string | null;
  readonly extras?: Extras;
}): string | null {
  const { signature: own } = extrasOf(thought.extras);
  if (typeof own === "string") return own || null;
  const { signature } = thought;
  return signature !== null && isThinkingMark(signature) ? toGoogleBase64(signature) : signature || null;
}

export function withSignature(signature: string | null): { thoughtSignature?: string } {
  return signature === null ? {} : { thoughtSignature: signature };
}

/** Members of `record` that are not in `known`. */
export function restOf(record: Members, known: ReadonlySet<string>): Record<string, unknown> {
  const rest: Record<string, unknown> = {};
  for (const key of Object.keys(record))
    if (!known.has(key) && key !== "__proto__" && record[key] !== null) rest[key] = record[key];
  return rest;
}
