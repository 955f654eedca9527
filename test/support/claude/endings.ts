// What the stand-in prints around a turn: init before it, one result after it, and what replaces both when the turn is
// interrupted, breaks off or never goes upstream. It must never print a second result.

import { textOf } from "../upstream/json.ts";
import type { Json } from "../upstream/json.ts";
import type { Failed } from "./modes.ts";
import { fullModel } from "./options.ts";
import type { Session, Usage } from "./session.ts";
import type { ToolServers } from "./tool-servers.ts";

/** The state of a turn, for code that breaks it off. */
export type Progress = {
  message: Json;
  /** The block that is being printed. */
  growing: Json | null;
  /** Ids of calls without an answer. */
  readonly unanswered: Set<string>;
  /** Printed in this turn; the program counts them as turns. */
  userLines: number;
  usage: Usage;
  stopReason: string | null;
};

export const nothing: Usage = { input: 0, cached: 0, written: 0, output: 0 };

export const newProgress = (): Progress => ({
  message: {},
  growing: null,
  unanswered: new Set(),
  userLines: 0,
  usage: nothing,
  stopReason: null,
});

type Ending = {
  readonly text: string;
  readonly stopReason: string | null;
  readonly turns: number;
  readonly usage: Usage;
  readonly failed: Failed | null;
  readonly structured: unknown;
  readonly late: readonly Json[];
};

export function printInit(session: Session, servers: ToolServers): void {
  session.print({
    type: "system",
    subtype: "init",
    cwd: process.cwd(),
    tools: servers.tools().map(({ wireName }) => wireName),
    mcp_servers: servers.states(),
    model: fullModel(session.model),
    permissionMode: session.options.permissionMode,
    slash_commands: [],
    apiKeySource: process.env["ANTHROPIC_API_KEY"] ? "ANTHROPIC_API_KEY" : "none",
    claude_code_version: session.faults.version ?? "2.1.197",
    agents: ["claude", "Explore", "general-purpose"],
    skills: [],
    plugins: [],
  });
}

export function synthetic(session: Session, text: string): Json {
  return {
    id: session.nextId("msg"),
    model: "<synthetic>",
    role: "assistant",
    stop_reason: "stop_sequence",
    stop_sequence: "",
    type: "message",
    usage: { input_tokens: 0, output_tokens: 0 },
    content: [{ type: "text", text }],
  };
}

/** A text that never went upstream, answered by the program itself. */
export function answerItself(session: Session, servers: ToolServers, text: string): void {
  printInit(session, servers);
  session.print({ type: "assistant", message: synthetic(session, text), parent_tool_use_id: null });
  session.print({ ...resultOf(session, nothing), num_turns: 0, result: text, stop_reason: null });
}

/** The result of a line that only supplies history. */
export function acceptHistory(session: Session, servers: ToolServers): void {
  printInit(session, servers);
  const { api_error_status: _status, terminal_reason: _reason, ...result } = resultOf(session, nothing);
  session.print({ ...result, num_turns: 0, result: "", stop_reason: null });
}

const rejection = "The user doesn't want to proceed with this tool use. The tool use was rejected.";

/** What the program prints when a turn is interrupted, after acknowledging it. */
export function printInterruption(session: Session, progress: Progress, heldTool: boolean): void {
  const user = (content: readonly Json[]): void => {
    progress.userLines += 1;
    session.conversation.push({ role: "user", content });
    session.print({ type: "user", message: { role: "user", content }, parent_tool_use_id: null });
  };
  const { growing, message, stopReason, usage, unanswered } = progress;
  if (growing !== null && textOf(growing["text"]) !== "")
    session.print({
      type: "assistant",
      message: { ...message, content: [growing] },
      parent_tool_use_id: null,
    });
  if (heldTool)
    user(
      Array.from(unanswered, (id) => ({
        type: "tool_result",
        content: rejection,
        is_error: true,
        tool_use_id: id,
      })),
    );
  const words = heldTool ? "[Request interrupted by user for tool use]" : "[Request interrupted by user]";
  user([{ type: "text", text: words }]);
  const errors = [`[ede_diagnostic] result_type=user last_content_type=n/a stop_reason=${stopReason}`];
  breakOff(session, "error_during_execution", errors, heldTool ? "aborted_tools" : "aborted_streaming", {
    ...resultOf(session, usage),
    num_turns: 1 + progress.userLines,
    stop_reason: stopReason,
  });
}

export function breakOff(
  session: Session,
  subtype: string,
  errors: readonly string[],
  terminalReason: string,
  base: Json = resultOf(session, nothing),
): void {
  session.lastWasError = true;
  const { result: _text, ...result } = base;
  session.print({ ...result, subtype, is_error: true, errors, terminal_reason: terminalReason });
}

export function finish(session: Session, ending: Ending): void {
  const { failed, usage, structured } = ending;
  for (const line of ending.late) session.print(line);
  session.lastWasError = failed !== null;
  const spent = sum(
    session.spent.get(fullModel(session.model)) ?? nothing,
    failed === null ? usage : nothing,
  );
  session.spent.set(fullModel(session.model), spent);
  if (failed === null) session.costUsd += costOf(usage);
  session.print({
    ...resultOf(session, failed === null ? usage : nothing),
    is_error: failed !== null,
    api_error_status: failed?.status ?? null,
    num_turns: ending.turns,
    result: failed?.text ?? (structured === undefined ? ending.text : JSON.stringify(structured)),
    stop_reason: failed === null ? ending.stopReason : "stop_sequence",
    terminal_reason: failed?.terminalReason ?? "completed",
    ...(structured === undefined ? {} : { structured_output: structured }),
  });
  if (failed !== null && session.does("dies-of-api-errors")) session.die(1);
}

function resultOf(session: Session, usage: Usage): Json {
  const inModel = ({ input, cached, written, output }: Usage): Json => ({
    inputTokens: input,
    outputTokens: output,
    cacheReadInputTokens: cached,
    cacheCreationInputTokens: written,
    webSearchRequests: 0,
    costUSD: session.costUsd,
  });
  return {
    type: "result",
    subtype: "success",
    is_error: false,
    api_error_status: null,
    duration_ms: 10,
    duration_api_ms: 5,
    num_turns: 1,
    result: "",
    total_cost_usd: session.costUsd,
    usage: {
      input_tokens: usage.input,
      cache_creation_input_tokens: usage.written,
      cache_read_input_tokens: usage.cached,
      output_tokens: usage.output,
    },
    modelUsage: Object.fromEntries([...session.spent].map(([model, spent]) => [model, inModel(spent)])),
    permission_denials: [],
    terminal_reason: "completed",
  };
}

const costOf = ({ input, cached, written, output }: Usage): number =>
  (input * 5 + written * 6.25 + cached * 0.5 + output * 25) / 1_000_000;

export function sum(one: Usage, other: Usage): Usage {
  return {
    input: one.input + other.input,
    cached: one.cached + other.cached,
    written: one.written + other.written,
    output: one.output + other.output,
  };
}
