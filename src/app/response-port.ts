// Kept answers of the Responses API as the HTTP server sees them.

import { Failure } from "../canon/failure.ts";
import {
  cancelKeptResponse,
  deleteKeptResponse,
  keptInputItems,
  keptResponse,
  type KeptResponseServices,
} from "../pipeline/responses/kept-response.ts";
import type { ServerPort } from "../server/server-port.ts";
import type { AppServices } from "./app-services.ts";
import type { NoteAction } from "./operator-port.ts";

export type ResponsePortServices = KeptResponseServices & Pick<AppServices, "keptAnswers" | "log">;

export function responsePort(services: ResponsePortServices, note: NoteAction) {
  const { keptAnswers, log } = services;
  return {
    keptResponse: (id, { tenant }, query) => keptResponse(services, id, tenant, query),
    deleteKeptResponse: (id, { tenant }) => deleteKeptResponse(services, id, tenant),
    cancelKeptResponse: (id, { tenant }) => cancelKeptResponse(services, id, tenant),
    keptInputItems: (id, { tenant }, query) => keptInputItems(services, id, tenant, query),
    keptResponses: () => keptAnswers.report(),
    async deleteKeptResponses(query, call) {
      const tenant = query.get("tenant");
      if (tenant === null)
        throw new Failure(
          "invalid-request",
          'tenant is required: a name, "*" for everybody, empty for callers without a tenant.',
          { param: "tenant" },
        );
      const deleted = await keptAnswers.deleteAll(tenant === "" ? null : tenant);
      log.info("kept responses were deleted by the operator", { tenant, deleted });
      note(call, "responses.delete", tenant, `${deleted} ${deleted === 1 ? "response" : "responses"}`);
      return { tenant, deleted };
    },
  } satisfies Partial<ServerPort>;
}
