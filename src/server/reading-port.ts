// What the routes of records and events need from the app, which implements it.

import type { OperatorCall } from "./operator-call.ts";

export type EventRequest = {
  readonly query: URLSearchParams;
  readonly lastEventId: string | null;
  readonly signal: AbortSignal;
  /** Ends the connection of a client that does not read. */
  readonly disconnect: () => void;
  /** Whether the caller may still read: keys and cookies end while a stream goes on. */
  readonly isAllowed: () => boolean;
};

export type ExportedFile = {
  readonly contentType: string;
  readonly fileName: string;
  readonly body: AsyncGenerator<string, void, void>;
};

/** Each throws Failure for a query that it cannot read. */
export type ReadingPort = {
  series(query: URLSearchParams): Promise<unknown>;
  requests(query: URLSearchParams): Promise<unknown>;
  /** Null: there is no such record. */
  request(id: string): Promise<unknown>;
  sessions(query: URLSearchParams): Promise<unknown>;
  /** Null: no request of that session is recorded. */
  session(id: string, query: URLSearchParams): Promise<unknown>;
  exportRequests(query: URLSearchParams, signal: AbortSignal): ExportedFile;
  /** The bytes of an event stream. */
  events(request: EventRequest): AsyncGenerator<string, void, void>;
  routingRules(): unknown;
  /** The Claude Code programs of the config. */
  claude(): Promise<unknown>;
  /** Examines everything; one run at a time. */
  doctor(call: OperatorCall): Promise<unknown>;
};
