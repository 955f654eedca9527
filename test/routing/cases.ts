// The routing table: what goes where, and by which rule. Data only, so that the layers alone and the whole router
// can be asked the same questions.

import type { Layer } from "../../src/canon/decision.ts";
import type { ChatRequest } from "../../src/canon/request.ts";
import { own } from "./rows/all-keys.ts";
import { requestOf, type Row } from "./rows/conversation.ts";
import { headers, names, systemWords } from "./rows/surroundings.ts";
import { sizes, turns } from "./rows/turns.ts";
import { reasoning, simple } from "./rows/words.ts";

export type RoutingCase = {
  readonly name: string;
  /** The file in `fixtures/` whose rules are asked. */
  readonly config: "stock" | "all-keys";
  readonly request: ChatRequest;
  readonly headers: Readonly<Record<string, string>>;
  /** null: nobody knows the name, so it is 404. `provider` null: no rule, so the chain. */
  readonly expected: {
    readonly layer: Layer;
    readonly rule: string;
    readonly provider: string | null;
  } | null;
};

const stockTargets: Readonly<Record<string, readonly [Layer, string]>> = {
  heartbeat: ["static", "gemini-flash-lite"],
  "explicit-reasoner": ["static", "deepseek-reasoner"],
  "explicit-flash": ["static", "gemini-flash"],
  "explicit-chat": ["static", "deepseek-chat"],
  subagent: ["static", "deepseek-chat"],
  "math-reasoning": ["heuristic", "deepseek-reasoner"],
  "complex-code": ["heuristic", "deepseek-reasoner"],
  "simple-query": ["heuristic", "gemini-flash-lite"],
  "tool-use": ["heuristic", "deepseek-chat"],
  "short-message": ["heuristic", "deepseek-chat"],
  "long-context": ["heuristic", "deepseek-chat"],
  "general-default": ["heuristic", "deepseek-chat"],
};

const ownTargets: Readonly<Record<string, readonly [Layer, string | null]>> = {
  "claude-names": ["static", "coder"],
  "any-mini": ["static", "small"],
  "night-shift": ["static", "small"],
  reviewer: ["static", "coder"],
  "ticket-bot": ["static", "agent"],
  deploy: ["heuristic", "agent"],
  "picture-code": ["heuristic", "coder"],
  picture: ["heuristic", "seer"],
  "code-without-tools": ["heuristic", "coder"],
  "fix-with-tools": ["heuristic", "agent"],
  middle: ["heuristic", "coder"],
  "no-match": ["fallback", null],
};

/** A rule's name, `-> provider` for a direct choice, or `404`. */
function expectedOf(rule: string, targets: typeof ownTargets): RoutingCase["expected"] {
  if (rule === "404") return null;
  if (rule.startsWith("-> ")) return { layer: "direct", rule: "explicit-model", provider: rule.slice(3) };
  const target = targets[rule];
  if (target === undefined) throw new Error(`the fixture has no rule ${rule}`);
  return { layer: target[0], rule, provider: target[1] };
}

const casesOf = (config: RoutingCase["config"], rows: readonly Row[]): RoutingCase[] =>
  rows.map(([name, rule, parts]) => ({
    name,
    config,
    request: requestOf(parts),
    headers: parts.headers ?? {},
    expected: expectedOf(rule, config === "stock" ? stockTargets : ownTargets),
  }));

export const routingCases: readonly RoutingCase[] = [
  ...casesOf("stock", [...names, ...systemWords, ...headers, ...simple, ...reasoning, ...turns, ...sizes]),
  ...casesOf("all-keys", own),
];
