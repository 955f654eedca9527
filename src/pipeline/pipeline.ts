// The pipeline of one request: admit, read the body, decide the targets, attempt them in order, respond, record. It
// follows the picture in src/README.md from top to bottom.

import { atCapacity, failureFrom } from "../canon/failure.ts";
import type { Target } from "../canon/decision.ts";
import { leavesLargeBody, releaseMemory } from "../wire/body.ts";
import { type Admission, admitWithBody } from "./admission.ts";
import { enterClientSignIn } from "./client-sign-in.ts";
import { planChat } from "./plans/chat-plan.ts";
import { planCompact } from "./plans/compact.ts";
import { planTokenCount } from "./plans/count-tokens.ts";
import { logDecision, logRefusal, logWait } from "./debug-log.ts";
import type { PipelineSnapshot, Provider, Services } from "./dependencies.ts";
import { planEmbeddings } from "./plans/embeddings.ts";
import type { Endpoint } from "./endpoints.ts";
import { callInPath } from "./body/envelope.ts";
import { type AnswerCapture, captureAnswer } from "./responses/answer-capture.ts";
import { answerInBackground } from "./responses/background.ts";
import { keepingContext } from "./responses/keeping-context.ts";
import { refuseBackgroundStream } from "./responses/kept-request.ts";
import { mayBeKeptByVendor } from "./responses/vendor-ids.ts";
import { openWithFallback, type TargetPlan } from "./attempts/fallback.ts";
import { planForward } from "./plans/forward.ts";
import { type IncomingRequest, readIncoming } from "./incoming-request.ts";
import { passHeaders } from "./attempts/pass-headers.ts";
import { failureResponse, streamResponse, wholeResponse } from "./answer/respond.ts";
import { bodyHashOf } from "./prompt/prompt-reading.ts";
import type { Run } from "./run.ts";
import { decideTargets } from "./target-decision.ts";
import { enterSession } from "./tenants/session-budget.ts";
import { enterTenant } from "./tenants/tenant-limits.ts";
import type { Upload } from "./body/upload.ts";

/** Answers one request at one endpoint. Never rejects: every failure is an answer in the endpoint's dialect. */
export async function handleRequest(
  endpoint: Endpoint,
  request: Request,
  admission: Admission,
  snapshot: PipelineSnapshot,
  services: Services,
): Promise<Response> {
  const dialect = snapshot.dialects[endpoint.dialect];
  const { headers } = request;
  const { run, upload } = admitWithBody(endpoint, request, admission, snapshot, services);
  try {
    if (!services.descriptors.admits())
      throw atCapacity("The gateway has no capacity for another request at the moment.");
    const { tenant } = run.context;
    const policy = tenant === null ? undefined : snapshot.tenants.get(tenant);
    const entering = policy === undefined ? undefined : enterTenant(run, policy);
    if (entering !== undefined) await entering;
    const call = callInPath(endpoint, request.url, admission.pathName ?? "");
    let bytes: Buffer;
    try {
      bytes = upload.whole(await upload.read());
    } catch (thrown) {
      throw upload.readFailure(thrown);
    } finally {
      if (upload.hasWaited) logUploadWait(run, upload, admission);
    }
    run.body = bytes;
    if (endpoint.kind !== "count-tokens") {
      run.content = services.requestLog.open(tenant);
      run.content?.request(bytes, headers.get("content-type"));
    }
    const keeping = keepingContext(endpoint, services, snapshot, { requestId: run.context.id, tenant });
    const incoming = readIncoming({ endpoint, dialect, headers, bytes, call, tenant, keeping }, policy);
    admission.connection?.keepOpen();
    upload.grow(incoming.envelope.bytes.byteLength - bytes.byteLength);
    takeUp(run, incoming, bytes);
    const capture = beginKeeping(run, incoming);
    const { prompts } = services;
    if (prompts !== null) {
      run.prompt = prompts.of(incoming, (error) => reportUnread(run, error));
      if (run.prompt === null) run.bodyHash = bodyHashOf(incoming);
    }
    if (endpoint.kind !== "count-tokens") enterSession(run, incoming, policy);
    const decision = decideTargets(run, incoming, policy);
    run.decision = decision instanceof Promise ? await decision : decision;
    logDecision(run);
    enterClientSignIn(run, incoming);
    const { form } = incoming.envelope;
    const keepsModels = policy !== undefined && policy.keeps !== "nothing";
    const opening = openWithFallback(run, plannerFor(run, incoming, request.url), (provider) =>
      form === undefined
        ? passHeaders(headers, endpoint, provider, keepsModels)
        : { "content-type": form.contentType },
    );
    const { client } = dialect;
    if (capture !== null && incoming.keeping?.isBackground === true)
      return answerInBackground(run, client, capture, opening);
    return run.stream ? await streamResponse(run, client, opening) : wholeResponse(run, await opening);
  } catch (thrown) {
    const isLeftUnread = !upload.isWhole && (request.bodyUsed || leavesLargeBody(headers));
    const failure = failureFrom(run.context.abortReason ?? thrown);
    logRefusal(run, failure);
    const response = failureResponse(run, dialect.client, failure, isLeftUnread);
    return isLeftUnread ? services.unreadBodies.respondAndDrain(response, request) : response;
  }
}

/** Null: the answer is not to be kept. */
function beginKeeping(run: Run, { keeping }: IncomingRequest): AnswerCapture | null {
  if (keeping?.isKept !== true || run.endpoint.name !== "responses") return null;
  if (keeping.isBackground && run.stream) throw refuseBackgroundStream();
  return captureAnswer(run, keeping);
}

function reportUnread({ services, context }: Run, error: unknown): void {
  services.log.error("the prompt of a request could not be read for its record", {
    request: context.id,
    error,
  });
}

function logUploadWait(run: Run, { isWhole }: Upload, { arrivedMs }: Admission): void {
  const waitedMs = run.services.clock.monotonicMs() - arrivedMs;
  logWait(run, "memory for its body", waitedMs, isWhole ? "over" : "the request ended");
}

/** Stores what the request says where the rest of the pipeline and the record read it. */
function takeUp(run: Run, incoming: IncomingRequest, bytes: Buffer): void {
  const { endpoint, envelope } = incoming;
  if (envelope.bytes !== bytes) releaseMemory(bytes);
  run.body = envelope.bytes;
  run.dropped = incoming.dropped;
  run.requestOptions = incoming.requestOptions;
  run.requestedModel = envelope.model;
  run.live.model = envelope.model;
  run.session = envelope.session;
  run.sessionKey = incoming.sessionKey;
  run.notesVendorId =
    endpoint.name === "responses" && !run.snapshot.hasOneCaller && mayBeKeptByVendor(envelope);
  run.stream = (endpoint.kind === "chat" || endpoint.forwarding?.writes === true) && envelope.stream;
}

function plannerFor(
  run: Run,
  incoming: IncomingRequest,
  url: string,
): (provider: Provider, target: Target) => TargetPlan {
  const { endpoint, envelope } = incoming;
  switch (endpoint.kind) {
    case "embeddings":
      return planEmbeddings(run, endpoint, envelope);
    case "forward":
      return planForward(run, endpoint, envelope, endpoint.forwarding ?? { path: "" });
    case "count-tokens":
      return planTokenCount(run, envelope, endpoint.dialect);
    case "compact":
      return planCompact(run, incoming);
    case "chat":
      return planChat(run, incoming, url);
  }
}
