// The routes by which the operator's page checks, writes and takes back the config file, and manages the keys in it.

import { operatorJson } from "./answers.ts";
import type { OperatorAnswer, OperatorPort } from "./operator-port.ts";
import { operatorDescriptions } from "./operator-descriptions.ts";
import type { Call, Route } from "./routes.ts";
import type { RouteDescription } from "./route-descriptions.ts";

export function configRoutes(gateway: OperatorPort): readonly Route[] {
  const write = (
    method: Route["method"],
    path: string,
    detail: RouteDescription,
    act: (call: Call) => Promise<OperatorAnswer>,
  ): Route => ({
    method,
    path,
    routeClass: "write",
    takesBody: false,
    isEndpoint: false,
    detail,
    async answer(call) {
      const { status, body } = await act(call);
      const answer = operatorJson(body, status);
      const etag = typeof body === "object" && body !== null && "etag" in body ? body.etag : null;
      if (typeof etag === "string") answer.headers.set("etag", etag);
      return answer;
    },
  });
  return [
    {
      ...write("POST", "/api/config/check", operatorDescriptions.checkConfig, gateway.checkConfig),
      takesBody: true,
    },
    { ...write("PUT", "/api/config", operatorDescriptions.saveConfig, gateway.saveConfig), takesBody: true },
    write("POST", "/api/config/undo", operatorDescriptions.undoConfig, gateway.undoConfig),
    write("POST", "/api/tenants/*/keys", operatorDescriptions.createKey, (call) =>
      gateway.createKey(call.name, call),
    ),
    write("POST", "/api/tenants/*/keys/*/rotate", operatorDescriptions.rotateKey, (call) =>
      gateway.rotateKey(call.name, call),
    ),
    write("DELETE", "/api/tenants/*/keys/*", operatorDescriptions.revokeKey, (call) =>
      gateway.revokeKey(call.name, call),
    ),
  ];
}
