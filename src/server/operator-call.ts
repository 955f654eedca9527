// A request as the server hands it to the app: what it has read of it, and who sent it.

import type { Caller, RequestOrigin } from "../pipeline/access.ts";

export type ServerRequestFacts = RequestOrigin & {
  /** Also the value of x-request-id and request-id, which the server puts on every answer. */
  readonly requestId: string;
  /** The part of the path that the route's `*` matches, percent-decoded; "" for a path without one. */
  readonly pathName: string;
  /** Monotonic milliseconds. */
  readonly arrivedMs: number;
  /** Lifts the idle timeout of this connection: to be called once the request is admitted and its body read. */
  keepOpen(): void;
  /** Closes this connection within seconds, whatever is still to be sent: for a client that does not read. */
  close(): void;
};

/** A request of the operator. */
export type OperatorCall = {
  readonly request: Request;
  readonly caller: Caller;
  readonly facts: ServerRequestFacts;
};
