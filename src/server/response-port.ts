// What the server needs from the app about kept answers of the Responses API.

import type { Caller } from "../pipeline/access.ts";
import type { OperatorCall } from "./operator-call.ts";

/** Each throws Failure; another tenant's answer is unknown. */
export type ResponsePort = {
  keptResponse(id: string, caller: Caller, query: URLSearchParams): unknown;
  deleteKeptResponse(id: string, caller: Caller): unknown;
  /** Settles when the request has ended. */
  cancelKeptResponse(id: string, caller: Caller): Promise<unknown>;
  keptInputItems(id: string, caller: Caller, query: URLSearchParams): unknown;
  /** How many are kept, and whose. */
  keptResponses(): unknown;
  /** Deletes all of a tenant. Throws Failure. */
  deleteKeptResponses(query: URLSearchParams, call: OperatorCall): Promise<unknown>;
};
