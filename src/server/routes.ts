// The table of routes: method, path, who may call it, what it does. One row carries its own class, so that no route
// can be reached around its check. It must never read a body.

import { consequences, Failure } from "../canon/failure.ts";
import type { DialectName } from "../canon/request.ts";
import type { Caller, RouteClass } from "../pipeline/access.ts";
import { endpoints } from "../pipeline/endpoints.ts";
import { notFound, operatorJson } from "./answers.ts";
import { routeDescriptions, type RouteDescription } from "./route-descriptions.ts";
import type { ServerRequestFacts, ServerPort } from "./server-port.ts";

export type Call = {
  readonly request: Request;
  readonly path: string;
  /** Without the question mark; "" when there is none. */
  readonly query: string;
  /** The part of the path that the row's `*` stands for, percent-decoded; "" for a path without one. */
  readonly name: string;
  readonly dialect: DialectName;
  readonly caller: Caller;
  readonly facts: ServerRequestFacts;
};

export type Route = {
  readonly method: "GET" | "HEAD" | "POST";
  /** At most one `*`. It stands for one or more characters; between two slashes it stands for one segment. */
  readonly path: string;
  readonly routeClass: RouteClass;
  /** A door's body is JSON, at some it may be form data; the other POST routes take none. */
  readonly takesBody: boolean;
  readonly takesForm?: boolean;
  /** A door puts the request's id on its answers itself. */
  readonly isEndpoint: boolean;
  readonly detail: RouteDescription;
  answer(call: Call): Response | Promise<Response>;
};

export function routesOf(gateway: ServerPort): readonly Route[] {
  const health = async (call: Call): Promise<Response> => {
    const isReadyCheck = new URLSearchParams(call.query).get("ready") === "1";
    const { mayRead, holdMs } = gateway.readAccess(call.facts);
    if (holdMs > 0) await gateway.wait(holdMs);
    const health = await gateway.health(isReadyCheck, mayRead);
    return operatorJson(health, isReadyCheck && health.status === "down" ? 503 : 200);
  };
  const model = (call: Call): Response => {
    const found = gateway.model(call.dialect, call.name, call.caller);
    if (found === null)
      throw new Failure("unknown-model", `There is no model "${call.name.slice(0, 120)}" here.`, {
        code: "model_not_found",
        param: "model",
      });
    return Response.json(found);
  };
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
  const command = (
    path: string,
    detail: RouteDescription,
    missing: string,
    act: (id: string) => boolean,
  ): Route => ({
    ...get(path, "write", (call) => {
      if (!act(call.name)) throw notFound(missing);
      return operatorJson({ ok: true });
    }),
    method: "POST",
    detail,
  });
  return [
    get("/", "public", () => new Response(greeting(gateway.version))),
    head("/", () => new Response(null)),
    // What Claude Code asks before anything else; older ones ask for `/`.
    head("/api/hello", () => new Response(null)),
    get("/health", "public", health, routeDescriptions.health),
    head("/health", async (call) => new Response(null, { status: (await health(call)).status })),
    get(
      "/v1/models",
      "data",
      (call) => Response.json(gateway.modelList(call.dialect, call.caller)),
      routeDescriptions.models,
    ),
    get("/v1/models/*", "data", model),
    get(
      "/v1beta/models",
      "data",
      (call) => Response.json(gateway.modelList(call.dialect, call.caller)),
      routeDescriptions.googleModels,
    ),
    get("/v1beta/models/*", "data", model),
    ...endpoints.map((endpoint): Route => ({
      method: "POST",
      path: endpoint.path,
      routeClass: "data",
      takesBody: true,
      takesForm: endpoint.forwarding?.takesForm === true,
      isEndpoint: true,
      detail: routeDescriptions.door(endpoint),
      answer: (call) => gateway.handle(endpoint, call.request, call.caller, call.facts),
    })),
    get(
      "/api/stats",
      "read",
      async (call) => operatorJson(await gateway.stats(new URLSearchParams(call.query))),
      routeDescriptions.stats,
    ),
    get(
      "/api/recent",
      "read",
      async (call) => operatorJson(await gateway.recent(new URLSearchParams(call.query))),
      routeDescriptions.recent,
    ),
    get("/api/config", "read", async () => operatorJson(await gateway.config()), routeDescriptions.config),
    get("/api/live", "read", () => operatorJson(gateway.live()), routeDescriptions.live),
    get(
      "/api/logs",
      "read",
      (call) => operatorJson(gateway.logs(new URLSearchParams(call.query))),
      routeDescriptions.logs,
    ),
    get(
      "/api/providers",
      "read",
      async () => operatorJson(await gateway.providers()),
      routeDescriptions.providers,
    ),
    get("/api/tenants", "read", async () => operatorJson(await gateway.tenants()), routeDescriptions.tenants),
    {
      ...get(
        "/api/route",
        "read",
        async (call) => {
          const query = new URLSearchParams(call.query);
          const asked = { door: query.get("door"), tenant: query.get("tenant") };
          return operatorJson(await gateway.explainRoute(call.request, asked));
        },
        routeDescriptions.route,
      ),
      method: "POST",
      takesBody: true,
    },
    {
      ...get(
        "/api/providers/*/test",
        "write",
        async (call) =>
          operatorJson(
            await gateway.testProvider(call.name, new URLSearchParams(call.query).get("model"), call),
          ),
        routeDescriptions.test,
      ),
      method: "POST",
    },
    {
      ...get(
        "/api/reload",
        "write",
        async () => {
          const report = await gateway.reload();
          // The operator's text is at fault and nothing changed: the status of every other text that is not valid.
          return operatorJson(report, report.ok ? 200 : consequences["invalid-request"].status);
        },
        routeDescriptions.reload,
      ),
      method: "POST",
    },
    command(
      "/api/providers/*/reset",
      routeDescriptions.reset,
      "There is no provider of that id.",
      gateway.resetProvider,
    ),
    command(
      "/api/requests/*/cancel",
      routeDescriptions.cancel,
      "No request of that id is running.",
      gateway.cancelRequest,
    ),
  ];
}

function greeting(version: string): string {
  return [
    `ClawGate ${version}: one local endpoint between AI clients and AI models.`,
    "",
    "OpenAI clients:    base URL <this address>/v1",
    "Anthropic clients: base URL <this address>",
    "Google clients:    base URL <this address>",
    "API description:   /swagger",
    "",
  ].join("\n");
}
