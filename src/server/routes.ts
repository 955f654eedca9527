// The table of routes: method, path, who may call it, what it does. Each row includes its access class, so that no route can be
// reached without its check. It must never read a body.

import { consequences, Failure } from "../canon/failure.ts";
import type { Caller, RouteClass } from "../pipeline/access.ts";
import { type Endpoint, endpoints } from "../pipeline/endpoints.ts";
import { metricsPage, notFound, operatorJson } from "./answers.ts";
import { routeDescriptions, type RouteDescription } from "./route-descriptions.ts";
import type { ServerPort } from "./server-port.ts";
import type { ServerRequestFacts } from "./operator-call.ts";

export type Call = {
  readonly request: Request;
  readonly path: string;
  /** Without the question mark; "" if there is none. */
  readonly query: string;
  /** The part of the path that matches the row's `*`, percent-decoded; "" for a path without one; for two of them, both with a slash between. */
  readonly name: string;
  readonly dialect: Endpoint["dialect"];
  readonly caller: Caller;
  readonly facts: ServerRequestFacts;
};

export type Route = {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "DELETE";
  /** At most two `*`. It matches one or more characters; between two slashes it matches one segment. */
  readonly path: string;
  readonly routeClass: RouteClass;
  /** An endpoint's body is JSON, or also form data where this says so; the other POST routes take none. */
  readonly takesBody: boolean;
  readonly takesForm?: boolean;
  /** An endpoint puts the request's id on its answers itself. */
  readonly isEndpoint: boolean;
  readonly detail: RouteDescription;
  answer(call: Call): Response | Promise<Response>;
};

export function routesOf(gateway: ServerPort): readonly Route[] {
  return [
    ...publicRoutes(gateway),
    ...modelRoutes(gateway),
    ...endpoints.map((endpoint): Route => ({
      method: "POST",
      path: endpoint.path,
      routeClass: "data",
      takesBody: true,
      takesForm: endpoint.forwarding?.takesForm === true,
      isEndpoint: true,
      detail: routeDescriptions.endpoint(endpoint),
      answer: (call) => gateway.handle(endpoint, call.request, call.caller, call.facts),
    })),
    ...reportRoutes(gateway),
    ...actionRoutes(gateway),
  ];
}

const get = (
  path: string,
  routeClass: RouteClass,
  answer: Route["answer"],
  detail: RouteDescription = routeDescriptions.hidden,
): Route => ({ method: "GET", path, routeClass, takesBody: false, isEndpoint: false, detail, answer });

const head = (path: string, answer: Route["answer"]): Route => ({
  ...get(path, "public", answer),
  method: "HEAD",
});

const post = (
  path: string,
  routeClass: RouteClass,
  answer: Route["answer"],
  detail: RouteDescription,
): Route => ({ ...get(path, routeClass, answer, detail), method: "POST" });

function publicRoutes(gateway: ServerPort): readonly Route[] {
  const health = async (call: Call): Promise<Response> => {
    const query = new URLSearchParams(call.query);
    const isReadyCheck = query.get("ready") === "1";
    const { mayRead, holdMs } = gateway.readAccess(call.facts);
    if (holdMs > 0) await gateway.wait(holdMs);
    const isOurs = call.facts.headers.get("user-agent")?.startsWith("clawgate/") === true;
    const report = await gateway.health({
      mayRead,
      isOwnShape: isOurs || query.get("as") === "clawgate",
    });
    return operatorJson(report, isReadyCheck && report.status === "down" ? 503 : 200);
  };
  return [
    head("/", () => new Response(null)),
    // Claude Code's first request; older versions request `/`.
    head("/api/hello", () => new Response(null)),
    get("/health", "public", health, routeDescriptions.health),
    head("/health", async (call) => new Response(null, { status: (await health(call)).status })),
  ];
}

function modelRoutes(gateway: ServerPort): readonly Route[] {
  const list = (call: Call): Response =>
    Response.json(gateway.modelList(call.dialect, call.caller, new URLSearchParams(call.query)));
  const model = (call: Call): Response => {
    const found = gateway.model(call.dialect, call.name, call.caller);
    if (found === null)
      throw new Failure("unknown-model", `There is no model "${call.name.slice(0, 120)}" here.`, {
        code: "model_not_found",
        param: "model",
      });
    return Response.json(found);
  };
  return [
    get("/v1/models", "data", list, routeDescriptions.models),
    get("/v1/models/*", "data", model),
    get("/v1beta/models", "data", list, routeDescriptions.googleModels),
    get("/v1beta/models/*", "data", model),
  ];
}

/** What the operator may read. */
function reportRoutes(gateway: ServerPort): readonly Route[] {
  const report = (path: string, detail: RouteDescription, read: (query: URLSearchParams) => unknown): Route =>
    get(path, "read", async (call) => operatorJson(await read(new URLSearchParams(call.query))), detail);
  return [
    report("/api/stats", routeDescriptions.stats, (query) => gateway.stats(query)),
    report("/api/recent", routeDescriptions.recent, (query) => gateway.recent(query)),
    get(
      "/metrics",
      "read",
      async ({ request }) => metricsPage(await gateway.metrics(request.headers.get("accept"))),
      routeDescriptions.metrics,
    ),
    report("/api/config", routeDescriptions.config, () => gateway.config()),
    report("/api/live", routeDescriptions.live, () => gateway.live()),
    report("/api/logs", routeDescriptions.logs, (query) => gateway.logs(query)),
    report("/api/providers", routeDescriptions.providers, () => gateway.providers()),
    report("/api/tenants", routeDescriptions.tenants, () => gateway.tenants()),
    report("/api/request-log", routeDescriptions.requestLog, () => gateway.requestLog()),
    report("/api/alerts", routeDescriptions.alerts, () => gateway.alerts()),
    {
      ...post(
        "/api/route",
        "read",
        async (call) => {
          const query = new URLSearchParams(call.query);
          const asked = { door: query.get("door"), tenant: query.get("tenant") };
          return operatorJson(await gateway.explainRoute(call.request, asked));
        },
        routeDescriptions.route,
      ),
      takesBody: true,
    },
  ];
}

/** What the operator may do. */
function actionRoutes(gateway: ServerPort): readonly Route[] {
  const command = (
    path: string,
    detail: RouteDescription,
    missing: string,
    act: (id: string, call: Call) => boolean,
  ): Route =>
    post(
      path,
      "write",
      (call) => {
        if (!act(call.name, call)) throw notFound(missing);
        return operatorJson({ ok: true });
      },
      detail,
    );
  return [
    post(
      "/api/providers/*/test",
      "write",
      async (call) =>
        operatorJson(
          await gateway.testProvider(call.name, new URLSearchParams(call.query).get("model"), call),
        ),
      routeDescriptions.test,
    ),
    post(
      "/api/reload",
      "write",
      async (call) => {
        const report = await gateway.reload(call);
        // The operator's text is invalid and nothing changed: the same status as for any other invalid text.
        return operatorJson(report, report.ok ? 200 : consequences["invalid-request"].status);
      },
      routeDescriptions.reload,
    ),
    // Of the class write: without an admin key nobody on the machine may read what others wrote.
    get(
      "/api/request-log/*",
      "write",
      async (call) => {
        const found = await gateway.loggedRequest(call.name, call);
        if (found === null) throw notFound("The request log keeps nothing of a request with that id.");
        return operatorJson(found);
      },
      routeDescriptions.loggedRequest,
    ),
    {
      ...get(
        "/api/request-log",
        "write",
        async (call) =>
          operatorJson(await gateway.deleteLoggedRequests(new URLSearchParams(call.query), call)),
        routeDescriptions.deleteLoggedRequests,
      ),
      method: "DELETE",
    },
    post(
      "/api/alerts/test",
      "write",
      async (call) => operatorJson(await gateway.testAlert(call)),
      routeDescriptions.testAlert,
    ),
    command(
      "/api/providers/*/reset",
      routeDescriptions.reset,
      "There is no provider with that id.",
      gateway.resetProvider,
    ),
    command(
      "/api/requests/*/cancel",
      routeDescriptions.cancel,
      "No request with that id is running.",
      gateway.cancelRequest,
    ),
  ];
}

export function greeting(version: string): string {
  return [
    `ClawGate ${version}: one local endpoint between AI clients and AI models.`,
    "",
    "OpenAI clients:    base URL <this address>/v1",
    "Anthropic clients: base URL <this address>",
    "Google clients:    base URL <this address>",
    "Dashboard:         /dashboard",
    "Manual:            /docs",
    "API description:   /swagger",
    "Health:            /health",
    "",
  ].join("\n");
}
