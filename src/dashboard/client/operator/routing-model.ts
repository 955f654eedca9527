// What the page of routing shows: rules with their hits, the request that a text becomes, and how two decisions differ.

import type { ApiError } from "../api.ts";
import type { SeriesReport } from "../../../metrics/query-shapes.ts";
import type { RouteAnswer, RuleEntry } from "./shapes.ts";

export type RuleRow = RuleEntry & {
  readonly position: number;
  /** Null: not known, or records do not tell it from others. */
  readonly requests: number | null;
  /** Of them those that its target did not answer, but the next one did. */
  readonly diverted: number;
  readonly costUsd: number | null;
  /** Of all requests of the range, 0..100. */
  readonly percent: number | null;
  /** It is on and chose nothing in the range. */
  readonly isUnused: boolean;
};

export type OtherRow = {
  readonly name: string;
  readonly requests: number;
  readonly percent: number;
  /** A rule that the config had when the requests came. */
  readonly isGone: boolean;
};

export type RuleTable = {
  readonly rules: readonly RuleRow[];
  /** Decisions that no listed rule made: names, aliases, the chain; and rules that the config has no more. */
  readonly others: readonly OtherRow[];
};

/** Records add this to the rule where another target answered than the one that it chose. */
const diversion = "->fallback";
/** Of these names records say only that the client named a model. */
const uncounted = "alias";

/** What records say in a rule's place where none decided, and the series' own rest. */
const withoutRule: ReadonlySet<string> = new Set(["explicit-model", "no-match", "other"]);

type Hits = { requests: number; diverted: number; costUsd: number };

function hitsByRule(series: SeriesReport): ReadonlyMap<string, Hits> {
  const hits = new Map<string, Hits>();
  for (const { name, totals } of series.groups) {
    const isDiverted = name.endsWith(diversion);
    const rule = isDiverted ? name.slice(0, -diversion.length) : name;
    const found = hits.get(rule) ?? { requests: 0, diverted: 0, costUsd: 0 };
    found.requests += totals.requests;
    found.costUsd += totals.cost_usd;
    if (isDiverted) found.diverted += totals.requests;
    hits.set(rule, found);
  }
  return hits;
}

/** `series` is by rule over the range; null while it is not known, then nothing is called unused. */
export function ruleTable(rules: readonly RuleEntry[], series: SeriesReport | null): RuleTable {
  const all = series?.totals.requests ?? 0;
  const percentOf = (requests: number): number => (all === 0 ? 0 : (requests / all) * 100);
  const hits = series === null ? null : hitsByRule(series);
  const counted = rules.filter(({ layer }) => layer !== uncounted);
  const named = new Set(counted.map(({ name }) => name));
  return {
    rules: rules.map((rule, index) => {
      const isCounted = hits !== null && rule.layer !== uncounted;
      const found = isCounted ? (hits.get(rule.name) ?? { requests: 0, diverted: 0, costUsd: 0 }) : null;
      return {
        ...rule,
        position: index + 1,
        requests: found?.requests ?? null,
        diverted: found?.diverted ?? 0,
        costUsd: found?.costUsd ?? null,
        percent: found === null ? null : percentOf(found.requests),
        isUnused: found !== null && rule.enabled && found.requests === 0,
      };
    }),
    others: [...(hits ?? [])]
      .filter(([name, { requests }]) => !named.has(name) && requests > 0)
      .map(([name, { requests }]) => ({
        name: name === "" ? "no rule" : name,
        requests,
        percent: percentOf(requests),
        isGone: name !== "" && !withoutRule.has(name),
      })),
  };
}

export type Question = {
  /** chat, messages, responses or gemini. */
  readonly format: string;
  readonly model: string;
  readonly system: string;
  readonly text: string;
};

/** A small request of the format, as a client would write it. */
export function requestBody({ format, model, system, text }: Question): Record<string, unknown> {
  const name = model.trim() === "" ? "auto" : model.trim();
  const hasSystem = system.trim() !== "";
  switch (format) {
    case "messages":
      return {
        model: name,
        max_tokens: 1024,
        ...(hasSystem ? { system } : {}),
        messages: [{ role: "user", content: text }],
      };
    case "responses":
      return { model: name, ...(hasSystem ? { instructions: system } : {}), input: text };
    case "gemini":
      return {
        model: name,
        ...(hasSystem ? { systemInstruction: { parts: [{ text: system }] } } : {}),
        contents: [{ role: "user", parts: [{ text }] }],
      };
    default:
      return {
        model: name,
        messages: [
          ...(hasSystem ? [{ role: "system", content: system }] : []),
          { role: "user", content: text },
        ],
      };
  }
}

/** What became of one text; a refusal is what the client would be answered. */
export type Decided = { readonly answer: RouteAnswer | null; readonly error: ApiError | null };

export type HeaderLines = {
  readonly headers: Readonly<Record<string, string>>;
  readonly problems: readonly string[];
};

const headerName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** They belong to the page's own call. */
const ownHeaders = new Set(["authorization", "content-length", "content-type", "cookie", "host", "origin"]);

/** Lines of "name: value". */
export function headerLines(text: string): HeaderLines {
  const headers: Record<string, string> = {};
  const problems: string[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === "") continue;
    const at = line.indexOf(":");
    const name = line.slice(0, Math.max(0, at)).trim().toLowerCase();
    const value = line.slice(at + 1).trim();
    if (!headerName.test(name)) problems.push(`Line ${index + 1} is not "name: value".`);
    else if (ownHeaders.has(name)) problems.push(`Line ${index + 1}: ${name} cannot be set from a page.`);
    else if (/[^\x20-\x7e]/.test(value))
      problems.push(`Line ${index + 1}: a header takes printable ASCII only.`);
    else headers[name] = value;
  }
  return { headers, problems };
}

export type Comparison = {
  readonly label: string;
  readonly left: string;
  readonly right: string;
  readonly differs: boolean;
};

const facts: readonly (readonly [key: string, label: string])[] = [
  ["requested_model", "Requested model"],
  ["has_tools", "Tools"],
  ["has_images", "Images"],
  ["has_code_block", "Code block"],
  ["wants_json_schema", "JSON schema"],
  ["wants_thinking", "Thinking"],
  ["is_heartbeat", "Heartbeat"],
];

const shown = (value: unknown): string =>
  value === true ? "yes" : value === false ? "no" : typeof value === "string" ? value : "";

/** Where two decisions agree and where they do not. */
export function compareRoutes(left: RouteAnswer, right: RouteAnswer): readonly Comparison[] {
  const row = (label: string, read: (answer: RouteAnswer) => string): Comparison => {
    const [one, two] = [read(left), read(right)];
    return { label, left: one, right: two, differs: one !== two };
  };
  return [
    row("Target", targetOf),
    row("Layer", ({ layer }) => layer),
    row("Rule", ({ rule }) => rule),
    row("Next targets", ({ fallbacks }) => fallbacks.join(", ")),
    row("Sent as", sentAs),
    ...facts.map(([key, label]) => row(label, (answer) => shown(answer.facts[key]))),
  ];
}

export const targetOf = ({
  provider,
  model,
}: {
  readonly provider: string;
  readonly model: string;
}): string => `${provider}/${model}`;

/** What happens to the client's bytes, in words. */
export function sentAs({ passes, because }: Pick<RouteAnswer, "passes" | "because">): string {
  if (passes) return because === null ? "unchanged" : `repaired in its own format (${because})`;
  return because === null ? "translated" : `translated (${because})`;
}
