// An answer as text: a whole body, or the pieces of a stream put together again, whichever of the formats it has. It must never
// throw: a stream may have been cut anywhere.

import { jsonText, type LoggedMessage, withoutData } from "./logged-text.ts";
import { callText, isTree, textOf } from "./request-text.ts";

/** Gives up the processor with `turn` while it reads a long stream. */
export async function messagesOfAnswer(
  raw: string,
  turn: () => Promise<void>,
): Promise<readonly LoggedMessage[]> {
  if (raw === "") return [];
  const whole = parsed(raw);
  if (whole !== undefined) return wholeAnswer(whole);
  const assembly = new Assembly();
  let isRead = false;
  let sinceTurn = 0;
  for (const line of raw.split(/\r?\n/)) {
    sinceTurn += line.length;
    if (sinceTurn > turnLength) {
      sinceTurn = 0;
      await turn();
    }
    // Server-sent events, or JSON lines.
    const data = line.startsWith("data:") ? line.slice(5) : line;
    const event = data.trimStart().startsWith("{") ? parsed(data) : undefined;
    if (!isTree(event)) continue;
    isRead = true;
    assembly.take(event);
  }
  return isRead ? assembly.messages() : [{ role: "assistant", text: withoutData(raw) }];
}

const turnLength = 65_536;

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function wholeAnswer(body: unknown): readonly LoggedMessage[] {
  if (!isTree(body)) return [{ role: "assistant", text: jsonText(body) }];
  const assembly = new Assembly();
  assembly.take(body);
  // Anthropic's blocks, the items of a response.
  for (const block of listOf(body["content"] ?? body["output"])) assembly.takeBlock(block);
  const found = assembly.messages();
  if (found.length > 0) return found;
  const { data } = body;
  const isVectors = Array.isArray(data) && isTree(data[0]) && "embedding" in data[0];
  return [{ role: "assistant", text: isVectors ? `[${data.length} embeddings]` : jsonText(body) }];
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const wordOf = (value: unknown): string => (typeof value === "string" ? value : "");

type Tree = Readonly<Record<string, unknown>>;

/** Neighbouring pieces of the same kind are one message. */
class Assembly {
  private readonly found: { role: string; pieces: string[] }[] = [];

  messages(): readonly LoggedMessage[] {
    return this.found.map(({ role, pieces }) => ({ role, text: withoutData(pieces.join("")) }));
  }

  /** One event of a stream, or a whole answer. */
  take(event: Tree): void {
    const { type, error } = event;
    if (error !== undefined && error !== null) {
      this.add(
        "error",
        isTree(error) && typeof error["message"] === "string" ? error["message"] : jsonText(error),
      );
      return;
    }
    for (const choice of listOf(event["choices"])) this.takeChoice(choice);
    for (const candidate of listOf(event["candidates"]))
      if (isTree(candidate) && isTree(candidate["content"]))
        for (const part of listOf(candidate["content"]["parts"])) this.takePart(part);
    if (typeof type === "string") this.takeTyped(type, event);
    else if (isTree(event["message"])) this.add("assistant", wordOf(event["message"]["content"]));
  }

  /** A block of a whole answer. */
  takeBlock(block: unknown): void {
    if (!isTree(block)) return;
    const { type, content } = block;
    if (type === "thinking" || type === "reasoning")
      this.add("thinking", textOf(block["thinking"] ?? block["summary"]));
    else if (type === "tool_use" || type === "function_call") this.add("tool call", callText(block), true);
    else this.add("assistant", textOf(content ?? block), true);
  }

  private takeChoice(choice: unknown): void {
    if (!isTree(choice)) return;
    const delta = isTree(choice["delta"]) ? choice["delta"] : choice["message"];
    this.add("assistant", wordOf(choice["text"]));
    if (!isTree(delta)) return;
    this.add("thinking", wordOf(delta["reasoning_content"] ?? delta["reasoning"]));
    this.add("assistant", typeof delta["content"] === "string" ? delta["content"] : textOf(delta["content"]));
    this.add("assistant", wordOf(delta["refusal"]));
    for (const call of listOf(delta["tool_calls"])) {
      const named = isTree(call) ? call["function"] : null;
      if (isTree(named)) this.addCall(wordOf(named["name"]), wordOf(named["arguments"]));
    }
  }

  private takePart(part: unknown): void {
    if (isTree(part) && part["thought"] === true) this.add("thinking", textOf(part));
    else if (isTree(part) && isTree(part["functionCall"])) this.add("tool call", callText(part), true);
    else this.add("assistant", textOf(part));
  }

  private takeTyped(type: string, event: Tree): void {
    const { delta, content_block: block, item } = event;
    if (type === "content_block_start" && isTree(block)) {
      if (typeof block["name"] === "string") this.addCall(block["name"], "");
      else this.add("assistant", wordOf(block["text"]));
    } else if (type === "content_block_delta" && isTree(delta)) {
      this.add("assistant", wordOf(delta["text"]));
      this.add("thinking", wordOf(delta["thinking"]));
      this.add("tool call", wordOf(delta["partial_json"]));
    } else if (type === "response.output_item.added" && isTree(item)) {
      if (item["type"] === "function_call") this.addCall(wordOf(item["name"]), "");
    } else if (type.endsWith(".delta") && typeof delta === "string") this.add(roleOfDelta(type), delta);
  }

  private addCall(name: string, input: string): void {
    if (name !== "") this.add("tool call", `[tool call ${name}] `, true);
    this.add("tool call", input);
  }

  private add(role: string, text: string, isNew = false): void {
    if (text === "") return;
    const last = this.found.at(-1);
    if (last !== undefined && last.role === role && !isNew) last.pieces.push(text);
    else this.found.push({ role, pieces: [text] });
  }
}

function roleOfDelta(type: string): string {
  if (type.includes("reasoning")) return "thinking";
  return type.includes("arguments") ? "tool call" : "assistant";
}
