// Everything the HTTP face needs from the house, handed in by assemble. The server knows no more of the house than this.

import type { z } from "zod";
import type { Failure } from "../canon/failure.ts";
import type { DialectName } from "../canon/request.ts";
import type { Caller, ReadAccess, RequestOrigin, RouteClass } from "../pipeline/access.ts";
import type { Endpoint } from "../pipeline/endpoints.ts";

/** What a Host and an Origin header are held against, and how large a body may be. */
export type HostRules = {
  readonly bindHost: string;
  /** Host names without a port, compared without regard to case. */
  readonly allowedHosts: readonly string[];
  /** Whole origins ("https://app.example"), as browsers send them. */
  readonly allowedOrigins: readonly string[];
  readonly bodyLimitBytes: number;
};

export type ServerRequestFacts = RequestOrigin & {
  /** Also the value of x-request-id and request-id, which the server puts on every answer. */
  readonly requestId: string;
  /** What the `*` of the route's path stands for, percent-decoded; "" for a path without one. */
  readonly pathName: string;
  /** Monotonic milliseconds. */
  readonly arrivedMs: number;
  /** Lifts the idle timeout of this connection: to be called once the request is admitted and its body read. */
  keepOpen(): void;
  /** Closes this connection within seconds, whatever is still to be sent: for a client that does not read. */
  close(): void;
};

export type TestCall = {
  readonly request: Request;
  readonly caller: Caller;
  readonly facts: ServerRequestFacts;
};

export type RefusedRequest = {
  readonly requestId: string;
  readonly method: string;
  /** Without its query, which may hold a key. */
  readonly path: string;
  readonly peer: string | null;
};

export type Health = { readonly status: "ok" | "degraded" | "down"; readonly [key: string]: unknown };

export type ServerPort = {
  /** The current generation's rules: the same object until a reload, because the server prepares sets from it once. */
  rules(): HostRules;
  /** Throws Failure unauthorized or forbidden (pipeline/access.ts). */
  authorize(routeClass: RouteClass, facts: RequestOrigin): Caller;
  /** The same for what anybody may ask and readers are told more of. Never throws. */
  readAccess(facts: RequestOrigin): ReadAccess;
  /**
   * The road. The body is unread; wire/body.ts reads it. Never rejects: failures are answers. Each bears x-request-id and
   * request-id, closes the connection where the body was not read to its end, and its headers must be mutable.
   */
  handle(door: Endpoint, request: Request, caller: Caller, facts: ServerRequestFacts): Promise<Response>;
  /** The dialect's body of the model list. */
  modelList(dialect: DialectName, caller: Caller): unknown;
  /** The dialect's body of one model, null when there is none of that id. */
  model(dialect: DialectName, id: string, caller: Caller): unknown;
  health(isReadyCheck: boolean, mayRead: boolean): Promise<Health>;
  stats(query: URLSearchParams): Promise<unknown>;
  recent(query: URLSearchParams): Promise<unknown>;
  live(): unknown;
  /** The last lines of the log. */
  logs(query: URLSearchParams): unknown;
  /** The config in force, secrets masked, and where the file on the disk says something else. */
  config(): Promise<unknown>;
  /** Every configured provider and how it is doing. */
  providers(): Promise<unknown>;
  /** Every tenant: its keys by their fingerprints, its limits, what it has used of them. */
  tenants(): Promise<unknown>;
  /** Why the request in this body would go where it would go; `door` null: told by its shape; `tenant` null: as somebody without one. Throws Failure. */
  explainRoute(
    request: Request,
    asked: { readonly door: string | null; readonly tenant: string | null },
  ): Promise<unknown>;
  /** Sends one small real request. `model` null: the provider's own. Throws Failure not-found. */
  testProvider(id: string, model: string | null, call: TestCall): Promise<unknown>;
  /** Reads the config again. `ok` false: it is not valid, and the one in force stays. Throws Failure when it was no config's fault. */
  reload(): Promise<{ readonly ok: boolean; readonly [key: string]: unknown }>;
  /** False: no such provider. */
  resetProvider(id: string): boolean;
  /** False: no such running request. */
  cancelRequest(id: string): boolean;
  /** The dialect's body of an error answer. */
  encodeFailure(dialect: DialectName, failure: Failure, requestId: string): unknown;
  newRequestId(): string;
  /** The same answer to a request whose body nobody reads, so that whoever still sends it gets to read it. */
  beside(response: Response, request: Request): Response;
  /** Settles after so many milliseconds. */
  wait(ms: number): Promise<void>;
  monotonicMs(): number;
  /** Told of what was refused before it came to a door; `refused` is asked only where somebody will see it. */
  onRefused(refused: () => RefusedRequest, failure: Failure, status: number): void;
  readonly log: { error(message: string, fields: Readonly<Record<string, unknown>>): void };
  readonly version: string;
  /** Request schemas for the API description, by door name. Called when the description is first asked for. */
  apiSchemas(): Promise<Readonly<Record<string, z.ZodType>>>;
};
