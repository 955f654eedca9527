// Members of a call that must go back to the vendor that made them: Google's signature of a call, in the extras of both formats
// that Google speaks. For thinking see thinking-signatures.ts. It must never send one of our own marks to a vendor as a
// signature.

import type { Extras } from "../canon/request.ts";
import { isRecord, parseLoosely } from "./decoding.ts";

/**
 * For a call that Google's own API signed with `signature`: a chat client keeps it in the form that Google's chat endpoint
 * uses.
 */
export function signatureExtras(signature: string): Extras {
  return {
    "google-genai": { thoughtSignature: signature },
    "openai-chat": { extra_content: { google: { thought_signature: signature } } },
  };
}

/** For a call that a chat client sends back: the signature in it may come from Google's own API. */
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

/** Google's SDKs read a signature as bytes, so another vendor's must be base64 as well. */
export const googleMark = Buffer.from("clawgate.").toString("base64");
export const toGoogleBase64 = (mark: string): string => Buffer.from(mark).toString("base64");

/** A signature as a client of Google's format sends it back; such clients write either base64 alphabet. Null: Google's own. */
export const fromGoogleBase64 = (signature: string): string | null =>
  signature.startsWith(googleMark) ? Buffer.from(signature, "base64").toString("utf8") : null;

const foreignMark = "clawgate.signature.";

/**
 * For thinking that Anthropic signed: a client of Google's format keeps the signature behind our mark, because Google would read
 * it as an invalid signature of its own and refuse the conversation.
 */
export function foreignSignatureExtras(signature: string): Extras {
  return { "google-genai": { signature: toGoogleBase64(foreignMark + signature) } };
}

/** Null: no such signature. */
export function readForeignSignature(mark: string): string | null {
  return mark.startsWith(foreignMark) ? mark.slice(foreignMark.length) : null;
}

/** For a call by a chat vendor's model: a client of Google's format keeps the member behind our mark, so that only that vendor gets it back. */
export function extraContentExtras(extra: Readonly<Record<string, unknown>>): Extras {
  const encoded = toGoogleBase64(extraMark + Buffer.from(JSON.stringify(extra)).toString("base64url"));
  return { "google-genai": { thoughtSignature: encoded }, "openai-chat": { extra_content: extra } };
}

/** Undefined: Google's own signature. Null: it has our mark but is damaged. */
export function decodeExtraContent(signature: string): Extras | null | undefined {
  const mark = fromGoogleBase64(signature);
  if (mark === null) return undefined;
  if (!mark.startsWith(extraMark)) return null;
  const extra = parseLoosely(Buffer.from(mark.slice(extraMark.length), "base64url").toString("utf8"));
  return isRecord(extra) ? { "openai-chat": { extra_content: extra } } : null;
}
