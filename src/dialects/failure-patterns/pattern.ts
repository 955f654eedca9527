// A row in the table of vendors' error messages (pattern-table.ts). It must hold no logic: match-failure.ts decides what a row
// means.

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

/** An example answer that matches; the tests use it. */
export type ErrorExample = {
  readonly status: number;
  readonly message: string;
  readonly type?: string;
  readonly code?: string;
};

export type FailurePattern = {
  readonly vendor: string;
  readonly kind: PatternKind;
  /** `code`: matched against the error's type and code; `text`: against its message. */
  readonly place: "code" | "text";
  readonly pattern: RegExp;
  readonly example: ErrorExample;
  readonly source: string;
  /** Statuses for which the pattern applies; absent: those of the kind (match-failure.ts). */
  readonly statuses?: readonly number[];
  /** The time zone of dates without one; absent: UTC. */
  readonly zone?: string;
};

type PatternWithoutKind = Omit<FailurePattern, "kind">;

type TextRow = Omit<PatternWithoutKind, "place" | "example"> & Pick<ErrorExample, "status" | "message">;

export const textRow = ({ status, message, ...row }: TextRow): PatternWithoutKind => ({
  ...row,
  place: "text",
  example: { status, message },
});

export const codeRow = (row: Omit<PatternWithoutKind, "place">): PatternWithoutKind => ({
  ...row,
  place: "code",
});

export const rowsOf = <Kind extends PatternKind>(
  kind: Kind,
  rows: readonly PatternWithoutKind[],
): readonly FailurePattern[] => rows.map((row) => ({ kind, ...row }));
