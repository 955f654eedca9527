// Signing in on the dashboard: with the admin key, or with the one-time code that a person typed; signing out; and what a page may do
// now. Neither key nor code is ever kept, logged or answered.

import { z } from "zod";
import { Failure } from "../canon/failure.ts";
import type { Access, Caller, RequestOrigin } from "../pipeline/access.ts";
import { setSessionCookie } from "../pipeline/session-cookie.ts";
import type { AuditLog } from "./audit-log.ts";
import { type OperatorSessions, sessionSeconds } from "./operator-sessions.ts";
import { type BodyReading, readSmallBody } from "./small-body.ts";

export type SignInServices = { readonly audit: AuditLog; readonly operatorSessions: OperatorSessions };

export type SessionState = {
  readonly signed_in: boolean;
  readonly can_read: boolean;
  readonly can_write: boolean;
  readonly has_admin_key: boolean;
  readonly expires_ms: number | null;
};

const maxBytes = 4_096;
const signInBody = z
  .strictObject({
    key: z.string().min(1).max(1_000).optional(),
    code: z.string().min(1).max(100).optional(),
  })
  .refine(
    ({ key, code }) => (key === undefined) !== (code === undefined),
    "either `key` or `code` must be sent",
  );

/** `holdMs`: how long to delay the answer. */
export function sessionState(
  access: Access,
  facts: RequestOrigin,
): { readonly state: SessionState; readonly holdMs: number } {
  const { operator } = access;
  const session = operator.session(facts);
  const { mayRead, holdMs } = access.readAccess(facts);
  return {
    holdMs,
    state: {
      signed_in: session !== null,
      can_read: mayRead,
      can_write: session !== null || operator.hasOperatorKey(facts),
      has_admin_key: operator.hasAdminKey,
      expires_ms: session?.expiresMs ?? null,
    },
  };
}

type SignInCall = { readonly request: Request; readonly facts: RequestOrigin };

/** Throws Failure unauthorized. */
export async function signIn(
  access: Access,
  { audit, operatorSessions }: SignInServices,
  { request, facts }: SignInCall,
  reading: BodyReading,
): Promise<{ readonly state: SessionState; readonly cookie: string }> {
  const { key, code } = await readSmallBody(request, signInBody, maxBytes, reading);
  const { operator } = access;
  const address = operator.addressOf(facts);
  const by =
    key === undefined
      ? operatorSessions.useCode(code ?? "")
        ? "one-time code"
        : null
      : operator.nameOf(key);
  const action = by === null ? "session.refused" : "session.sign_in";
  const means = key === undefined ? "code" : "key";
  audit.note({ actor: by ?? "nobody", address, action, subject: "", detail: `by ${means}` });
  if (by === null)
    throw operator.wrongGuess(
      facts,
      key === undefined
        ? "The code was not accepted: it is wrong, was used, or is older than two minutes. `clawgate dashboard` prints a new one."
        : "The key was not accepted. Signing in needs the admin key.",
    );
  const former = operator.session(facts);
  if (former !== null) operatorSessions.close(former.token);
  const { token, expiresMs } = operatorSessions.open();
  return {
    cookie: setSessionCookie(token, sessionSeconds, operator.isHttps(facts)),
    state: {
      signed_in: true,
      can_read: true,
      can_write: true,
      has_admin_key: operator.hasAdminKey,
      expires_ms: expiresMs,
    },
  };
}

/** The cookie that ends the browser's. Throws Failure forbidden for a request that another page made. */
export function signOut(
  access: Access,
  { audit, operatorSessions }: SignInServices,
  facts: RequestOrigin,
): string {
  const { operator } = access;
  const session = operator.session(facts);
  if (session !== null) {
    operator.requireOwnPage(facts);
    operatorSessions.close(session.token);
    const address = operator.addressOf(facts);
    audit.note({ actor: "session", address, action: "session.sign_out", subject: "", detail: "" });
  }
  return setSessionCookie(null, 0, operator.isHttps(facts));
}

/** A code for the person at the terminal. A session must not prolong itself by one. */
export function makeSignInCode(
  access: Access,
  { audit, operatorSessions }: SignInServices,
  { caller, facts }: { readonly caller: Caller; readonly facts: RequestOrigin },
): { readonly code: string; readonly expires_ms: number } {
  if (caller.actor === "session")
    throw new Failure("forbidden", "A one-time code needs the admin key or the state directory's token.");
  const { code, expiresMs } = operatorSessions.makeCode();
  const actor = caller.actor ?? "nobody";
  audit.note({
    actor,
    address: access.operator.addressOf(facts),
    action: "session.code",
    subject: "",
    detail: "",
  });
  return { code, expires_ms: expiresMs };
}
