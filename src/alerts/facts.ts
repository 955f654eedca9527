// What the checks look at, as plain values: the app fills it in from its services. Types only.

import type { FailureCount, UnpricedModel } from "./traffic-counts.ts";

export type KeyFacts = {
  /** Fingerprint; "" where the provider has only one. */
  readonly id: string;
  readonly state: "ok" | "rate-limited" | "exhausted" | "rejected";
  /** When it is tried again, or when its vendor says that the limit ends. */
  readonly untilMs: number | null;
  /** The models for which alone it rests; empty: for all. */
  readonly models: readonly string[];
  /** It is to be tried again, and nothing has shown yet whether it works. */
  readonly unproven: "rate-limited" | "exhausted" | "rejected" | null;
};

export type ProviderFacts = {
  readonly id: string;
  /** A command-line program with a login of its own. */
  readonly isProgram: boolean;
  readonly circuit: "closed" | "open" | "half-open";
  readonly lastError: string | null;
  readonly retryAtMs: number | null;
  /** What is known of it now: nothing yet (after a restart), that its last request failed, that it works. */
  readonly lastResult: "none" | "failed" | "ok";
  readonly keys: readonly KeyFacts[];
};

export type BudgetFacts = {
  readonly tenant: string;
  readonly period: "day" | "month";
  readonly unit: "usd" | "tokens";
  readonly spent: number;
  readonly limit: number;
  readonly startMs: number;
  readonly endMs: number;
};

export type ProblemFacts = {
  readonly kind: "store" | "config" | "certificates";
  readonly subject: string;
  readonly message: string;
};

export type AlertFacts = {
  readonly nowMs: number;
  readonly providers: readonly ProviderFacts[];
  /** The providers that are asked in turn. */
  readonly chain: readonly string[];
  readonly budgets: readonly BudgetFacts[];
  readonly problems: readonly ProblemFacts[];
  /** Of the window of the error rate; `provider` null: every request. */
  failures(provider: string | null): FailureCount;
  /** Nano-USD of the UTC hour that begins then. */
  spentIn(hourStartMs: number): number;
  readonly firstSpentHourMs: number | null;
  /** Models that answered and have no price now. */
  readonly unpriced: readonly UnpricedModel[];
};
