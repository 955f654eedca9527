// The interface through which the pool, the parking and the turns use a running program of any protocol. Types only: a
// program's own folder sorts its lines (the channel) and reads them (the decoder).

import type { StreamEvent } from "../../canon/event.ts";
import type { Failure } from "../../canon/failure.ts";
import type { AgentProcess } from "./child-process.ts";

/** The lines of one process that belong to its answers, in order. */
export type AgentChannel<Line> = {
  readonly child: AgentProcess;
  /** The next line, if one is available. */
  take(): Line | null;
  /** Calls `run` once when a line is available or the lines have ended; the returned function cancels it. */
  onReady(run: () => void): () => void;
  /** Calls `run` when unsolicited model output is waiting; the returned function cancels it. */
  onUnsolicited(run: () => void): () => void;
  /** True when nothing more will come. */
  isOver(): boolean;
  /** Why a running answer cannot be completed. */
  endFailure(): Failure;
  /** Settles when the lines have ended. */
  readonly over: Promise<void>;
};

/** Reads the lines of one answer. `End` says how it ended, in the program's own terms. */
export type TurnDecoder<Line, End> = {
  take(line: Line): { readonly events: readonly StreamEvent[]; readonly end: End | null };
  /** Shows text that has been held back for long enough. */
  release(): readonly StreamEvent[];
  isHolding(): boolean;
  /** A model message is in progress; otherwise the program works by itself, or has not begun. */
  isStreaming(): boolean;
  /** The first event of the model arrived. */
  hasStarted(): boolean;
  /**
   * The complete answer when only the result line is missing: a process that dies or hangs then has already answered.
   */
  complete(): End | null;
};

/** A call that waits for the client's result. */
export type PendingCall = { readonly id: string; readonly name: string };
