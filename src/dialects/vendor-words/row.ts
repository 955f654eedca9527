// The form of a row in the table of vendors' words (table.ts). It must never judge: what a row means is vendor-verdict.ts's.

import type { FailureKind } from "../../canon/failure.ts";

export type SaidKind = Extract<
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
export type Specimen = {
  readonly status: number;
  readonly message: string;
  readonly type?: string;
  readonly code?: string;
};

export type VendorWords = {
  readonly vendor: string;
  readonly kind: SaidKind;
  /** `code`: looked for in the error's type and code; `text`: in its message. */
  readonly place: "code" | "text";
  readonly pattern: RegExp;
  readonly said: Specimen;
  readonly source: string;
  /** Statuses that the words mean it with; absent: those of the kind (vendor-verdict.ts). */
  readonly statuses?: readonly number[];
  /** The clock that dates without a zone are told by; absent: UTC. */
  readonly zone?: string;
};

type KindlessWords = Omit<VendorWords, "kind">;

export const text = (
  vendor: string,
  pattern: RegExp,
  status: number,
  message: string,
  source: string,
  more: Partial<VendorWords> = {},
): KindlessWords => ({
  vendor,
  place: "text",
  pattern,
  said: { status, message },
  source,
  ...more,
});

export const code = (
  vendor: string,
  pattern: RegExp,
  said: Specimen,
  source: string,
  more: Partial<VendorWords> = {},
): KindlessWords => ({ vendor, place: "code", pattern, said, source, ...more });

export const of = <Kind extends SaidKind>(
  kind: Kind,
  rows: readonly KindlessWords[],
): readonly VendorWords[] => rows.map((row) => ({ kind, ...row }));
