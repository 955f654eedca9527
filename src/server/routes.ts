// The table of routes: method, path, who may call it, what it does. One row carries its own class, so that no route
// can be reached around its check. It must never read a body.

import { consequences, Failure } from "../canon/failure.ts";
import type { DialectName } from "../canon/request.ts";
import type { Caller, RouteClass } from "../pipeline/access.ts";
import { doors } from "../pipeline/doors.ts";
import { notFound, operatorJson } from "./answers.ts";
import { describe, type Detail } from "./describe.ts";
import type { DoorFacts, Face } from "./face.ts";

export type Call = {
  readonly request: Request;
  readonly path: string;
  /** Without the question mark; "" when there is none. */
  readonly query: string;
  /** The part of the path that the row's `*` stands for, percent-decoded; "" for a path without one. */
  readonly name: string;
  readonly dialect: DialectName;
  readonly caller: Caller;
  readonly facts: DoorFacts;
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
  readonly isDoor: boolean;
  readonly detail: Detail;
  answer(call: Call): Response | Promise<Response>;
};

export function routesOf(face: Face): readonly Route[] {
  const health = async (call: Call): Promise<Response> => {
    const isReadyCheck = new URLSearchParams(call.query).get("ready") === "1";
    const { mayRead, holdMs } = face.glance(call.facts);
    if (holdMs > 0) await face.wait(holdMs);
    const health = await face.health(isReadyCheck, mayRead);
    return operatorJson(health, isReadyCheck && health.status === "down" ? 503 : 200);
  };
  const model = (call: Call): Response => {
    const found = face.model(call.dialect, call.name, call.caller);
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
    detail: Detail = describe.hidden,
  ): Route => ({ method: "GET", path, routeClass, takesBody: false, isDoor: false, detail, answer });
  const head = (path: string, answer: Route["answer"]): Route => ({
    ...get(path, "public", answer),
    method: "HEAD",
  });
  const command = (path: string, detail: Detail, missing: string, act: (id: string) => boolean): Route => ({
    ...get(path, "write", (call) => {
      if (!act(call.name)) throw notFound(missing);
      return operatorJson({ ok: true });
    }),
    method: "POST",
    detail,
  });
  return [
    head("/", () => new Response(null)),
    // What Claude Code asks before anything else; older ones ask for `/`.
    head("/api/hello", () => new Response(null)),
    get("/health", "public", health, describe.health),
    head("/health", async (call) => new Response(null, { status: (await health(call)).status })),
    get(
      "/v1/models",
      "data",
      (call) => Response.json(face.modelList(call.dialect, call.caller)),
      describe.models,
    ),
    get("/v1/models/*", "data", model),
    get(
      "/v1beta/models",
      "data",
      (call) => Response.json(face.modelList(call.dialect, call.caller)),
      describe.googleModels,
    ),
    get("/v1beta/models/*", "data", model),
    ...doors.map((door): Route => ({
      method: "POST",
      path: door.path,
      routeClass: "data",
      takesBody: true,
      takesForm: door.forwarding?.takesForm === true,
      isDoor: true,
      detail: describe.door(door),
      answer: (call) => face.door(door, call.request, call.caller, call.facts),
    })),
    get(
      "/api/stats",
      "read",
      async (call) => operatorJson(await face.stats(new URLSearchParams(call.query))),
      describe.stats,
    ),
    get(
      "/api/recent",
      "read",
      async (call) => operatorJson(await face.recent(new URLSearchParams(call.query))),
      describe.recent,
    ),
    get("/api/config", "read", async () => operatorJson(await face.config()), describe.config),
    get("/api/live", "read", () => operatorJson(face.live()), describe.live),
    get(
      "/api/logs",
      "read",
      (call) => operatorJson(face.logs(new URLSearchParams(call.query))),
      describe.logs,
    ),
    get("/api/providers", "read", async () => operatorJson(await face.providers()), describe.providers),
    get("/api/tenants", "read", () => operatorJson(face.tenants()), describe.tenants),
    {
      ...get(
        "/api/route",
        "read",
        async (call) => {
          const query = new URLSearchParams(call.query);
          const asked = { door: query.get("door"), tenant: query.get("tenant") };
          return operatorJson(await face.explainRoute(call.request, asked));
        },
        describe.route,
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
            await face.testProvider(call.name, new URLSearchParams(call.query).get("model"), call),
          ),
        describe.test,
      ),
      method: "POST",
    },
    {
      ...get(
        "/api/reload",
        "write",
        async () => {
          const report = await face.reload();
          // The operator's text is at fault and nothing changed: the status of every other text that is not valid.
          return operatorJson(report, report.ok ? 200 : consequences["invalid-request"].status);
        },
        describe.reload,
      ),
      method: "POST",
    },
    command("/api/providers/*/reset", describe.reset, "There is no provider of that id.", face.resetProvider),
    command(
      "/api/requests/*/cancel",
      describe.cancel,
      "No request of that id is running.",
      face.cancelRequest,
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
    "Manual:            /docs",
    "API description:   /swagger",
    "Health:            /health",
    "",
  ].join("\n");
}
