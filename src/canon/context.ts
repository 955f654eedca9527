// What belongs to one request from its first byte to its record: identity, abort, deadline. Admission creates one of
// each.

import type { ClientHints } from "./client-hints.ts";
import type { RequestTrace } from "./trace-context.ts";

/** Called when a request ends early. */
export type AbortListener = { aborted(reason: Error): void };

/** The client's agent that sent the request, the agent that started it, and the client's own id of the request; empty for most. */
export type Agents = {
  readonly agent?: string;
  readonly parentAgent?: string;
  readonly clientRequestId?: string;
};

export type Context = {
  readonly id: string;
  /** Milliseconds of the monotonic clock at arrival. */
  readonly arrivedMs: number;
  readonly startedAtMs: number;
  readonly tenant: string | null;
  readonly keyId: string | null;
  readonly client: string | null;
  readonly agents: Agents;
  readonly hints: ClientHints;
  readonly tags: readonly string[];
  readonly trace: RequestTrace | null;
  /** Why the request must end: the client left, the deadline passed, the operator cancelled. Null while it may go on. */
  readonly abortReason: Error | null;
  /** Calls `listener` once when that happens, immediately if it already has. */
  onAbort(listener: AbortListener): void;
  /** Removes a listener of `onAbort`. */
  offAbort(listener: AbortListener): void;
  /** The same as a signal; created on first use. */
  readonly signal: AbortSignal;
  /** `reason` must be a Failure. Idempotent. */
  abort(reason: Error): void;
};
