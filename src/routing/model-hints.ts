// Names that only a rule knows ("r1", "flash"): not models, but not mistakes either. A name under `not` is one that a
// rule excludes, so it does not count as known.

import { compileNamePattern } from "./name-pattern.ts";
import type { StaticMatch, StaticRulesSettings } from "./settings.ts";
import { foldText } from "./word-matcher.ts";

function namesIn(block: StaticMatch): string[] {
  return [
    ...(block.model_requested ?? []),
    ...(block.any ?? []).flatMap(namesIn),
    ...(block.all ?? []).flatMap(namesIn),
  ];
}

/** Whether some rule's `model_requested` knows this name. */
export function requestsModel(settings: StaticRulesSettings): (name: string) => boolean {
  if (!settings.enabled) return () => false;
  const patterns = settings.rules
    .flatMap((rule) => namesIn(rule.match))
    // A bare star matches everything and would turn every typo into a request for `auto`.
    .filter((written) => written.trim() !== "*")
    .map(compileNamePattern);
  return (name) => {
    const folded = foldText(name.trim());
    return patterns.some((pattern) => pattern.fits(folded));
  };
}
