// A routing explanation as text: the choice, the reason, the facts of the request, every candidate.

import { translateSentence } from "../canon/translate-reason.ts";
import type { RouteCandidate, RouteExplanation } from "../operator/route-explanation.ts";
import { shownUsd } from "./quantities.ts";
import { type TerminalStyle, plain } from "./terminal.ts";
import { type Cell, textTable } from "./text-table.ts";

export function explanationText(explanation: RouteExplanation, style: TerminalStyle): string {
  const { provider, model, layer, rule, confidence, estimated_tokens: tokens } = explanation;
  const target = style.bold(`${plain(provider)} / ${plain(model)}`);
  const cost = explanation.estimated_cost_usd;
  return [
    `-> ${target}  ${explanation.tenant === null ? "" : `for ${plain(explanation.tenant)}, `}by ${layer} rule ${plain(rule)} (${Number(confidence.toFixed(3))})`,
    `   ${plain(explanation.reason)}`,
    `   ${[`about ${tokens} tokens`, `cost ${cost === null ? "unknown" : `about ${shownUsd(cost)}`}`, ...factsOf(explanation.facts)].join(", ")}`,
    ...wayOf(explanation).map((line) => `   ${plain(line)}`),
    "",
    candidatesTable(explanation, style),
  ].join("\n");
}

/** Whether the bytes pass, and what changes. An older gateway does not report it. */
function wayOf({ passes, because, adapted }: Partial<RouteExplanation>): string[] {
  if (passes === undefined || because === undefined) return [];
  const way =
    because === null
      ? "passed on unchanged"
      : `${passes ? "repaired in its own format" : "translated"}: ${translateSentence(because)}`;
  return adapted === undefined || adapted.length === 0 ? [way] : [`${way}; changes: ${adapted.join(", ")}`];
}

/** Names of facts as words: those that are true, and those that have a value. */
function factsOf(facts: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(facts).flatMap(([name, value]) => {
    const words = name
      .replaceAll("_", " ")
      .replace(/([a-z])([A-Z])/g, (_all, end: string, start: string) => `${end} ${start.toLowerCase()}`);
    if (words === "estimated tokens" || value === null || value === false || value === "") return [];
    if (value === true) return [words.replace(/^(?:has|is|wants) /, "")];
    if (typeof value === "number" || typeof value === "string") return [`${words} ${plain(String(value))}`];
    return Array.isArray(value) && value.length > 0 ? [`${words} ${plain(value.join(", "))}`] : [];
  });
}

function candidatesTable(explanation: RouteExplanation, style: TerminalStyle): string {
  const isChosen = ({ provider, model }: RouteCandidate): boolean =>
    provider === explanation.provider && model === explanation.model;
  const rows = explanation.candidates.map((each): Cell[] => {
    const paint = !each.kept ? style.dim : isChosen(each) ? style.green : (text: string) => text;
    return [
      { text: !each.kept ? "x" : isChosen(each) ? "->" : "+", paint },
      { text: plain(`${each.provider} / ${each.model}`), paint },
      each.estimated_cost_usd === null ? "-" : shownUsd(each.estimated_cost_usd),
      plain(each.note),
    ];
  });
  if (rows.length === 0) return "";
  return textTable(
    [
      { title: "" },
      { title: "candidate" },
      { title: "cost", isNumber: true },
      { title: "why", shrinks: true },
    ],
    rows,
    style,
  );
}
