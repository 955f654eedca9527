// Where each client format keeps the parts of a prompt: the members of a body that a vendor's prompt cache depends on.

import type { ClientDialectName } from "./dialect-table.ts";

export type PromptLayout = {
  readonly tools: readonly string[];
  /** A text, blocks, or an object with blocks in `parts`. */
  readonly system: readonly string[];
  readonly messages: string;
  /** A change of one of these changes the prefix, or what is cached of it. */
  readonly options: readonly string[];
  /** Members whose named parts alone are such options. */
  readonly partialOptions: Readonly<Record<string, readonly string[]>>;
  /** The role of the model's own messages; null: calls are items of their own. */
  readonly modelRole: string | null;
  /** A client can ask that a prefix is kept for an hour. */
  readonly hasLongCache: boolean;
};

const chat: PromptLayout = {
  tools: ["tools", "functions"],
  system: [],
  messages: "messages",
  options: ["tool_choice", "function_call", "parallel_tool_calls", "reasoning_effort", "response_format"],
  partialOptions: {},
  modelRole: "assistant",
  hasLongCache: false,
};

const layouts: Readonly<Partial<Record<ClientDialectName, PromptLayout>>> = {
  "openai-chat": chat,
  "openai-responses": {
    tools: ["tools"],
    system: ["instructions"],
    messages: "input",
    options: ["tool_choice", "parallel_tool_calls", "reasoning", "text"],
    partialOptions: {},
    modelRole: null,
    hasLongCache: false,
  },
  "anthropic-messages": {
    tools: ["tools"],
    system: ["system"],
    messages: "messages",
    options: ["thinking", "tool_choice", "output_config", "output_format"],
    partialOptions: {},
    modelRole: "assistant",
    hasLongCache: true,
  },
  "google-genai": {
    tools: ["tools"],
    system: ["systemInstruction", "system_instruction"],
    messages: "contents",
    options: ["toolConfig", "tool_config"],
    partialOptions: {
      generationConfig: ["thinkingConfig", "responseSchema", "responseJsonSchema", "responseMimeType"],
    },
    modelRole: "model",
    hasLongCache: false,
  },
};

/** Formats of other clients look like OpenAI's chat. */
export const promptLayout = (format: ClientDialectName): PromptLayout => layouts[format] ?? chat;
