// Rows about what stands around the words: names, system prompts, headers (the stock file).

import { asks, isTold, openclawSystem, type Row, user } from "./conversation.ts";

export const names: readonly Row[] = [
  ...asks("explicit-reasoner", "r1", "reasoner", "think", "R1", "Think", "REASONER"),
  ...asks("explicit-flash", "flash", "gemini", "vision", "Flash", "GEMINI"),
  ...asks("explicit-chat", "ds", "chat", "default", "DS", "Default", " ds "),
  ...asks("heartbeat", "heartbeat", "cheap", "flash-lite", "Flash-Lite"),
  ...asks("-> deepseek-chat", "deepseek-chat", "deepseek-chat/deepseek-chat"),
  ...asks("-> deepseek-reasoner", "deepseek-reasoner", "deepseek-reasoner/other"),
  ...asks("-> gemini-flash-lite", "gemini-flash-lite", "gemini-2.5-flash-lite"),
  ...asks("-> gemini-flash", "gemini-flash", "gemini-2.5-flash"),
  ...asks("-> openrouter-fallback", "openrouter-fallback", "deepseek/deepseek-chat"),
  // Substring matching sent all of these somewhere.
  ...asks(
    "404",
    "chatgpt-4o-latest",
    "deepseek-r1-lite",
    "r1-lite",
    "o1-think",
    "rethink",
    "gpt-4o",
    "adds",
    "r",
  ),
  ...asks("404", "gemini-pro-vision", "my-default", "r1:free", "openai/gpt-4o", "defaults", "cheaper"),
];

export const systemWords: readonly Row[] = [
  ...isTold(
    "heartbeat",
    "This is a heartbeat poll.",
    "HEARTBEAT",
    "Run the health check now.",
    "Status\n  check!",
  ),
  ...isTold("heartbeat", "Are you there?", "(heartbeat)", "task:heartbeat;", "Ein HEARTBEAT-Lauf"),
  ...isTold("subagent", "You are a subagent.", "You are a SUB-AGENT of main.", "One parallel task of five."),
  ...isTold("subagent", "This is a delegated task", "subagent心跳"),
  ...isTold(
    "short-message",
    "heartbeats",
    "myheartbeat",
    "Show heart beat",
    "Subagents exist.",
    "healthcheck",
  ),
  ...isTold("short-message", "status checks", "You think step by step about hello and refactor, debug."),
  ["the rules' order decides", "heartbeat", { system: "heartbeat of a subagent" }],
  ["a hint and a heartbeat prompt: the first rule", "heartbeat", { model: "r1", system: "heartbeat" }],
  [
    "a direct id outranks the system prompt",
    "-> deepseek-chat",
    { model: "deepseek-chat", system: "heartbeat" },
  ],
  [
    "an unknown name is not saved by the system prompt",
    "404",
    { model: "gpt-4o", system: "You are a subagent." },
  ],
  ["two system blocks", "subagent", { system: ["Be brief.", "You are a subagent."] }],
  ["a phrase across two system blocks", "subagent", { system: ["This is a parallel", "task for you."] }],
  [
    "OpenClaw's own prompt is not matched",
    "simple-query",
    { system: openclawSystem, messages: [user("hello")] },
  ],
  [
    "what the operator wrote before the mark is",
    "subagent",
    { system: `You are a subagent. ${openclawSystem}`, messages: [user("hello")] },
  ],
  [
    "the mark ends all blocks after it",
    "simple-query",
    { system: [openclawSystem, "subagent heartbeat"], messages: [user("hello")] },
  ],
  [
    "a system message in mid-conversation",
    "subagent",
    { messages: [user("Go."), { role: "system", content: [{ type: "text", text: "delegated task" }] }] },
  ],
];

export const headers: readonly Row[] = [
  ["x-openclaw-source: subagent", "subagent", { headers: { "x-openclaw-source": "subagent" } }],
  ["the header's value in capitals", "subagent", { headers: { "x-openclaw-source": "SUBAGENT:7" } }],
  ["a part of the header's value", "subagent", { headers: { "x-openclaw-source": "agent/subagents" } }],
  ["another value", "short-message", { headers: { "x-openclaw-source": "main" } }],
  ["another header", "short-message", { headers: { "x-source": "subagent" } }],
  ["an empty header", "short-message", { headers: { "x-openclaw-source": "" } }],
  [
    "a hint goes before the header",
    "explicit-flash",
    { model: "flash", headers: { "x-openclaw-source": "subagent" } },
  ],
];
