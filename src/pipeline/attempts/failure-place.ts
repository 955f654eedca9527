// Adds to a network failure the upstream where it happened, for the operator. The client's message must never contain
// it.

import { type Failure, withOperatorMessage } from "../../canon/failure.ts";

const networkKinds: ReadonlySet<string> = new Set(["unreachable", "timed-out", "bad-output"]);

/** What the network or a timeout did and at which upstream: for the operator. */
export function withPlace(failure: Failure, place: string | undefined): Failure {
  const { operatorMessage: operatorText } = failure;
  if (place === undefined || !networkKinds.has(failure.kind) || operatorText.includes(place)) return failure;
  return withOperatorMessage(failure, `${place}: ${operatorText}`);
}
