// Starts a new conversation: a warm or cold process, prompt and settings, then the history. It must never lose a
// process: one that cannot be used or comes too late is stopped here.

import { Failure } from "../../../canon/failure.ts";
import { type CliTurn, type EncodeOptions, encodeTurn } from "../../../dialects/claude-code/encode-turn.ts";
import type { ProtocolLine } from "../../../dialects/claude-code/protocol-lines.ts";
import { type LiveSettings, defaultSettings } from "../../../dialects/claude-code/live-settings.ts";
import type { Clock } from "../../../system/clock.ts";
import type { AgentProcess } from "../../agent-process/child-process.ts";
import { orStopped, owned } from "../../agent-process/owned-process.ts";
import type { Claim, Pool } from "../../agent-process/pool.ts";
import { answeringProgram } from "../program-facts.ts";
import type { Prepared, ProcessOrder } from "../prepared.ts";
import {
  sendQuestion,
  type Conversation,
  feedHistory,
  openConversation,
  type ConversationTimeouts,
} from "./conversation.ts";

export type ConversationParts = {
  readonly pool: Pool<ProcessOrder>;
  readonly clock: Clock;
  readonly dispose: (child: AgentProcess) => void;
  readonly timeouts: ConversationTimeouts;
};

export type NewConversation = {
  readonly prepared: Prepared;
  readonly signal: AbortSignal;
  readonly encoding: EncodeOptions;
  /** Called with the origin of its process. */
  readonly report?: (what: string) => void;
};

/** The conversation, already asked; the caller stops its process. */
export function startConversation(parts: ConversationParts, wanted: NewConversation): Promise<Conversation> {
  return new Beginning(parts, wanted).start();
}

class Beginning {
  constructor(
    private readonly parts: ConversationParts,
    private readonly wanted: NewConversation,
  ) {}

  async start(): Promise<Conversation> {
    const { conversation, last } = await this.openWithHistory();
    await this.orStopped(
      conversation.channel.child,
      sendQuestion(conversation, last, this.waiting("historyMs")),
    );
    return conversation;
  }

  private async openWithHistory(): Promise<{ conversation: Conversation; last: ProtocolLine }> {
    const { prepared, signal, encoding, report } = this.wanted;
    const turn = encodeTurn(prepared.request, encoding);
    const conversation = await this.openAny(turn);
    const { child } = conversation.channel;
    try {
      await this.orStopped(child, feedHistory(conversation, turn.steps, this.waiting("historyMs")));
      return { conversation, last: turn.last };
    } catch (thrown) {
      if (signal.aborted || !(thrown instanceof Failure) || thrown.kind !== "bad-output") throw thrown;
      // A version that does not accept the model's messages as lines can still read them as text.
      report?.("a new process: the first did not take the history as lines");
      const { last, ...again } = encodeTurn(prepared.request, { ...encoding, history: "transcript" });
      return { conversation: await this.openCold({ ...again, last }), last };
    }
  }

  private async openAny(turn: CliTurn): Promise<Conversation> {
    const { pool, timeouts } = this.parts;
    const { prepared, signal, report } = this.wanted;
    const claim = await this.owned(pool.claim(prepared.key, prepared.order), childOfClaim);
    report?.(claim.isWarm ? "a warm process" : "a new process");
    try {
      return await this.open(claim.child, turn, claim.isWarm ? timeouts.warmMs : timeouts.beginMs);
    } catch (thrown) {
      // It has not been asked anything yet, so a fresh one can replace it.
      if (!claim.isWarm || signal.aborted) throw thrown;
      report?.("a new process: the warm one did not answer");
      return this.openCold(turn);
    }
  }

  private async openCold(turn: CliTurn): Promise<Conversation> {
    const { pool, timeouts } = this.parts;
    const child = await this.owned(pool.startCold(this.wanted.prepared.order), itself);
    return this.open(child, turn, timeouts.beginMs);
  }

  private open(child: AgentProcess, turn: CliTurn, beginMs: number): Promise<Conversation> {
    const { prepared, signal } = this.wanted;
    const fresh: LiveSettings = {
      ...defaultSettings,
      effort: prepared.launchedEffort,
      thinkingTokens: prepared.startsWithoutThinking ? 0 : null,
    };
    const { clock } = this.parts;
    return this.orStopped(child, openConversation(child, { turn, fresh, clock, signal, limitMs: beginMs }));
  }

  private waiting(limit: keyof ConversationTimeouts) {
    const { clock, timeouts } = this.parts;
    return { clock, signal: this.wanted.signal, limitMs: timeouts[limit] };
  }

  private owned<T>(claim: Promise<T>, childOf: (claim: T) => AgentProcess): Promise<T> {
    const limits = { program: answeringProgram, ...this.waiting("beginMs") };
    return owned(claim, childOf, this.parts.dispose, limits);
  }

  private orStopped<T>(child: AgentProcess, work: Promise<T>): Promise<T> {
    return orStopped(child, this.parts.dispose, work);
  }
}

const childOfClaim = ({ child }: Claim): AgentProcess => child;
const itself = (child: AgentProcess): AgentProcess => child;
