// OpenAI's own rules for a Responses body, as its API enforces them. The first rule broken is returned as a sentence; null is good.

import { listOf, numberOf, recordOf, textOf } from "./json.ts";
import type { Json } from "./json.ts";
import { signatureOf } from "./plan.ts";

const members = new Set(
  (
    "model input instructions stream stream_options tools tool_choice parallel_tool_calls max_output_tokens max_tool_calls temperature " +
    "top_p top_logprobs text reasoning include store metadata previous_response_id prompt_cache_key prompt_cache_retention safety_identifier " +
    "service_tier truncation user background conversation prompt client_metadata context_management"
  ).split(" "),
);
const inputParts = new Set(["input_text", "input_image", "input_file"]);
const outputParts = new Set(["output_text", "refusal"]);
const toolTypes = new Set([
  "function",
  "custom",
  "web_search",
  "web_search_preview",
  "tool_search",
  "local_shell",
  "namespace",
]);

/** Ids of items, if they are sent, have the vendor's own prefixes. */
const idStarts: Readonly<Record<string, string>> = {
  message: "msg_",
  function_call: "fc_",
  custom_tool_call: "ctc_",
  reasoning: "rs_",
};

function breachInMessage(item: Json, at: string): string | null {
  const role = textOf(item.role);
  if (!["user", "assistant", "system", "developer"].includes(role))
    return `Invalid value: '${role}' at ${at}.role.`;
  if (typeof item.content === "string") return null;
  const parts = listOf(item.content).map(recordOf);
  if (parts.length === 0) return `Invalid '${at}.content': empty array.`;
  const allowed = role === "assistant" ? outputParts : inputParts;
  for (const part of parts) {
    if (!allowed.has(textOf(part.type)))
      return `Invalid value: '${textOf(part.type)}' in ${at}.content of role ${role}.`;
    if (
      part.type === "input_image" &&
      !part.file_id &&
      !/^(https?:\/\/|data:image\/)/.test(textOf(part.image_url))
    )
      return `Invalid '${at}.content.image_url'.`;
    if ("cache_control" in part) return `Unknown parameter: '${at}.content.cache_control'.`;
  }
  return null;
}

/** Items of the vendor's own tools, and of those that the client carries out. */
const ownItems = new Set(
  (
    "web_search_call file_search_call code_interpreter_call image_generation_call mcp_list_tools mcp_call mcp_approval_request " +
    "mcp_approval_response compaction local_shell_call local_shell_call_output computer_call computer_call_output item_reference"
  ).split(" "),
);

function breachInItem(item: Json, at: string): string | null {
  const type = textOf(item.type ?? "message");
  const start = idStarts[type];
  if (start && item.id !== undefined && item.id !== null && !textOf(item.id).startsWith(start))
    return `Invalid '${at}.id': '${textOf(item.id)}'. Expected an ID that begins with '${start}'.`;
  switch (type) {
    case "message":
      return breachInMessage(item, at);
    case "function_call":
      return textOf(item.name) && typeof item.arguments === "string" && textOf(item.call_id)
        ? null
        : `Missing required parameter in ${at}.`;
    case "function_call_output":
    case "custom_tool_call_output":
      return textOf(item.call_id) && (typeof item.output === "string" || Array.isArray(item.output))
        ? null
        : `Missing required parameter in ${at}.`;
    case "reasoning": {
      if (!Array.isArray(item.summary)) return `Missing required parameter: '${at}.summary'.`;
      if (typeof item.encrypted_content !== "string") return null;
      const text = item.summary.map((part) => textOf(recordOf(part).text)).join("");
      return item.encrypted_content === signatureOf(text)
        ? null
        : `${at}: The encrypted content could not be verified.`;
    }
    case "custom_tool_call":
      return textOf(item.name) && typeof item.input === "string" && textOf(item.call_id)
        ? null
        : `Missing required parameter in ${at}.`;
    default:
      return ownItems.has(type) ? null : `Invalid value: '${type}' at ${at}.type.`;
  }
}

function breachInCalls(items: readonly Json[]): string | null {
  const open = new Set<string>();
  for (const item of items) {
    const id = textOf(item.call_id);
    if (/^(function|custom_tool)_call$/.test(textOf(item.type))) open.add(id);
    else if (/^(function|custom_tool)_call_output$/.test(textOf(item.type)) && !open.delete(id))
      return `No tool call found for function call output with call_id ${id}.`;
  }
  return open.size > 0 ? `No tool output found for function call ${[...open].join(", ")}.` : null;
}

export function breachOfResponses(body: Json): string | null {
  for (const member of Object.keys(body)) if (!members.has(member)) return `Unknown parameter: '${member}'.`;
  if (textOf(body.model) === "") return "Missing required parameter: 'model'.";
  if ((numberOf(body.max_output_tokens) ?? 16) < 16)
    return "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16.";
  for (const tool of listOf(body.tools).map(recordOf)) {
    if (!toolTypes.has(textOf(tool.type))) return `Invalid value: '${textOf(tool.type)}' in 'tools'.`;
    if (tool.type === "function" && !/^[a-zA-Z0-9_-]{1,64}$/.test(textOf(tool.name)))
      return "Invalid 'tools[].name'.";
    if ("function" in tool || "input_schema" in tool) return "Unknown parameter in 'tools'.";
  }
  if (typeof body.input === "string") return null;
  const items = listOf(body.input).map(recordOf);
  if (items.length === 0) return "Invalid 'input': empty array.";
  for (const [index, item] of items.entries()) {
    const breach = breachInItem(item, `input[${index}]`);
    if (breach) return breach;
  }
  return breachInCalls(items);
}
