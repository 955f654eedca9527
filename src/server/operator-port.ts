// What the HTTP server needs from the app for the operator's own pages: signing in, the audit, the config file, tenant keys.

import type { RequestOrigin } from "../pipeline/access.ts";
import type { OperatorCall } from "./operator-call.ts";

/** An answer whose status is not that of any Failure: a conflict with the file on disk, a text that is not valid. */
export type OperatorAnswer = { readonly status: number; readonly body: unknown };

export type OperatorPort = {
  /** What the caller may do. `holdMs`: how long to delay the answer. */
  signInState(facts: RequestOrigin): { readonly state: unknown; readonly holdMs: number };
  /** `cookie`: the value of Set-Cookie. Throws Failure unauthorized. */
  signIn(call: OperatorCall): Promise<{ readonly state: unknown; readonly cookie: string }>;
  /** Returns the value of Set-Cookie. Throws Failure forbidden. */
  signOut(call: OperatorCall): string;
  /** A one-time code for the person at the terminal. Throws Failure forbidden. */
  makeSignInCode(call: OperatorCall): unknown;
  /** What is wrong with a text in place of the config file, and how it differs. */
  checkConfig(call: OperatorCall): Promise<OperatorAnswer>;
  /** Writes the text and reloads; If-Match names the version that was edited. */
  saveConfig(call: OperatorCall): Promise<OperatorAnswer>;
  /** Goes back to the version before, and reloads. */
  undoConfig(call: OperatorCall): Promise<OperatorAnswer>;
  /** A new key of a tenant, shown once. Throws Failure not-found. */
  createKey(tenant: string, call: OperatorCall): Promise<OperatorAnswer>;
  /** A new key for an old one; `named`: the tenant and the old key's fingerprint with a slash between. Throws Failure not-found. */
  rotateKey(named: string, call: OperatorCall): Promise<OperatorAnswer>;
  /** Throws Failure not-found. */
  revokeKey(named: string, call: OperatorCall): Promise<OperatorAnswer>;
  /** Who changed what, newest first. */
  audit(query: URLSearchParams): unknown;
};
