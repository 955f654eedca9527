// `clawgate providers test`: one small real request to one provider, along the road of every request (its queue, limits,
// health and record) but to this target alone. It must never be sent unless an operator asks for it.

import { Failure, type FailureKind } from "../canon/failure.ts";
import { nearest } from "../canon/nearest.ts";
import { emptyRequest, type ChatRequest } from "../canon/request.ts";
import { vendors } from "../backends/http/vendors.ts";
import type { Admission } from "../pipeline/admit.ts";
import type { HouseEstate } from "./estate.ts";
import type { Assembled } from "./generation.ts";
import { sendOwnRequest } from "./own-request.ts";
import { pricedTarget } from "./priced-target.ts";

export type ProviderTest = {
  readonly request_id: string;
  readonly provider: string;
  readonly model: string;
  readonly ok: boolean;
  readonly latency_ms: number;
  readonly first_token_ms: number | null;
  /** The beginning of what the model said. */
  readonly text: string | null;
  /** The id that the upstream calls the model by. */
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
  /** Aborted when whoever asked has left. */
  readonly signal: AbortSignal;
};

/** The tag of its record. */
export const testTag = "provider-test";
const deadlineMs = 30_000;
const mostTokens = 16;
const shownText = 100;

/** Throws Failure not-found; every failure of the provider is an answer. */
export async function testProvider(
  assembled: Assembled,
  estate: HouseEstate,
  question: TestQuestion,
): Promise<ProviderTest> {
  const { road, loaded } = assembled;
  const settings = loaded.config.providers[question.provider];
  if (settings === undefined || !road.providers.has(question.provider))
    throw unknownProvider(assembled, question.provider);
  const target = { provider: question.provider, model: question.model ?? settings.model };
  const { run, text, failure } = await sendOwnRequest(road, estate, {
    target,
    request: smallRequest,
    tag: testTag,
    reason: "the operator tests this provider",
    admission: question.admission,
    signal: question.signal,
    deadlineMs,
    tooLate: new Failure("timed-out", `The provider gave no whole answer within ${deadlineMs / 1000} s.`, {
      maybeBilled: true,
    }),
  });
  const sight = run.winner?.observer ?? null;
  const usage = sight?.usage ?? null;
  const priced = pricedTarget(settings, target.model);
  const costNanoUsd =
    usage === null ? null : await estate.prices.costOf(priced, usage, run.context.startedAtMs);
  return {
    request_id: run.context.id,
    ...target,
    ok: failure === null,
    latency_ms: Math.round(estate.clock.monotonicMs() - run.context.arrivedMs),
    first_token_ms: run.winner?.firstTokenMs ?? null,
    text: text?.slice(0, shownText) ?? null,
    upstream_model: sight?.upstreamModel ?? null,
    input_tokens: usage?.input ?? null,
    output_tokens: usage?.output ?? null,
    cost_usd: costNanoUsd === null ? null : costNanoUsd / 1e9,
    error:
      failure === null
        ? null
        : {
            kind: failure.kind,
            message: estate.redact(failure.told).slice(0, 300),
            hint: hintFor(failure, keyOf(settings.base_url)),
          },
  };
}

const smallRequest: ChatRequest = {
  ...emptyRequest,
  messages: [{ role: "user", content: [{ type: "text", text: "Reply with the word OK." }] }],
  maxTokens: mostTokens,
};

function unknownProvider(assembled: Assembled, id: string): Failure {
  const { loaded, road } = assembled;
  const skipped = loaded.skippedProviders.find((each) => each.id === id);
  if (skipped !== undefined)
    return new Failure("not-found", `The provider "${id}" is configured but not loaded: ${skipped.reason}.`);
  const near = nearest(id.slice(0, 100), road.providers.keys());
  return new Failure(
    "not-found",
    `There is no provider "${id.slice(0, 100)}".${near === null ? "" : ` Did you mean "${near}"?`}`,
  );
}

/** The variable that the vendor at this address usually has its key in. */
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

function hintFor(failure: Failure, keyVariable: string | null): string {
  switch (failure.kind) {
    case "credentials-rejected":
      return `Check the provider's api_key${keyVariable === null ? "" : ` (${keyVariable})`}: is it whole, still valid and of this vendor?`;
    case "quota-exhausted":
      return "The account has no credit or quota left: look at the vendor's billing page.";
    case "rate-limited":
      return failure.retryAfterMs === null
        ? "Too many requests just now: try again in a minute."
        : `Too many requests just now: the vendor asks to wait ${inWords(failure.retryAfterMs)}.`;
    case "model-missing":
    case "unknown-model":
      return "The vendor does not know this model: correct the provider's `model`, or try another with --model.";
    case "unreachable":
      if (failure.why?.includes(trustVariable) === true)
        return `Write the certificate of the authority that signed it into a file, name the file in ${trustVariable} and start the gateway again.`;
      return "Check base_url, the network and the proxy; for a server on this machine: is it running?";
    case "timed-out":
      return "It may be busy or loading the model: try again, or look at its own log.";
    case "upstream-error":
    case "overloaded":
      return "The vendor is in trouble: try again later, or look at its status page.";
    case "bad-output":
      return "What answers there does not speak this format: check `backend` and `base_url`.";
    case "invalid-request":
    case "unsupported":
      return "The vendor refused this request: check `backend` and `base_url`, or try another model with --model.";
    default:
      return "The log of the gateway says more under this request id.";
  }
}
