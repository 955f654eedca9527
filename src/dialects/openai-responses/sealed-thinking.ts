// Reasoning that only its maker can read. OpenAI's own seal stays in the pocket and goes back to this dialect only;
// another vendor's signature travels in the same member under our mark, so that its maker gets it back.

import type { Extras } from "../../canon/request.ts";
import { inPocket, pocketOf, type Wire } from "./pocket.ts";

/** Never part of a seal of OpenAI's, which are base64. */
export const mark = "clawgate.";
const signatureMark = `${mark}signature.`;
const sealMark = `${mark}sealed.`;

export type Seal = { readonly signature: string | null; readonly extras?: Extras };

const seal = (id: string, sealed: string): Seal => ({
  signature: null,
  ...inPocket(id === "" ? { encrypted_content: sealed } : { id, encrypted_content: sealed }),
});

/** The seal of a reasoning item, whoever wrote it. OpenAI checks a seal against its item's id, so the two stay together. */
export function decodeSeal(item: Wire): Seal {
  const { encrypted_content: sealed, id } = item;
  if (typeof sealed !== "string" || sealed === "") return { signature: null };
  if (sealed.startsWith(signatureMark)) return { signature: sealed.slice(signatureMark.length) || null };
  if (!sealed.startsWith(sealMark)) return seal(typeof id === "string" ? id : "", sealed);
  const colon = sealed.indexOf(":");
  return seal(sealed.slice(sealMark.length, colon), sealed.slice(colon + 1));
}

/**
 * `encrypted_content` for a client. An item's id is told before its seal is known, so the id that the seal needs
 * travels inside it; `relay.declines` makes sure that the marks never reach a vendor.
 */
export function encodeSeal(block: Seal): { encrypted_content?: string } {
  const { encrypted_content: sealed, id } = pocketOf(block.extras);
  if (typeof sealed === "string" && sealed !== "")
    return { encrypted_content: `${sealMark}${typeof id === "string" ? id : ""}:${sealed}` };
  return block.signature === null || block.signature === ""
    ? {}
    : { encrypted_content: signatureMark + block.signature };
}
