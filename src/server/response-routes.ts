// The routes of kept answers: those that OpenAI's API has below /v1/responses/{id}, and the operator's.

import { operatorJson } from "./answers.ts";
import { keptDescriptions } from "./response-descriptions.ts";
import type { ResponsePort } from "./response-port.ts";
import type { Call, Route } from "./routes.ts";

export function responseRoutes(gateway: ResponsePort): readonly Route[] {
  const answer =
    (read: (call: Call, query: URLSearchParams) => unknown) =>
    async (call: Call): Promise<Response> =>
      Response.json(await read(call, new URLSearchParams(call.query)), {
        headers: { "cache-control": "no-store" },
      });
  const row = (
    named: keyof typeof keptDescriptions,
    routeClass: Route["routeClass"],
    respond: Route["answer"],
  ): Route => {
    const [method = "", path = ""] = named.split(" ");
    return {
      method: method as Route["method"],
      path,
      routeClass,
      takesBody: false,
      isEndpoint: false,
      detail: keptDescriptions[named],
      answer: respond,
    };
  };
  return [
    row(
      "GET /v1/responses/*/input_items",
      "data",
      answer(({ name, caller }, query) => gateway.keptInputItems(name, caller, query)),
    ),
    row(
      "POST /v1/responses/*/cancel",
      "data",
      answer(({ name, caller }) => gateway.cancelKeptResponse(name, caller)),
    ),
    row(
      "GET /v1/responses/*",
      "data",
      answer(({ name, caller }, query) => gateway.keptResponse(name, caller, query)),
    ),
    row(
      "DELETE /v1/responses/*",
      "data",
      answer(({ name, caller }) => gateway.deleteKeptResponse(name, caller)),
    ),
    row("GET /api/responses", "read", () => operatorJson(gateway.keptResponses())),
    row("DELETE /api/responses", "write", async (call) =>
      operatorJson(await gateway.deleteKeptResponses(new URLSearchParams(call.query), call)),
    ),
  ];
}
