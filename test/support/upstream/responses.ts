// A plan in OpenAI's Responses format: as events, as one body, and its errors. Field for field as the vendor sends it.

import { piecesOf } from "./frame.ts";
import type { Frame } from "./frame.ts";
import { parsed, recordOf, textOf } from "./json.ts";
import type { Json } from "./json.ts";
import { openaiError } from "./openai.ts";
import { wordsOf } from "./plan.ts";
import type { FakeUsage, Part, Plan } from "./plan.ts";
import type { Turn } from "./turn.ts";

/** A fixed second, so that recordings do not differ from run to run. */
const created = 1_795_000_000;

function usageOf(usage: FakeUsage): Json {
  return {
    input_tokens: usage.input,
    input_tokens_details: { cached_tokens: usage.cached },
    output_tokens: usage.output,
    output_tokens_details: { reasoning_tokens: usage.reasoning },
    total_tokens: usage.input + usage.output,
  };
}

/** `in_progress` items are as announced: present, but still empty. */
type State = "in_progress" | "completed";

/** The input of a free-text tool, or null for any other part. A prompt writes it as `{"input": text}` for every format. */
function freeTextOf(part: Part, turn: Turn): string | null {
  if (part.type !== "tool") return null;
  const isFree = turn.tools.some((tool) => tool.name === part.name && tool.isFreeText === true);
  return isFree ? textOf(recordOf(parsed(part.input)).input) : null;
}

function itemOf(part: Part, turn: Turn, id: string, state: State): Json {
  const isWhole = state === "completed";
  if (part.type === "thinking") {
    const summary = isWhole ? [{ type: "summary_text", text: part.text }] : [];
    return { id: `rs_${id}`, type: "reasoning", summary, encrypted_content: isWhole ? part.signature : "" };
  }
  if (part.type === "text") {
    const content = isWhole ? [{ type: "output_text", text: part.text, annotations: [], logprobs: [] }] : [];
    return { id: `msg_${id}`, type: "message", status: state, role: "assistant", content };
  }
  const freeText = freeTextOf(part, turn);
  if (freeText !== null)
    return {
      id: `ctc_${id}`,
      type: "custom_tool_call",
      status: state,
      call_id: part.id,
      name: part.name,
      input: isWhole ? freeText : "",
    };
  return {
    id: `fc_${id}`,
    type: "function_call",
    status: state,
    call_id: part.id,
    name: part.name,
    arguments: isWhole ? part.input : "",
  };
}

function responseOf(plan: Plan, turn: Turn, id: string, isDone: boolean): Json {
  const cutBy = { length: "max_output_tokens", refusal: "content_filter" }[plan.finish as string] ?? null;
  const status = cutBy === null ? "completed" : "incomplete";
  return {
    id: `resp_${id}`,
    object: "response",
    created_at: created,
    status: isDone ? status : "in_progress",
    background: false,
    error: null,
    incomplete_details: isDone && cutBy !== null ? { reason: cutBy } : null,
    instructions: null,
    max_output_tokens: turn.maxTokens,
    model: turn.model,
    output: isDone ? plan.parts.map((part, index) => itemOf(part, turn, `${id}_${index}`, "completed")) : [],
    parallel_tool_calls: true,
    previous_response_id: null,
    reasoning: { effort: null, summary: null },
    store: false,
    temperature: 1,
    text: { format: { type: "text" } },
    tool_choice: "auto",
    tools: [],
    top_p: 1,
    truncation: "disabled",
    usage: isDone ? usageOf(plan.usage) : null,
    metadata: {},
  };
}

type Push = (type: string, value: Json) => void;

function pushPart(push: Push, part: Part, turn: Turn, itemId: string, index: number): void {
  const at = { item_id: itemId, output_index: index };
  if (part.type === "thinking") {
    const inside = { ...at, summary_index: 0 };
    const whole = { type: "summary_text", text: part.text };
    push("response.reasoning_summary_part.added", { ...inside, part: { ...whole, text: "" } });
    for (const delta of wordsOf(part.text))
      push("response.reasoning_summary_text.delta", { ...inside, delta });
    push("response.reasoning_summary_text.done", { ...inside, text: part.text });
    push("response.reasoning_summary_part.done", { ...inside, part: whole });
  } else if (part.type === "text") {
    const inside = { ...at, content_index: 0 };
    const whole = { type: "output_text", text: part.text, annotations: [], logprobs: [] };
    push("response.content_part.added", { ...inside, part: { ...whole, text: "" } });
    for (const delta of wordsOf(part.text))
      push("response.output_text.delta", { ...inside, delta, logprobs: [] });
    push("response.output_text.done", { ...inside, text: part.text, logprobs: [] });
    push("response.content_part.done", { ...inside, part: whole });
  } else if (freeTextOf(part, turn) !== null) {
    const input = freeTextOf(part, turn) ?? "";
    for (const delta of piecesOf(input, 8)) push("response.custom_tool_call_input.delta", { ...at, delta });
    push("response.custom_tool_call_input.done", { ...at, input });
  } else {
    for (const delta of piecesOf(part.input, 8))
      push("response.function_call_arguments.delta", { ...at, delta });
    push("response.function_call_arguments.done", { ...at, arguments: part.input });
  }
}

export function responsesFrames(plan: Plan, turn: Turn, id: string): Frame[] {
  const frames: Frame[] = [];
  const push: Push = (type, value) =>
    void frames.push({ event: type, value: { type, sequence_number: frames.length, ...value } });
  push("response.created", { response: responseOf(plan, turn, id, false) });
  push("response.in_progress", { response: responseOf(plan, turn, id, false) });
  for (const [index, part] of plan.parts.entries()) {
    const itemId = `${id}_${index}`;
    const item = itemOf(part, turn, itemId, "in_progress");
    push("response.output_item.added", { output_index: index, item });
    pushPart(push, part, turn, String(item.id), index);
    push("response.output_item.done", { output_index: index, item: itemOf(part, turn, itemId, "completed") });
  }
  const response = responseOf(plan, turn, id, true);
  push(`response.${String(response.status)}`, { response });
  return frames;
}

export function responsesBody(plan: Plan, turn: Turn, id: string): Json {
  return responseOf(plan, turn, id, true);
}

/** An error in the middle of a stream: a separate event, with the members of the error next to its type. */
export function responsesErrorFrame(): Frame {
  const { message, code, param } = openaiError(500).error as Json;
  return { event: "error", value: { type: "error", code: code ?? "server_error", message, param } };
}
