// Members beside a call that must come back to whoever made them: Google's seal of a call in the pockets of both formats in
// which Google speaks. Those of a thought: thinking-signatures.ts.
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
export function clientExtraContent(extra: Readonly<Record<string, unknown>>): Extras {
  const google = extra["google"];
  const signature = isRecord(google) ? google["thought_signature"] : null;
  return {
    ...(typeof signature === "string" && signature !== ""
      ? { "google-genai": { thoughtSignature: signature } }
      : {}),
    "openai-chat": { extra_content: extra },
  };
}

const extraMark = "clawgate.extra.";

/** Google's SDKs read a signature as bytes: what is none of Google's must be base64 as well. */
export const googleMark = Buffer.from("clawgate.").toString("base64");
export const toGoogleBase64 = (mark: string): string => Buffer.from(mark).toString("base64");

/** A signature as a client of Google's format sends it back; such clients write either alphabet. Null: Google's own. */
export const fromGoogleBase64 = (signature: string): string | null =>
  signature.startsWith(googleMark) ? Buffer.from(signature, "base64").toString("utf8") : null;

const foreignMark = "clawgate.signature.";

/**
 * For a thought that Anthropic signed: a client of Google's format keeps the signature under our mark, because Google would take
 * it for a broken one of its own and refuse the conversation.
 */
export function foreignSignatureExtras(signature: string): Extras {
  return { "google-genai": { signature: toGoogleBase64(foreignMark + signature) } };
}

/** Null: not one of those. */
export function readForeignSignature(mark: string): string | null {
  return mark.startsWith(foreignMark) ? mark.slice(foreignMark.length) : null;
}

/** For a call of a chat vendor's: a client of Google's format keeps the member under our mark, so that only its maker gets it back. */
export function extraContentExtras(extra: Readonly<Record<string, unknown>>): Extras {
  const encoded = toGoogleBase64(extraMark + Buffer.from(JSON.stringify(extra)).toString("base64url"));
  return { "google-genai": { thoughtSignature: encoded }, "openai-chat": { extra_content: extra } };
}

/** Undefined: it is a signature of Google's. Null: under our mark, and no longer whole. */
export function decodeExtraContent(signature: string): Extras | null | undefined {
  const mark = fromGoogleBase64(signature);
  if (mark === null) return undefined;
  if (!mark.startsWith(extraMark)) return null;
  const extra = parseLoosely(Buffer.from(mark.slice(extraMark.length), "base64url").toString("utf8"));
  return isRecord(extra) ? { "openai-chat": { extra_content: extra } } : null;
}
