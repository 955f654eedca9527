// The messages of a request's body as text, whichever of the formats it has. It must never throw, whatever the body holds.

import { jsonText, type LoggedMessage, withoutData } from "./logged-text.ts";

type Tree = Readonly<Record<string, unknown>>;

export const isTree = (value: unknown): value is Tree =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * Of a body that is not JSON: its text, or what it is. Of a long conversation only the latest messages are read, until they have
 * more than `enoughBytes`.
 */
export function messagesOfRequest(
  bytes: Buffer,
  contentType: string | null,
  enoughBytes = Number.POSITIVE_INFINITY,
): readonly LoggedMessage[] {
  const type = contentType ?? "";
  if (type.includes("multipart/")) return [{ role: "user", text: `[form, ${bytes.length} bytes]` }];
  const text = bytes.toString("utf8");
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return [{ role: "body", text: withoutData(text) }];
  }
  const found = isTree(body) ? messagesIn(body, enoughBytes) : [];
  return found.length > 0 ? found : [{ role: "body", text: jsonText(body) }];
}

function messagesIn(body: Tree, enoughBytes: number): readonly LoggedMessage[] {
  const system =
    body["system"] ?? body["instructions"] ?? body["systemInstruction"] ?? body["system_instruction"];
  const turns = body["messages"] ?? body["contents"] ?? body["input"] ?? body["prompt"];
  const listed = Array.isArray(turns) ? turns : turns === undefined || turns === null ? [] : [turns];
  const found: LoggedMessage[] = [];
  let read = 0;
  for (const turn of listed.toReversed()) {
    if (read > enoughBytes) return found.toReversed();
    const message = messageOf(turn);
    read += message.text.length;
    found.push(message);
  }
  if (system !== undefined && system !== null) found.push({ role: "system", text: textOf(system) });
  return found.toReversed();
}

function messageOf(turn: unknown): LoggedMessage {
  if (!isTree(turn)) return { role: "user", text: textOf(turn) };
  const { role, content, parts, tool_calls: calls } = turn;
  const said = content ?? parts;
  const texts = [
    said === undefined || said === null ? (calls === undefined ? textOf(turn) : "") : textOf(said),
    ...(Array.isArray(calls) ? calls.map(callText) : []),
  ];
  return {
    role: typeof role === "string" ? role : "user",
    text: texts.filter((each) => each !== "").join("\n"),
  };
}

const dataKinds = /image|audio|video|file|document|media/;

/** The text of a message's content or of one of its parts. */
export function textOf(part: unknown): string {
  if (typeof part === "string") return withoutData(part);
  if (part === null || part === undefined) return "";
  if (Array.isArray(part)) return part.map(textOf).join("\n");
  if (!isTree(part)) return jsonText(part);
  const type = typeof part["type"] === "string" ? part["type"] : "";
  if (typeof part["text"] === "string") return withoutData(part["text"]);
  if (typeof part["thinking"] === "string") return withoutData(part["thinking"]);
  if (Array.isArray(part["parts"])) return textOf(part["parts"]);
  const data = part["inlineData"] ?? part["inline_data"] ?? part["fileData"] ?? part["file_data"];
  if (data !== undefined || dataKinds.test(type)) return `[${type === "" ? mimeOf(data) : type}]`;
  if (type === "tool_use" || type === "function_call" || isTree(part["functionCall"])) return callText(part);
  if (type === "tool_result") return `[tool result] ${textOf(part["content"])}`;
  if (type === "function_call_output") return `[tool result] ${textOf(part["output"])}`;
  if (isTree(part["functionResponse"]))
    return `[tool result] ${jsonText(part["functionResponse"]["response"])}`;
  return jsonText(part);
}

function mimeOf(data: unknown): string {
  const type = isTree(data) ? (data["mimeType"] ?? data["mime_type"]) : undefined;
  return typeof type === "string" ? type : "data";
}

/** A call of a tool, in any of the formats. */
export function callText(call: unknown): string {
  const inner = isTree(call) ? (call["function"] ?? call["functionCall"] ?? call) : {};
  if (!isTree(inner)) return jsonText(call);
  const input = inner["arguments"] ?? inner["input"] ?? inner["args"];
  const shown = typeof input === "string" ? withoutData(input) : jsonText(input);
  return `[tool call ${String(inner["name"] ?? "")}] ${shown}`;
}
