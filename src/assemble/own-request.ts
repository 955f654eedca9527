// Requests of our own (the classifier's question, an operator's test): they go the road of every request - queue, limits,
// health, record - to one target alone. It must never send what neither a client nor an operator caused.

import { Failure, failureFrom } from "../canon/failure.ts";
import { ulid } from "../canon/id.ts";
import { type ChatRequest, emptyRequest } from "../canon/request.ts";
import type { Target } from "../canon/decision.ts";
import { estimateTokens } from "../canon/tokens.ts";
import { isRecord, parseLoosely } from "../dialects/decoding.ts";
import { admit, type Admission } from "../pipeline/admit.ts";
import { openFirst } from "../pipeline/attempt.ts";
import { type Door, doors } from "../pipeline/doors.ts";
import type { Generation } from "../pipeline/generation.ts";
import { hubLane } from "../pipeline/hub.ts";
import type { Run } from "../pipeline/run.ts";
import { TenantEntry } from "../pipeline/tenant-entry.ts";
import type { AskClassifier } from "../routing/classifier.ts";
import type { HouseEstate } from "./estate.ts";

export type OwnRequest = {
  readonly target: Target;
  readonly request: ChatRequest;
  /** Rule of its record and its tag there. */
  readonly tag: string;
  readonly reason: string;
  readonly admission: Admission;
  /** Aborted when whoever asked has left. */
  readonly signal: AbortSignal;
  readonly deadlineMs: number;
  /** What its end by `deadlineMs` is told as. */
  readonly tooLate: Failure;
  /** The tenant whose limits it is held against and who pays for it. Absent: nobody. */
  readonly payer?: string | null;
};

export type OwnAnswer = {
  readonly run: Run;
  /** The model's text, null when there was none. */
  readonly text: string | null;
  readonly failure: Failure | null;
};

/** Never rejects: a failure is an answer. */
export async function sendOwnRequest(
  road: Generation,
  estate: HouseEstate,
  own: OwnRequest,
): Promise<OwnAnswer> {
  const { target } = own;
  const run = admit(innerDoor(), innerRequest(own), own.admission, road, estate);
  run.requestedModel = `${target.provider}/${target.model}`;
  run.live.model = run.requestedModel;
  run.decision = {
    layer: "direct",
    rule: own.tag,
    confidence: 1,
    reason: own.reason,
    targets: [target],
    candidates: [{ ...target, note: "chosen", kept: true }],
    facts: null,
    isClientsOwnModel: false,
    clientsTarget: null,
    pool: null,
  };
  run.tenantEntry = await payersEntry(road, estate, own);
  const stopDeadline = estate.clock.setTimer(own.deadlineMs, () => run.context.abort(own.tooLate));
  try {
    const text = await answerOf(run, { ...own.request, model: target.model });
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

/** Null where nobody has to pay, or whoever has to is not limited. */
async function payersEntry(
  road: Generation,
  estate: HouseEstate,
  { payer = null, request }: OwnRequest,
): Promise<TenantEntry | null> {
  const policy = payer === null ? undefined : road.tenants.get(payer);
  if (policy === undefined || policy.meter === null) return null;
  if (policy.countsMoney && estate.prices.table() === null) await estate.prices.load();
  const held = new TenantEntry(policy.meter.aside(), policy.refusesUnpriced, payer);
  held.appetite = {
    input: estimateTokens(request),
    limit: request.maxTokens,
    answers: 1,
    mayThink: false,
    dialect: innerDoor().dialect,
    writes: true,
  };
  return held;
}

/** The door only says which dialect the answer is folded into on its way to us. */
function innerDoor(): Door {
  const door = doors.find((each) => each.name === "chat");
  if (door === undefined) throw new Error("there is no chat door");
  return door;
}

function innerRequest({ signal, tag }: OwnRequest): Request {
  return new Request("http://localhost/", { method: "POST", signal, headers: { "x-clawgate-tags": tag } });
}

/** Throws the Failure of the provider. */
async function answerOf(run: Run, request: ChatRequest): Promise<string | null> {
  const { estate, generation, context } = run;
  const { client } = generation.dialects[run.door.dialect];
  const opened = await openFirst(
    run,
    (provider) => ({
      lane: "hub",
      open: (_provider, _target, trial, call) =>
        hubLane({
          backend: provider.backend,
          request,
          call,
          client,
          facts: {
            requestId: context.id,
            createdSeconds: Math.floor(context.startedAtMs / 1000),
            wantsUsage: true,
          },
          observer: trial.observer,
          progress: trial,
          redact: estate.redact,
          setTimer: estate.ticker.setTimer,
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

/** The classifier's question to `name` (a provider, or `provider/model`). Rejects with the provider's Failure. */
export async function askProvider(
  road: Generation,
  estate: HouseEstate,
  name: string,
  prompt: string,
  asking: Parameters<AskClassifier>[1],
): Promise<string> {
  const target = road.router.targetOf(name);
  if (target === null) throw new Error(`the classifier's provider ${name} is not loaded`);
  const { text, failure } = await sendOwnRequest(road, estate, {
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
      requestId: ulid(estate.clock.nowMs()),
      arrivedMs: estate.clock.monotonicMs(),
      caller: { tenant: null, keyId: null, isAdmin: false },
      connection: null,
    },
    signal: asking.signal,
    payer: asking.tenant,
    deadlineMs: asking.timeoutMs,
    tooLate: new Failure("timed-out", "The classifier gave no answer in time.", { maybeBilled: true }),
  });
  if (failure !== null) throw failure;
  return text ?? "";
}
