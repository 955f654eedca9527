// Answers one request: the conversation that waits for it or a new one, its events, and the end of its process. It must
// never leave a process behind: when the answer is over, its process is parked or being stopped.

import type { StreamEvent } from "../../../canon/event.ts";
import { foldReply } from "../../../canon/reply.ts";
import type { Message } from "../../../canon/request.ts";
import { ignoreNote } from "../../../dialects/adaptation-notes.ts";
import { type TurnDecoder, type TurnEnd, turnDecoder } from "../../../dialects/claude-code/decode-turn.ts";
import type { EncodeOptions } from "../../../dialects/claude-code/encode-turn.ts";
import { forcedTool } from "../../../dialects/claude-code/forced-tool.ts";
import { sumUsage } from "../../../dialects/claude-code/usage.ts";
import { isThinkingOff } from "../../../dialects/fit-to-model.ts";
import type { Clock } from "../../../system/clock.ts";
import { abortReason } from "../../agent-process/bounded-wait.ts";
import type { AgentProcess } from "../../agent-process/child-process.ts";
import { conversationFingerprint } from "../../agent-process/conversation-fingerprint.ts";
import type { StopHow } from "../../agent-process/disposal.ts";
import type { ParkedProcesses } from "../../agent-process/parked.ts";
import type { Pool } from "../../agent-process/pool.ts";
import { deadlineOf, turnEvents } from "../../agent-process/turn-events.ts";
import type { Call } from "../../backend.ts";
import { paysByVariable } from "../launch.ts";
import type { Prepared, ProcessOrder } from "../prepared.ts";
import { answeringProgram } from "../program-facts.ts";
import type { Conversation, ConversationTimeouts } from "./conversation.ts";
import { startConversation } from "./new-conversation.ts";
import { resume } from "./resume.ts";

/** What all turns of one backend share. */
export type TurnParts = {
  readonly pool: Pool<ProcessOrder>;
  readonly parkedProcesses: ParkedProcesses<Conversation>;
  readonly clock: Clock;
  readonly dispose: (child: AgentProcess, how?: StopHow) => void;
  readonly timeouts: ConversationTimeouts;
  /** Total time limit of one answer. */
  readonly timeoutMs: number;
  readonly uuid: () => string;
  readonly onChoice: ((call: Call, what: string) => void) | undefined;
  readonly onStarted: ((prepared: Prepared) => void) | undefined;
  /** Processes are no longer parked. */
  isStopped: boolean;
};

export type Turn = { readonly prepared: Prepared; readonly call: Call; readonly wantsThinking: boolean };

/** Throws a Failure. */
export async function* answerTurn(
  parts: TurnParts,
  turn: Turn,
): AsyncGenerator<readonly StreamEvent[], void, void> {
  const { prepared, call } = turn;
  const { clock } = parts;
  const { signal } = call;
  const { restore } = prepared;
  const deadlineMs = deadlineOf(clock, parts.timeoutMs);
  const report = (what: string): void => parts.onChoice?.(call, what);
  const conversation = await conversationFor(parts, turn, report);
  // While the client does not read, only this listener notices an abort.
  const kill = (): void => parts.dispose(conversation.channel.child);
  signal.addEventListener("abort", kill, { once: true });
  let isParked = false;
  try {
    if (signal.aborted) throw abortReason(signal);
    const decoder = decoderFor(parts, turn, conversation);
    const said: StreamEvent[] = [];
    let hasHeaders = false;
    let hasBegun = false;
    for await (const { batch, end } of turnEvents({
      program: answeringProgram,
      channel: conversation.channel,
      decoder,
      clock,
      signal,
      deadlineMs,
      firstLineMs: parts.timeouts.beginMs,
      runsTools: prepared.runsTools,
    })) {
      if (!hasHeaders && decoder.hasStarted()) {
        hasHeaders = true;
        parts.pool.refillNow(prepared.key);
        call.onHeaders(200);
      }
      if (!hasBegun && batch.some(isStart)) {
        hasBegun = true;
        parts.onStarted?.(prepared);
      }
      said.push(...batch);
      if (end === null) {
        yield restore === null ? batch : batch.map(restore);
        continue;
      }
      // It needs 40 ms for a TERM, and asks again in less: seen in 7 of 8 cut-off answers on 2.1.329.
      const asksAgain = end.kind === "finished" ? end.asksAgain === true : isForced(prepared);
      if (asksAgain) parts.dispose(conversation.channel.child, { atOnce: true });
      conversation.costUsd = decoder.costUsd();
      // Before the client can see the end: its next request may come immediately.
      isParked = park(parts, turn, conversation, { end, said });
      if (isParked) {
        report("it waits for the next turn");
        // A client that leaves now may still come back: from here on the process belongs to the parking.
        signal.removeEventListener("abort", kill);
      }
      const closing = withUnreportedUsage(closingEvent(end), conversation);
      yield restore === null ? [...batch, closing] : [...batch.map(restore), closing];
      return;
    }
  } finally {
    signal.removeEventListener("abort", kill);
    if (!isParked) kill();
  }
}

async function conversationFor(
  parts: TurnParts,
  { prepared, call }: Turn,
  report: (what: string) => void,
): Promise<Conversation> {
  const { clock, dispose, parkedProcesses, timeouts } = parts;
  const { signal } = call;
  const encoding: EncodeOptions = {
    model: call.model,
    ownTools: prepared.ownTools,
    alwaysThinks: prepared.alwaysThinks === true,
    adaptsThinking: prepared.adaptsThinking === true,
    effort: prepared.effort,
    history: prepared.history ?? "lines",
    note: call.note ?? ignoreNote,
    unsupported: call.unsupported ?? (() => undefined),
    uuid: parts.uuid,
  };
  const limits = { clock, signal, limitMs: timeouts.warmMs };
  const resumed = await resume({ parkedProcesses, prepared, call, encoding, dispose, ...limits });
  if (resumed === null) return startConversation(parts, { prepared, signal, encoding, report });
  report("the process that waited for this turn");
  return resumed;
}

function decoderFor(
  { clock }: TurnParts,
  { prepared, call, wantsThinking }: Turn,
  conversation: Conversation,
): TurnDecoder {
  return turnDecoder({
    names: conversation.names,
    showsThinking: wantsThinking || (prepared.showsThinking && !isThinkingOff(prepared.request)),
    runsTools: prepared.runsTools,
    wantsJson: prepared.request.format?.type === "json-schema",
    mustCall: isForced(prepared),
    costBefore: conversation.costUsd,
    nowMs: () => clock.nowMs(),
    onLimit: (event) => call.onAllowance?.(event),
    onKeyless: () => {
      if (!paysByVariable(prepared.order.launch.env)) call.onFlatRate?.();
    },
  });
}

/** False: the process is the caller's to stop. */
function park(
  { parkedProcesses, isStopped }: TurnParts,
  { prepared, call }: Turn,
  conversation: Conversation,
  answer: { readonly end: TurnEnd; readonly said: readonly StreamEvent[] },
): boolean {
  const { end, said } = answer;
  if (isStopped || call.signal.aborted || end.kind === "failed") return false;
  // It would continue with the tool that replaced the client's.
  if (isForced(prepared)) return false;
  if (end.kind === "finished" && (end.mustStop || prepared.request.format?.type === "json-schema"))
    return false;
  const reply = foldReply([...said, end.finish]);
  const message: Message = { role: "assistant", content: reply.content };
  const calls = reply.content.flatMap((block) =>
    block.type === "tool-call" ? [{ id: block.id, name: conversation.names.toWire(block.name) }] : [],
  );
  const messages = [...prepared.request.messages, message];
  return parkedProcesses.park({
    tenant: call.tenant ?? "",
    fingerprint: conversationFingerprint(prepared.request, messages, prepared.key),
    calls,
    conversation,
  });
}

const isStart = ({ type }: StreamEvent): boolean => type === "start";

function isForced({ request, alwaysThinks }: Prepared): boolean {
  return forcedTool(request, alwaysThinks === true) !== null;
}

function closingEvent(end: TurnEnd): StreamEvent {
  return end.kind === "failed" ? { type: "failure", failure: end.failure } : end.finish;
}

/** A reported cost covers everything since the previous report. */
function withUnreportedUsage(event: StreamEvent, conversation: Conversation): StreamEvent {
  if (event.type !== "finish") return event;
  const { unreportedUsage } = conversation;
  if (event.costUsd === undefined) {
    conversation.unreportedUsage = sumUsage(unreportedUsage, event.usage);
    return event;
  }
  conversation.unreportedUsage = null;
  return unreportedUsage === null ? event : { ...event, costCovers: unreportedUsage };
}
