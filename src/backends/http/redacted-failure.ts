// Masks secrets in a vendor's failures, which may repeat whatever the vendor was sent.

import { Failure, type VerbatimAnswer } from "../../canon/failure.ts";
import { parseLoosely } from "../../dialects/decoding.ts";

/** The same failure with every secret in its text masked. */
export function redactedFailure(redact: (text: string) => string, failure: Failure): Failure {
  const { cause } = failure;
  // Details that masking or their size make unreadable are left out.
  const told = failure.details === null ? "" : redact(JSON.stringify(failure.details));
  const details = told.length > 4_000 ? null : parseLoosely(told);
  return new Failure(failure.kind, redact(failure.message).slice(0, 2_000), {
    ...failure,
    // A vendor may repeat what it was sent in these as well.
    param: failure.param === null ? null : redact(failure.param),
    code: failure.code === null ? null : redact(failure.code),
    why: failure.why === null ? null : redact(failure.why),
    verbatim: redactedAnswer(redact, failure.verbatim),
    cause,
    details,
  });
}

function redactedAnswer(
  redact: (text: string) => string,
  answer: VerbatimAnswer | null,
): VerbatimAnswer | null {
  return answer === null ? null : { ...answer, body: redact(answer.body) };
}
