// What an answer's text cites, as clients of this format read it. It must never count from another place than the answer's beginning.

import type { Extras } from "../../canon/request.ts";
import { annotationOf, citedIn } from "../cited.ts";

/** `offset`: where the text begins in the whole answer. */
export function annotationsOf(
  extras: Extras | undefined,
  offset: number,
  length: number,
): readonly unknown[] {
  const pocket = extras?.["openai-chat"] ?? {};
  if (Array.isArray(pocket["annotations"])) return pocket["annotations"] as readonly unknown[];
  return citedIn(pocket).map((each) => ({
    type: "url_citation",
    url_citation: annotationOf(each, offset, length),
  }));
}
