// What Claude Code says about a request in headers of its own (2.1.273 and later): which kind of turn it is, and which agent asks.
// The lists are open: a word that is not known here counts as it is.

/** Words of the versions that were read; a later one may have more. */
export const requestClasses = ["main", "subagent", "workflow", "compaction", "auxiliary"] as const;
export const agentTypes = ["Explore", "Plan", "general-purpose", "custom", "teammate", "fork"] as const;

/** Absent: the client did not say. */
export type ClientHints = {
  readonly requestClass?: string;
  readonly agentType?: string;
  /** Why the conversation is compacted by this request: auto, manual or reactive. */
  readonly compaction?: string;
  /** The conversation was compacted before it. */
  readonly contextCompacted?: string;
  /** The client's id of the prompt that caused the request. */
  readonly promptId?: string;
};

const headerNames = {
  requestClass: "x-claude-code-request-class",
  agentType: "x-claude-code-agent-type",
  compaction: "x-claude-code-compaction",
  contextCompacted: "x-claude-code-context-compacted",
  promptId: "x-claude-code-prompt-id",
} as const satisfies Record<keyof ClientHints, string>;

/** Anything else is not a word of the protocol. */
const word = /^[\w.:-]{1,64}$/;
const noHints: ClientHints = {};

export function hintsOf(headers: Pick<Headers, "get" | "has">): ClientHints {
  // Only Claude Code sends them, and always with its session.
  if (!headers.has("x-claude-code-session-id") && !headers.has(headerNames.requestClass)) return noHints;
  const found: { -readonly [K in keyof ClientHints]: string } = {};
  for (const [key, name] of Object.entries(headerNames) as [keyof ClientHints, string][]) {
    const value = headers.get(name)?.trim() ?? "";
    if (word.test(value)) found[key] = value;
  }
  return found;
}

export const hintHeader = (key: "requestClass" | "agentType"): string => headerNames[key];
