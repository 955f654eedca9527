// The user's own Claude Code program as a backend: warm processes, conversations that wait for their next turn, and every answer.
// It must never leave a process behind: each one is parked, stopped or in the pool.

import type { ChatRequest } from "../../canon/request.ts";
import type { StreamEvent } from "../../canon/event.ts";
import { Failure, failureFrom } from "../../canon/failure.ts";
import { asksForThinking } from "../../dialects/adaptation-notes.ts";
import { unsupportedStops } from "../../dialects/claude-code/live-settings.ts";
import type { TargetFacts } from "../../dialects/dialect.ts";
import type { Clock } from "../../system/clock.ts";
import { abortReason, within } from "../agent-process/bounded-wait.ts";
import type { AgentProcess } from "../agent-process/child-process.ts";
import { Disposal } from "../agent-process/disposal.ts";
import { createParkedProcesses, type ParkedCounts, type ParkedLimits } from "../agent-process/parked.ts";
import { createPool, type PoolLimits } from "../agent-process/pool.ts";
import type { Backend, Call } from "../backend.ts";
import {
  type Conversation,
  type ConversationTimeouts,
  defaultTimeouts,
} from "./conversation/conversation.ts";
import { canResume } from "./conversation/resume.ts";
import { answerTurn, type TurnParts } from "./conversation/turn.ts";
import type { Prepared, ProcessOrder } from "./prepared.ts";
import { answeringProgram } from "./program-facts.ts";

export type ClaudeCodeBackendOptions = {
  readonly provider: string;
  readonly clock: Clock;
  /** Throws a Failure for options that cannot be followed. */
  readonly prepare: (request: ChatRequest, call: Call) => Promise<Prepared>;
  readonly startChild: (order: ProcessOrder) => Promise<AgentProcess>;
  readonly childrenThatFit: () => Promise<number>;
  readonly warm: PoolLimits;
  readonly parked: ParkedLimits;
  /** Total time limit of one answer. */
  readonly timeoutMs: number;
  readonly targetFacts: (model: string) => TargetFacts;
  readonly onTrouble: (error: unknown) => void;
  /** Called with the process that answers a request, and with its outcome. */
  readonly onChoice?: (call: Call, what: string) => void;
  /** Called when the model has begun to answer. */
  readonly onStarted?: (prepared: Prepared) => void;
  readonly timeouts?: ConversationTimeouts;
  readonly uuid?: () => string;
};

export type ProcessCounts = {
  /** Running answers. */
  readonly running: number;
  readonly warm: number;
  /** Warm ones to be. */
  readonly starting: number;
  readonly parked: ParkedCounts;
  /** Processes that are being stopped. */
  readonly stopping: number;
};

export type ClaudeCodeBackend = Backend & {
  counts(): ProcessCounts;
  /** Starts a process ahead of such requests, where the settings and the machine allow it. */
  prime(prepared: Pick<Prepared, "key" | "order">): void;
  /** Whether the request continues a process that is waiting for it. Such a request must not queue behind others. */
  continues(request: ChatRequest, call: Call): Promise<boolean>;
  /** Stop sequences that the translation has to search for. */
  unsupportedStops(request: ChatRequest): readonly string[];
  /** Settles when no process is left. */
  stop(): Promise<void>;
};

export function createClaudeCodeBackend(options: ClaudeCodeBackendOptions): ClaudeCodeBackend {
  const processes = new Processes(options);
  return {
    provider: options.provider,
    dialect: null,
    open: null,
    targetFacts: options.targetFacts,
    unsupportedStops,
    generate: (request, call) => processes.generate(request, call),
    continues: (request, call) => processes.continues(request, call),
    prime: (prepared) => processes.prime(prepared),
    counts: () => processes.counts(),
    stop: () => processes.stop(),
  };
}

/** All processes of one provider. */
class Processes {
  private readonly parts: TurnParts;
  private readonly disposal: Disposal;
  private running = 0;

  constructor(private readonly options: ClaudeCodeBackendOptions) {
    const { clock, onTrouble } = options;
    this.disposal = new Disposal(onTrouble);
    const dispose: TurnParts["dispose"] = (child, how) => this.disposal.dispose(child, how);
    this.parts = {
      clock,
      dispose,
      pool: createPool({ ...options, limits: options.warm, start: options.startChild, dispose }),
      parkedProcesses: createParkedProcesses<Conversation>({
        clock,
        limits: options.parked,
        stop: ({ channel }) => dispose(channel.child),
      }),
      timeouts: options.timeouts ?? defaultTimeouts,
      timeoutMs: options.timeoutMs,
      uuid: options.uuid ?? (() => crypto.randomUUID()),
      onChoice: options.onChoice,
      onStarted: options.onStarted,
      isStopped: false,
    };
  }

  async *generate(request: ChatRequest, call: Call): AsyncGenerator<readonly StreamEvent[], void, void> {
    const { clock, timeouts } = this.parts;
    this.running++;
    try {
      if (this.parts.isStopped) throw new Failure("shutting-down", "The gateway is shutting down.");
      if (call.signal.aborted) throw abortReason(call.signal);
      const limits = { program: answeringProgram, clock, signal: call.signal, limitMs: timeouts.beginMs };
      const prepared = await within(this.options.prepare(request, call), limits, "be prepared");
      // The operator's own effort does not mean that the client asks for thinking.
      yield* answerTurn(this.parts, { prepared, call, wantsThinking: asksForThinking(request) });
    } catch (thrown) {
      yield [{ type: "failure", failure: failureFrom(thrown) }];
    } finally {
      this.running--;
    }
  }

  counts(): ProcessCounts {
    const { pool, parkedProcesses } = this.parts;
    return {
      running: this.running,
      ...pool.counts(),
      parked: parkedProcesses.counts(),
      stopping: this.disposal.count(),
    };
  }

  prime({ key, order }: Pick<Prepared, "key" | "order">): void {
    this.parts.pool.prime(key, order);
  }

  async continues(request: ChatRequest, call: Call): Promise<boolean> {
    const { parkedProcesses } = this.parts;
    if (!parkedProcesses.hasAny(call.tenant ?? "")) return false;
    const prepared = await this.options.prepare(request, call);
    return canResume({ parkedProcesses, prepared, call });
  }

  async stop(): Promise<void> {
    const { pool, parkedProcesses } = this.parts;
    this.parts.isStopped = true;
    const emptied = pool.stop();
    parkedProcesses.clear();
    await emptied;
    await this.disposal.settled();
  }
}
