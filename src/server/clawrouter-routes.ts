// The paths that OpenClaw's bundled plugin `clawrouter` asks beside those of the models: catalog, usage and health. It must never read
// a body.

import { operatorJson } from "./answers.ts";
import { clawrouterDescriptions } from "./clawrouter-descriptions.ts";
import type { Call, Route } from "./routes.ts";
import type { ServerPort } from "./server-port.ts";

export function clawrouterRoutes(gateway: ServerPort): readonly Route[] {
  const get = (
    path: string,
    routeClass: Route["routeClass"],
    detail: Route["detail"],
    answer: (call: Call) => Promise<unknown>,
  ): Route => ({
    method: "GET",
    path,
    routeClass,
    takesBody: false,
    isEndpoint: false,
    detail,
    answer: async (call) => operatorJson(await answer(call)),
  });
  return [
    get("/v1/catalog", "data", clawrouterDescriptions.catalog, ({ caller }) =>
      gateway.clawrouterCatalog(caller),
    ),
    get("/v1/usage", "data", clawrouterDescriptions.usage, ({ caller }) => gateway.clawrouterUsage(caller)),
    get("/v1/health", "public", clawrouterDescriptions.health, async () => {
      const { status } = await gateway.health({ mayRead: false, isOwnShape: true });
      return { status, service: "clawgate", version: gateway.version };
    }),
  ];
}
