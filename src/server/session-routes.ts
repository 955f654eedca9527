// The routes of signing in on the dashboard, and of the audit.

import { operatorJson } from "./answers.ts";
import type { OperatorPort } from "./operator-port.ts";
import { operatorDescriptions } from "./operator-descriptions.ts";
import type { Route } from "./routes.ts";
import type { ServerPort } from "./server-port.ts";

export function sessionRoutes(gateway: OperatorPort & Pick<ServerPort, "wait">): readonly Route[] {
  const base = { path: "/api/session", routeClass: "public", takesBody: false, isEndpoint: false } as const;
  return [
    {
      ...base,
      method: "GET",
      detail: operatorDescriptions.session,
      async answer({ facts }) {
        const { state, holdMs } = gateway.signInState(facts);
        if (holdMs > 0) await gateway.wait(holdMs);
        return operatorJson(state);
      },
    },
    {
      ...base,
      method: "POST",
      takesBody: true,
      detail: operatorDescriptions.signIn,
      async answer(call) {
        const { state, cookie } = await gateway.signIn(call);
        const answer = operatorJson(state);
        answer.headers.set("set-cookie", cookie);
        return answer;
      },
    },
    {
      ...base,
      method: "DELETE",
      detail: operatorDescriptions.signOut,
      answer: (call) =>
        new Response(null, {
          status: 204,
          headers: { "set-cookie": gateway.signOut(call), "cache-control": "no-store" },
        }),
    },
    {
      ...base,
      method: "POST",
      path: "/api/session/code",
      routeClass: "write",
      detail: operatorDescriptions.signInCode,
      answer: (call) => operatorJson(gateway.makeSignInCode(call)),
    },
    {
      ...base,
      method: "GET",
      path: "/api/audit",
      routeClass: "read",
      detail: operatorDescriptions.audit,
      answer: (call) => operatorJson(gateway.audit(new URLSearchParams(call.query))),
    },
  ];
}
