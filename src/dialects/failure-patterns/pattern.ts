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

/** An answer that matches; the tests use it. */
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
  /** Statuses with which the pattern counts; absent: those of the kind (match-failure.ts). */
  readonly statuses?: readonly number[];
  /** The time zone of dates that name none; absent: UTC. */
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
