// Request bodies: a one-line question, and a turn of a coding agent as real clients sent it (OpenClaw 2026.9 on chat,
// Claude Code 2.1 on messages; long prose replaced by filler of the same length). They must stay the same from run to run.

import claudeCode from "./bodies/claude-code-messages.json";
import openClaw from "./bodies/openclaw-chat.json";
import type { Wire } from "./upstream-answers.ts";

const agentBytes = 100_000;

export function smallBody(wire: Wire, model: string, isStream: boolean): string {
  const limit = wire === "messages" ? { max_tokens: 8192 } : { max_completion_tokens: 8192 };
  return JSON.stringify({
    model,
    ...limit,
    ...streaming(wire, isStream),
    messages: [{ role: "user", content: filler(400) }],
  });
}

/** At least 100 KB: the client's own request, and for the shorter one a file that its tool has read. */
export function agentBody(wire: Wire, model: string, isStream: boolean): string {
  if (wire === "messages") {
    const { model: _model, stream: _stream, ...rest } = claudeCode;
    return JSON.stringify({ model, ...streaming(wire, isStream), ...rest });
  }
  const { model: _model, stream: _stream, stream_options: _options, ...chat } = openClaw;
  const [system] = chat.messages;
  const text = String(system?.content).slice(0, agentBytes - JSON.stringify(chat).length);
  const call = {
    id: "call_0",
    type: "function",
    function: { name: "read", arguments: '{"path":"NOTES.md"}' },
  };
  const messages = [
    ...chat.messages,
    { role: "assistant", content: null, tool_calls: [call] },
    { role: "tool", tool_call_id: "call_0", content: text },
  ];
  return JSON.stringify({ model, ...streaming(wire, isStream), ...chat, messages });
}

function streaming(wire: Wire, isStream: boolean): Record<string, unknown> {
  if (!isStream) return {};
  return wire === "messages" ? { stream: true } : { stream: true, stream_options: { include_usage: true } };
}

function filler(length: number): string {
  const words = "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor ";
  return words.repeat(Math.ceil(length / words.length)).slice(0, length);
}
