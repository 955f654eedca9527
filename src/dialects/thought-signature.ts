// Members beside a call or a thought that must come back to whoever made them: Google's seal of a call in the pockets of both
// formats in which Google speaks, and a vendor's reasoning details under a mark that every format's signature can carry.
// It must never let a mark of ours reach a vendor as a signature.

import type { Extras } from "../canon/request.ts";
import { isRecord, parseLoosely } from "./decoding.ts";

/** For a call on which Google's own API wrote `signature`: a chat client keeps it as Google's chat address would have it. */
export function signatureExtras(signature: string): Extras {
  return {
    "google-genai": { thoughtSignature: signature },
    "openai-chat": { extra_content: { google: { thought_signature: signature } } },
  };
}

/** For a call that a chat client sends back: the seal in it may be of Google's own API. */
export function keptExtraContent(extra: Readonly<Record<string, unknown>>): Extras {
  const google = extra["google"];
  const signature = isRecord(google) ? google["thought_signature"] : null;
  return {
    ...(typeof signature === "string" && signature !== ""
      ? { "google-genai": { thoughtSignature: signature } }
      : {}),
    "openai-chat": { extra_content: extra },
  };
}

export const extraMark = "clawgate.extra.";

/** For a call of a chat vendor's: a client of Google's format keeps the member under our mark, so that only its maker gets it back. */
export function extraContentExtras(extra: Readonly<Record<string, unknown>>): Extras {
  const sealed = extraMark + Buffer.from(JSON.stringify(extra)).toString("base64url");
  return { "google-genai": { thoughtSignature: sealed }, "openai-chat": { extra_content: extra } };
}

/** Undefined: it is a signature of Google's. Null: under our mark, and no longer whole. */
export function openedExtra(signature: string): Extras | null | undefined {
  if (!signature.startsWith(extraMark)) return undefined;
  const extra = parseLoosely(Buffer.from(signature.slice(extraMark.length), "base64url").toString("utf8"));
  return isRecord(extra) ? { "openai-chat": { extra_content: extra } } : null;
}

/** No signature of a vendor's: those are base64. */
export const detailsMark = "clawgate.details.";

export function sealedDetails(details: readonly unknown[]): string {
  return detailsMark + Buffer.from(JSON.stringify(details)).toString("base64url");
}

export const isOurMark = (signature: string | null): boolean => signature?.startsWith(detailsMark) === true;

/** Null for a signature that is no mark of ours, or no longer whole. */
export function openedDetails(signature: string | null): readonly unknown[] | null {
  if (signature === null || !isOurMark(signature)) return null;
  const text = Buffer.from(signature.slice(detailsMark.length), "base64url").toString("utf8");
  const details = parseLoosely(text);
  return Array.isArray(details) && details.every(isRecord) ? (details as readonly unknown[]) : null;
}
