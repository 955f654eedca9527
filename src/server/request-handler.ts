// The one function that runs before every route: it checks Host, Origin, key and headers, and turns every refusal into a
// response. It must never decide anything about models, keys or providers: the server port does.

import { Failure } from "../canon/failure.ts";
import type { Endpoint } from "../pipeline/endpoints.ts";
import { leavesLargeBody } from "../wire/body.ts";
import { dialectOf, dialectOfUnknown, notFound, refuse } from "./answers.ts";
import { corsHeaders, createHostGuard, type HostGuard, preflight, refuseEmbedding } from "./hosts.ts";
import { methodsAt, nameIn, splitUrl, suggestedPath } from "./paths.ts";
import { checkRequestBody } from "./request-body.ts";
import { type BunServer, IncomingFacts } from "./request-facts.ts";
import type { Route } from "./routes.ts";
import type { HostRules, ServerPort } from "./server-port.ts";

export type Answer = Response | Promise<Response>;

export class RequestHandler {
  /** Whether every further answer closes its connection. */
  isClosing = false;
  private rules: HostRules;
  private guard: HostGuard;

  constructor(
    private readonly gateway: ServerPort,
    private readonly table: readonly Route[],
  ) {
    this.rules = gateway.rules();
    this.guard = createHostGuard(this.rules);
  }

  /** Neither throws nor rejects. It adds its own promise only if work is left: an endpoint's answer is complete. */
  answer(route: Route | null, request: Request, bun: BunServer | null): Answer {
    const answer = this.answered(route, request, bun);
    return this.isClosing ? closing(answer) : answer;
  }

  private answered(route: Route | null, request: Request, bun: BunServer | null): Answer {
    const { gateway } = this;
    try {
      const facts = new IncomingFacts(request, bun, gateway.monotonicMs(), gateway.newRequestId());
      try {
        return this.checked(route, facts);
      } catch (thrown) {
        return this.refused(thrown, facts);
      }
    } catch (error) {
      return this.lastResort(error);
    }
  }

  /** Throws Failure. */
  private checked(route: Route | null, facts: IncomingFacts): Answer {
    const { gateway } = this;
    const { request, headers } = facts;
    const [path, query] = splitUrl(request.url);
    const current = gateway.rules();
    if (current !== this.rules) {
      this.rules = current;
      this.guard = createHostGuard(current);
    }
    const host = headers.get("host");
    // Load balancers probe with HTTP/1.0 and send no Host; a browser, which a rebound DNS name could have led here, always does.
    if (host !== null || route?.routeClass !== "public") this.guard.checkHost(host);
    facts.corsOrigin = this.guard.checkOrigin(headers.get("origin"), host ?? "");
    if (route?.routeClass !== "public") refuseEmbedding(headers);
    const name = route === null ? null : nameIn(route.path, path);
    if (route === null || name === null) return this.finish(this.unrouted(path, facts), facts);
    facts.pathName = name;
    const caller = gateway.authorize(route.routeClass, facts);
    if (route.method !== "GET" && route.method !== "HEAD")
      checkRequestBody(headers, route.takesBody, this.rules.bodyLimitBytes, route.takesForm === true);
    const dialect = dialectOf(path, headers);
    const answering = route.answer({ request, path, query, name, dialect, caller, facts });
    if (route.isEndpoint && facts.corsOrigin === null) return answering;
    return answering instanceof Promise
      ? this.answerLater(answering, dialect, facts)
      : this.finish(answering, facts);
  }

  private refused(thrown: unknown, facts: IncomingFacts): Answer {
    const { gateway } = this;
    const { headers, requestId } = facts;
    const [path] = splitUrl(facts.url);
    const response = refuse(gateway, thrown, { dialect: dialectOf(path, headers), requestId, from: facts });
    const finished = this.finish(response, facts);
    // A body that is still arriving would not be read while the answer is held back.
    const holdMs = thrown instanceof Failure && !leavesLargeBody(headers) ? thrown.holdMs : 0;
    return holdMs === 0 ? finished : gateway.wait(holdMs).then(() => finished);
  }

  private async answerLater(
    answering: Promise<Response>,
    dialect: Endpoint["dialect"],
    facts: IncomingFacts,
  ): Promise<Response> {
    const { requestId } = facts;
    try {
      const response = await answering.catch(async (thrown: unknown) => {
        const refusal = refuse(this.gateway, thrown, { dialect, requestId, from: facts });
        if (thrown instanceof Failure && thrown.holdMs > 0) await this.gateway.wait(thrown.holdMs);
        return refusal;
      });
      return this.finish(response, facts);
    } catch (error) {
      return this.lastResort(error);
    }
  }

  private unrouted(path: string, facts: IncomingFacts): Response {
    const { gateway, table } = this;
    const asked = { requestId: facts.requestId, from: facts };
    const methods = methodsAt(table, path);
    const { headers, method } = facts;
    const dialect = dialectOfUnknown(method, path, headers);
    if (methods.length === 0) {
      const suggested = suggestedPath(table, path);
      const what = `There is nothing at this path.${suggested === null ? "" : ` Did you mean ${suggested}?`}`;
      return refuse(gateway, notFound(what), { ...asked, dialect });
    }
    const asksForSocket = method === "GET" && headers.get("upgrade")?.toLowerCase() === "websocket";
    if (asksForSocket && dialect !== "google-genai")
      return refuse(gateway, noWebSocket(), {
        ...asked,
        dialect,
        status: 426,
        // RFC 9110 section 15.5.22: the supported protocol.
        headers: { upgrade: "HTTP/1.1", connection: "Upgrade" },
      });
    if (method === "OPTIONS" && facts.corsOrigin !== null && headers.has("access-control-request-method"))
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

  private finish(response: Response, { request, requestId, corsOrigin }: IncomingFacts): Response {
    const { headers } = response;
    headers.set("x-request-id", requestId);
    headers.set("request-id", requestId);
    if (corsOrigin !== null) for (const [name, value] of corsHeaders(corsOrigin)) headers.set(name, value);
    if (!isLeftUnread(request, response.status)) return response;
    // Otherwise the client would keep sending it into a connection that stays open.
    headers.set("connection", "close");
    return this.gateway.respondAndDrain(response, request);
  }

  /** For errors that `answer` itself could not turn into a response: the app is not called again. */
  lastResort(error: unknown): Response {
    this.gateway.log.error("no response could be created for a request", { error });
    const requestId = crypto.randomUUID();
    return Response.json(
      {
        error: {
          message: "The gateway had an internal error.",
          type: "server_error",
          param: null,
          code: null,
        },
      },
      { status: 500, headers: { "x-request-id": requestId, "request-id": requestId } },
    );
  }
}

function closing(answer: Answer): Answer {
  if (answer instanceof Promise) return answer.then(closing);
  answer.headers.set("connection", "close");
  return answer;
}

/** Much of the body is still to come: it was refused before or while it was read (too large, too slow, no memory). */
function isLeftUnread(request: Request, status: number): boolean {
  if (status === 413) return true;
  return request.bodyUsed ? status === 408 || status === 503 : leavesLargeBody(request.headers);
}

/** Codex tries a WebSocket first and falls back to HTTP immediately on 426, and only on 426. */
function noWebSocket(): Failure {
  return new Failure(
    "invalid-request",
    "This path does not support WebSocket. Send the request as an HTTP POST; streams are server-sent events.",
    { code: "websocket_not_supported" },
  );
}
