// The table of vendors' error messages, for failures that the status alone does not identify: one row per text, with
// its source.

import { keyRows, limitRows, overloadRows, planRows, quotaRows } from "./account-limits.ts";
import { contextRows } from "./context-window.ts";
import { missingRows, refusalRows } from "./model-and-refusal.ts";
import type { FailurePattern } from "./pattern.ts";

/** The first row that matches counts. */
export const failurePatterns: readonly FailurePattern[] = [
  ...overloadRows,
  ...planRows,
  ...limitRows,
  ...quotaRows,
  ...refusalRows,
  ...missingRows,
  ...contextRows,
  ...keyRows,
];
