// Most spans have most of their attributes in common with the one before: those are put together and encoded once.

import { Attributes } from "./attributes.ts";

export class SharedAttributes {
  private facts: readonly unknown[] = [];
  private latest = new Attributes();

  /** `facts`: everything that `build` reads. */
  of(facts: readonly unknown[], build: (attributes: Attributes) => void): Attributes {
    const { facts: known } = this;
    let isSame = facts.length === known.length;
    for (let at = 0; isSame && at < facts.length; at += 1) isSame = facts[at] === known[at];
    if (!isSame) {
      this.facts = facts;
      this.latest = new Attributes();
      build(this.latest);
    }
    return this.latest;
  }
}
