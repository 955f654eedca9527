// One Anthropic client pointed at one target, and the short ways of asking it that the checks share.

import Anthropic from "@anthropic-ai/sdk";
import { weatherSchema } from "../targets.ts";
import type { Target } from "../targets.ts";

export const weather: Anthropic.Tool = {
  name: "get_weather",
  description: "The weather in a city",
  input_schema: weatherSchema,
};
export const clock: Anthropic.Tool = { name: "get_time", input_schema: { type: "object", properties: {} } };
export const parisCall = '[[tool:get_weather {"city":"Paris"}]]';
export const twoCalls = '[[tools:get_weather {"city":"Paris"};get_time {}]]';

// The SDK's types no longer name the sampling fields; its users and other clients still send them.
type Params = Partial<Anthropic.MessageCreateParamsNonStreaming> & { temperature?: number; top_k?: number };

export const user = (content: Anthropic.MessageParam["content"]): Anthropic.MessageParam => ({
  role: "user",
  content,
});

export const textIn = (message: Anthropic.Message): string =>
  message.content.map((block) => (block.type === "text" ? block.text : "")).join("");

export const callsIn = (message: Anthropic.Message): Anthropic.ToolUseBlock[] =>
  message.content.filter((block) => block.type === "tool_use");

/** One result for every call of `message`, in order. */
export const resultsFor = (
  message: Anthropic.Message,
  content: (index: number) => Anthropic.ToolResultBlockParam["content"],
): Anthropic.MessageParam =>
  user(
    callsIn(message).map((call, index) => ({
      type: "tool_result",
      tool_use_id: call.id,
      content: content(index),
    })),
  );

export type Session = {
  readonly target: Target;
  readonly client: Anthropic;
  clientWith(apiKey: string): Anthropic;
  ask(messages: Anthropic.MessageParam[], more?: Params): Promise<Anthropic.Message>;
  say(content: string, more?: Params): Promise<Anthropic.Message>;
  eventsOf(content: string, more?: Params): Promise<Anthropic.MessageStreamEvent[]>;
};

export function openSession(target: Target): Session {
  const clientWith = (apiKey: string): Anthropic =>
    new Anthropic({ baseURL: target.url, apiKey, maxRetries: 0, timeout: 10_000 });
  const client = clientWith(target.key);
  const base = { model: target.model, max_tokens: 4096 };
  return {
    target,
    client,
    clientWith,
    ask: async (messages, more = {}) => client.messages.create({ ...base, messages, ...more }),
    say: async (content, more = {}) =>
      client.messages.create({ ...base, messages: [user(content)], ...more }),
    async eventsOf(content, more = {}) {
      const params = { ...base, messages: [user(content)], ...more, stream: true as const };
      return Array.fromAsync(await client.messages.create(params));
    },
  };
}

/**
 * The order that strict readers demand: one message_start, blocks 0..n-1 that never overlap, one message_delta,
 * then message_stop, and nothing else but pings. Null when it holds, else what is wrong.
 */
export function disorderIn(events: readonly Anthropic.MessageStreamEvent[]): string | null {
  let open: number | null = null;
  let next = 0;
  const types = events.map((event) => event.type);
  if (types[0] !== "message_start" || types.lastIndexOf("message_start") !== 0)
    return "message_start not first or not alone";
  if (types.at(-1) !== "message_stop" || types.at(-2) !== "message_delta")
    return `ends with ${types.slice(-2).join(", ")}`;
  if (types.indexOf("message_delta") !== types.length - 2) return "more than one message_delta";
  for (const event of events) {
    if (event.type === "content_block_start") {
      if (open !== null || event.index !== next)
        return `block ${event.index} starts while ${open} is open, ${next} was due`;
      open = next;
      next += 1;
    } else if (event.type === "content_block_delta" && event.index !== open)
      return `delta for ${event.index} in ${open}`;
    else if (event.type === "content_block_stop") {
      if (event.index !== open) return `stop of ${event.index} in ${open}`;
      open = null;
    }
  }
  return open === null ? null : `block ${open} never stops`;
}
