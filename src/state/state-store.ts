// The interface of state that outlives a request: small values under a name, each with an expiry. One asynchronous interface for every
// storage (memory, SQLite). It must never refuse service: a lost file is logged once, and memory replaces it.

export type StateRow = {
  readonly key: string;
  /** Any JSON value. */
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
  /** Undefined: no value, or it has expired. */
  get(namespace: string, key: string): Promise<unknown>;
  set(namespace: string, key: string, value: unknown, expiresAtMs: number | null): Promise<void>;
  /** Writes what is pending, if possible: without another attempt at a file that cannot be used. */
  writeNow(): void;
  /** To be called periodically: a file that was deleted or replaced is created again with everything known. */
  checkFile(): void;
  delete(namespace: string, key: string): Promise<void>;
  list(namespace: string): Promise<readonly StateRow[]>;
  /** False: another process writes the file; changes wait in memory until it is true again. */
  setWriter(isOurs: boolean): void;
  /** Settles when all changes so far are stored as safely as possible now. */
  flush(): Promise<void>;
  /** Flushes. Idempotent; later changes are not kept. */
  close(): Promise<void>;
  status(): StateStatus;
};
