// What the pool, the parking and the turns ask of a running program, whatever protocol it speaks. Types only: a program's own
// folder sorts its lines (the channel) and reads them (the decoder).

import type { StreamEvent } from "../../canon/event.ts";
import type { Failure } from "../../canon/failure.ts";
import type { AgentProcess } from "./child-process.ts";

/** The lines of one process that belong to its answers, in order. */
export type AgentChannel<Line> = {
  readonly child: AgentProcess;
  /** The next line, if one is there. */
  take(): Line | null;
  /** Calls `run` once when there is something to take or the lines are over; the answer takes it back. */
  onReady(run: () => void): () => void;
  /** Calls `run` when the model's output waits although no request asked for it; the answer takes it back. */
  onUnsolicited(run: () => void): () => void;
  /** True when nothing more will come. */
  isOver(): boolean;
  /** Why an answer that was under way cannot be completed. */
  endFailure(): Failure;
  /** Settles when the lines are over. */
  readonly over: Promise<void>;
};

/** Reads the lines of one answer. `End` says how it ended, in the program's own terms. */
export type TurnDecoder<Line, End> = {
  take(line: Line): { readonly events: readonly StreamEvent[]; readonly end: End | null };
  /** Shows text that has been held back for long enough. */
  release(): readonly StreamEvent[];
  isHolding(): boolean;
  /** A message of the model is under way; otherwise the program works by itself, or has not begun. */
  isStreaming(): boolean;
  /** The first event of the model came in. */
  hasStarted(): boolean;
  /** The answer where only its result is missing: a process that dies or hangs there has said all. */
  complete(): End | null;
};

/** A call that waits for the client's result. */
export type PendingCall = { readonly id: string; readonly name: string };
