// Which upstream a failure of the network's happened at, in the operator's words. The client's must never hold it.

import { type Failure, toldAs } from "../canon/failure.ts";

const networkKinds: ReadonlySet<string> = new Set(["unreachable", "timed-out", "bad-output"]);

/** What the network or a silence did, with the place where it did: for the operator. */
export function placed(failure: Failure, place: string | undefined): Failure {
  const { told } = failure;
  if (place === undefined || !networkKinds.has(failure.kind) || told.includes(place)) return failure;
  return toldAs(failure, `${place}: ${told}`);
}
