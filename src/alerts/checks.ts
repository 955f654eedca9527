// All checks over one set of facts. It must never remember anything: alert-tracker.ts does.

import { type Condition, inertText } from "./alert.ts";
import type { AlertFacts } from "./facts.ts";
import type { Finding } from "./finding.ts";
import { budgetFindings, priceFindings, spikeFinding } from "./money-checks.ts";
import { errorRateFindings, providerFindings } from "./provider-checks.ts";
import type { AlertsSettings } from "./settings.ts";

export function findingsOf(facts: AlertFacts, { rules }: AlertsSettings): readonly Finding[] {
  const ofProviders = providerFindings(facts);
  return [
    ...ofProviders,
    ...errorRateFindings(facts, rules, ofProviders),
    ...budgetFindings(facts, rules),
    ...spikeFinding(facts, rules),
    ...priceFindings(facts),
    ...problemFindings(facts),
  ];
}

const asSentence = (text: string): string => (/[.?!]$/.test(text) ? text : `${text}.`);

/** What the machine checks and the stores report. */
function problemFindings({ problems }: AlertFacts): readonly Finding[] {
  return problems.map(({ kind, subject, message }) => {
    const condition: Condition = {
      kind,
      subject,
      severity: kind === "store" ? "critical" : "warning",
      level: 1,
      message: asSentence(inertText(message)),
      untilMs: null,
      value: null,
      limit: null,
      partOf: null,
    };
    return { state: "firing", condition };
  });
}
