// The tools that the model's last turn called, by name: the client has run them before it asked again.

import { isRecord, parseLoosely } from "../../dialects/decoding.ts";
import { wordIn } from "./prompt-items.ts";

const maxCalls = 16;
const maxNameLength = 100;
/** A turn with a larger one calls nothing that would be worth parsing it. */
const maxParsedBytes = 1_000_000;
const callTypes: Readonly<Record<string, string | null>> = {
  function_call: null,
  custom_tool_call: null,
  local_shell_call: "local_shell",
  shell_call: "shell",
  apply_patch_call: "apply_patch",
  computer_call: "computer",
};

/** `modelRole` null: a call is an item of its own. */
export function lastToolCalls(items: readonly Buffer[], modelRole: string | null): readonly string[] {
  const names = modelRole === null ? callsOfItems(items) : callsOfMessage(items, modelRole);
  return names.slice(0, maxCalls).map((name) => name.slice(0, maxNameLength));
}

function callsOfMessage(items: readonly Buffer[], modelRole: string): string[] {
  const last = items.findLast((item) => wordIn(item, "role") === modelRole);
  const message = last === undefined ? null : parsed(last);
  if (message === null) return [];
  const calls = [
    ...recordsIn(message["content"]).filter((block) => block["type"] === "tool_use"),
    ...recordsIn(message["parts"]).map((part) => part["functionCall"] ?? part["function_call"]),
    ...recordsIn(message["tool_calls"]).map((call) => call["function"] ?? call["custom"]),
    message["function_call"],
  ];
  return calls.flatMap(nameOf);
}

/** Those of the last run of the model's items, before which an answer of a tool or a word of the user stands. */
function callsOfItems(items: readonly Buffer[]): string[] {
  const names: string[] = [];
  let isInTurn = false;
  for (const item of items.toReversed()) {
    const [type, role] = [wordIn(item, "type"), wordIn(item, "role")];
    if (type !== null && Object.hasOwn(callTypes, type)) {
      isInTurn = true;
      names.push(...(callTypes[type] === null ? nameOf(parsed(item)) : [callTypes[type] ?? type]));
    } else if (role === "assistant") return names.toReversed();
    else if (isInTurn && (role !== null || type?.endsWith("_output") === true)) break;
  }
  return names.toReversed();
}

function parsed(bytes: Buffer): Record<string, unknown> | null {
  if (bytes.length > maxParsedBytes) return null;
  const value = parseLoosely(bytes.toString("utf8"));
  return isRecord(value) ? value : null;
}

const recordsIn = (value: unknown): Record<string, unknown>[] =>
  Array.isArray(value) ? value.filter(isRecord) : [];

const nameOf = (call: unknown): string[] =>
  isRecord(call) && typeof call["name"] === "string" ? [call["name"]] : [];
