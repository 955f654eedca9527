// Requests that the gateway sends itself (the classifier's question, an operator's test): they go through the same pipeline as
// every request (queue, limits, health, record), to one target only. It must never send a request that neither a client nor an
// operator caused.

import { Failure, failureFrom } from "../canon/failure.ts";
import { ulid } from "../canon/id.ts";
import { type ChatRequest, emptyRequest } from "../canon/request.ts";
import type { Target } from "../canon/decision.ts";
import { estimateTokens } from "../canon/tokens.ts";
import { isRecord, parseLoosely } from "../dialects/decoding.ts";
import { admit, type Admission } from "./admission.ts";
import { openWithFallback } from "./attempts/fallback.ts";
import { type Endpoint, endpoints } from "./endpoints.ts";
import type { PipelineSnapshot, Services } from "./dependencies.ts";
import { translatedSource } from "./plans/translate.ts";
import type { Run } from "./run.ts";
import { TenantUsage } from "./tenants/tenant-usage.ts";
import type { AskClassifier } from "../routing/classifier.ts";

export type InternalRequest = {
  readonly target: Target;
  readonly request: ChatRequest;
  /** The rule and the tag in its record. */
  readonly tag: string;
  readonly reason: string;
  readonly admission: Admission;
  /** Aborted when the caller has left. */
  readonly signal: AbortSignal;
  readonly deadlineMs: number;
  /** The failure to report when `deadlineMs` has passed. */
  readonly timeoutFailure: Failure;
  /** The tenant whose limits apply and who pays. Absent: none. */
  readonly payer?: string | null;
};

export type InternalAnswer = {
  readonly run: Run;
  /** The model's text, null when there was none. */
  readonly text: string | null;
  readonly failure: Failure | null;
};

/** Never rejects: a failure is an answer. */
export async function sendInternalRequest(
  pipeline: PipelineSnapshot,
  services: Services,
  internal: InternalRequest,
): Promise<InternalAnswer> {
  const { target } = internal;
  const run = admit(chatEndpoint(), httpRequest(internal), internal.admission, pipeline, services);
  run.requestedModel = `${target.provider}/${target.model}`;
  run.live.model = run.requestedModel;
  run.decision = {
    layer: "direct",
    rule: internal.tag,
    confidence: 1,
    reason: internal.reason,
    targets: [target],
    candidates: [{ ...target, note: "chosen", kept: true }],
    facts: null,
    isClientsOwnModel: false,
    clientsTarget: null,
    pool: null,
  };
  run.tenantUsage = await payingTenantEntry(pipeline, services, internal);
  const stopDeadline = services.clock.setTimer(internal.deadlineMs, () =>
    run.context.abort(internal.timeoutFailure),
  );
  try {
    const text = await answerOf(run, { ...internal.request, model: target.model });
    run.settle(200, null);
    return { run, text, failure: null };
  } catch (thrown) {
    const failure = failureFrom(run.context.abortReason ?? thrown);
    run.settle(failure.status, failure);
    return { run, text: null, failure };
  } finally {
    stopDeadline();
  }
}

/** Null where there is no payer, or the payer has no limits. */
async function payingTenantEntry(
  pipeline: PipelineSnapshot,
  services: Services,
  { payer = null, request }: InternalRequest,
): Promise<TenantUsage | null> {
  const policy = payer === null ? undefined : pipeline.tenants.get(payer);
  if (policy === undefined || policy.meter === null) return null;
  if (policy.countsMoney && services.prices.table() === null) await services.prices.load();
  const held = new TenantUsage(policy.meter.enterWithoutPlace(), policy.refusesUnpriced, payer);
  held.requestSize = {
    input: estimateTokens(request),
    limit: request.maxTokens,
    answers: 1,
    mayThink: false,
    dialect: chatEndpoint().dialect,
    writes: true,
  };
  return held;
}

/** The endpoint only decides which dialect the answer arrives in. */
function chatEndpoint(): Endpoint {
  const endpoint = endpoints.find((each) => each.name === "chat");
  if (endpoint === undefined) throw new Error("there is no chat endpoint");
  return endpoint;
}

function httpRequest({ signal, tag }: InternalRequest): Request {
  return new Request("http://localhost/", { method: "POST", signal, headers: { "x-clawgate-tags": tag } });
}

/** Throws the Failure of the provider. */
async function answerOf(run: Run, request: ChatRequest): Promise<string | null> {
  const { services, snapshot, context } = run;
  const { client } = snapshot.dialects[run.endpoint.dialect];
  const opened = await openWithFallback(
    run,
    (provider) => ({
      lane: "hub",
      open: (_provider, _target, attempt, call) =>
        translatedSource({
          backend: provider.backend,
          request,
          call,
          client,
          facts: {
            requestId: context.id,
            createdSeconds: Math.floor(context.startedAtMs / 1000),
            wantsUsage: true,
          },
          observer: attempt.observer,
          progress: attempt,
          redact: services.redact,
          setTimer: services.ticker.setTimer,
        }),
    }),
    () => ({}),
  );
  const reply = parseLoosely(String(opened.pieces[0]?.bytes ?? ""));
  const choices = isRecord(reply) && Array.isArray(reply["choices"]) ? reply["choices"] : [];
  const [choice] = choices as unknown[];
  const message = isRecord(choice) ? choice["message"] : null;
  const content = isRecord(message) ? message["content"] : null;
  return typeof content === "string" && content.trim() !== "" ? content.trim() : null;
}

/** The provider or `provider/model` that the classifier asks, and the question. */
export type ClassifierQuestion = {
  readonly name: string;
  readonly prompt: string;
  readonly asking: Parameters<AskClassifier>[1];
};

/** Rejects with the provider's Failure. */
export async function askProvider(
  pipeline: PipelineSnapshot,
  services: Services,
  { name, prompt, asking }: ClassifierQuestion,
): Promise<string> {
  const target = pipeline.router.targetOf(name);
  if (target === null) throw new Error(`the classifier's provider ${name} is not loaded`);
  const { text, failure } = await sendInternalRequest(pipeline, services, {
    target,
    request: {
      ...emptyRequest,
      messages: [{ role: "user", content: [{ type: "text", text: prompt }] }],
      maxTokens: asking.maxTokens,
      temperature: 0,
    },
    tag: "classifier",
    reason: "the classifier asks which category the message is of",
    admission: {
      requestId: ulid(services.clock.nowMs()),
      arrivedMs: services.clock.monotonicMs(),
      caller: { tenant: null, keyId: null, isAdmin: false },
      connection: null,
    },
    signal: asking.signal,
    payer: asking.tenant,
    deadlineMs: asking.timeoutMs,
    timeoutFailure: new Failure("timed-out", "The classifier gave no answer in time.", { maybeBilled: true }),
  });
  if (failure !== null) throw failure;
  return text ?? "";
}
