// A vendor may repeat in its failures whatever it was sent: nothing of them leaves here with a secret in it.

import { Failure } from "../../canon/failure.ts";
import { parseLoosely } from "../../dialects/decoding.ts";

/** The same failure with every secret in its text masked. */
export function redactedFailure(redact: (text: string) => string, failure: Failure): Failure {
  const { cause } = failure;
  // What masking or its sheer size made unreadable is left out.
  const told = failure.details === null ? "" : redact(JSON.stringify(failure.details));
  const details = told.length > 4_000 ? null : parseLoosely(told);
  return new Failure(failure.kind, redact(failure.message).slice(0, 2_000), {
    ...failure,
    // A vendor may write into these as well whatever it was sent.
    param: failure.param === null ? null : redact(failure.param),
    code: failure.code === null ? null : redact(failure.code),
    why: failure.why === null ? null : redact(failure.why),
    cause,
    details,
  });
}
