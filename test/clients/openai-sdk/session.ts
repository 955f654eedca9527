// One openai client pointed at one target, and the short ways of asking it that the checks share.

import OpenAI from "openai";
import type { ChatCompletionMessageParam, ChatCompletionTool } from "openai/resources/chat/completions";
import { weatherSchema } from "../targets.ts";
import type { Target } from "../targets.ts";

export const weather: ChatCompletionTool = {
  type: "function",
  function: { name: "get_weather", description: "The weather in a city", parameters: weatherSchema },
};
export const clock: ChatCompletionTool = {
  type: "function",
  function: { name: "get_time", parameters: { type: "object", properties: {} } },
};
export const parisCall = '[[tool:get_weather {"city":"Paris"}]]';
export const twoCalls = '[[tools:get_weather {"city":"Paris"};get_time {}]]';

export const user = (content: string): ChatCompletionMessageParam => ({ role: "user", content });

export const joined = (chunks: readonly OpenAI.ChatCompletionChunk[]): string =>
  chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("");

export type Session = {
  readonly target: Target;
  readonly client: OpenAI;
  clientWith(apiKey: string): OpenAI;
  /** One user message, one whole answer. `more` is laid over the parameters. */
  say(content: string, more?: object): Promise<OpenAI.ChatCompletion>;
  textOf(messages: ChatCompletionMessageParam[], more?: object): Promise<string | null>;
  chunksOf(content: string, more?: object): Promise<OpenAI.ChatCompletionChunk[]>;
};

export function openSession(target: Target): Session {
  const clientWith = (apiKey: string): OpenAI =>
    new OpenAI({ baseURL: `${target.url}/v1`, apiKey, maxRetries: 0, timeout: 10_000 });
  const client = clientWith(target.key);
  const { model } = target;
  return {
    target,
    client,
    clientWith,
    say: async (content, more = {}) =>
      client.chat.completions.create({ model, messages: [user(content)], ...more }),
    async textOf(messages, more = {}) {
      const completion: OpenAI.ChatCompletion = await client.chat.completions.create({
        model,
        messages,
        ...more,
      });
      return completion.choices[0]?.message.content ?? null;
    },
    async chunksOf(content, more = {}) {
      const messages = [user(content)];
      return Array.fromAsync(
        await client.chat.completions.create({ model, messages, stream: true, ...more }),
      );
    },
  };
}
