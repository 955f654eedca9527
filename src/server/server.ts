// The HTTP server: Elysia mounts the table of routes, and one function stands before every one of them.
// It must never decide anything about models, keys or providers: that is the face's business.

import { Elysia } from "elysia";
import { Failure } from "../canon/failure.ts";
import type { Endpoint } from "../pipeline/endpoints.ts";
import { dialectOf, dialectOfUnknown, notFound, refuse } from "./answers.ts";
import { descriptionRoutes } from "./api-description.ts";
import type { ServerRequestFacts, ServerPort } from "./server-port.ts";
import { corsHeaders, createHostGuard, preflight } from "./hosts.ts";
import { manualRoutes } from "./manual-routes.ts";
import { elysiaPath, methodsAt, nameIn, suggestedPath, splitUrl } from "./paths.ts";
import { leavesLargeBody } from "../wire/body.ts";
import { checkRequestBody } from "./request-body.ts";
import { greeting, type Route, routesOf } from "./routes.ts";

export type ServerOptions = {
  /** An address or a name; "::" takes both families where the machine does. */
  readonly hostname: string;
  /** 0: any free one. */
  readonly port: number;
};

export type Server = {
  readonly port: number;
  readonly hostname: string;
  /** Requests that are being answered now, streams included. */
  pendingRequests(): number;
  /** Closes the connections that wait for their next request. One that never had any is closed by Bun within 12 s (Bun 1.4.5). */
  closeIdle(): void;
  /** Accepts nobody any more, waits up to `graceMs` for running answers, then cuts them off. */
  stop(graceMs: number): Promise<void>;
};

type BunServer = Bun.Server<unknown>;
type Answer = Response | Promise<Response>;

/** Much of the body is still under way, refused before it was read or half-way: too large, too slow, no memory. */
function isLeftUnread(request: Request, status: number): boolean {
  if (status === 413) return true;
  return request.bodyUsed ? status === 408 || status === 503 : leavesLargeBody(request.headers);
}

function finish(
  gateway: ServerPort,
  response: Response,
  request: Request,
  requestId: string,
  corsOrigin: string | null,
): Response {
  const { headers } = response;
  headers.set("x-request-id", requestId);
  headers.set("request-id", requestId);
  if (corsOrigin !== null) for (const [name, value] of corsHeaders(corsOrigin)) headers.set(name, value);
  if (!isLeftUnread(request, response.status)) return response;
  // Without this the client goes on sending it into a connection that we keep.
  headers.set("connection", "close");
  return gateway.beside(response, request);
}

/** Starts to listen. Throws what Bun.serve throws (EADDRINUSE, EACCES). */
export function createServer(gateway: ServerPort, options: ServerOptions): Server {
  const routes = routesOf(gateway);
  const manual = manualRoutes(gateway.version, greeting(gateway.version));
  const table = [...routes, ...descriptionRoutes(gateway, routes), ...manual];
  let rules = gateway.rules();
  let guard = createHostGuard(rules);

  /** Neither throws nor rejects. A promise of its own only where something is left to do: a door's answer is whole. */
  function answer(route: Route | null, request: Request, bun: BunServer | null): Answer {
    try {
      const { headers } = request;
      const facts = new Facts(request, bun, gateway.monotonicMs(), gateway.newRequestId());
      const { requestId } = facts;
      const [path, query] = splitUrl(request.url);
      let corsOrigin: string | null = null;
      try {
        const current = gateway.rules();
        if (current !== rules) {
          rules = current;
          guard = createHostGuard(current);
        }
        const host = headers.get("host");
        // Load balancers poll in HTTP/1.0 and name no host; a browser, whom a name could have led here, always does.
        if (host !== null || route?.routeClass !== "public") guard.checkHost(host);
        corsOrigin = guard.checkOrigin(headers.get("origin"), host ?? "");
        const name = route === null ? null : nameIn(route.path, path);
        if (route === null || name === null)
          return finish(
            gateway,
            answerUnrouted(request, path, facts, corsOrigin),
            request,
            requestId,
            corsOrigin,
          );
        facts.pathName = name;
        const caller = gateway.authorize(route.routeClass, facts);
        if (route.method === "POST")
          checkRequestBody(headers, route.takesBody, rules.bodyLimitBytes, route.takesForm === true);
        const dialect = dialectOf(path, headers);
        const answering = route.answer({ request, path, query, name, dialect, caller, facts });
        if (route.isEndpoint && corsOrigin === null) return answering;
        return answering instanceof Promise
          ? answerLater(answering, request, dialect, facts, corsOrigin)
          : finish(gateway, answering, request, requestId, corsOrigin);
      } catch (thrown) {
        const response = refuse(gateway, thrown, {
          dialect: dialectOf(path, headers),
          requestId,
          from: facts,
        });
        const finished = finish(gateway, response, request, requestId, corsOrigin);
        // Meanwhile the body would come in and be nobody's.
        const holdMs = thrown instanceof Failure && !leavesLargeBody(headers) ? thrown.holdMs : 0;
        return holdMs === 0 ? finished : gateway.wait(holdMs).then(() => finished);
      }
    } catch (error) {
      return lastResort(error);
    }
  }

  async function answerLater(
    answering: Promise<Response>,
    request: Request,
    dialect: Endpoint["dialect"],
    facts: Facts,
    corsOrigin: string | null,
  ): Promise<Response> {
    const { requestId } = facts;
    try {
      const response = await answering.catch((thrown: unknown) =>
        refuse(gateway, thrown, { dialect, requestId, from: facts }),
      );
      return finish(gateway, response, request, requestId, corsOrigin);
    } catch (error) {
      return lastResort(error);
    }
  }

  function answerUnrouted(request: Request, path: string, facts: Facts, corsOrigin: string | null): Response {
    const asked = { requestId: facts.requestId, from: facts };
    const methods = methodsAt(table, path);
    const { headers } = request;
    const dialect = dialectOfUnknown(request.method, path, headers);
    if (methods.length === 0) {
      const meant = suggestedPath(table, path);
      const what = `There is nothing at this path.${meant === null ? "" : ` Did you mean ${meant}?`}`;
      return refuse(gateway, notFound(what), { ...asked, dialect });
    }
    const asksForSocket = request.method === "GET" && headers.get("upgrade")?.toLowerCase() === "websocket";
    if (asksForSocket && dialect !== "google-genai")
      return refuse(gateway, noWebSocket(), {
        ...asked,
        dialect,
        status: 426,
        // RFC 9110 section 15.5.22: the protocol that is spoken here.
        headers: { upgrade: "HTTP/1.1", connection: "Upgrade" },
      });
    if (request.method === "OPTIONS" && corsOrigin !== null && headers.has("access-control-request-method"))
      return preflight(headers.get("access-control-request-headers"), methods);
    const failure = new Failure("invalid-request", `This path answers ${methods.join(", ")} only.`, {
      code: "method_not_allowed",
    });
    return refuse(gateway, failure, {
      ...asked,
      dialect,
      status: 405,
      headers: { allow: methods.join(", ") },
    });
  }

  /** Codex tries a WebSocket first and falls back to HTTP at once on 426, on nothing else. */
  function noWebSocket(): Failure {
    return new Failure(
      "invalid-request",
      "This path speaks no WebSocket. Send the request as an HTTP POST; streams are server-sent events.",
      { code: "websocket_not_supported" },
    );
  }

  /** For what `answer` itself could not turn into an answer: nothing of the house is asked again. */
  function lastResort(error: unknown): Response {
    gateway.log.error("a request could not be answered", { error });
    const requestId = crypto.randomUUID();
    return Response.json(
      {
        error: {
          message: "The gateway met an internal error.",
          type: "server_error",
          param: null,
          code: null,
        },
      },
      { status: 500, headers: { "x-request-id": requestId, "request-id": requestId } },
    );
  }

  // systemRouter: Bun's own router decodes and matches paths in its way; one matcher only, and it sees the raw path.
  // standardHostname: with true, Elysia looks for the path behind the 11th character and misreads short host names.
  const app = new Elysia({ strictPath: true, systemRouter: false, handler: { standardHostname: false } });
  function mounted(rows: Rows | null, { request }: { readonly request: Request }): Answer {
    return answer(rows === null ? null : rowFor(rows, request.url), request, app.server);
  }
  // Bound, because Elysia reads a handler's text, and what it takes for asynchronous costs every request one more promise.
  for (const rows of mountsOf(table))
    app.route(rows[0].method, elysiaPath(rows[0].path), mounted.bind(null, rows), { parse: "none" });
  app.all("*", mounted.bind(null, null), { parse: "none" });
  app.listen({
    hostname: options.hostname,
    port: options.port,
    // Elysia's default shares the port with whoever else listens there, silently.
    reusePort: false,
    // Cuts off a stalled upload; a door lifts it once the body is read.
    idleTimeout: 60,
    // Far above ours, which a length is held against before the body and the reader while it comes: so the 413 has a body.
    maxRequestBodySize: 2 ** 40,
    development: false,
    // A door never rejects. If a bug makes one, it is told like any other bug; nothing of the house is shown.
    error: lastResort,
  });
  const bun = app.server;
  if (bun === null || bun.port === undefined) throw new Error("the server did not start to listen");
  const { port } = bun;
  return {
    port,
    hostname: options.hostname,
    pendingRequests: () => bun.pendingRequests,
    closeIdle: () => void bun.closeIdleConnections(),
    async stop(graceMs) {
      const timer = setTimeout(() => void bun.stop(true), graceMs);
      await bun.stop();
      clearTimeout(timer);
    },
  };
}

/** A class, because every request has one: its methods stand on the prototype. */
class Facts implements ServerRequestFacts {
  pathName = "";

  constructor(
    private readonly request: Request,
    private readonly bun: BunServer | null,
    readonly arrivedMs: number,
    readonly requestId: string,
  ) {}

  get headers(): Headers {
    return this.request.headers;
  }

  get method(): string {
    return this.request.method;
  }

  get url(): string {
    return this.request.url;
  }

  peer(): string | null {
    return this.bun?.requestIP(this.request)?.address ?? null;
  }

  keepOpen(): void {
    this.bun?.timeout(this.request, 0);
  }

  // The shortest idle timeout; measured (Bun 1.4.5): a connection whose client does not read is closed within 4 s.
  close(): void {
    this.bun?.timeout(this.request, 1);
  }
}

type Rows = readonly [Route, ...Route[]];

/** Rows that differ only in the verb behind the wildcard share one mount. */
function mountsOf(table: readonly Route[]): readonly Rows[] {
  const mounts = new Map<string, [Route, ...Route[]]>();
  for (const route of table) {
    const key = `${route.method} ${elysiaPath(route.path)}`;
    const rows = mounts.get(key);
    if (rows === undefined) mounts.set(key, [route]);
    else rows.push(route);
  }
  return [...mounts.values()];
}

/** Null: the path is none of theirs after all. */
function rowFor(rows: Rows, url: string): Route | null {
  if (rows.length === 1) return rows[0];
  const [path] = splitUrl(url);
  return rows.find((row) => nameIn(row.path, path) !== null) ?? null;
}
