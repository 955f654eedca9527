// One process with its conversation: opened with a prompt, fed with a history, asked, and asked again. It must never send
// the line that asks before the program has shown that it works: otherwise a retry could be billed twice.

import type { Usage } from "../../../canon/usage.ts";
import type { CliTurn } from "../../../dialects/claude-code/encode-turn.ts";
import {
  isResult,
  type ProtocolLine,
  modelInUse,
  asModel,
} from "../../../dialects/claude-code/protocol-lines.ts";
import { type LiveSettings, settingsRequests } from "../../../dialects/claude-code/live-settings.ts";
import type { ToolNames } from "../../../dialects/claude-code/client-tool-names.ts";
import type { Clock } from "../../../system/clock.ts";
import { answeringProgram } from "../program-facts.ts";
import { type ControlChannel, endedEarly, openControlChannel } from "./control-channel.ts";
import type { AgentProcess } from "../../agent-process/child-process.ts";
import { clientToolServer } from "../launch.ts";
import { type ClientTools, createClientTools } from "./client-tools.ts";
import {
  abortReason,
  waitForEvent,
  tookTooLong,
  type WaitLimits,
  within,
} from "../../agent-process/bounded-wait.ts";

export type Conversation = {
  readonly channel: ControlChannel;
  readonly tools: ClientTools;
  readonly names: ToolNames;
  /** The program's current settings. */
  live: LiveSettings;
  /** What the process has cost so far, in US dollars. */
  costUsd: number;
  /** Usage since the last reported cost: turns that ended in a call report none. */
  unreportedUsage: Usage | null;
};

export type ConversationTimeouts = {
  /** Time for the program to answer `initialize`. */
  readonly beginMs: number;
  /** The same for a warm process: it takes a tenth of a second, and another process can replace it. */
  readonly warmMs: number;
  /** Time for one history message to be read. */
  readonly historyMs: number;
};

export const defaultTimeouts: ConversationTimeouts = { beginMs: 30_000, warmMs: 5_000, historyMs: 30_000 };

type WaitOptions = { readonly clock: Clock; readonly signal: AbortSignal; readonly limitMs: number };

export type OpenOptions = WaitOptions & {
  readonly turn: Pick<CliTurn, "systemPrompt" | "tools" | "names" | "jsonSchema" | "live">;
  /** What the process was started with. */
  readonly fresh: LiveSettings;
};

/** Settles when the program has accepted prompt, tools and settings. The caller must stop the child. */
export async function openConversation(child: AgentProcess, options: OpenOptions): Promise<Conversation> {
  const { turn, fresh } = options;
  // A line that cannot be sent means that the process is gone, which the reader of its lines detects.
  const tools = createClientTools(turn.tools, (line) => void channel.send(line).catch(() => undefined));
  const channel = openControlChannel(child, (request) => tools.take(request));
  const initialize: ProtocolLine = {
    subtype: "initialize",
    systemPrompt: [turn.systemPrompt],
    ...(turn.tools.length > 0 ? { sdkMcpServers: [clientToolServer] } : {}),
    ...(turn.jsonSchema === null ? {} : { jsonSchema: turn.jsonSchema }),
  };
  const asked = [initialize, ...settingsRequests(fresh, turn.live)].map((request) => channel.ask(request));
  await within(Promise.all(asked), limitsOf(options), "begin");
  return { channel, tools, names: turn.names, live: turn.live, costUsd: 0, unreportedUsage: null };
}

/** Sends the history, message by message, without asking. */
export async function feedHistory(
  conversation: Conversation,
  steps: CliTurn["steps"],
  waiting: WaitOptions,
): Promise<void> {
  const { channel } = conversation;
  const limits = limitsOf(waiting);
  let model: string | null = null;
  for (const { line, awaits } of steps) {
    await within(channel.send(model === null ? line : asModel(line, model)), limits, "take the history");
    if (awaits === "result") model = (await awaitResult(channel, limits)) ?? model;
  }
}

/** The line that makes the program ask its model. */
export function sendQuestion(
  conversation: Conversation,
  last: ProtocolLine,
  waiting: WaitOptions,
): Promise<void> {
  return within(conversation.channel.send(last), limitsOf(waiting), "take the request");
}

/** Reads to the result of a history line. Returns the model that the program reported. */
async function awaitResult(channel: ControlChannel, limits: WaitOptions): Promise<string | null> {
  let model: string | null = null;
  const untilMs = limits.clock.monotonicMs() + limits.limitMs;
  for (;;) {
    for (let line = channel.take(); line !== null; line = channel.take()) {
      model = modelInUse(line) ?? model;
      if (!isResult(line)) continue;
      if (line["is_error"] === true) throw endedEarly(line);
      return model;
    }
    if (limits.signal.aborted) throw abortReason(limits.signal);
    if (channel.isOver()) throw channel.endFailure();
    const limitMs = untilMs - limits.clock.monotonicMs();
    if (limitMs <= 0) throw tookTooLong(answeringProgram, "take the history");
    await waitForEvent(channel, { ...limits, limitMs });
  }
}

/** New settings for the next answer of a conversation that continues. */
export async function applySettings(
  conversation: Conversation,
  live: LiveSettings,
  waiting: WaitOptions,
): Promise<void> {
  const requests = settingsRequests(conversation.live, live);
  conversation.live = live;
  if (requests.length === 0) return;
  const asked = requests.map((request) => conversation.channel.ask(request));
  await within(Promise.all(asked), limitsOf(waiting), "take the settings");
}

function limitsOf({ clock, signal, limitMs }: WaitOptions): WaitLimits {
  return { program: answeringProgram, clock, signal, limitMs };
}
