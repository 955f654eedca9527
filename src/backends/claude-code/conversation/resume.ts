// Continues with a parked process: with the client's results for its waiting tool calls, or with the user's next message.
// It must never answer a call twice, nor continue where the request differs from what the process knows.

import { Failure } from "../../../canon/failure.ts";
import { normaliseToolId } from "../../../canon/id.ts";
import { forcedTool } from "../../../dialects/claude-code/forced-tool.ts";
import { type EncodeOptions, encodeSetup, encodeNext } from "../../../dialects/claude-code/encode-turn.ts";
import type { ProtocolLine } from "../../../dialects/claude-code/protocol-lines.ts";
import { toolResult } from "../../../dialects/claude-code/offered-tools.ts";
import type { Clock } from "../../../system/clock.ts";
import type { Call } from "../../backend.ts";
import type { ControlChannel } from "./control-channel.ts";
import { type AgentProcess, isUsable } from "../../agent-process/child-process.ts";
import { applySettings, sendQuestion, type Conversation } from "./conversation.ts";
import {
  continuationOf,
  type Continuation,
  conversationFingerprint,
} from "../../agent-process/conversation-fingerprint.ts";
import type { ParkedProcess, ParkedProcesses } from "../../agent-process/parked.ts";
import type { Prepared } from "../prepared.ts";
import { answeringProgram } from "../program-facts.ts";
import { abortReason, waitForEvent, tookTooLong } from "../../agent-process/bounded-wait.ts";

type ResumeRequest = {
  readonly parkedProcesses: ParkedProcesses<Conversation>;
  readonly prepared: Prepared;
  readonly call: Call;
};

export type ResumeOptions = ResumeRequest & {
  readonly encoding: EncodeOptions;
  readonly dispose: (child: AgentProcess) => void;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Time limit of one answer. */
  readonly limitMs: number;
};

/** The conversation, already asked; null where no parked process matches: then no model was asked. */
export async function resume(options: ResumeOptions): Promise<Conversation | null> {
  const { parkedProcesses, prepared, call, signal } = options;
  const tenant = call.tenant ?? "";
  if (!parkedProcesses.hasAny(tenant)) return null;
  const next = nextOf(prepared);
  const results = next === null ? null : resultsOf(next);
  const parked =
    next === null || results === null
      ? null
      : parkedProcesses.take(
          tenant,
          conversationFingerprint(prepared.request, next.prefix, prepared.key),
          idsOf(next),
        );
  if (next === null || results === null || parked === null) {
    parkedProcesses.abandon(tenant, answeredIn(prepared));
    return null;
  }
  const { child } = parked.conversation.channel;
  if (!(await isUsable(child))) {
    options.dispose(child);
    return null;
  }
  try {
    await continueWith(parked, next, results, options);
    return parked.conversation;
  } catch (thrown) {
    options.dispose(child);
    if (signal.aborted) throw abortReason(signal);
    if (!(thrown instanceof Failure)) throw thrown;
    // The process was lost before it asked its model, so a fresh one can get the whole conversation.
    return null;
  }
}

export function canResume({ parkedProcesses, prepared, call }: ResumeRequest): boolean {
  const next = nextOf(prepared);
  if (next === null || resultsOf(next) === null) return false;
  const print = conversationFingerprint(prepared.request, next.prefix, prepared.key);
  return parkedProcesses.has(call.tenant ?? "", print, idsOf(next));
}

async function continueWith(
  parked: ParkedProcess<Conversation>,
  next: Continuation,
  results: ReadonlyMap<string, ProtocolLine>,
  options: ResumeOptions,
): Promise<void> {
  const { conversation } = parked;
  const { live, lastWords } = encodeSetup(options.prepared.request, options.encoding);
  // A forced tool choice is cleared here too, before the answer makes the program ask again.
  await applySettings(conversation, live, options);
  if (results.size > 0) conversation.tools.answer(results, parked.calls);
  else {
    const frame = { names: conversation.names, lastWords };
    const line = encodeNext(next.words, frame, options.encoding);
    await sendQuestion(conversation, line, options);
  }
  // A process that runs its own tools may be silent until they are done, and their effects must not be repeated.
  if (!options.prepared.runsTools) await awaitFirstLine(conversation.channel, options);
}

/** The program prints a line before it asks its model: one that hangs or dies without a line has not asked it. */
async function awaitFirstLine(
  channel: ControlChannel,
  { clock, signal, limitMs }: ResumeOptions,
): Promise<void> {
  let isReady = false;
  const source: Pick<ControlChannel, "onReady"> = {
    onReady: (run) =>
      channel.onReady(() => {
        isReady = true;
        run();
      }),
  };
  await waitForEvent(source, { clock, signal, limitMs });
  if (signal.aborted) throw abortReason(signal);
  if (channel.isOver()) throw channel.endFailure();
  if (!isReady) throw tookTooLong(answeringProgram, "go on");
}

/** Null for what only a fresh process can do: a replacement tool must be there from the start. */
function nextOf({ request, alwaysThinks }: Prepared): Continuation | null {
  return forcedTool(request, alwaysThinks === true) === null ? continuationOf(request) : null;
}

const idsOf = (next: Continuation): string[] => next.results.map((result) => result.callId);

/** Null where the tool server cannot carry a result. */
function resultsOf(next: Continuation): ReadonlyMap<string, ProtocolLine> | null {
  const results = new Map<string, ProtocolLine>();
  for (const block of next.results) {
    const result = toolResult(block);
    if (result === null) return null;
    results.set(normaliseToolId(block.callId), result);
  }
  return results;
}

function answeredIn({ request }: Prepared): string[] {
  return request.messages.flatMap(({ content }) =>
    content.flatMap((block) => (block.type === "tool-result" ? [block.callId] : [])),
  );
}
