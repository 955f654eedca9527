// Fits tool names to a vendor: each has its own pattern and length, and the answer contains the client's own name again. It must
// never give two tools one name, nor the same tool another name in another turn: prompt caches see it.

import type { StreamEvent } from "../canon/event.ts";
import type { Block, ChatRequest, Message } from "../canon/request.ts";

export type NameRule = {
  readonly pattern: RegExp;
  readonly longest: number;
  /** Source of the pattern. */
  readonly source: string;
};

export type FittedNames = {
  readonly request: ChatRequest;
  /** The events with the client's own names. */
  back(events: readonly StreamEvent[]): readonly StreamEvent[];
};

const digestLength = 12;

/** Null where every name fits as it is. */
export function fittedNames(request: ChatRequest, rule: NameRule): FittedNames | null {
  const wanted = namesIn(request);
  let misfits = false;
  for (const name of wanted) misfits ||= !fits(name, rule);
  if (!misfits) return null;
  const wireOf = new Map<string, string>();
  const ownOf = new Map<string, string>();
  for (const name of wanted) {
    if (fits(name, rule)) continue;
    const wire = fitName(name, rule, (taken) => wanted.has(taken) || ownOf.has(taken));
    wireOf.set(name, wire);
    ownOf.set(wire, name);
  }
  const wireName = (name: string): string => wireOf.get(name) ?? name;
  return {
    request: renameTools(request, wireName),
    back: (events) =>
      events.map((event) => {
        const own = event.type === "tool-start" ? ownOf.get(event.name) : undefined;
        return own === undefined ? event : ({ ...event, name: own } as StreamEvent);
      }),
  };
}

const fits = (name: string, { pattern, longest }: NameRule): boolean =>
  name.length <= longest && pattern.test(name);

/** The readable part of the name, and a digest of the whole that keeps it apart from similar names. */
function fitName(name: string, { longest }: NameRule, isTaken: (wire: string) => boolean): string {
  const clean = name.replace(/[^A-Za-z0-9_-]+/g, "_");
  const head = /^[A-Za-z]/.test(clean) ? clean : `t${clean}`;
  for (let turn = 0; ; turn++) {
    const digest = digestOf(turn === 0 ? name : `${name} ${turn}`);
    const wire = `${head.slice(0, longest - digestLength - 1)}_${digest}`;
    if (!isTaken(wire)) return wire;
  }
}

const digestOf = (name: string): string =>
  new Bun.CryptoHasher("sha256").update(name).digest("hex").slice(0, digestLength);

/**
 * The sent name of a client's tool where names may have been changed, for a member that only the client's format has.
 */
export function nameAmong(names: readonly string[], own: string): string {
  if (names.includes(own)) return own;
  const end = `_${digestOf(own)}`;
  return names.find((name) => name.endsWith(end)) ?? own;
}

/** Names of the tools and of the calls in the history, whose tools may be gone. */
function namesIn({ tools, messages, toolChoice }: ChatRequest): ReadonlySet<string> {
  const names = new Set<string>();
  for (const tool of tools) names.add(tool.name);
  if (toolChoice?.type === "tool") names.add(toolChoice.name);
  for (const { content } of messages)
    for (const block of content) if (block.type === "tool-call") names.add(block.name);
  return names;
}

function renameTools(request: ChatRequest, wireName: (name: string) => string): ChatRequest {
  const { toolChoice } = request;
  return {
    ...request,
    tools: request.tools.map((tool) => ({ ...tool, name: wireName(tool.name) })),
    toolChoice: toolChoice?.type === "tool" ? { type: "tool", name: wireName(toolChoice.name) } : toolChoice,
    messages: request.messages.map((message) => renamedCalls(message, wireName)),
  };
}

function renamedCalls(message: Message, wireName: (name: string) => string): Message {
  if (!message.content.some((block) => block.type === "tool-call")) return message;
  const content = message.content.map((block): Block =>
    block.type === "tool-call" ? { ...block, name: wireName(block.name) } : block,
  );
  return { ...message, content };
}
