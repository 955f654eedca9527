// Rewrites tools in the Responses or Anthropic form in a chat body (Cursor mixes them in) to this format's own, before anything
// else reads them. It must never parse the tools of a body that cannot contain one: the bytes around the type show it.

import { type JsonEdit, type JsonScan, memberNamed } from "../../wire/json.ts";
import { isRecord, parseLoosely } from "../decoding.ts";
import type { Wire } from "./extras.ts";

const functionWord = Buffer.from('"function"');
const customWord = Buffer.from('"custom"');
const schemaWord = Buffer.from('"input_schema"');

/** Empty for nearly every body. */
export function normalizeToolEdits(scan: JsonScan, bytes: Buffer): readonly JsonEdit[] {
  const edits: JsonEdit[] = [];
  for (const key of ["tools", "tool_choice"]) {
    const member = memberNamed(scan, key);
    if (member?.kind !== "array" && member?.kind !== "object") continue;
    if (!mayNeedNormalizing(bytes.subarray(member.start, member.end))) continue;
    const value = parseLoosely(bytes.toString("utf8", member.start, member.end));
    const put = Array.isArray(value) ? value.map(normalizedTool) : normalizedTool(value);
    const isSame = Array.isArray(put)
      ? put.every((each, i) => each === (value as unknown[])[i])
      : put === value;
    if (!isSame) edits.push({ key, json: JSON.stringify(put) });
  }
  return edits;
}

/** A native search: looking for these words in the scan would cost every body more. */
function mayNeedNormalizing(value: Buffer): boolean {
  if (value.includes(schemaWord)) return true;
  for (const word of [functionWord, customWord])
    for (let at = value.indexOf(word); at >= 0; at = value.indexOf(word, at + word.length))
      if (!isKeyOrNested(value, at + word.length, word)) return true;
  return false;
}

/** The word is a member's name, or `"type":"function"` directly followed by that member, as nearly every client writes it. */
function isKeyOrNested(bytes: Buffer, place: number, word: Buffer): boolean {
  let at = afterSpace(bytes, place);
  if (bytes[at] === 0x3a) return true;
  if (bytes[at] !== 0x2c) return false;
  at = afterSpace(bytes, at + 1);
  for (let i = 0; i < word.length; i++) if (bytes[at + i] !== word[i]) return false;
  return true;
}

function afterSpace(bytes: Buffer, from: number): number {
  let at = from;
  while (bytes[at] === 0x20 || bytes[at] === 0x0a || bytes[at] === 0x0d || bytes[at] === 0x09) at++;
  return at;
}

/** The same object when nothing has to change. */
export function normalizedTool(tool: unknown): unknown {
  if (!isRecord(tool) || typeof tool.name !== "string") return tool;
  const { type, name, ...rest } = tool;
  if (type === "function" && !isRecord(tool.function)) return { type, function: functionOf(name, rest) };
  if (type === "custom" && !isRecord(tool.custom) && !isRecord(tool.input_schema))
    return {
      type,
      custom: { name, ...rest, ...(isRecord(rest.format) ? { format: formatOf(rest.format) } : {}) },
    };
  // Anthropic's form; Anthropic's own tools (`bash_20250124`) have a type that no other format knows.
  const isAnthropics = isRecord(tool.input_schema) && (type === undefined || type === "custom");
  return isAnthropics ? { type: "function", function: functionOf(name, rest) } : tool;
}

function functionOf(name: unknown, { input_schema: schema, cache_control: _mark, ...rest }: Wire): Wire {
  return { name, ...rest, ...(schema === undefined ? {} : { parameters: schema }) };
}

/** A grammar is nested one level deeper in this format. */
function formatOf(format: Wire): Wire {
  const { type, syntax, definition } = format;
  return type === "grammar" && !isRecord(format.grammar) ? { type, grammar: { syntax, definition } } : format;
}
