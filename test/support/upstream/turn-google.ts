// A generateContent body as a turn. It must never reject: strict-google.ts does that.

import { listOf, numberOf, recordOf, textOf } from "./json.ts";
import type { Json } from "./json.ts";
import type { Choice, SeenImage, SeenMessage, Turn } from "./turn.ts";

/** What the path contains: neither the model nor the streaming flag is a member of the body. */
export type GoogleCall = { readonly model: string; readonly method: string };

/** `/v1beta/models/<model>:<method>`, or null. */
export function googleCallOf(path: string): GoogleCall | null {
  const found = /^\/v1(?:beta)?\/models\/([^:]+):([a-zA-Z]+)$/.exec(path);
  return found ? { model: decodeURIComponent(found[1] ?? ""), method: found[2] ?? "" } : null;
}

const partsOf = (content: unknown): readonly Json[] =>
  typeof content === "string" ? [{ text: content }] : listOf(recordOf(content).parts).map(recordOf);

function imagesOf(parts: readonly Json[]): SeenImage[] {
  return parts.flatMap((part) => {
    if (part.fileData !== undefined) return [{ mediaType: "url", bytes: 0 }];
    const { mimeType, data } = recordOf(part.inlineData);
    if (typeof data !== "string") return [];
    return [{ mediaType: textOf(mimeType), bytes: Buffer.from(data, "base64").length }];
  });
}

/** The text of a result. Clients wrap it in a member of their own choice. */
function resultOf(value: unknown): string {
  const response = recordOf(value);
  const inner = response.output ?? response.result ?? response.content ?? response.error;
  return typeof inner === "string" ? inner : JSON.stringify(inner ?? response);
}

/** The contents, neighbours of one role as one: the vendor's own SDK keeps each piece of a stream as a separate content. */
export function contentsOf(body: Json): readonly Json[] {
  const joined: Json[] = [];
  for (const content of listOf(body.contents).map(recordOf)) {
    const last = joined.at(-1);
    if (last !== undefined && last.role === content.role)
      joined[joined.length - 1] = { ...last, parts: [...listOf(last.parts), ...listOf(content.parts)] };
    else joined.push(content);
  }
  return joined;
}

function messageOf(value: unknown): SeenMessage {
  const parts = partsOf(value);
  const responses = parts.flatMap((part) =>
    part.functionResponse === undefined ? [] : [recordOf(part.functionResponse)],
  );
  const role = recordOf(value).role === "model" ? "assistant" : "user";
  return {
    role,
    texts: parts.flatMap((part) =>
      typeof part.text === "string" && part.thought !== true ? [part.text] : [],
    ),
    images: [
      ...imagesOf(parts),
      ...responses.flatMap((response) => imagesOf(listOf(response.parts).map(recordOf))),
    ],
    results: responses.map(({ response }) => resultOf(response)),
    calls: parts.filter((part) => part.functionCall !== undefined).length,
  };
}

function choiceOf(value: unknown): Choice {
  const { mode, allowedFunctionNames } = recordOf(recordOf(value).functionCallingConfig);
  if (mode === "NONE") return { type: "none", name: null };
  if (mode !== "ANY") return { type: "auto", name: null };
  const [name, ...others] = listOf(allowedFunctionNames).map(textOf);
  return name !== undefined && others.length === 0
    ? { type: "tool", name }
    : { type: "required", name: null };
}

export function readGoogleTurn(call: GoogleCall, body: Json, bodyBytes: number): Turn {
  const config = recordOf(body.generationConfig);
  const declared = listOf(body.tools).flatMap((tool) => listOf(recordOf(tool).functionDeclarations));
  const wantsJson = config.responseMimeType === "application/json";
  return {
    format: "google",
    model: call.model,
    stream: call.method === "streamGenerateContent",
    wantsUsage: true,
    system: partsOf(body.systemInstruction).map((part) => textOf(part.text)),
    messages: contentsOf(body).map(messageOf),
    tools: declared.map(recordOf).map((tool) => ({
      name: textOf(tool.name),
      schema: tool.parametersJsonSchema ?? tool.parameters,
    })),
    choice: choiceOf(body.toolConfig),
    answerSchema: wantsJson ? (config.responseJsonSchema ?? config.responseSchema ?? {}) : null,
    maxTokens: numberOf(config.maxOutputTokens),
    stop: listOf(config.stopSequences).map(textOf),
    bodyBytes,
  };
}
