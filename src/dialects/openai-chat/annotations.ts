// The citations of an answer's text in this format. Offsets must always count from the beginning of the answer.

import type { Extras } from "../../canon/request.ts";
import { annotationOf, storedCitations } from "../citations.ts";
import { extrasOf } from "./extras.ts";

/** `offset`: where the text begins in the whole answer. */
export function annotationsOf(
  extras: Extras | undefined,
  offset: number,
  length: number,
): readonly unknown[] {
  const ownExtras = extrasOf(extras);
  if (Array.isArray(ownExtras["annotations"])) return ownExtras["annotations"] as readonly unknown[];
  return storedCitations(ownExtras).map((each) => ({
    type: "url_citation",
    url_citation: annotationOf(each, offset, length),
  }));
}
