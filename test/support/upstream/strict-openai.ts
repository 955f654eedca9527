// OpenAI's own rules for a chat body, as its API enforces them. The first rule broken is returned as a sentence; null is good.

import { listOf, recordOf, textOf } from "./json.ts";
import type { Json } from "./json.ts";

const roles = new Set(["system", "developer", "user", "assistant", "tool"]);
const foreignMembers = [
  "system",
  "thinking",
  "output_config",
  "stop_sequences",
  "top_k",
  "context_management",
  "anthropic_version",
];
// `input_text` is officially not a chat part, but OpenAI-compatible vendors accept it and old OpenClaw sends it.
const partTypes: Readonly<Record<string, readonly string[]>> = {
  system: ["text"],
  developer: ["text"],
  user: ["text", "input_text", "image_url", "input_audio", "file"],
  assistant: ["text", "refusal"],
  tool: ["text"],
};

function breachInPart(role: string, part: Json, at: string): string | null {
  const type = textOf(part.type);
  if (!(partTypes[role] ?? []).includes(type)) return `Invalid value: '${type}' at ${at}.`;
  if ("cache_control" in part) return `Unknown parameter: '${at}.cache_control'.`;
  if (type === "text" && typeof part.text !== "string") return `Missing text at ${at}.`;
  if (type === "image_url") {
    const url = textOf(recordOf(part.image_url).url);
    if (!/^(https?:\/\/|data:image\/[a-z+.-]+;base64,[A-Za-z0-9+/=]+$)/.test(url))
      return `Invalid image URL at ${at}.`;
  }
  return null;
}

function breachInMessage(message: Json, at: string): string | null {
  const role = textOf(message.role);
  if (!roles.has(role)) return `Invalid value: '${role}' at ${at}.role.`;
  const calls = listOf(message.tool_calls);
  if ("tool_calls" in message && calls.length === 0) return `Invalid '${at}.tool_calls': empty array.`;
  if (message.content === null || message.content === undefined) {
    if (role !== "assistant") return `Invalid value for 'content': expected a string, got null at ${at}.`;
    if (calls.length === 0 && !message.refusal) return `Missing content at ${at}.`;
  } else if (Array.isArray(message.content)) {
    if (message.content.length === 0) return `Invalid '${at}.content': empty array.`;
    for (const [index, part] of message.content.entries()) {
      const breach = breachInPart(role, recordOf(part), `${at}.content[${index}]`);
      if (breach) return breach;
    }
  } else if (typeof message.content !== "string") return `Invalid type at ${at}.content.`;
  for (const value of calls) {
    const call = recordOf(value);
    const { name, arguments: input } = recordOf(call.function);
    if (!/^.{1,40}$/.test(textOf(call.id))) return `Invalid '${at}.tool_calls.id': 1 to 40 characters.`;
    if (call.type !== "function" || !textOf(name) || typeof input !== "string")
      return `Invalid tool call at ${at}.`;
  }
  return null;
}

function breachInToolOrder(messages: readonly Json[]): string | null {
  let open = new Set<string>();
  for (const [index, message] of messages.entries()) {
    if (message.role === "tool") {
      if (!open.delete(textOf(message.tool_call_id)))
        return `messages[${index}]: role 'tool' must be a response to a preceding message with 'tool_calls'.`;
      continue;
    }
    if (open.size > 0)
      return `An assistant message with 'tool_calls' must be followed by tool messages; missing: ${[...open].join(", ")}.`;
    open = new Set(listOf(message.tool_calls).map((call) => textOf(recordOf(call).id)));
  }
  return open.size > 0 ? `tool_call_ids without an answer: ${[...open].join(", ")}.` : null;
}

export function breachOfOpenai(body: Json): string | null {
  for (const member of foreignMembers)
    if (member in body) return `Unrecognized request argument supplied: ${member}`;
  if (textOf(body.model) === "") return "you must provide a model parameter";
  const messages = listOf(body.messages).map(recordOf);
  if (messages.length === 0) return "Invalid 'messages': empty array.";
  if ("max_tokens" in body && "max_completion_tokens" in body)
    return "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.";
  if (body.stream_options !== undefined && body.stream_options !== null && body.stream !== true)
    return "The 'stream_options' parameter is only allowed when 'stream' is enabled.";
  const tools = listOf(body.tools).map(recordOf);
  if ("tools" in body && tools.length === 0) return "Invalid 'tools': empty array.";
  for (const member of ["tool_choice", "parallel_tool_calls"])
    if (member in body && tools.length === 0)
      return `'${member}' is only allowed when 'tools' are specified.`;
  for (const tool of tools) {
    if ("cache_control" in tool || "input_schema" in tool) return "Unknown parameter in 'tools'.";
    if (!/^[a-zA-Z0-9_-]{1,64}$/.test(textOf(recordOf(tool.function).name)))
      return "Invalid 'tools[].function.name'.";
  }
  if (listOf(body.stop).length > 4) return "Invalid 'stop': at most 4 items.";
  for (const [index, message] of messages.entries()) {
    const breach = breachInMessage(message, `messages[${index}]`);
    if (breach) return breach;
  }
  return breachInToolOrder(messages);
}
