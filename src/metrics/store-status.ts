// How the home of the records is doing: shown in /api/stats, /health and `clawgate status`. Types only.

export type StoreStatus = {
  readonly path: string | null;
  readonly queued: number;
  readonly dropped: number;
  readonly written: number;
  /** failed = nothing can be written just now, records wait; memory = kept until the gateway stops. */
  readonly state: "opening" | "ok" | "memory" | "failed" | "closed" | "disabled";
  readonly detail: string | null;
  /** What was wrong with the place that was chosen, where another one serves in its place. */
  readonly passedOver?: string;
};
