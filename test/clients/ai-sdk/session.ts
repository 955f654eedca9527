// One provider of the `ai` package pointed at one target, and the short ways of asking it that the checks share.

import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { jsonSchema, tool } from "ai";
import type { LanguageModel } from "ai";
import { weatherSchema } from "../targets.ts";
import type { Target } from "../targets.ts";

export type ClientFormat = {
  readonly name: string;
  model(url: string, apiKey: string, id: string): LanguageModel;
};

export const clientFormats: readonly ClientFormat[] = [
  {
    name: "openai-compatible",
    model: (url, apiKey, id) =>
      createOpenAICompatible({
        name: "gate",
        baseURL: `${url}/v1`,
        apiKey,
        includeUsage: true,
        supportsStructuredOutputs: true,
      })(id),
  },
  {
    name: "openai, chat",
    model: (url, apiKey, id) => createOpenAI({ baseURL: `${url}/v1`, apiKey }).chat(id),
  },
  {
    name: "openai, responses",
    model: (url, apiKey, id) => createOpenAI({ baseURL: `${url}/v1`, apiKey }).responses(id),
  },
  {
    name: "anthropic",
    model: (url, apiKey, id) => createAnthropic({ baseURL: `${url}/v1`, apiKey })(id),
  },
  {
    name: "google",
    // Without "models/" a name that holds a slash would be taken for a whole path.
    model: (url, apiKey, id) =>
      createGoogleGenerativeAI({ baseURL: `${url}/v1beta`, apiKey })(`models/${id}`),
  },
];

export const weather = tool({
  description: "The weather in a city",
  inputSchema: jsonSchema<{ city: string }>(weatherSchema),
  execute: ({ city }) => `sunny in ${city}`,
});
export const clock = tool({
  description: "The time",
  inputSchema: jsonSchema<Record<string, never>>({
    type: "object",
    properties: {},
    additionalProperties: false,
  }),
  execute: () => "noon",
});
export const parisCall = '[[tool:get_weather {"city":"Paris"}]]';
export const twoCalls = '[[tools:get_weather {"city":"Paris"};get_time {}]]';

export type Session = {
  readonly target: Target;
  readonly clientFormat: ClientFormat;
  modelNamed(id: string, apiKey?: string): LanguageModel;
  /** What every call is made with: the model, no second try, nothing kept at the vendor. */
  readonly asked: {
    readonly model: LanguageModel;
    readonly maxRetries: 0;
    readonly providerOptions: { readonly openai: { readonly store: false } };
  };
};

export function openSession(target: Target, clientFormat: ClientFormat): Session {
  const modelNamed = (id: string, apiKey = target.key): LanguageModel =>
    clientFormat.model(target.url, apiKey, id);
  return {
    target,
    clientFormat,
    modelNamed,
    asked: {
      model: modelNamed(target.model),
      maxRetries: 0,
      // With a store the second step would only name what the vendor keeps, and nothing is kept without an explicit `store: true`.
      providerOptions: { openai: { store: false } },
    },
  };
}
