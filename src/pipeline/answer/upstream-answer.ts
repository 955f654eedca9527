// What a client is shown of the upstream's own answer: a refusal byte for byte, because Claude Code recovers by its wording, and
// what is left of the vendor's quota. A tenant never learns of the operator's account.

import { type Allowance, allowancesOf } from "../../backends/health/allowance.ts";
import type { Failure, FailureKind } from "../../canon/failure.ts";
import { isQuotaHeader, retryHeaders } from "../../dialects/anthropic-messages/retry-headers.ts";
import { openaiShare, anthropicShare } from "../tenants/limit-headers.ts";
import type { Run } from "../run.ts";

/** The request or its content is at fault: the vendor speaks to the client, not to the gateway. */
const aboutRequest: ReadonlySet<FailureKind> = new Set([
  "invalid-request",
  "unsupported",
  "context-exceeded",
  "too-large",
  "refused",
]);
/** About the operator's account, or the vendor's state. */
const aboutAccount: ReadonlySet<FailureKind> = new Set(["rate-limited", "quota-exhausted", "overloaded"]);

type Refusal = { readonly status: number; readonly body: string };

/** `status`: of our own answer. Null: the client gets our own words. */
export function verbatimRefusal(run: Run, failure: Failure, status: number): Refusal | null {
  const { verbatim, upstreamStatus, kind } = failure;
  if (verbatim === null || upstreamStatus === null || run.endpoint.dialect !== "anthropic-messages")
    return null;
  const isShown =
    run.usesClientSignIn ||
    (aboutRequest.has(kind) && compacts(failure)) ||
    (aboutAccount.has(kind) && upstreamStatus === status && run.context.tenant === null);
  return isShown ? { status: upstreamStatus, body: verbatim.body } : null;
}

/** A full window must be told in the words by which Claude Code compacts; compatible servers have words of their own. */
const compacts = ({ kind, verbatim }: Failure): boolean =>
  kind !== "context-exceeded" || /prompt is too long/i.test(verbatim?.body ?? "");

/** Whether and when to try again. */
export function addRetryHeaders(run: Run, failure: Failure, headers: Record<string, string>): void {
  // A budget is not there again after a pause of seconds.
  if (failure.kind === "over-budget") headers["x-should-retry"] = "false";
  const { verbatim } = failure;
  if (verbatim === null || run.endpoint.dialect !== "anthropic-messages") return;
  for (const [name, value] of Object.entries(verbatim.headers))
    if (name === "retry-after" ? run.usesClientSignIn : !isQuotaHeader(name) || run.context.tenant === null)
      headers[name] = value;
}

/** What the vendor said is left of its quota, as the headers of the client's format. */
export function addQuotaHeaders(run: Run, headers: Record<string, string>): void {
  const { winner, context, endpoint } = run;
  if (winner === null || context.tenant !== null) return;
  const { vendorHeaders, provider, target, credential } = winner;
  const { dialect } = endpoint;
  if (dialect !== "anthropic-messages" && dialect !== "openai-chat" && dialect !== "openai-responses") return;
  const nowMs = run.services.clock.nowMs();
  if (vendorHeaders === null) {
    if (provider.backend.dialect === null && dialect === "anthropic-messages")
      addPlanWindows(run.services.health.allowances(target.provider, credential), headers);
    return;
  }
  if (dialect === "anthropic-messages" && provider.backend.dialect === dialect) {
    const { "retry-after": _ofRefusals, ...told } = retryHeaders(vendorHeaders);
    Object.assign(headers, told);
    return;
  }
  for (const { name, limit, remaining, resetsAtMs } of allowancesOf(vendorHeaders, nowMs)) {
    if ((name !== "requests" && name !== "tokens") || limit === null || remaining === null) continue;
    const share = { limit, remaining, resetInMs: Math.max(0, (resetsAtMs ?? nowMs) - nowMs) };
    Object.assign(
      headers,
      dialect === "anthropic-messages" ? anthropicShare(name, share, nowMs) : openaiShare(name, share),
    );
  }
}

/** The program's names of its plan's windows, as Anthropic's headers call them. */
const windowNames: Readonly<Record<string, string>> = { five_hour: "5h", seven_day: "7d" };

function addPlanWindows(allowances: readonly Allowance[], headers: Record<string, string>): void {
  for (const { name, usedPercent, status, resetsAtMs } of allowances) {
    const window = Object.hasOwn(windowNames, name) ? windowNames[name] : undefined;
    if (window === undefined) continue;
    const prefix = `anthropic-ratelimit-unified-${window}`;
    if (usedPercent !== null) headers[`${prefix}-utilization`] = String(usedPercent / 100);
    if (resetsAtMs !== null) headers[`${prefix}-reset`] = String(Math.round(resetsAtMs / 1_000));
    if (status !== null && /^[a-z_]+$/.test(status)) headers[`${prefix}-status`] = status;
  }
}
