// Most spans have most of their attributes in common with one of the last few: those are put together and encoded once.

import { Attributes } from "./attributes.ts";

type Known = { readonly facts: readonly unknown[]; readonly attributes: Attributes };

/** Traffic of a few kinds at a time. */
const remembered = 8;

export class SharedAttributes {
  private readonly known: Known[] = [];
  /** Where the last one was found, and the next one most probably is. */
  private latest = 0;
  private oldest = 0;

  /** `facts`: everything that `build` reads. */
  of(facts: readonly unknown[], build: (attributes: Attributes) => void): Attributes {
    const { known } = this;
    const last = known[this.latest];
    if (last !== undefined && isSame(last.facts, facts)) return last.attributes;
    const at = known.findIndex((each) => isSame(each.facts, facts));
    const found = known[at];
    if (found !== undefined) {
      this.latest = at;
      return found.attributes;
    }
    const attributes = new Attributes();
    build(attributes);
    this.latest = this.oldest;
    known[this.oldest] = { facts, attributes };
    this.oldest = (this.oldest + 1) % remembered;
    return attributes;
  }
}

function isSame(known: readonly unknown[], facts: readonly unknown[]): boolean {
  if (facts.length !== known.length) return false;
  for (let at = 0; at < facts.length; at += 1) if (facts[at] !== known[at]) return false;
  return true;
}
