// What belongs to one request from its first byte to its record: identity, abort, deadline. One of each, made in admit.

export type Context = {
  readonly id: string;
  /** Milliseconds of the monotonic clock at arrival. */
  readonly arrivedMs: number;
  readonly startedAtMs: number;
  readonly tenant: string | null;
  readonly keyId: string | null;
  readonly client: string | null;
  readonly tags: readonly string[];
  /** Aborted when the client leaves, the deadline passes, the operator cancels, or the drain ends. */
  readonly signal: AbortSignal;
  /** `reason` must be a Failure. Idempotent. */
  abort(reason: Error): void;
  /** Monotonic milliseconds at which the whole request, all attempts included, must be over. */
  readonly deadlineMs: number;
};
