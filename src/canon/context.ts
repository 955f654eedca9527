// What belongs to one request from its first byte to its record: identity, abort, deadline. One of each, made in admit.

/** Called when a request ends early. */
export type AbortListener = { aborted(reason: Error): void };

/** The client's own agent that asks, and the one that started it; empty for most requests. */
export type Agents = { readonly agent?: string; readonly parentAgent?: string };

export type Context = {
  readonly id: string;
  /** Milliseconds of the monotonic clock at arrival. */
  readonly arrivedMs: number;
  readonly startedAtMs: number;
  readonly tenant: string | null;
  readonly keyId: string | null;
  readonly client: string | null;
  readonly agents: Agents;
  readonly tags: readonly string[];
  /** Why the request must end: the client left, the deadline passed, the operator cancelled. Null while it may go on. */
  readonly abortReason: Error | null;
  /** Calls `listener` once when that happens, at once if it already has. */
  onAbort(listener: AbortListener): void;
  /** Takes back `onAbort` of the same listener. */
  offAbort(listener: AbortListener): void;
  /** The same as a signal; made when first asked for. */
  readonly signal: AbortSignal;
  /** `reason` must be a Failure. Idempotent. */
  abort(reason: Error): void;
};
