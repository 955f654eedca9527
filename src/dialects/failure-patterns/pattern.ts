// A row in the table of vendors' error messages (pattern-table.ts). It must never judge: match-failure.ts decides what a row means.

import type { FailureKind } from "../../canon/failure.ts";

export type PatternKind = Extract<
  FailureKind,
  | "context-exceeded"
  | "quota-exhausted"
  | "rate-limited"
  | "model-missing"
  | "refused"
  | "credentials-rejected"
  | "overloaded"
>;

/** An answer that holds the words; what the row is tried with. */
export type ErrorExample = {
  readonly status: number;
  readonly message: string;
  readonly type?: string;
  readonly code?: string;
};

export type FailurePattern = {
  readonly vendor: string;
  readonly kind: PatternKind;
  /** `code`: looked for in the error's type and code; `text`: in its message. */
  readonly place: "code" | "text";
  readonly pattern: RegExp;
  readonly example: ErrorExample;
  readonly source: string;
  /** Statuses that the words mean it with; absent: those of the kind (match-failure.ts). */
  readonly statuses?: readonly number[];
  /** The clock that dates without a zone are told by; absent: UTC. */
  readonly zone?: string;
};

type PatternWithoutKind = Omit<FailurePattern, "kind">;

export const textRow = (
  vendor: string,
  pattern: RegExp,
  status: number,
  message: string,
  source: string,
  more: Partial<FailurePattern> = {},
): PatternWithoutKind => ({
  vendor,
  place: "text",
  pattern,
  example: { status, message },
  source,
  ...more,
});

export const codeRow = (
  vendor: string,
  pattern: RegExp,
  example: ErrorExample,
  source: string,
  more: Partial<FailurePattern> = {},
): PatternWithoutKind => ({ vendor, place: "code", pattern, example, source, ...more });

export const rowsOf = <Kind extends PatternKind>(
  kind: Kind,
  rows: readonly PatternWithoutKind[],
): readonly FailurePattern[] => rows.map((row) => ({ kind, ...row }));
