// Finds tools by their names, descriptions and arguments, in the two ways that a client can ask for: a pattern, or plain words.
// It must never run a pattern on JavaScript's own RegExp: a model writes it, and a prompt injection may have dictated it.

import type { Tool } from "../../canon/request.ts";
import type { Found } from "../../dialects/deferred-tools.ts";
import { isRecord, parseLoosely } from "../../dialects/decoding.ts";
import { compilePattern, problemOfPattern } from "../../routing/text-pattern.ts";

/** As many as the vendor's own search returns (platform.claude.com, tool search tool: "3-5 most relevant tools"). */
const maxFound = 5;
/** The vendor's own limit for a pattern is 200 characters; plain words get the same. */
const maxQueryLength = 200;

type IndexedTool = { readonly name: string; readonly text: string };

function indexedTool({ name, description, schema }: Tool): IndexedTool {
  const properties = isRecord(schema) && isRecord(schema["properties"]) ? schema["properties"] : {};
  const argumentTexts = Object.entries(properties).map(([key, each]) =>
    isRecord(each) && typeof each["description"] === "string" ? `${key} ${each["description"]}` : key,
  );
  return { name, text: [name, description ?? "", ...argumentTexts].join("\n") };
}

/** `input`: the call's arguments as the model wrote them. */
export function findTools(tools: readonly Tool[], kind: "regex" | "bm25", input: string): Found {
  const query = queryIn(input);
  if (query === null) return searchError("The search needs a query.");
  if (query.length > maxQueryLength)
    return searchError(`The query is longer than ${maxQueryLength} characters.`);
  const entries = tools.map(indexedTool);
  return kind === "regex" ? byPattern(entries, query) : { names: byWords(entries, query) };
}

const searchError = (message: string): Found => ({ code: "invalid_tool_input", message });

function queryIn(input: string): string | null {
  const value = parseLoosely(input);
  if (!isRecord(value)) return null;
  const query = value["query"] ?? value["pattern"];
  return typeof query === "string" && query.trim() !== "" ? query : null;
}

function byPattern(entries: readonly IndexedTool[], query: string): Found {
  const problem = problemOfPattern(query);
  if (problem !== null) return searchError(`The pattern cannot be used: ${problem}.`);
  // Models rarely get upper and lower case right.
  const pattern = compilePattern(`(?i)${query}`);
  const names = entries.filter(({ text }) => pattern.occursIn(text)).map(({ name }) => name);
  return { names: names.slice(0, maxFound) };
}

const wordsIn = (text: string): string[] =>
  text
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .match(/[\p{L}\p{N}]+/gu) ?? [];

/** Okapi BM25 with its usual constants. */
function byWords(entries: readonly IndexedTool[], query: string): string[] {
  const documents = entries.map(({ text }) => wordsIn(text));
  const average = documents.reduce((sum, words) => sum + words.length, 0) / Math.max(1, documents.length);
  const scores = documents.map(() => 0);
  for (const word of new Set(wordsIn(query))) {
    const counts = documents.map((words) => words.filter((each) => each === word).length);
    const holders = counts.filter((count) => count > 0).length;
    if (holders === 0) continue;
    const weight = Math.log(1 + (documents.length - holders + 0.5) / (holders + 0.5));
    for (const [i, count] of counts.entries()) {
      const length = 0.25 + (0.75 * (documents[i]?.length ?? 0)) / Math.max(1, average);
      scores[i] = (scores[i] ?? 0) + (weight * count * 2.2) / (count + 1.2 * length);
    }
  }
  return entries
    .map(({ name }, i) => ({ name, score: scores[i] ?? 0 }))
    .filter(({ score }) => score > 0)
    .toSorted((left, right) => right.score - left.score)
    .slice(0, maxFound)
    .map(({ name }) => name);
}
