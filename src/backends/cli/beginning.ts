// A conversation from its first word: a process from the stock or a cold one, prompt and settings, then the history.
// It must never leave a process to nobody: one that cannot be used is stopped here, and one that comes too late as well.

import { Failure } from "../../canon/failure.ts";
import { type CliTurn, type EncodeOptions, encodeTurn } from "../../dialects/claude-cli/encode.ts";
import type { Line } from "../../dialects/claude-cli/lines.ts";
import { type LiveSettings, untouched } from "../../dialects/claude-cli/live-settings.ts";
import type { Clock } from "../../system/clock.ts";
import type { CliChild } from "./child.ts";
import { askWith, type Conversation, feedHistory, openConversation, type Patience } from "./conversation.ts";
import type { Pool } from "./pool.ts";
import type { Prepared } from "./prepared.ts";
import { within } from "./waiting.ts";

/** The conversation, already asked; whoever gets it stops its process. */
export type Begin = (
  prepared: Prepared,
  signal: AbortSignal,
  encoding: EncodeOptions,
  /** Told where its process came from. */
  tell?: (what: string) => void,
) => Promise<Conversation>;

export function createBeginning(options: {
  readonly pool: Pool;
  readonly clock: Clock;
  readonly dispose: (child: CliChild) => void;
  readonly patience: Patience;
}): Begin {
  const { pool, clock, dispose, patience } = options;

  /** Waits for a process; one that arrives after its request has gone is stopped. */
  const owned = async <T>(
    claim: Promise<T>,
    childOf: (claim: T) => CliChild,
    signal: AbortSignal,
  ): Promise<T> => {
    try {
      return await within(claim, { clock, signal, limitMs: patience.beginMs }, "start");
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
  const orStopped = async <T>(child: CliChild, work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (thrown) {
      dispose(child);
      throw thrown;
    }
  };

  return async (prepared, signal, encoding, tell) => {
    const fresh: LiveSettings = {
      ...untouched,
      effort: prepared.launchedEffort,
      thinkingTokens: prepared.startsWithoutThinking ? 0 : null,
    };
    const waiting = { clock, signal, historyMs: patience.historyMs };
    const open = (child: CliChild, turn: CliTurn, beginMs: number): Promise<Conversation> =>
      orStopped(child, openConversation(child, { turn, fresh, clock, signal, beginMs }));
    const openCold = async (turn: CliTurn): Promise<Conversation> =>
      open(await owned(pool.startCold(prepared.launch), (child) => child, signal), turn, patience.beginMs);
    const openAny = async (turn: CliTurn): Promise<Conversation> => {
      const claim = await owned(pool.claim(prepared.key, prepared.launch), ({ child }) => child, signal);
      tell?.(claim.isWarm ? "a process from the stock" : "a new process");
      try {
        return await open(claim.child, turn, claim.isWarm ? patience.warmMs : patience.beginMs);
      } catch (thrown) {
        // It has not been asked anything yet, so a fresh one can take its place.
        if (!claim.isWarm || signal.aborted) throw thrown;
        tell?.("a new process: the one from the stock did not answer");
        return openCold(turn);
      }
    };
    const told = async (): Promise<{ conversation: Conversation; last: Line }> => {
      const turn = encodeTurn(prepared.request, encoding);
      const conversation = await openAny(turn);
      const { child } = conversation.channel;
      try {
        await orStopped(child, feedHistory(conversation, turn.steps, waiting));
        return { conversation, last: turn.last };
      } catch (thrown) {
        if (signal.aborted || !(thrown instanceof Failure) || thrown.kind !== "bad-output") throw thrown;
        // A version that does not take the model's words as lines can still read them.
        tell?.("a new process: the first did not take the history as lines");
        const { last, ...again } = encodeTurn(prepared.request, { ...encoding, history: "transcript" });
        return { conversation: await openCold({ ...again, last }), last };
      }
    };
    const { conversation, last } = await told();
    await orStopped(conversation.channel.child, askWith(conversation, last, waiting));
    return conversation;
  };
}
