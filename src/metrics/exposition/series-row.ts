// The type of a row of the series table: its names, and how its value is read from a finished record or from live state.

import type { AttemptRecord, RequestRecord } from "../../canon/record.ts";

/** `status` is a class ("2xx"); `failure` and `tenant` are empty if there is none. */
export type RequestLabel = "endpoint" | "provider" | "model" | "tenant" | "outcome" | "status" | "failure";
export type AttemptLabel = "provider" | "outcome" | "failure";

type RowNames<Label> = {
  /** With its unit, and `_total` for a counter. */
  readonly name: string;
  /** One sentence without quotes, backslashes and line breaks: both formats contain it unescaped. */
  readonly help: string;
  readonly labels: readonly Label[];
};

/** The amount that one source adds. */
export type CountedRow<Source, Label extends string = string> = RowNames<Label> & {
  /** The value is divided by this when it is shown. Sums are kept in integers to stay exact. Absent: 1. */
  readonly divisor?: number;
  /** 0 shows the series, null does not: there is no value. */
  read(source: Source): number | null;
} & (
    | { readonly type: "counter" }
    /** Upper bounds as shown, ascending. */
    | { readonly type: "histogram"; readonly buckets: readonly number[] }
  );

export type RequestRow = { readonly of: "requests" } & CountedRow<RequestRecord, RequestLabel>;
export type AttemptRow = { readonly of: "attempts" } & CountedRow<AttemptRecord, AttemptLabel>;

/** The values of the labels, in the order of the row's labels. */
export type Sample = { readonly labels: readonly string[]; readonly value: number };

export type StateRow = RowNames<string> & {
  readonly of: "state";
  readonly type: "gauge" | "counter";
  read(state: LiveState): readonly Sample[];
};

export type SeriesRow = RequestRow | AttemptRow | StateRow;

export type CircuitState = "closed" | "half-open" | "open";

/** The gateway's state at the moment of the scrape. */
export type LiveState = {
  readonly version: string;
  readonly commit: string | null;
  readonly runtime: string;
  readonly startedAtSeconds: number;
  readonly running: number;
  readonly providers: readonly {
    readonly id: string;
    readonly isHealthy: boolean;
    readonly circuit: CircuitState;
    readonly running: number;
    readonly waiting: number;
  }[];
  /** Processes of Claude Code by provider. */
  readonly processes: readonly { readonly provider: string; readonly counts: ProcessStates }[];
  /** Null: unknown on this system. */
  readonly openFiles: number | null;
  readonly maxFiles: number | null;
  readonly memoryBytes: number;
  readonly cpuSeconds: number;
  /** Requests that were refused before they had a record, by status and kind of failure. */
  readonly refusals: readonly { readonly status: number; readonly failure: string; readonly count: number }[];
  /** Conversations whose provider is remembered. */
  readonly sessions: number;
  /** Of tenants with a budget, by period and unit; a tenant whose limits cannot be read now is left out. */
  readonly budgets: readonly TenantBudget[];
  /** What a collector got of spans and data points, and what it did not; empty where nothing is exported. */
  readonly exports: readonly { readonly signal: string; readonly sent: number; readonly lost: number }[];
  readonly records: { readonly written: number; readonly dropped: number; readonly queued: number };
};

export type TenantBudget = {
  readonly tenant: string;
  readonly period: "day" | "month";
  readonly unit: "usd" | "tokens";
  readonly limit: number;
  readonly spent: number;
};

export type ProcessStates = {
  readonly running: number;
  readonly warm: number;
  readonly parked: { readonly calls: number; readonly idle: number };
  readonly stopping: number;
};
