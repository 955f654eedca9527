// The server port: everything that the HTTP server needs from the app, which implements it. The server knows nothing else of the app.

import type { z } from "zod";
import type { Failure } from "../canon/failure.ts";
import type { Caller, ReadAccess, RequestOrigin, RouteClass } from "../pipeline/access.ts";
import type { Endpoint } from "../pipeline/endpoints.ts";
import type { OperatorCall, ServerRequestFacts } from "./operator-call.ts";
import type { ClawrouterPort } from "./clawrouter-port.ts";
import type { ReadingPort } from "./reading-port.ts";
import type { ResponsePort } from "./response-port.ts";

/** The rules for Host and Origin headers, and the size limit of a body. */
export type HostRules = {
  readonly bindHost: string;
  /** Host names without a port, compared case-insensitively. */
  readonly allowedHosts: readonly string[];
  /** Whole origins ("https://app.example"), as browsers send them. */
  readonly allowedOrigins: readonly string[];
  readonly bodyLimitBytes: number;
};

export type RefusedRequest = {
  readonly requestId: string;
  readonly method: string;
  /** Without its query, which may hold a key. */
  readonly path: string;
  readonly peer: string | null;
};

export type Health = { readonly status: "ok" | "degraded" | "down"; readonly [key: string]: unknown };

export type ServerPort = ReadingPort &
  ResponsePort &
  ClawrouterPort & {
    /** The rules of the active config: the same object until a reload, because the server derives sets from it once. */
    rules(): HostRules;
    /** Throws Failure unauthorized or forbidden (pipeline/access.ts). */
    authorize(routeClass: RouteClass, facts: RequestOrigin): Caller;
    /** The same for a route that is public but shows more to readers. Never throws. */
    readAccess(facts: RequestOrigin): ReadAccess;
    /**
     * Runs the pipeline. The body is unread; wire/body.ts reads it. Never rejects: failures are answers. Each answer has x-request-id and
     * request-id and mutable headers, and closes the connection where the body was not read to its end.
     */
    handle(
      endpoint: Endpoint,
      request: Request,
      caller: Caller,
      facts: ServerRequestFacts,
    ): Promise<Response>;
    /** The dialect's body of the model list. */
    modelList(dialect: Endpoint["dialect"], caller: Caller, query: URLSearchParams): unknown;
    /** The dialect's body of one model, null if no model has that id. */
    model(dialect: Endpoint["dialect"], id: string, caller: Caller): unknown;
    /** `isOwnShape`: also where another program's shape is configured (`server.compat`). */
    health(caller: { readonly mayRead: boolean; readonly isOwnShape: boolean }): Promise<Health>;
    stats(query: URLSearchParams): Promise<unknown>;
    recent(query: URLSearchParams): Promise<unknown>;
    live(): unknown;
    /** The series for Prometheus, in the text format that the Accept header requests. */
    metrics(accept: string | null): Promise<{ readonly contentType: string; readonly text: string }>;
    /** The last lines of the log. */
    logs(query: URLSearchParams): unknown;
    /** The active config, secrets masked, and how the file on disk differs. */
    config(): Promise<unknown>;
    /** Every configured provider and its state. */
    providers(): Promise<unknown>;
    /** Whether texts of requests are kept, whose, and how many. */
    requestLog(): Promise<unknown>;
    /** What the request log keeps of one request; null: nothing. */
    loggedRequest(id: string, call: OperatorCall): Promise<unknown>;
    /** Deletes what the request log keeps of a tenant. Throws Failure. */
    deleteLoggedRequests(query: URLSearchParams, call: OperatorCall): Promise<unknown>;
    /** The alerts that last, and those that ended lately. */
    alerts(): unknown;
    /** Sends a test message by every configured way; `ok` is false and `deliveries` empty where none is. */
    testAlert(call: OperatorCall): Promise<unknown>;
    /** Every tenant: its keys by their fingerprints, its limits, its usage. */
    tenants(): Promise<unknown>;
    /** Explains where the request in this body would go; `door` null: detected from the body; `tenant` null: a caller without one. Throws Failure. */
    explainRoute(
      request: Request,
      asked: { readonly door: string | null; readonly tenant: string | null },
    ): Promise<unknown>;
    /** Sends one small real request. `model` null: the provider's own. Throws Failure not-found. */
    testProvider(id: string, model: string | null, call: OperatorCall): Promise<unknown>;
    /** Reads the config again. `ok` false: it is invalid, and the current one stays active. Throws Failure for any other cause. */
    reload(call: OperatorCall): Promise<{ readonly ok: boolean; readonly [key: string]: unknown }>;
    /** False: no such provider. */
    resetProvider(id: string, call: OperatorCall): boolean;
    /** False: no such running request. */
    cancelRequest(id: string, call: OperatorCall): boolean;
    /** The dialect's body of an error answer. */
    encodeFailure(dialect: Endpoint["dialect"], failure: Failure, requestId: string): unknown;
    newRequestId(): string;
    /** The same answer to a request whose body is not read, sent so that a client which still sends the body receives it. */
    respondAndDrain(response: Response, request: Request): Response;
    /** Settles after `ms` milliseconds. */
    wait(ms: number): Promise<void>;
    monotonicMs(): number;
    /** Called for each refusal before an endpoint; `refused` is called only if it will be logged. */
    onRefused(refused: () => RefusedRequest, failure: Failure, status: number): void;
    readonly log: { error(message: string, fields: Readonly<Record<string, unknown>>): void };
    readonly version: string;
    /** Request schemas for the API description, by endpoint name. Called on its first request. */
    apiSchemas(): Promise<Readonly<Record<string, z.ZodType>>>;
  };
