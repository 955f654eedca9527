// What a trial is: run.ts has the list of them.

export type Trial = {
  /** What `npm run trial` says of it. */
  readonly purpose: string;
  /** Returns the lines of the report. Throws if the trial could not be run; a missed mark is `isHeld: false`. */
  run(options: TrialOptions): Promise<TrialReport>;
};

export type TrialOptions = {
  /** How many rows, requests or rounds; each trial has its own default. */
  readonly rows?: number;
  /** Where it keeps its files; absent: a folder that is removed afterwards. */
  readonly folder?: string;
};

export type TrialReport = { readonly lines: readonly string[]; readonly isHeld: boolean };
