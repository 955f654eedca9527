// The canonical chat request: what every client format is decoded into and every vendor's format is encoded from. It
// must never contain anything that only one dialect understands, except inside `extras` and opaque blocks.

import type { Effort } from "./effort.ts";

/** Names of the wire formats that vendors speak. A dialect owns exactly one name. */
export type DialectName = "openai-chat" | "anthropic-messages" | "openai-responses" | "google-genai";

/**
 * What only one format understands, by dialect name: of a format that no vendor speaks as well, so that what is left out of its
 * requests can be named. An encoder reads its own part only and drops the others.
 */
export type Extras = Partial<Record<DialectName | (string & {}), Readonly<Record<string, unknown>>>>;

/** A prompt-cache mark. `ttl` is the vendor's value ("5m", "1h") or null for the vendor's default. */
export type CacheMark = { readonly ttl: string | null };

export type TextBlock = {
  readonly type: "text";
  readonly text: string;
  readonly cache?: CacheMark;
  readonly extras?: Extras;
};

/** `data` is base64 without line breaks; `url` is passed on as data and never fetched by us. */
export type ImageSource =
  | { readonly kind: "base64"; readonly mediaType: string; readonly data: string }
  | { readonly kind: "url"; readonly url: string };

export type ImageBlock = {
  readonly type: "image";
  readonly source: ImageSource;
  readonly cache?: CacheMark;
  readonly extras?: Extras;
};

/** `url` is passed on as data and never fetched by us. */
export type FileSource =
  { readonly kind: "base64"; readonly data: string } | { readonly kind: "url"; readonly url: string };

/** A document, audio or video from another format's own block: decoders never create one (dialects/retold.ts does). */
export type FileBlock = {
  readonly type: "file";
  readonly name: string | null;
  readonly mediaType: string;
  readonly source: FileSource;
  readonly cache?: CacheMark;
  readonly extras?: Extras;
};

/** `signature` null means the block was never signed (or its vendor does not sign). */
export type ThinkingBlock = {
  readonly type: "thinking";
  readonly text: string;
  readonly signature: string | null;
  readonly extras?: Extras;
};

/** `input` is the JSON text of the arguments exactly as the model wrote it; it may be broken JSON. */
export type ToolCallBlock = {
  readonly type: "tool-call";
  readonly id: string;
  readonly name: string;
  readonly input: string;
  readonly cache?: CacheMark;
  readonly extras?: Extras;
};

export type ToolResultBlock = {
  readonly type: "tool-result";
  readonly callId: string;
  readonly content: readonly (TextBlock | ImageBlock | FileBlock | OpaqueBlock)[];
  readonly isError: boolean;
  readonly cache?: CacheMark;
  readonly extras?: Extras;
};

/** Something only its own dialect understands (a document, redacted thinking, a server tool's result). */
export type OpaqueBlock = { readonly type: "opaque"; readonly dialect: DialectName; readonly value: unknown };

export type Block =
  TextBlock | ImageBlock | FileBlock | ThinkingBlock | ToolCallBlock | ToolResultBlock | OpaqueBlock;

/** A `system` message is in the middle of a conversation; leading ones are in `ChatRequest.system`. */
export type Message = {
  readonly role: "user" | "assistant" | "system";
  readonly content: readonly Block[];
  readonly extras?: Extras;
};

export type Tool = {
  readonly name: string;
  readonly description: string | null;
  /** JSON Schema of the arguments, as the client wrote it. */
  readonly schema: unknown;
  /** The arguments must follow the schema exactly. Absent: not required. */
  readonly strict?: true;
  readonly cache?: CacheMark;
  readonly extras?: Extras;
};

/** A tool of a vendor's own kind (web search, computer use): only its dialect can express it. */
export type OpaqueTool = { readonly dialect: DialectName; readonly type: string; readonly value: unknown };

export type ToolChoice =
  | { readonly type: "auto" }
  | { readonly type: "none" }
  | { readonly type: "required" }
  | { readonly type: "tool"; readonly name: string };

/** The required form of the answer. `schema` is JSON Schema as the client wrote it. */
export type AnswerFormat =
  | { readonly type: "json-object" }
  | {
      readonly type: "json-schema";
      readonly name: string;
      readonly schema: unknown;
      readonly strict: boolean | null;
    };

/** `budget`: at most that many thinking tokens. `adaptive`: the model decides. `off`: none at all. */
export type Thinking =
  | { readonly mode: "off" }
  | { readonly mode: "adaptive"; readonly extras?: Extras }
  | { readonly mode: "budget"; readonly budgetTokens: number; readonly extras?: Extras };

export type ChatRequest = {
  /** The model name that the client requested, before any resolution. */
  readonly model: string;
  readonly system: readonly (TextBlock | OpaqueBlock)[];
  readonly messages: readonly Message[];
  readonly tools: readonly Tool[];
  readonly opaqueTools: readonly OpaqueTool[];
  readonly toolChoice: ToolChoice | null;
  /** null: not specified; false: at most one tool call per turn. */
  readonly parallelTools: boolean | null;
  readonly maxTokens: number | null;
  readonly temperature: number | null;
  readonly topP: number | null;
  readonly topK: number | null;
  readonly stop: readonly string[];
  readonly effort: Effort | null;
  readonly thinking: Thinking | null;
  readonly format: AnswerFormat | null;
  /** True when the client wants an event stream. A translated request always asks the upstream for a stream. */
  readonly stream: boolean;
  /** OpenAI's stream_options.include_usage; other formats always report usage and set it true. */
  readonly wantsUsage: boolean;
  /** An opaque id of the end user, passed on where the target has a field for it. */
  readonly user: string | null;
  readonly extras: Extras;
};

/** A request with every optional part empty, to be spread into others. */
export const emptyRequest: ChatRequest = {
  model: "",
  system: [],
  messages: [],
  tools: [],
  opaqueTools: [],
  toolChoice: null,
  parallelTools: null,
  maxTokens: null,
  temperature: null,
  topP: null,
  topK: null,
  stop: [],
  effort: null,
  thinking: null,
  format: null,
  stream: false,
  wantsUsage: true,
  user: null,
  extras: {},
};
