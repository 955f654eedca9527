// What outlives a request, seen from outside: small values under a name, each with an end. One asynchronous interface,
// whatever the home (memory, SQLite). It must never refuse service: a home that is lost is told of once, and memory serves.

export type StateRow = {
  readonly key: string;
  /** Whatever JSON can say. */
  readonly value: unknown;
  /** UTC milliseconds; null: until it is deleted. */
  readonly expiresAtMs: number | null;
};

export type StateStatus = {
  readonly state: "ok" | "memory" | "closed";
  readonly path: string | null;
  /** Why it is not "ok". */
  readonly detail: string | null;
};

export type StateStore = {
  /** Undefined: nothing there, or its time is over. */
  get(namespace: string, key: string): Promise<unknown>;
  set(namespace: string, key: string, value: unknown, expiresAtMs: number | null): Promise<void>;
  /** Writes what waits now, where that can be done: without another attempt at a home that cannot be used. */
  writeNow(): void;
  /** To be called from time to time: a home that was deleted or replaced is made again with all that is known. */
  checkFile(): void;
  delete(namespace: string, key: string): Promise<void>;
  list(namespace: string): Promise<readonly StateRow[]>;
  /** Settles when everything so far is as safe as it can be made now. */
  flush(): Promise<void>;
  /** Flushes. Idempotent; afterwards nothing is kept any more. */
  close(): Promise<void>;
  status(): StateStatus;
};
