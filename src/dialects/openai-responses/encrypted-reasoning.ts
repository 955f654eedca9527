// Encrypted reasoning, which only its vendor can read. OpenAI's own encrypted content stays in extras and goes back to this
// dialect only; another vendor's signature travels in the same member behind our mark, so that the vendor gets it back.

import type { Extras } from "../../canon/request.ts";
import { toExtras, extrasOf, type Wire } from "./extras.ts";

/** Never part of OpenAI's encrypted content, which is base64. */
export const reasoningMark = "clawgate.";
const signatureMark = `${reasoningMark}signature.`;
const encryptedMark = `${reasoningMark}sealed.`;

export type EncryptedReasoning = { readonly signature: string | null; readonly extras?: Extras };

const encryptedReasoning = (id: string, encrypted: string): EncryptedReasoning => ({
  signature: null,
  ...toExtras(id === "" ? { encrypted_content: encrypted } : { id, encrypted_content: encrypted }),
});

/** The encrypted content of a reasoning item. OpenAI checks it against the item's id, so the two stay together. */
export function decodeEncryptedReasoning(item: Wire): EncryptedReasoning {
  const { encrypted_content: encrypted, id } = item;
  if (typeof encrypted !== "string" || encrypted === "") return { signature: null };
  if (encrypted.startsWith(signatureMark))
    return { signature: encrypted.slice(signatureMark.length) || null };
  if (!encrypted.startsWith(encryptedMark))
    return encryptedReasoning(typeof id === "string" ? id : "", encrypted);
  const colon = encrypted.indexOf(":");
  return encryptedReasoning(encrypted.slice(encryptedMark.length, colon), encrypted.slice(colon + 1));
}

/**
 * `encrypted_content` for a client. An item's id is sent before its encrypted content is known, so the id that the content needs
 * travels inside it; `passthrough.translateMarkers` makes sure that the marks never reach a vendor.
 */
export function encodeEncryptedReasoning(block: EncryptedReasoning): { encrypted_content?: string } {
  const { encrypted_content: encrypted, id } = extrasOf(block.extras);
  if (typeof encrypted === "string" && encrypted !== "")
    return { encrypted_content: `${encryptedMark}${typeof id === "string" ? id : ""}:${encrypted}` };
  return block.signature === null || block.signature === ""
    ? {}
    : { encrypted_content: signatureMark + block.signature };
}
