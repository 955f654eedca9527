// The header `x-clawgate-budget: 5.00`: what a client lets its session cost.

import { shortened } from "../../canon/bounds.ts";
import { Failure } from "../../canon/failure.ts";
import { nanoOfUsd } from "../../tenants/spending.ts";

const header = "x-clawgate-budget";
/** Plain dollars: no other spelling can be misread. */
const dollars = /^\d{1,9}(?:\.\d{1,9})?$/;

/** Nano-USD that the client's header names; null: it names none. Throws Failure. */
export function namedBudget(headers: Pick<Headers, "get">): number | null {
  const written = headers.get(header);
  if (written === null) return null;
  const text = written.trim();
  if (!dollars.test(text))
    throw new Failure(
      "invalid-request",
      `${header} must be US dollars such as 5.00, not "${shortened(text, 40)}".`,
      { param: header },
    );
  return Math.round(Number(text) * nanoOfUsd);
}
