// The demonstration's answer: decided from the request alone, before the first event. It must never pass for a model:
// every text identifies itself.

import type { Block, ChatRequest, Tool, ToolResultBlock } from "../../canon/request.ts";
import { sampleOf } from "./schema-sample.ts";

export type DemoAnswer =
  | { readonly kind: "text"; readonly text: string }
  /** `input` is JSON text. */
  | { readonly kind: "tool"; readonly name: string; readonly input: string };

const statement = "This is ClawGate's built-in demonstration; no AI model was asked.";
const advice =
  "To get real answers, set a provider's key (for example ANTHROPIC_API_KEY or OPENAI_API_KEY) or write a config.yaml (config.example.yaml shows every key), and start ClawGate again.";
const longestEcho = 200;
const longestResult = 500;

export function demoAnswer(request: ChatRequest): DemoAnswer {
  const results = toolResults(request);
  // A result gets a text answer even if a tool call is still required: a client loop that requires one each turn would
  // never end.
  if (results.length > 0) return { kind: "text", text: shaped(request, aboutResults(results)) };
  const tool = toolToCall(request);
  if (tool !== null) return { kind: "tool", name: tool.name, input: JSON.stringify(argumentsFor(tool)) };
  return { kind: "text", text: shaped(request, aboutRequest(request)) };
}

/**
 * The forced tool; with `required` the one that the text names, else the first; otherwise the first one that the text names.
 */
function toolToCall(request: ChatRequest): Tool | null {
  const { tools, toolChoice } = request;
  const first = tools[0] ?? null;
  if (toolChoice?.type === "none") return null;
  if (toolChoice?.type === "tool") return tools.find((each) => each.name === toolChoice.name) ?? null;
  const words = lastUserWords(request);
  if (toolChoice?.type === "required") return tools.find((each) => isNamedIn(words, each.name)) ?? first;
  return first !== null && isNamedIn(words, first.name) ? first : null;
}

function argumentsFor(tool: Tool): unknown {
  const value = sampleOf(tool.schema);
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
}

/** As a whole word, so that a tool called "a" is not named by every sentence. */
function isNamedIn(text: string, name: string): boolean {
  if (name === "") return false;
  const here = text.toLowerCase();
  const wanted = name.toLowerCase();
  const isPartOfWord = (character: string): boolean => /[\p{L}\p{N}_-]/u.test(character);
  for (let at = here.indexOf(wanted); at >= 0; at = here.indexOf(wanted, at + 1)) {
    const before = here.charAt(at - 1);
    const behind = here.charAt(at + wanted.length);
    if (!isPartOfWord(before) && !isPartOfWord(behind)) return true;
  }
  return false;
}

function shaped(request: ChatRequest, words: string): string {
  if (request.format === null) return words;
  if (request.format.type === "json-schema") return JSON.stringify(sampleOf(request.format.schema));
  return JSON.stringify({ demonstration: true, message: words });
}

function aboutRequest(request: ChatRequest): string {
  const count = request.messages.length;
  const parts = [
    statement,
    `It received ${count} message${count === 1 ? "" : "s"} for the model "${cut(request.model, 100)}".`,
  ];
  const words = lastUserWords(request);
  if (words !== "") parts.push(`Your last words were: "${cut(words, longestEcho)}".`);
  const tools = request.tools.map((tool) => tool.name);
  if (tools[0] !== undefined && request.toolChoice?.type !== "none")
    parts.push(`Write "${cut(tools[0], 100)}" in your message and it calls that tool.`);
  return [...parts, advice].join(" ");
}

function aboutResults(results: readonly ToolResultBlock[]): string {
  const said = results.map((result) => {
    const words = textOf(result.content);
    const verb = result.isError ? "failed with" : "returned";
    return words === ""
      ? `The tool ${verb} nothing that is text.`
      : `The tool ${verb}: ${cut(words, longestResult)}`;
  });
  return [statement, ...said].join(" ");
}

function toolResults(request: ChatRequest): ToolResultBlock[] {
  const last = request.messages.findLast((message) => message.role !== "system");
  if (last?.role !== "user") return [];
  return last.content.filter((block) => block.type === "tool-result");
}

function lastUserWords(request: ChatRequest): string {
  const message = request.messages.findLast((each) => each.role === "user" && textOf(each.content) !== "");
  return message === undefined ? "" : textOf(message.content);
}

function textOf(blocks: readonly Block[]): string {
  const texts = blocks.flatMap((block) => (block.type === "text" ? [block.text] : []));
  return texts.join("\n").trim().toWellFormed();
}

/** By code points, so that no character is split. */
function cut(text: string, limit: number): string {
  // A slice first: spreading a whole 30 MB message to show 200 characters of it would be slow.
  const characters = [...text.slice(0, 2 * limit + 2).toWellFormed()];
  return characters.length > limit ? `${characters.slice(0, limit).join("")}…` : text.toWellFormed();
}
