// What vendors call their failures, where the status alone does not say it: one row a text, with where it was read.

import { keyRows, limitRows, overloadRows, planRows, quotaRows } from "./account.ts";
import { contextRows } from "./context.ts";
import { missingRows, refusalRows } from "./request.ts";
import type { VendorWords } from "./row.ts";

/** The first row that fits counts. */
export const vendorWords: readonly VendorWords[] = [
  ...overloadRows,
  ...planRows,
  ...limitRows,
  ...quotaRows,
  ...refusalRows,
  ...missingRows,
  ...contextRows,
  ...keyRows,
];
