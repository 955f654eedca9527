// `clawgate providers test`: one small real request to one provider, through the pipeline of every request (its queue, limits,
// health and record) but to this target alone. It must never be sent unless an operator asks for it.

import { Failure, type FailureKind } from "../canon/failure.ts";
import { nearest } from "../canon/nearest.ts";
import { emptyRequest, type ChatRequest } from "../canon/request.ts";
import { vendors } from "../backends/http/vendors.ts";
import type { Admission } from "../pipeline/admission.ts";
import { pricedTarget } from "../catalog/priced-target.ts";
import type { PriceBook } from "../catalog/prices.ts";
import type { Services } from "../pipeline/dependencies.ts";
import { sendInternalRequest } from "../pipeline/internal-request.ts";
import type { ActiveConfig } from "./active-config.ts";

export type ProviderTest = {
  readonly request_id: string;
  readonly provider: string;
  readonly model: string;
  readonly ok: boolean;
  readonly latency_ms: number;
  readonly first_token_ms: number | null;
  /** The beginning of the model's answer. */
  readonly text: string | null;
  /** The upstream's own id of the model. */
  readonly upstream_model: string | null;
  readonly input_tokens: number | null;
  readonly output_tokens: number | null;
  /** Null: price or usage is unknown. */
  readonly cost_usd: number | null;
  readonly error: { readonly kind: FailureKind; readonly message: string; readonly hint: string } | null;
};

export type TestQuestion = {
  readonly provider: string;
  /** Null: the provider's own model. */
  readonly model: string | null;
  readonly admission: Admission;
  /** Aborted when the caller has left. */
  readonly signal: AbortSignal;
};

/** What the pipeline needs, and the prices for what was used. */
export type ProviderTestServices = Services & { readonly prices: Pick<PriceBook, "costOf"> };

/** The tag of the test's record. */
const testTag = "provider-test";
const deadlineMs = 30_000;
const maxTokens = 16;
const shownText = 100;

/** Throws Failure not-found; any failure of the provider is returned as the result. */
export async function testProvider(
  active: ActiveConfig,
  services: ProviderTestServices,
  question: TestQuestion,
): Promise<ProviderTest> {
  const { pipeline, loaded } = active;
  const settings = loaded.config.providers[question.provider];
  if (settings === undefined || !pipeline.providers.has(question.provider))
    throw unknownProvider(active, question.provider);
  const target = { provider: question.provider, model: question.model ?? settings.model };
  const { run, text, failure } = await sendInternalRequest(pipeline, services, {
    target,
    request: smallRequest,
    tag: testTag,
    reason: "the operator tests this provider",
    admission: question.admission,
    signal: question.signal,
    deadlineMs,
    timeoutFailure: new Failure(
      "timed-out",
      `The provider gave no complete answer within ${deadlineMs / 1000} s.`,
      {
        maybeBilled: true,
      },
    ),
  });
  const observed = run.winner?.observer ?? null;
  const usage = observed?.usage ?? null;
  const priced = pricedTarget(settings, target.model);
  const costNanoUsd =
    usage === null ? null : await services.prices.costOf(priced, usage, run.context.startedAtMs);
  return {
    request_id: run.context.id,
    ...target,
    ok: failure === null,
    latency_ms: Math.round(services.clock.monotonicMs() - run.context.arrivedMs),
    first_token_ms: run.winner?.firstTokenMs ?? null,
    text: text?.slice(0, shownText) ?? null,
    upstream_model: observed?.upstreamModel ?? null,
    input_tokens: usage?.input ?? null,
    output_tokens: usage?.output ?? null,
    cost_usd: costNanoUsd === null ? null : costNanoUsd / 1e9,
    error:
      failure === null
        ? null
        : {
            kind: failure.kind,
            message: services.redact(failure.operatorMessage).slice(0, 300),
            hint: hintFor(failure, settings.base_url),
          },
  };
}

const smallRequest: ChatRequest = {
  ...emptyRequest,
  messages: [{ role: "user", content: [{ type: "text", text: "Reply with the word OK." }] }],
  maxTokens,
};

function unknownProvider(active: ActiveConfig, id: string): Failure {
  const { loaded, pipeline } = active;
  const skipped = loaded.skippedProviders.find((each) => each.id === id);
  if (skipped !== undefined)
    return new Failure("not-found", `The provider "${id}" is configured but not loaded: ${skipped.reason}.`);
  const near = nearest(id.slice(0, 100), pipeline.providers.keys());
  return new Failure(
    "not-found",
    `There is no provider "${id.slice(0, 100)}".${near === null ? "" : ` Did you mean "${near}"?`}`,
  );
}

/** The variable that usually holds the key of the vendor at this address. */
function keyOf(baseUrl: string | null): string | null {
  if (baseUrl === null) return null;
  const { host } = new URL(baseUrl);
  return vendors.find((row) => new URL(row.baseUrl).host === host)?.keyVariable ?? null;
}

const units = [
  { name: "days", ms: 86_400_000 },
  { name: "hours", ms: 3_600_000 },
  { name: "minutes", ms: 60_000 },
] as const;

function inWords(ms: number): string {
  const unit = units.find((each) => ms >= 2 * each.ms);
  return unit === undefined ? `${Math.ceil(ms / 1000)} s` : `${Math.ceil(ms / unit.ms)} ${unit.name}`;
}

const trustVariable = "NODE_EXTRA_CA_CERTS";

const ofProgram: ReadonlySet<Failure["kind"]> = new Set([
  "credentials-rejected",
  "unreachable",
  "timed-out",
  "bad-output",
]);

/** `baseUrl` null: a program of this machine answers. */
function hintFor(failure: Failure, baseUrl: string | null): string {
  if (baseUrl === null && ofProgram.has(failure.kind))
    return "clawgate doctor checks the program and its sign-in.";
  const keyVariable = keyOf(baseUrl);
  switch (failure.kind) {
    case "credentials-rejected":
      return `Check the provider's api_key${keyVariable === null ? "" : ` (${keyVariable})`}: is it complete, still valid and issued by this vendor?`;
    case "quota-exhausted":
      return "The account has no credit or quota left: check the vendor's billing page.";
    case "rate-limited":
      return failure.retryAfterMs === null
        ? "Too many requests at the moment: try again in a minute."
        : `Too many requests at the moment: the vendor asks to wait ${inWords(failure.retryAfterMs)}.`;
    case "model-missing":
    case "unknown-model":
      return "The vendor does not know this model: correct the provider's `model`, or try another with --model.";
    case "unreachable":
      if (failure.why?.includes(trustVariable) === true)
        return `Save the certificate of the authority that signed it to a file, set ${trustVariable} to its path and restart the gateway.`;
      return "Check base_url, the network and the proxy; for a local server: is it running?";
    case "timed-out":
      return "It may be busy or loading the model: try again, or check its log.";
    case "upstream-error":
    case "overloaded":
      return "The vendor has a problem: try again later, or check its status page.";
    case "bad-output":
      return "The server there does not use this format: check `backend` and `base_url`.";
    case "invalid-request":
    case "unsupported":
      return "The vendor refused this request: check `backend` and `base_url`, or try another model with --model.";
    default:
      return "See the gateway's log for this request id.";
  }
}
