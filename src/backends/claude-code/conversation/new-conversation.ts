// A conversation from its first word: a process from the stock or a cold one, prompt and settings, then the history.
// It must never leave a process to nobody: one that cannot be used is stopped here, and one that comes too late as well.

import { Failure } from "../../../canon/failure.ts";
import { type CliTurn, type EncodeOptions, encodeTurn } from "../../../dialects/claude-code/encode-turn.ts";
import type { ProtocolLine } from "../../../dialects/claude-code/protocol-lines.ts";
import { type LiveSettings, defaultSettings } from "../../../dialects/claude-code/live-settings.ts";
import type { Clock } from "../../../system/clock.ts";
import type { AgentProcess } from "../../agent-process/child-process.ts";
import {
  sendQuestion,
  type Conversation,
  feedHistory,
  openConversation,
  type ConversationTimeouts,
} from "./conversation.ts";
import type { Pool } from "../../agent-process/pool.ts";
import type { Prepared } from "../prepared.ts";
import { within } from "../../agent-process/bounded-wait.ts";

/** The conversation, already asked; whoever gets it stops its process. */
export type StartConversation = (
  prepared: Prepared,
  signal: AbortSignal,
  encoding: EncodeOptions,
  /** Told where its process came from. */
  report?: (what: string) => void,
) => Promise<Conversation>;

export function createConversationStarter(options: {
  readonly pool: Pool;
  readonly clock: Clock;
  readonly dispose: (child: AgentProcess) => void;
  readonly timeouts: ConversationTimeouts;
}): StartConversation {
  const { pool, clock, dispose, timeouts } = options;

  /** Waits for a process; one that arrives after its request has gone is stopped. */
  const owned = async <T>(
    claim: Promise<T>,
    childOf: (claim: T) => AgentProcess,
    signal: AbortSignal,
  ): Promise<T> => {
    try {
      return await within(claim, { clock, signal, limitMs: timeouts.beginMs }, "start");
    } catch (thrown) {
      void claim.then(
        (late) => dispose(childOf(late)),
        // Why it could not be started is told already.
        () => undefined,
      );
      throw thrown;
    }
  };

  /** Does something with a process that is stopped when it fails. */
  const orStopped = async <T>(child: AgentProcess, work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (thrown) {
      dispose(child);
      throw thrown;
    }
  };

  return async (prepared, signal, encoding, report) => {
    const fresh: LiveSettings = {
      ...defaultSettings,
      effort: prepared.launchedEffort,
      thinkingTokens: prepared.startsWithoutThinking ? 0 : null,
    };
    const waiting = { clock, signal, historyMs: timeouts.historyMs };
    const open = (child: AgentProcess, turn: CliTurn, beginMs: number): Promise<Conversation> =>
      orStopped(child, openConversation(child, { turn, fresh, clock, signal, beginMs }));
    const openCold = async (turn: CliTurn): Promise<Conversation> =>
      open(await owned(pool.startCold(prepared.launch), (child) => child, signal), turn, timeouts.beginMs);
    const openAny = async (turn: CliTurn): Promise<Conversation> => {
      const claim = await owned(pool.claim(prepared.key, prepared.launch), ({ child }) => child, signal);
      report?.(claim.isWarm ? "a process from the stock" : "a new process");
      try {
        return await open(claim.child, turn, claim.isWarm ? timeouts.warmMs : timeouts.beginMs);
      } catch (thrown) {
        // It has not been asked anything yet, so a fresh one can take its place.
        if (!claim.isWarm || signal.aborted) throw thrown;
        report?.("a new process: the one from the stock did not answer");
        return openCold(turn);
      }
    };
    const told = async (): Promise<{ conversation: Conversation; last: ProtocolLine }> => {
      const turn = encodeTurn(prepared.request, encoding);
      const conversation = await openAny(turn);
      const { child } = conversation.channel;
      try {
        await orStopped(child, feedHistory(conversation, turn.steps, waiting));
        return { conversation, last: turn.last };
      } catch (thrown) {
        if (signal.aborted || !(thrown instanceof Failure) || thrown.kind !== "bad-output") throw thrown;
        // A version that does not take the model's words as lines can still read them.
        report?.("a new process: the first did not take the history as lines");
        const { last, ...again } = encodeTurn(prepared.request, { ...encoding, history: "transcript" });
        return { conversation: await openCold({ ...again, last }), last };
      }
    };
    const { conversation, last } = await told();
    await orStopped(conversation.channel.child, sendQuestion(conversation, last, waiting));
    return conversation;
  };
}
