// Every dialect by its name: the one place where a new wire format is registered.

import type { DialectName } from "../canon/request.ts";
import { anthropicMessages } from "./anthropic-messages/dialect.ts";
import type { ClientDialect, ClientHalf, Dialect, FullDialect } from "./dialect.ts";
import { googleGenai } from "./google-genai/dialect.ts";
import { openaiChat } from "./openai-chat/dialect.ts";
import { openaiResponses } from "./openai-responses/dialect.ts";

export const dialects = {
  "openai-chat": openaiChat,
  "anthropic-messages": anthropicMessages,
  "openai-responses": openaiResponses,
  "google-genai": googleGenai,
} satisfies Readonly<Record<DialectName, FullDialect> & Record<string, Dialect>>;

type Rows = typeof dialects;

/** The formats that an endpoint may speak. */
export type ClientDialectName = {
  [Name in keyof Rows]: Rows[Name] extends { readonly client: ClientHalf } ? Name : never;
}[keyof Rows];

/** The same table for look-ups: by the format of an endpoint, and by the format of a provider. */
export type DialectTable = Readonly<
  Record<DialectName, FullDialect> & Record<ClientDialectName, ClientDialect>
>;
