// Which upstream a failure of the network's happened at, in the operator's words. The client's must never hold it.

import { type Failure, withOperatorMessage } from "../canon/failure.ts";

const networkKinds: ReadonlySet<string> = new Set(["unreachable", "timed-out", "bad-output"]);

/** What the network or a silence did, with the place where it did: for the operator. */
export function withPlace(failure: Failure, place: string | undefined): Failure {
  const { operatorMessage: operatorText } = failure;
  if (place === undefined || !networkKinds.has(failure.kind) || operatorText.includes(place)) return failure;
  return withOperatorMessage(failure, `${place}: ${operatorText}`);
}
