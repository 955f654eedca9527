// A request body of any format, in the one form that the fake vendor needs. It must never reject: strict-*.ts does that.

import type { Json } from "./json.ts";
import { listOf, numberOf, recordOf, textOf } from "./json.ts";

export type Format = "openai" | "anthropic" | "responses" | "google";

/** `bytes` is the decoded size; a remote image (never fetched) counts 0. */
export type SeenImage = { readonly mediaType: string; readonly bytes: number };

export type SeenMessage = {
  readonly role: string;
  readonly texts: readonly string[];
  readonly images: readonly SeenImage[];
  readonly results: readonly string[];
  readonly calls: number;
};

export type Choice = { readonly type: "auto" | "none" | "required" | "tool"; readonly name: string | null };

export type Turn = {
  readonly format: Format;
  readonly model: string;
  readonly stream: boolean;
  readonly wantsUsage: boolean;
  readonly system: readonly string[];
  readonly messages: readonly SeenMessage[];
  /** `isFreeText`: its input is plain text, not JSON (Responses only). */
  readonly tools: readonly {
    readonly name: string;
    readonly schema: unknown;
    readonly isFreeText?: boolean;
  }[];
  readonly choice: Choice;
  /** The JSON Schema of the answer; {} if any object will do; null if text is wanted. */
  readonly answerSchema: unknown;
  readonly maxTokens: number | null;
  readonly stop: readonly string[];
  readonly bodyBytes: number;
};

export function imageOfUrl(url: string): SeenImage {
  const inline = /^data:([^;,]+);base64,(.*)$/s.exec(url);
  return inline
    ? { mediaType: inline[1] ?? "", bytes: Buffer.from(inline[2] ?? "", "base64").length }
    : { mediaType: "url", bytes: 0 };
}

function imageOf(part: Json): SeenImage | null {
  if (part.type === "image_url") return imageOfUrl(textOf(recordOf(part.image_url).url));
  if (part.type === "image") {
    const source = recordOf(part.source);
    return source.type === "base64"
      ? { mediaType: textOf(source.media_type), bytes: Buffer.from(textOf(source.data), "base64").length }
      : { mediaType: "url", bytes: 0 };
  }
  return null;
}

/** Texts and images of a content value, in either of its forms. */
export function contentOf(content: unknown): { texts: string[]; images: SeenImage[] } {
  if (typeof content === "string") return { texts: [content], images: [] };
  const texts: string[] = [];
  const images: SeenImage[] = [];
  for (const value of listOf(content)) {
    const part = recordOf(value);
    if (typeof part.text === "string") texts.push(part.text);
    const image = imageOf(part);
    if (image) images.push(image);
  }
  return { texts, images };
}

function messageOf(value: unknown): SeenMessage {
  const message = recordOf(value);
  const { texts, images } = contentOf(message.content);
  const role = textOf(message.role);
  const blocks = listOf(message.content).map(recordOf);
  const results: string[] = [];
  if (role === "tool") return { role, texts: [], images, results: [texts.join("")], calls: 0 };
  for (const block of blocks) {
    if (block.type !== "tool_result") continue;
    const inner = contentOf(block.content);
    results.push(inner.texts.join(""));
    images.push(...inner.images);
  }
  const calls =
    listOf(message.tool_calls).length + blocks.filter((block) => block.type === "tool_use").length;
  return { role, texts, images, results, calls };
}

function choiceOf(value: unknown): Choice {
  if (value === "none" || value === "required" || value === "auto") return { type: value, name: null };
  const choice = recordOf(value);
  if (choice.type === "function") return { type: "tool", name: textOf(recordOf(choice.function).name) };
  if (choice.type === "tool") return { type: "tool", name: textOf(choice.name) };
  if (choice.type === "any") return { type: "required", name: null };
  if (choice.type === "none") return { type: "none", name: null };
  return { type: "auto", name: null };
}

function answerSchemaOf(body: Json): unknown {
  const openai = recordOf(body.response_format);
  if (openai.type === "json_object") return {};
  if (openai.type === "json_schema") return recordOf(openai.json_schema).schema ?? {};
  const anthropic = recordOf(recordOf(body.output_config).format ?? body.output_format);
  return anthropic.type === "json_schema" ? (anthropic.schema ?? {}) : null;
}

/** A body of chat completions or messages. */
export function readTurn(format: "openai" | "anthropic", value: unknown, bodyBytes: number): Turn {
  const body = recordOf(value);
  const all = listOf(body.messages).map(messageOf);
  const isSystem = (message: SeenMessage): boolean =>
    message.role === "system" || message.role === "developer";
  const stop = format === "openai" ? body.stop : body.stop_sequences;
  return {
    format,
    model: textOf(body.model),
    stream: body.stream === true,
    wantsUsage: format === "anthropic" || recordOf(body.stream_options).include_usage === true,
    system: [...contentOf(body.system).texts, ...all.filter(isSystem).flatMap((message) => message.texts)],
    messages: all.filter((message) => !isSystem(message)),
    tools: listOf(body.tools).map((entry) => {
      const tool = recordOf(entry);
      const openai = recordOf(tool.function);
      return { name: textOf(tool.name ?? openai.name), schema: tool.input_schema ?? openai.parameters };
    }),
    choice: choiceOf(body.tool_choice),
    answerSchema: answerSchemaOf(body),
    maxTokens: numberOf(body.max_completion_tokens) ?? numberOf(body.max_tokens),
    stop: typeof stop === "string" ? [stop] : listOf(stop).map(textOf),
    bodyBytes,
  };
}

const internalContext = "<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>>";

export type Steering = {
  /** The text that controls this turn: the last user message with a directive, else the last one with text. */
  readonly prompt: string;
  /** Results of the tool round just before this request; empty if the user spoke last. */
  readonly results: readonly string[];
  /** Tool rounds since the prompt. */
  readonly rounds: number;
  /** Images since the prompt, including it. */
  readonly images: readonly SeenImage[];
};

/** Who speaks last, and what was requested. Looks no further back than the last finished answer. */
export function steeringOf(turn: Turn): Steering {
  const { messages } = turn;
  let first = messages.length;
  while (first > 0) {
    const before = messages[first - 1];
    if (before?.role === "assistant" && before.calls === 0) break;
    first -= 1;
  }
  const current = messages.slice(first);
  const spoken = current.map((message) =>
    message.role === "user"
      ? message.texts.filter((text) => !text.trimStart().startsWith(internalContext)).join("")
      : "",
  );
  let at = spoken.findLastIndex((text) => /\[\[[a-z]+(:|\]\])/.test(text));
  if (at < 0) at = spoken.findLastIndex((text) => text.trim() !== "");
  const after = current.slice(Math.max(0, at));
  const lastCall = after.findLastIndex((message) => message.calls > 0);
  return {
    prompt: at < 0 ? "" : (spoken[at] ?? ""),
    results: lastCall < 0 ? [] : after.slice(lastCall + 1).flatMap((message) => message.results),
    rounds: after.filter((message) => message.calls > 0).length,
    images: after.flatMap((message) => message.images),
  };
}
