// The request that the stand-in sends upstream, or would send: the scripted model and a fake API get the same one.
// It must contain exactly what the real program was measured to send.

import { readFileSync } from "node:fs";
import { listOf, parsed, recordOf, textOf } from "../upstream/json.ts";
import type { Json } from "../upstream/json.ts";
import { wireModel } from "./options.ts";
import type { Session } from "./session.ts";
import type { ClientTool } from "./tool-servers.ts";

const descriptionLimit = 2048;
const builtin = {
  name: "Bash",
  description: "Runs a command.",
  input_schema: { type: "object", properties: {} },
};

export function requestBody(session: Session, tools: readonly ClientTool[]): Json {
  const model = wireModel(session.model);
  const maxOutput = session.does("ignores-max-output")
    ? undefined
    : session.env("CLAUDE_CODE_MAX_OUTPUT_TOKENS");
  const hasBudget = /haiku|sonnet-4-5/.test(model);
  const effort = session.effort ?? (hasBudget ? null : "high");
  const extra = session.does("ignores-extra-body")
    ? {}
    : recordOf(parsed(session.env("CLAUDE_CODE_EXTRA_BODY") ?? "{}"));
  return {
    model,
    messages: withSurroundings(
      session,
      merged(session.conversation.map((message) => withFiles(session, message))),
    ),
    system: systemOf(session),
    tools: toolsOf(session, tools),
    metadata: { user_id: JSON.stringify({ device_id: "fake", account_uuid: "", session_id: session.id }) },
    max_tokens: maxOutput === undefined ? (hasBudget ? 32_000 : 64_000) : Number(maxOutput),
    thinking: thinkingOf(session, hasBudget),
    ...(effort === null ? {} : { output_config: { effort } }),
    stream: true,
    ...extra,
  };
}

function thinkingOf(session: Session, hasBudget: boolean): Json {
  const isOff = session.maxThinkingTokens === 0 || session.options.thinking === "disabled";
  if (isOff && !session.does("keeps-thinking")) return { type: "disabled" };
  return hasBudget
    ? { type: "enabled", budget_tokens: session.maxThinkingTokens ?? 31_999 }
    : { type: "adaptive" };
}

function systemOf(session: Session): readonly Json[] {
  const own = session.systemPrompt ?? "You are the stand-in's long default prompt.";
  const texts = [
    `x-anthropic-billing-header: cc_version=${session.faults.version ?? "2.1.197"}; cc_entrypoint=sdk-cli;`,
    "You are a Claude agent, built on Anthropic's Claude Agent SDK.",
    own + (session.options.appendSystemPrompt === "" ? "" : `\n\n${session.options.appendSystemPrompt}`),
  ];
  return texts.filter(Boolean).map((text) => ({ type: "text", text }));
}

function toolsOf(session: Session, tools: readonly ClientTool[]): readonly Json[] {
  const limit = session.does("cuts-descriptions-early") ? 100 : descriptionLimit;
  const offered = tools.map(({ wireName, definition }) => ({
    name: wireName,
    description: textOf(definition["description"]).slice(0, limit),
    input_schema: session.does("changes-schemas") ? { type: "object" } : definition["inputSchema"],
  }));
  if (session.jsonSchema !== undefined)
    offered.push({
      name: "StructuredOutput",
      description: "Give the answer here.",
      input_schema: session.jsonSchema,
    });
  const names = session.options.tools;
  const hasBuiltin =
    (names !== null && names.split(/[ ,]+/).some((name) => name === "Bash" || name === "default")) ||
    names === null;
  return [...(hasBuiltin || session.does("shows-builtin-tools") ? [builtin] : []), ...offered].toSorted(
    (one, other) => one.name.localeCompare(other.name),
  );
}

const blocksOf = (content: unknown): readonly unknown[] =>
  typeof content === "string" ? [{ type: "text", text: content }] : listOf(content);

function merged(messages: readonly Json[]): readonly Json[] {
  const joined: { role: unknown; content: readonly unknown[] }[] = [];
  for (const { role, content } of messages) {
    const last = joined.at(-1);
    if (last !== undefined && last.role === role) last.content = [...last.content, ...blocksOf(content)];
    else joined.push({ role, content: blocksOf(content) });
  }
  return joined;
}

const isPlain = (session: Session): boolean =>
  /^(?:1|true|yes|on)$/i.test(session.env("CLAUDE_CODE_SIMPLE") ?? "");

/** As 2.1.332 does, after the first message. */
function withSurroundings(session: Session, messages: readonly Json[]): readonly Json[] {
  if (isPlain(session) || !session.does("tells-surroundings")) return messages;
  const text = `# Environment\n - Primary working directory: ${process.cwd()}\n - Platform: linux`;
  const [first = {}, ...rest] = messages;
  return [first, { role: "system", content: [{ type: "text", text }] }, ...rest];
}

/** "@path" in a person's text becomes that file's text, unless attachments are off. */
function withFiles(session: Session, message: Json): Json {
  const isOff =
    session.env("CLAUDE_CODE_DISABLE_ATTACHMENTS") === "1" &&
    !session.does("expands-paths") &&
    (isPlain(session) || !session.does("expands-paths-unless-plain"));
  if (isOff || message["role"] !== "user") return message;
  const texts = blocksOf(message["content"]).map((block) => textOf(recordOf(block)["text"]));
  const paths = texts.flatMap((text) =>
    Array.from(text.matchAll(/(?:^|\s)@(\S+)/g), (found) => found[1] ?? ""),
  );
  const files = paths.flatMap((path) => {
    try {
      return [readFileSync(path, "utf8")];
    } catch {
      return [];
    }
  });
  if (files.length === 0) return message;
  const reminders = files.map((text) => ({
    type: "text",
    text: `<system-reminder>Called the Read tool: ${text}</system-reminder>`,
  }));
  return { ...message, content: [...blocksOf(message["content"]), ...reminders] };
}
