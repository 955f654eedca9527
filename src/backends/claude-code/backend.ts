// The user's own Claude Code program as a backend: a conversation that goes on where it can, else a fresh process, then the answer.
// It must never leave a process behind: each is parked, or stopped, or the pool's.

import type { ChatRequest, Message } from "../../canon/request.ts";
import type { StreamEvent } from "../../canon/event.ts";
import { Failure, failureFrom } from "../../canon/failure.ts";
import { foldReply } from "../../canon/reply.ts";
import { ignoreNote, asksForThinking } from "../../dialects/adaptation-notes.ts";
import { type TurnEnd, turnDecoder } from "../../dialects/claude-code/decode-turn.ts";
import type { EncodeOptions } from "../../dialects/claude-code/encode-turn.ts";
import { forcedTool } from "../../dialects/claude-code/forced-tool.ts";
import { unsupportedStops } from "../../dialects/claude-code/live-settings.ts";
import { sumUsage } from "../../dialects/claude-code/usage.ts";
import type { TargetFacts } from "../../dialects/dialect.ts";
import { isThinkingOff } from "../../dialects/fit-to-model.ts";
import type { Clock } from "../../system/clock.ts";
import type { Backend, Call } from "../backend.ts";
import type { AgentProcess } from "../agent-process/child-process.ts";
import { createConversationStarter } from "./conversation/new-conversation.ts";
import {
  type Conversation,
  type ConversationTimeouts,
  defaultTimeouts,
} from "./conversation/conversation.ts";
import { conversationFingerprint } from "../agent-process/conversation-fingerprint.ts";
import type { Launch } from "./launch.ts";
import { createParkedProcesses, type ParkedCounts, type ParkedLimits } from "../agent-process/parked.ts";
import { createPool, type PoolLimits } from "../agent-process/pool.ts";
import type { Prepared } from "./prepared.ts";
import { canResume, resume } from "./conversation/resume.ts";
import { closingEvent, deadlineOf, turnEvents } from "../agent-process/turn-events.ts";
import { abortReason, within } from "../agent-process/bounded-wait.ts";

export type ClaudeCodeBackendOptions = {
  readonly provider: string;
  readonly clock: Clock;
  /** Throws a Failure for a wish that cannot be followed. */
  readonly prepare: (request: ChatRequest, call: Call) => Promise<Prepared>;
  readonly startChild: (launch: Launch) => Promise<AgentProcess>;
  readonly childrenThatFit: () => Promise<number>;
  readonly warm: PoolLimits;
  readonly parked: ParkedLimits;
  /** For one answer in all. */
  readonly timeoutMs: number;
  readonly targetFacts: (model: string) => TargetFacts;
  readonly onTrouble: (error: unknown) => void;
  /** Told by which process a request is answered, and what became of that one. */
  readonly onChoice?: (call: Call, what: string) => void;
  readonly timeouts?: ConversationTimeouts;
  readonly uuid?: () => string;
};

export type ProcessCounts = {
  /** Answers that are being written. */
  readonly running: number;
  readonly warm: number;
  readonly parked: ParkedCounts;
  /** Processes that are on their way out. */
  readonly stopping: number;
};

export type ClaudeCodeBackend = Backend & {
  counts(): ProcessCounts;
  /** Starts a process ahead of such requests, where the settings and the machine allow it. */
  prime(prepared: Pick<Prepared, "key" | "launch">): void;
  /** Will this request go on with a process that waits for it? Such a one must not wait behind others for a turn. */
  continues(request: ChatRequest, call: Call): Promise<boolean>;
  /** Stop sequences that the hub has to look for. */
  unsupportedStops(request: ChatRequest): readonly string[];
  /** Settles when no process is left. */
  stop(): Promise<void>;
};

export function createClaudeCodeBackend(options: ClaudeCodeBackendOptions): ClaudeCodeBackend {
  const { clock } = options;
  const timeouts = options.timeouts ?? defaultTimeouts;
  const uuid = options.uuid ?? (() => crypto.randomUUID());
  const stopping = new Set<Promise<void>>();
  let running = 0;
  let isStopped = false;

  const dispose = (child: AgentProcess, how: { readonly atOnce?: true } = {}): void => {
    const stopped = child
      .stop(how)
      .catch(options.onTrouble)
      .finally(() => stopping.delete(stopped));
    stopping.add(stopped);
  };
  const pool = createPool({ ...options, limits: options.warm, start: options.startChild, dispose });
  const parkedProcesses = createParkedProcesses({
    clock,
    limits: options.parked,
    stop: ({ channel }) => dispose(channel.child),
  });

  const startConversation = createConversationStarter({ pool, clock, dispose, timeouts });

  const park = (
    prepared: Prepared,
    call: Call,
    conversation: Conversation,
    end: TurnEnd,
    said: readonly StreamEvent[],
  ): boolean => {
    if (isStopped || call.signal.aborted || end.kind === "failed") return false;
    // It would go on with the tool that stood for the client's.
    if (isForced(prepared)) return false;
    if (end.kind === "finished" && (end.mustStop || prepared.request.format?.type === "json-schema"))
      return false;
    const reply = foldReply([...said, end.finish]);
    const answer: Message = { role: "assistant", content: reply.content };
    const calls = reply.content.flatMap((block) =>
      block.type === "tool-call" ? [{ id: block.id, name: conversation.names.toWire(block.name) }] : [],
    );
    const messages = [...prepared.request.messages, answer];
    return parkedProcesses.park({
      tenant: call.tenant ?? "",
      fingerprint: conversationFingerprint(prepared.request, messages, prepared.key),
      calls,
      conversation,
    });
  };

  async function* answer(
    prepared: Prepared,
    call: Call,
    wantsThinking: boolean,
  ): AsyncGenerator<readonly StreamEvent[], void, void> {
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
      uuid,
    };
    const deadlineMs = deadlineOf(clock, options.timeoutMs);
    const going = { clock, signal, beginMs: timeouts.warmMs };
    const report = (what: string): void => options.onChoice?.(call, what);
    const resumed = await resume({ parkedProcesses, prepared, call, encoding, dispose, ...going });
    if (resumed !== null) report("the process that waited for this turn");
    const conversation = resumed ?? (await startConversation(prepared, signal, encoding, report));
    // While the client does not read, nobody but this listener hears of an abort.
    const kill = (): void => dispose(conversation.channel.child);
    signal.addEventListener("abort", kill, { once: true });
    let isParked = false;
    try {
      if (signal.aborted) throw abortReason(signal);
      const decoder = turnDecoder({
        names: conversation.names,
        showsThinking: wantsThinking || (prepared.showsThinking && !isThinkingOff(prepared.request)),
        runsTools: prepared.runsTools,
        wantsJson: prepared.request.format?.type === "json-schema",
        mustCall: isForced(prepared),
        costBefore: conversation.costUsd,
        nowMs: () => clock.nowMs(),
        onLimit: (event) => call.onAllowance?.(event),
      });
      const said: StreamEvent[] = [];
      let hasHeaders = false;
      const turn = { channel: conversation.channel, decoder, clock, signal, deadlineMs };
      const firstLineMs = timeouts.beginMs;
      for await (const { batch, end } of turnEvents({
        ...turn,
        firstLineMs,
        runsTools: prepared.runsTools,
      })) {
        if (!hasHeaders && decoder.hasStarted()) {
          hasHeaders = true;
          pool.refillNow(prepared.key);
          call.onHeaders(200);
        }
        said.push(...batch);
        if (end === null) {
          yield batch;
          continue;
        }
        // TERM takes it 40 ms, and in less it has asked again: seen in 7 of 8 answers that were cut on 2.1.329.
        const asksAgain = end.kind === "finished" ? end.asksAgain === true : isForced(prepared);
        if (asksAgain) dispose(conversation.channel.child, { atOnce: true });
        conversation.costUsd = decoder.costUsd();
        // Before the client can know of the end: its next request may come at once.
        isParked = park(prepared, call, conversation, end, said);
        if (isParked) report("it waits for the next turn");
        // From here on it is the parking's: a client that leaves now may still come back.
        if (isParked) signal.removeEventListener("abort", kill);
        yield [...batch, withUnreportedUsage(closingEvent(end), conversation)];
        return;
      }
    } finally {
      signal.removeEventListener("abort", kill);
      if (!isParked) kill();
    }
  }

  return {
    provider: options.provider,
    dialect: null,
    open: null,
    targetFacts: options.targetFacts,
    async *generate(request, call) {
      running++;
      try {
        if (isStopped) throw new Failure("shutting-down", "The gateway is shutting down.");
        if (call.signal.aborted) throw abortReason(call.signal);
        const limits = { clock, signal: call.signal, limitMs: timeouts.beginMs };
        const prepared = await within(options.prepare(request, call), limits, "be prepared");
        // The operator's own effort is no wish of the client's.
        yield* answer(prepared, call, asksForThinking(request));
      } catch (thrown) {
        yield [{ type: "failure", failure: failureFrom(thrown) }];
      } finally {
        running--;
      }
    },
    counts: () => ({
      running,
      warm: pool.counts().warm,
      parked: parkedProcesses.counts(),
      stopping: stopping.size,
    }),
    prime: ({ key, launch }) => pool.prime(key, launch),
    async continues(request, call) {
      if (!parkedProcesses.hasAny(call.tenant ?? "")) return false;
      const prepared = await options.prepare(request, call);
      return canResume({ parkedProcesses, prepared, call });
    },
    unsupportedStops,
    async stop() {
      isStopped = true;
      const emptied = pool.stop();
      parkedProcesses.clear();
      await emptied;
      while (stopping.size > 0) await Promise.all(stopping);
    },
  };
}

function isForced({ request, alwaysThinks }: Prepared): boolean {
  return forcedTool(request, alwaysThinks === true) !== null;
}

/** A cost that the program tells is that of everything since it last told one. */
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
