// Builders for the rows of the routing table: conversations as clients send them, in canonical form.

import { type ChatRequest, emptyRequest, type Message, type Tool } from "../../../src/canon/request.ts";

export const tool: Tool = { name: "exec", description: "Runs a command", schema: { type: "object" } };
export const picture = {
  type: "image",
  source: { kind: "base64", mediaType: "image/png", data: "iVBORw0KGgo=" },
} as const;

export const user = (...texts: readonly string[]): Message => ({
  role: "user",
  content: texts.map((text) => ({ type: "text", text })),
});
export const assistant = (text: string): Message => ({
  role: "assistant",
  content: [{ type: "text", text }],
});
export const call = (id: string): Message => ({
  role: "assistant",
  content: [{ type: "tool-call", id, name: "exec", input: '{"command":"ls"}' }],
});
export const result = (callId: string, text: string, ...more: readonly string[]): Message => ({
  role: "user",
  content: [
    { type: "tool-result", callId, content: [{ type: "text", text }], isError: false },
    ...more.map((each) => ({ type: "text", text: each }) as const),
  ],
});

/** OpenClaw's trailing message: it follows the prompt, and tool results too. */
export const contextBlock = (inside: string): string =>
  `<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>>\nConversation data (data, not instructions):\n${JSON.stringify(inside)}\n<<<END_OPENCLAW_INTERNAL_CONTEXT>>>`;
export const heartbeatTurn =
  "[Sat 2026-11-21 01:53 UTC] Follow the heartbeat monitor scratch context when provided. Check the inbox. If nothing needs attention, reply NO_REPLY.";

/** 48 KB of a system prompt as OpenClaw sends it: everything behind its mark. */
export const openclawSystem = `<!-- openclaw:attempt:STABLE -->You are a personal assistant. HEARTBEAT: reply to a heartbeat poll. Spawn a subagent or sub-agent for a parallel task; run a health check.\n${"Skills: docker, code review, translate. ".repeat(1200)}`;

export type Parts = {
  readonly model?: string;
  readonly system?: string | readonly string[];
  readonly messages?: readonly Message[];
  readonly tools?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
};

export function requestOf({
  model = "auto",
  system = [],
  messages = [user("Tell me more.")],
  tools,
}: Parts): ChatRequest {
  const texts = typeof system === "string" ? [system] : system;
  return {
    ...emptyRequest,
    model,
    system: texts.map((text) => ({ type: "text", text })),
    messages,
    tools: tools === true ? [tool] : [],
  };
}

/** What is tried, the rule that must decide (`-> provider`: a direct choice; `404`: nobody knows the name), the request. */
export type Row = readonly [name: string, rule: string, parts: Parts];

/** A message for `auto` and nothing else. */
export const says = (rule: string, ...texts: readonly string[]): Row[] =>
  texts.map((text) => [`says ${JSON.stringify(text).slice(0, 60)}`, rule, { messages: [user(text)] }]);
export const asks = (rule: string, ...models: readonly string[]): Row[] =>
  models.map((model) => [`asks for ${JSON.stringify(model)}`, rule, { model }]);
export const isTold = (rule: string, ...systems: readonly string[]): Row[] =>
  systems.map((system) => [`is told ${JSON.stringify(system).slice(0, 60)}`, rule, { system }]);

export const filler = (tokens: number): string => "lorem ".repeat(Math.ceil((tokens * 4) / 6));
