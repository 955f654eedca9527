// Request bodies: a one-line question and a coding agent's 100 KB turn (long system prompt, tools, history) for either wire format.
// They must stay the same from run to run, or two tables cannot be compared.

import type { Wire } from "./answers.ts";

const toolCount = 14;

export function smallBody(wire: Wire, model: string, isStream: boolean): string {
  return JSON.stringify({
    ...opening(wire, model, isStream),
    messages: [{ role: "user", content: filler(400) }],
  });
}

/** About 100 KB, with what makes real prompts dear: quotes, newlines and backslashes on every line. */
export function agentBody(wire: Wire, model: string, isStream: boolean): string {
  const system = systemText(48_000);
  if (wire === "chat") {
    const messages = [{ role: "system", content: system }, ...chatHistory()];
    const tools = toolList().map((tool) => ({ type: "function", function: tool }));
    return JSON.stringify({ ...opening(wire, model, isStream), messages, tools, tool_choice: "auto" });
  }
  const tools = toolList().map(({ parameters, ...tool }) => ({ ...tool, input_schema: parameters }));
  const blocks = [{ type: "text", text: system, cache_control: { type: "ephemeral" } }];
  return JSON.stringify({
    ...opening(wire, model, isStream),
    system: blocks,
    messages: messagesHistory(),
    tools,
    tool_choice: { type: "auto" },
  });
}

function opening(wire: Wire, model: string, isStream: boolean): Record<string, unknown> {
  if (wire === "messages") return { model, max_tokens: 8192, ...(isStream ? { stream: true } : {}) };
  return {
    model,
    max_completion_tokens: 8192,
    ...(isStream ? { stream: true, stream_options: { include_usage: true } } : {}),
  };
}

function chatHistory(): unknown[] {
  const turns = [];
  for (let turn = 0; turn < 6; turn++) {
    const id = `call_${turn}`;
    const call = { id, type: "function", function: { name: "tool_0", arguments: argumentsText(turn) } };
    turns.push({ role: "user", content: filler(300) });
    turns.push({ role: "assistant", content: null, tool_calls: [call] });
    turns.push({ role: "tool", tool_call_id: id, content: systemText(4_000) });
  }
  return [...turns, { role: "user", content: "Now fix the failing test." }];
}

function messagesHistory(): unknown[] {
  const turns: unknown[] = [{ role: "user", content: [{ type: "text", text: filler(300) }] }];
  for (let turn = 0; turn < 6; turn++) {
    const id = `toolu_${turn}`;
    const input: unknown = JSON.parse(argumentsText(turn));
    turns.push({ role: "assistant", content: [{ type: "tool_use", id, name: "tool_0", input }] });
    const result = { type: "tool_result", tool_use_id: id, content: systemText(4_000) };
    const question = { type: "text", text: turn === 5 ? "Now fix the failing test." : filler(300) };
    turns.push({ role: "user", content: [result, question] });
  }
  return turns;
}

function toolList(): { name: string; description: string; parameters: Record<string, unknown> }[] {
  return Array.from({ length: toolCount }, (_, each) => ({
    name: `tool_${each}`,
    description: filler(400),
    parameters: {
      type: "object",
      required: ["path"],
      additionalProperties: false,
      properties: {
        path: { type: "string", description: filler(80) },
        mode: { type: "string", enum: ["read", "write", "append"] },
        limit: { type: "integer", minimum: 1, maximum: 2000, description: filler(80) },
        edits: { type: "array", items: { type: "object", properties: { from: { type: "string" } } } },
      },
    },
  }));
}

function argumentsText(turn: number): string {
  return JSON.stringify({ path: `src/file-${turn}.ts`, mode: "read", limit: 200 });
}

function systemText(length: number): string {
  const line =
    '- Use the "read" tool first;\n  keep \\n and \t as they are, and write `const name = "value"`.\n';
  return line.repeat(Math.ceil(length / line.length)).slice(0, length);
}

function filler(length: number): string {
  const words = "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor ";
  return words.repeat(Math.ceil(length / words.length)).slice(0, length);
}
