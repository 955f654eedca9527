// Anthropic's own rules for a messages body, as its API enforces them. The first rule broken is returned as a sentence; null is good.

import { listOf, numberOf, recordOf, textOf } from "./json.ts";
import type { Json } from "./json.ts";
import { signatureOf } from "./plan.ts";

const members = new Set(
  (
    "model messages max_tokens system stop_sequences stream temperature top_p top_k tools tool_choice thinking metadata " +
    "output_config output_format context_management service_tier container mcp_servers inference_geo cache_control speed"
  ).split(" "),
);
const imageTypes = new Set(["image/jpeg", "image/png", "image/gif", "image/webp"]);

type Message = { readonly role: string; readonly blocks: readonly Json[] };

const blocksOf = (content: unknown): readonly Json[] =>
  typeof content === "string" ? [{ type: "text", text: content }] : listOf(content).map(recordOf);

function breachInBlock(block: Json, role: string, at: string): string | null {
  switch (block.type) {
    case "text":
      if (textOf(block.text) === "") return `${at}: text content blocks must be non-empty`;
      return textOf(block.text).trim() === ""
        ? `${at}: text content blocks must contain non-whitespace text`
        : null;
    case "image": {
      if (role !== "user") return `${at}: image blocks may only be in 'user' messages`;
      const source = recordOf(block.source);
      if (source.type === "url" || source.type === "file") return null;
      if (!imageTypes.has(textOf(source.media_type)))
        return `${at}.source.media_type: not a supported image type`;
      return /^[A-Za-z0-9+/]+=*$/.test(textOf(source.data)) ? null : `${at}.source.data: invalid base64 data`;
    }
    case "thinking":
      if (role !== "assistant") return `${at}: thinking blocks may only be in 'assistant' messages`;
      return block.signature === signatureOf(textOf(block.thinking))
        ? null
        : `${at}: Invalid \`signature\` in \`thinking\` block`;
    case "tool_use":
      if (role !== "assistant") return `${at}: tool_use blocks may only be in 'assistant' messages`;
      if (!/^[a-zA-Z0-9_-]+$/.test(textOf(block.id))) return `${at}.id: must match '^[a-zA-Z0-9_-]+$'`;
      return typeof block.input === "object" && block.input !== null
        ? null
        : `${at}.input: must be a dictionary`;
    case "tool_result":
      if (role !== "user") return `${at}: tool_result blocks may only be in 'user' messages`;
      for (const inner of blocksOf(block.content ?? [])) {
        const breach = block.content === "" ? null : breachInBlock(inner, "user", `${at}.content`);
        if (breach) return breach;
      }
      return null;
    case "document":
    case "search_result":
    case "container_upload":
      return role === "user" ? null : `${at}: ${textOf(block.type)} blocks may only be in 'user' messages`;
    case "redacted_thinking":
    case "server_tool_use":
    case "web_search_tool_result":
    case "code_execution_tool_result":
    case "mcp_tool_use":
    case "mcp_tool_result":
    case "compaction":
      return role === "assistant"
        ? null
        : `${at}: ${textOf(block.type)} blocks may only be in 'assistant' messages`;
    case "tool_reference":
      return null;
    default:
      return `${at}: Input tag '${textOf(block.type)}' does not match any of the expected tags`;
  }
}

/** The API joins consecutive messages of one role before it checks tool rounds. */
function joined(messages: readonly Message[]): Message[] {
  const result: Message[] = [];
  for (const message of messages) {
    const last = result.at(-1);
    if (last?.role === message.role)
      result[result.length - 1] = { role: last.role, blocks: [...last.blocks, ...message.blocks] };
    else result.push(message);
  }
  return result;
}

function breachInToolOrder(messages: readonly Message[]): string | null {
  let open = new Set<string>();
  for (const [index, { role, blocks }] of messages.entries()) {
    const results = role === "user" ? blocks.filter((block) => block.type === "tool_result") : [];
    for (const block of results)
      if (!open.delete(textOf(block.tool_use_id)))
        return `messages.${index}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${textOf(block.tool_use_id)}`;
    if (open.size > 0)
      return `messages.${index}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${[...open].join(", ")}`;
    if (blocks.slice(0, results.length).some((block) => block.type !== "tool_result") && results.length > 0)
      return `messages.${index}: tool_result blocks must come first in the content`;
    const uses = blocks.filter((block) => block.type === "tool_use").map((block) => textOf(block.id));
    open = new Set(uses);
    if (open.size < uses.length) return `messages.${index}: \`tool_use\` ids must be unique`;
  }
  return open.size > 0
    ? `\`tool_use\` ids were found without \`tool_result\`: ${[...open].join(", ")}`
    : null;
}

function breachInThinking(body: Json, messages: readonly Message[]): string | null {
  const thinking = recordOf(body.thinking);
  if (thinking.type !== "enabled" && thinking.type !== "adaptive") return null;
  const choice = textOf(recordOf(body.tool_choice).type);
  if (choice === "any" || choice === "tool")
    return "Thinking may not be enabled when tool_choice forces tool use.";
  if (body.temperature !== undefined && body.temperature !== 1)
    return "`temperature` may only be set to 1 when thinking is enabled.";
  if (body.top_k !== undefined) return "`top_k` must be unset when thinking is enabled.";
  if (thinking.type === "adaptive") return null;
  const budget = numberOf(thinking.budget_tokens) ?? 0;
  if (budget < 1024) return "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024";
  if (budget >= (numberOf(body.max_tokens) ?? 0))
    return "`max_tokens` must be greater than `thinking.budget_tokens`.";
  const last = messages.findLast((message) => message.role === "assistant");
  const isToolRound = last?.blocks.some((block) => block.type === "tool_use") && messages.at(-1) !== last;
  const first = textOf(last?.blocks[0]?.type);
  return isToolRound && !first.endsWith("thinking")
    ? `Expected \`thinking\` or \`redacted_thinking\`, but found \`${first}\`. When \`thinking\` is enabled, a final \`assistant\` message must start with a thinking block.`
    : null;
}

function breachInTools(body: Json): string | null {
  const tools = listOf(body.tools).map(recordOf);
  for (const [index, tool] of tools.entries()) {
    if (tool.type !== undefined && tool.type !== "custom") continue;
    if (!/^[a-zA-Z0-9_-]{1,128}$/.test(textOf(tool.name))) return `tools.${index}.name: invalid`;
    if (recordOf(tool.input_schema).type !== "object")
      return `tools.${index}.input_schema.type: Input should be 'object'`;
  }
  if ("tool_choice" in body && tools.length === 0)
    return "tool_choice may only be specified while providing tools.";
  const names = tools.map((tool) => textOf(tool.name));
  return new Set(names).size < names.length ? "tools: Tool names must be unique." : null;
}

export function breachOfAnthropic(body: Json, headers: Readonly<Record<string, string>>): string | null {
  if (!headers["anthropic-version"]) return "anthropic-version: header is required";
  for (const member of Object.keys(body))
    if (!members.has(member)) return `${member}: Extra inputs are not permitted`;
  if (textOf(body.model) === "") return "model: Field required";
  if ((numberOf(body.max_tokens) ?? 0) < 1) return "max_tokens: Field required";
  const temperature = numberOf(body.temperature) ?? 0;
  if (temperature < 0 || temperature > 1) return "temperature: range 0 to 1";
  const raw = listOf(body.messages).map(recordOf);
  if (raw.length === 0) return "messages: at least one message is required";
  if (raw[0]?.role !== "user") return 'messages: first message must use the "user" role';
  const messages = raw.map(({ role, content }) => ({ role: textOf(role), blocks: blocksOf(content) }));
  for (const [index, { role, blocks }] of messages.entries()) {
    if (role !== "user" && role !== "assistant" && role !== "system")
      return `messages.${index}.role: Input should be 'user', 'assistant' or 'system'`;
    if (blocks.length === 0) return `messages.${index}: all messages must have non-empty content`;
    for (const [place, block] of blocks.entries()) {
      const breach = breachInBlock(block, role, `messages.${index}.content.${place}`);
      if (breach) return breach;
    }
  }
  for (const block of body.system === undefined ? [] : blocksOf(body.system))
    if (textOf(block.text) === "") return "system: text content blocks must be non-empty";
  if (JSON.stringify(body).split('"cache_control":{').length > 5)
    return "A maximum of 4 blocks with cache_control may be provided.";
  const whole = joined(messages);
  return breachInTools(body) ?? breachInToolOrder(whole) ?? breachInThinking(body, whole);
}
