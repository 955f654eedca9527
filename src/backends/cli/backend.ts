// The user's own Claude Code program as a backend: a conversation that goes on where it can, else a fresh process, then the answer.
// It must never leave a process behind: each is parked, or stopped, or the pool's.

import type { ChatRequest, Message } from "../../canon/request.ts";
import type { StreamEvent } from "../../canon/event.ts";
import { Failure, failureFrom } from "../../canon/failure.ts";
import { foldReply } from "../../canon/reply.ts";
import { unheard, wishesToThink } from "../../dialects/adapting.ts";
import { type TurnEnd, turnDecoder } from "../../dialects/claude-cli/decode.ts";
import type { EncodeOptions } from "../../dialects/claude-cli/encode.ts";
import { forcedTool } from "../../dialects/claude-cli/forced-tool.ts";
import { unsaidStops } from "../../dialects/claude-cli/live-settings.ts";
import { addUsage } from "../../dialects/claude-cli/turn-usage.ts";
import type { TargetFacts } from "../../dialects/dialect.ts";
import { isThinkingOff } from "../../dialects/within-takes.ts";
import type { Clock } from "../../system/clock.ts";
import type { Backend, Call } from "../backend.ts";
import type { CliChild } from "./child.ts";
import { createBeginning } from "./beginning.ts";
import { type Conversation, type Patience, usualPatience } from "./conversation.ts";
import { fingerprint } from "./fingerprint.ts";
import type { Launch } from "./launch.ts";
import { createParking, type ParkingCounts, type ParkingLimits } from "./parked.ts";
import { createPool, type PoolLimits } from "./pool.ts";
import type { Prepared } from "./prepared.ts";
import { isContinued, resume } from "./resume.ts";
import { closing, deadlineOf, speak } from "./turn.ts";
import { abortReason, within } from "./waiting.ts";

export type CliBackendOptions = {
  readonly provider: string;
  readonly clock: Clock;
  /** Throws a Failure for a wish that cannot be followed. */
  readonly prepare: (request: ChatRequest, call: Call) => Promise<Prepared>;
  readonly startChild: (launch: Launch) => Promise<CliChild>;
  readonly childrenThatFit: () => Promise<number>;
  readonly warm: PoolLimits;
  readonly parked: ParkingLimits;
  /** For one answer in all. */
  readonly timeoutMs: number;
  readonly targetFacts: (model: string) => TargetFacts;
  readonly onTrouble: (error: unknown) => void;
  /** Told by which process a request is answered, and what became of that one. */
  readonly onChoice?: (call: Call, what: string) => void;
  readonly patience?: Patience;
  readonly uuid?: () => string;
};

export type CliCounts = {
  /** Answers that are being written. */
  readonly running: number;
  readonly warm: number;
  readonly parked: ParkingCounts;
  /** Processes that are on their way out. */
  readonly stopping: number;
};

export type CliBackend = Backend & {
  counts(): CliCounts;
  /** Starts a process ahead of such requests, where the settings and the machine allow it. */
  prime(prepared: Pick<Prepared, "key" | "launch">): void;
  /** Will this request go on with a process that waits for it? Such a one must not wait behind others for a turn. */
  continues(request: ChatRequest, call: Call): Promise<boolean>;
  /** Stop sequences that the hub has to look for. */
  unsaidStops(request: ChatRequest): readonly string[];
  /** Settles when no process is left. */
  stop(): Promise<void>;
};

export function createCliBackend(options: CliBackendOptions): CliBackend {
  const { clock } = options;
  const patience = options.patience ?? usualPatience;
  const uuid = options.uuid ?? (() => crypto.randomUUID());
  const stopping = new Set<Promise<void>>();
  let running = 0;
  let isStopped = false;

  const dispose = (child: CliChild, how: { readonly atOnce?: true } = {}): void => {
    const stopped = child
      .stop(how)
      .catch(options.onTrouble)
      .finally(() => stopping.delete(stopped));
    stopping.add(stopped);
  };
  const pool = createPool({ ...options, limits: options.warm, start: options.startChild, dispose });
  const parking = createParking({
    clock,
    limits: options.parked,
    stop: ({ channel }) => dispose(channel.child),
  });

  const begin = createBeginning({ pool, clock, dispose, patience });

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
    return parking.park({
      tenant: call.tenant ?? "",
      fingerprint: fingerprint(prepared.request, messages, prepared.key),
      calls,
      conversation,
    });
  };

  async function* answer(
    prepared: Prepared,
    call: Call,
    asksToThink: boolean,
  ): AsyncGenerator<readonly StreamEvent[], void, void> {
    const { signal } = call;
    const encoding: EncodeOptions = {
      model: call.model,
      ownTools: prepared.ownTools,
      alwaysThinks: prepared.alwaysThinks === true,
      adaptsThinking: prepared.adaptsThinking === true,
      effort: prepared.effort,
      history: prepared.history ?? "lines",
      note: call.note ?? unheard,
      unsupported: call.unsupported ?? (() => undefined),
      uuid,
    };
    const deadlineMs = deadlineOf(clock, options.timeoutMs);
    const going = { clock, signal, beginMs: patience.warmMs };
    const tell = (what: string): void => options.onChoice?.(call, what);
    const resumed = await resume({ parking, prepared, call, encoding, dispose, ...going });
    if (resumed !== null) tell("the process that waited for this turn");
    const conversation = resumed ?? (await begin(prepared, signal, encoding, tell));
    // While the client does not read, nobody but this listener hears of an abort.
    const kill = (): void => dispose(conversation.channel.child);
    signal.addEventListener("abort", kill, { once: true });
    let isParked = false;
    try {
      if (signal.aborted) throw abortReason(signal);
      const decoder = turnDecoder({
        names: conversation.names,
        showsThinking: asksToThink || (prepared.showsThinking && !isThinkingOff(prepared.request)),
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
      const firstLineMs = patience.beginMs;
      for await (const { batch, end } of speak({ ...turn, firstLineMs, runsTools: prepared.runsTools })) {
        if (!hasHeaders && decoder.hasStarted()) {
          hasHeaders = true;
          pool.relieve(prepared.key);
          call.onHeaders(200);
        }
        said.push(...batch);
        if (end === null) {
          yield batch;
          continue;
        }
        // TERM takes it 40 ms, and in less it has asked again: seen in 7 of 8 answers that were cut on 2.1.329.
        const goesOn = end.kind === "finished" ? end.asksAgain === true : isForced(prepared);
        if (goesOn) dispose(conversation.channel.child, { atOnce: true });
        conversation.costUsd = decoder.costUsd();
        // Before the client can know of the end: its next request may come at once.
        isParked = park(prepared, call, conversation, end, said);
        if (isParked) tell("it waits for the next turn");
        // From here on it is the parking's: a client that leaves now may still come back.
        if (isParked) signal.removeEventListener("abort", kill);
        yield [...batch, withUntold(closing(end), conversation)];
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
        const limits = { clock, signal: call.signal, limitMs: patience.beginMs };
        const prepared = await within(options.prepare(request, call), limits, "be prepared");
        // The operator's own effort is no wish of the client's.
        yield* answer(prepared, call, wishesToThink(request));
      } catch (thrown) {
        yield [{ type: "failure", failure: failureFrom(thrown) }];
      } finally {
        running--;
      }
    },
    counts: () => ({
      running,
      warm: pool.counts().warm,
      parked: parking.counts(),
      stopping: stopping.size,
    }),
    prime: ({ key, launch }) => pool.prime(key, launch),
    async continues(request, call) {
      if (!parking.holds(call.tenant ?? "")) return false;
      const prepared = await options.prepare(request, call);
      return isContinued({ parking, prepared, call });
    },
    unsaidStops,
    async stop() {
      isStopped = true;
      const emptied = pool.stop();
      parking.clear();
      await emptied;
      while (stopping.size > 0) await Promise.all(stopping);
    },
  };
}

function isForced({ request, alwaysThinks }: Prepared): boolean {
  return forcedTool(request, alwaysThinks === true) !== null;
}

/** A cost that the program tells is that of everything since it last told one. */
function withUntold(event: StreamEvent, conversation: Conversation): StreamEvent {
  if (event.type !== "finish") return event;
  const { untold } = conversation;
  if (event.costUsd === undefined) {
    conversation.untold = addUsage(untold, event.usage);
    return event;
  }
  conversation.untold = null;
  return untold === null ? event : { ...event, costCovers: untold };
}
