// A Responses body as a turn. It must never reject: strict-responses.ts does that.

import { listOf, numberOf, recordOf, textOf } from "./json.ts";
import type { Json } from "./json.ts";
import { contentOf, imageOfUrl } from "./turn.ts";
import type { Choice, SeenImage, SeenMessage, Turn } from "./turn.ts";

function partsOf(content: unknown): { texts: string[]; images: SeenImage[] } {
  const { texts, images } = contentOf(content);
  for (const value of listOf(content)) {
    const part = recordOf(value);
    if (part.type === "input_image") images.push(imageOfUrl(textOf(part.image_url)));
  }
  return { texts, images };
}

function seenOf(item: Json): SeenMessage | null {
  const nothing = { texts: [], images: [], results: [], calls: 0 };
  switch (item.type ?? "message") {
    case "message":
      return { ...nothing, role: textOf(item.role), ...partsOf(item.content) };
    case "function_call":
    case "custom_tool_call":
      return { ...nothing, role: "assistant", calls: 1 };
    case "function_call_output":
    case "custom_tool_call_output": {
      const { texts, images } = partsOf(item.output);
      return { ...nothing, role: "tool", images, results: [texts.join("")] };
    }
    default:
      return null;
  }
}

/** Items of one answer are one message, as in the other formats. */
function joined(items: readonly SeenMessage[]): SeenMessage[] {
  const messages: SeenMessage[] = [];
  for (const item of items) {
    const last = messages.at(-1);
    if (item.role === "assistant" && last?.role === "assistant")
      messages[messages.length - 1] = {
        ...last,
        texts: [...last.texts, ...item.texts],
        calls: last.calls + item.calls,
      };
    else messages.push(item);
  }
  return messages;
}

function choiceOf(value: unknown): Choice {
  if (value === "none" || value === "required") return { type: value, name: null };
  const { type, name } = recordOf(value);
  return type === "function" || type === "custom"
    ? { type: "tool", name: textOf(name) }
    : { type: "auto", name: null };
}

function answerSchemaOf(body: Json): unknown {
  const { type, schema } = recordOf(recordOf(body.text).format);
  if (type === "json_object") return {};
  return type === "json_schema" ? (schema ?? {}) : null;
}

export function readResponsesTurn(body: Json, bodyBytes: number): Turn {
  const input = typeof body.input === "string" ? [{ role: "user", content: body.input }] : listOf(body.input);
  const all = joined(
    input.flatMap((value) => {
      const seen = seenOf(recordOf(value));
      return seen === null ? [] : [seen];
    }),
  );
  const isSystem = ({ role }: SeenMessage): boolean => role === "system" || role === "developer";
  return {
    format: "responses",
    model: textOf(body.model),
    stream: body.stream === true,
    wantsUsage: true,
    system: [
      ...contentOf(body.instructions).texts,
      ...all.filter(isSystem).flatMap((message) => message.texts),
    ],
    messages: all.filter((message) => !isSystem(message)),
    tools: listOf(body.tools)
      .map(recordOf)
      .filter((tool) => tool.type === "function" || tool.type === "custom")
      .map((tool) => ({
        name: textOf(tool.name),
        schema: tool.parameters,
        isFreeText: tool.type === "custom",
      })),
    choice: choiceOf(body.tool_choice),
    answerSchema: answerSchemaOf(body),
    maxTokens: numberOf(body.max_output_tokens),
    stop: [],
    bodyBytes,
  };
}
