// The state of the store of records: shown in /api/stats, /health and `clawgate status`. Types only.

export type StoreStatus = {
  readonly path: string | null;
  readonly queued: number;
  readonly dropped: number;
  readonly written: number;
  /** failed = nothing can be written now, records wait; memory = kept until the gateway stops. */
  readonly state: "opening" | "ok" | "memory" | "failed" | "closed" | "disabled";
  readonly detail: string | null;
  /** What was wrong with the chosen path, if another one is used instead. */
  readonly passedOver?: string;
};
