// The operator's own pages as the HTTP server sees them: signing in and the audit.

import { Failure } from "../canon/failure.ts";
import type { AuditAction, AuditEntry } from "../operator/audit-log.ts";
import { makeSignInCode, sessionState, signIn, signOut, type SignInServices } from "../operator/sign-in.ts";
import type { BodyReading } from "../operator/small-body.ts";
import type { OperatorPort } from "../server/operator-port.ts";
import type { OperatorCall } from "../server/operator-call.ts";
import type { ConfigSnapshot } from "./config-snapshot.ts";

export type OperatorPortServices = SignInServices & BodyReading["services"];

/** Notes what an operator did by this request. */
export type NoteAction = (
  call: Pick<OperatorCall, "caller" | "facts">,
  action: AuditAction,
  subject: string,
  detail?: string,
) => void;

export function createNoteAction(
  { audit }: Pick<SignInServices, "audit">,
  current: () => ConfigSnapshot,
): NoteAction {
  return ({ caller, facts }, action, subject, detail = "") =>
    audit.note({
      actor: caller.actor ?? "nobody",
      address: current().access.operator.addressOf(facts),
      action,
      subject,
      detail,
    });
}

export function sessionPort(services: OperatorPortServices, current: () => ConfigSnapshot) {
  return {
    signInState: (facts) => sessionState(current().access, facts),
    signIn: (call) => signIn(current().access, services, call, { pipeline: current().pipeline, services }),
    signOut: ({ facts }) => signOut(current().access, services, facts),
    makeSignInCode: (call) => makeSignInCode(current().access, services, call),
    audit: (query) => auditPage(services, query),
  } satisfies Partial<OperatorPort>;
}

const usualLimit = 50;
const maxLimit = 500;

function auditPage({ audit }: Pick<SignInServices, "audit">, query: URLSearchParams) {
  const limit = query.get("limit") ?? String(usualLimit);
  if (!/^\d{1,3}$/.test(limit) || Number(limit) < 1 || Number(limit) > maxLimit)
    throw new Failure("invalid-request", `limit must be a whole number from 1 to ${maxLimit}.`, {
      param: "limit",
    });
  const { entries, next } = audit.page(Number(limit), query.get("cursor"));
  return { entries: entries.map(auditView), next };
}

const auditView = ({ id, atMs, actor, address, action, subject, detail }: AuditEntry) => ({
  id,
  at_ms: atMs,
  actor,
  address,
  action,
  subject,
  detail,
});
