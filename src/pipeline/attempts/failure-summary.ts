// Chooses the failure that the client gets: whose fault it is, and of several the most helpful one. Pure.

import type { Target } from "../../canon/decision.ts";
import { consequences, Failure } from "../../canon/failure.ts";
import { unknownPrevious } from "../../dialects/openai-responses/kept-answers.ts";
import type { Run } from "../run.ts";

/** A vendor's 404 is our fault only if we chose the model; a wrong name from the client is the client's fault. */
export function attributedFailure(run: Run, target: Target, failure: Failure): Failure {
  const isClients = run.decision?.isClientsOwnModel === true && target === run.decision.targets[0];
  // A caller's own plan answers its caller itself.
  if (failure.kind !== "model-missing" || !isClients || run.usesClientSignIn) return failure;
  return new Failure("unknown-model", `The provider "${target.provider}" has no model "${target.model}".`, {
    param: "model",
    code: "model_not_found",
    upstreamStatus: failure.upstreamStatus,
  });
}

/** An estimate never asks a client to wait longer than this. */
const maxBusyMs = 60_000;

/** `expectedMs`: how long a new request would wait now; null: unknown. */
export function busyFailure(provider: string, expectedMs: number | null): Failure {
  const message = `The provider "${provider}" is at its max_concurrent, or at its max_per_tenant for you. Try again in a moment.`;
  return new Failure("busy", message, {
    retryAfterMs: Math.min(Math.max(expectedMs ?? 0, 1_000), maxBusyMs),
    code: "busy",
  });
}

type ProviderFailure = { readonly provider: string; readonly failure: Failure };

/**
 * A target that cannot take the request does not count after one that could and failed: the request is not at fault, and a
 * client that gets a 400 would give up where it should retry.
 */
function withoutRefusals(failures: readonly ProviderFailure[]): readonly ProviderFailure[] {
  const asked = failures.filter(
    ({ failure }) => failure.kind !== "unsupported" && failure.code !== unknownPrevious,
  );
  return asked.length > 0 ? asked : failures;
}

/** Of several failures, the one that best tells the caller what to do: wait, or give up. */
export function failureSummary(all: readonly ProviderFailure[]): Failure {
  const failures = withoutRefusals(all);
  const last = failures.at(-1);
  if (last === undefined) return new Failure("unreachable", "No provider could be tried.");
  if (failures.length === 1) return last.failure;
  const final = consequences[last.failure.kind].nextTarget === "no" && last.failure.kind !== "busy";
  const mostHelpful = final
    ? last
    : (["rate-limited", "quota-exhausted", "busy", "overloaded", "at-capacity", "timed-out"] as const)
        .map((kind) => failures.find((each) => each.failure.kind === kind))
        .find((each) => each !== undefined);
  const { failure } = mostHelpful ?? last;
  const waits = failures.flatMap((each) => each.failure.retryAfterMs ?? []);
  const parts = failures.map((each) => `${each.provider}: ${each.failure.message}`).join("; ");
  const operatorParts = failures
    .map((each) => `${each.provider}: ${each.failure.operatorMessage}`)
    .join("; ");
  return new Failure(
    failure.kind,
    final ? failure.message : `All providers failed. ${parts}`.slice(0, 2_000),
    {
      param: failure.param,
      code: failure.code,
      details: failure.details,
      upstreamStatus: failure.upstreamStatus,
      retryAfterMs: waits.length === 0 ? null : Math.min(...waits),
      verbatim: final ? failure.verbatim : null,
      why: final ? failure.why : `All providers failed. ${operatorParts}`,
    },
  );
}
