// The request log and the test of alerts as the HTTP server sees them: whoever deletes, reads or tests is in the audit.

import { Failure } from "../canon/failure.ts";
import type { ServerPort } from "../server/server-port.ts";
import type { AppServices } from "./app-services.ts";
import type { NoteAction } from "./operator-port.ts";

export type RequestLogServices = Pick<AppServices, "requestLog" | "alerts" | "log">;

export function requestLogPort({ requestLog, alerts, log }: RequestLogServices, note: NoteAction) {
  return {
    requestLog: () => requestLog.report(),
    async loggedRequest(id, call) {
      const found = await requestLog.find(id);
      if (found !== null) note(call, "request_log.read", id);
      return found;
    },
    async deleteLoggedRequests(query, call) {
      const tenant = query.get("tenant") ?? "";
      if (tenant === "")
        throw new Failure("invalid-request", 'tenant is required: a name, or "*" for everybody.', {
          param: "tenant",
        });
      const deleted = await requestLog.delete(tenant);
      if (deleted === null)
        throw new Failure("internal", "The request log could not be changed; see the log. Try again.");
      log.info("request log: texts were deleted by the operator", { tenant, deleted });
      note(call, "request_log.delete", tenant, `${deleted} ${deleted === 1 ? "request" : "requests"}`);
      return { tenant, deleted };
    },
    testAlert(call) {
      note(call, "alerts.test", "");
      return alerts.test();
    },
  } satisfies Partial<ServerPort>;
}
