// The road of one request: admit, enrol, route, attempt, respond, record. It reads top to bottom as src/README.md draws it.

import { atCapacity, Failure, failureFrom } from "../canon/failure.ts";
import type { Backend, Call } from "../backends/backend.ts";
import type { ChatRequest, DialectName } from "../canon/request.ts";
import type { Target } from "../canon/decision.ts";
import { ignoreNote, withOutputLimit } from "../dialects/adaptation-notes.ts";
import { refuseUnsupportedContent } from "../dialects/unsupported-content.ts";
import { isRecord, parseLoosely } from "../dialects/decoding.ts";
import type { AnswerFacts, ClientHalf, Dialect, PassthroughHalf, TargetFacts } from "../dialects/dialect.ts";
import { isResponsesBody, responsesOnChat } from "../dialects/responses-on-chat.ts";
import { holdsUnfitToolName } from "../dialects/unfit-tool-names.ts";
import { ruleInputOf } from "../routing/rule-input.ts";
import { sessionKey } from "../tenants/sessions.ts";
import { releaseMemory, leavesLargeBody } from "../wire/body.ts";
import {
  type JsonEdit,
  type JsonScan,
  memberNamed,
  placesOf,
  scanObject,
  spliceObject,
} from "../wire/json.ts";
import { type Admission, admitWithBody } from "./admission.ts";
import { remainingWindow } from "./remaining-window.ts";
import { type TargetPlan, openWithFallback } from "./fallback.ts";
import { withCacheMarks } from "./cache-marks.ts";
import { withoutModelChoices } from "./choice-guard.ts";
import { planTokenCount } from "./count-tokens.ts";
import type { Endpoint } from "./endpoints.ts";
import { callInPath, type Envelope, readEnvelope, maxJsonDepth, parseBody } from "./envelope.ts";
import { planEmbeddings } from "./embeddings.ts";
import { readFormEnvelope } from "./form.ts";
import { planForward } from "./forward.ts";
import type { Services, PipelineSnapshot, Provider } from "./dependencies.ts";
import { translatedSource } from "./translate.ts";
import { upperBoundRequirements } from "./requirements.ts";
import { passHeaders } from "./pass-headers.ts";
import { passthroughSource } from "./passthrough-source.ts";
import { failureResponse, streamResponse, wholeResponse } from "./respond.ts";
import type { Run } from "./run.ts";
import { decideForTenant, enterTenant } from "./tenant-limits.ts";
import type { TenantPolicy } from "./tenant-policy.ts";
import { logDecision, logRefusal, logWait } from "./debug-log.ts";
import { searchingFor } from "./tool-search.ts";
import { takeRequestOptions } from "./request-options.ts";

/** Answers one request at one door. Never rejects: every failure is an answer in the door's dialect. */
export async function handleRequest(
  endpoint: Endpoint,
  request: Request,
  admission: Admission,
  snapshot: PipelineSnapshot,
  services: Services,
): Promise<Response> {
  const {
    client,
    backend: { passthrough },
  } = snapshot.dialects[endpoint.dialect];
  const { run, upload } = admitWithBody(endpoint, request, admission, snapshot, services);
  try {
    if (!services.descriptors.admits())
      throw atCapacity("The gateway has no room for one more request just now.");
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
      if (upload.hasWaited)
        logWait(
          run,
          "memory for its body",
          services.clock.monotonicMs() - admission.arrivedMs,
          upload.isWhole ? "over" : "the request ended",
        );
    }
    run.body = bytes;
    const form = endpoint.forwarding?.takesForm === true ? readFormEnvelope(request, bytes) : null;
    const read =
      form ?? normalizedSpelling(readEnvelope(request, bytes, call, passthrough.watchedWords), passthrough);
    admission.connection?.keepOpen();
    const bodyFormat = bodyFormatOf(endpoint, client, read.scan);
    const extracted = takeRequestOptions(read, request.headers, endpoint.dialect);
    const envelope = withoutForbiddenChoices(run, policy, extracted.envelope);
    if (envelope.bytes !== bytes) releaseMemory(bytes);
    run.body = envelope.bytes;
    run.requestOptions = extracted.requestOptions;
    run.requestedModel = envelope.model;
    run.live.model = envelope.model;
    run.session = envelope.session;
    run.sessionKey = sessionKey(run.context.tenant, envelope.session);
    const isChat = endpoint.kind === "chat";
    run.stream = (isChat || endpoint.forwarding?.writes === true) && envelope.stream;
    // Decoded at most once, and only if routing or the hub must look inside.
    let decoded: ChatRequest | null = null;
    const decode = (): ChatRequest => (decoded ??= decodeRequest(bodyFormat.client, envelope));
    const ask = (model: string, isAlone: boolean) =>
      snapshot.router.decide({
        model,
        isFallbackOff: isAlone || request.headers.get("x-clawgate-fallback")?.toLowerCase() === "off",
        session: run.sessionKey,
        requirements: isChat ? upperBoundRequirements(envelope) : null,
        keepsModel: endpoint.kind === "embeddings" || endpoint.kind === "forward",
        read: () => ruleInputOf(decode(), (name) => request.headers.get(name), run.context.tenant),
      });
    const decision =
      policy === undefined ? ask(envelope.model, false) : decideForTenant(run, policy, envelope, decode, ask);
    run.decision = decision instanceof Promise ? await decision : decision;
    logDecision(run);
    const planTarget = plannerFor(endpoint, run, envelope, request, decode, bodyFormat);
    const keepsModels = policy !== undefined && policy.keeps !== "nothing";
    const opening = openWithFallback(run, planTarget, (provider) =>
      envelope.form === undefined
        ? passHeaders(request.headers, endpoint, provider, keepsModels)
        : { "content-type": envelope.form.contentType },
    );
    return run.stream ? await streamResponse(run, client, opening) : wholeResponse(run, await opening);
  } catch (thrown) {
    const isLeftUnread = !upload.isWhole && (request.bodyUsed || leavesLargeBody(request.headers));
    const failure = failureFrom(run.context.abortReason ?? thrown);
    logRefusal(run, failure);
    const response = failureResponse(run, client, failure, isLeftUnread);
    return isLeftUnread ? services.unreadBodies.respondAndDrain(response, request) : response;
  }
}

/** What a client wrote in another format's spelling, in the door's own. */
function normalizedSpelling(
  read: Envelope,
  { normalizeEdits: edit, watchedWords }: PassthroughHalf,
): Envelope {
  const edits = edit?.(read.scan, read.bytes) ?? [];
  if (edits.length === 0) return read;
  const bytes = Buffer.from(spliceObject(read.bytes, read.scan, edits));
  return { ...read, bytes, scan: scanObject(bytes, maxJsonDepth, watchedWords) };
}

/** The format in which the body is written, and its client half: at the door of chats there are two. */
type BodyFormat = { readonly dialect: DialectName; readonly client: ClientHalf };

function bodyFormatOf(endpoint: Endpoint, client: ClientHalf, scan: JsonScan): BodyFormat {
  return endpoint.name === "chat" && isResponsesBody((key) => memberNamed(scan, key)?.kind ?? null)
    ? { dialect: "openai-responses", client: responsesOnChat }
    : { dialect: endpoint.dialect, client };
}

/** The body without what would choose other models at an upstream, where the tenant may not. */
function withoutForbiddenChoices(run: Run, policy: TenantPolicy | undefined, envelope: Envelope): Envelope {
  if (policy === undefined || policy.keeps === "nothing") return envelope;
  const kept = withoutModelChoices(envelope, run.endpoint.dialect, policy.keeps === "models-and-prices");
  run.dropped = kept.dropped;
  return kept.envelope;
}

/** The names that the road has read (some doors have them in their path) are the ones that count. */
function decodeRequest(client: ClientHalf, envelope: Envelope): ChatRequest {
  const request = client.decodeRequest(parseBody(envelope));
  return { ...request, model: envelope.model, stream: envelope.stream };
}

function plannerFor(
  endpoint: Endpoint,
  run: Run,
  envelope: Envelope,
  request: Request,
  decode: () => ChatRequest,
  bodyFormat: BodyFormat,
): (provider: Provider, target: Target) => TargetPlan {
  switch (endpoint.kind) {
    case "embeddings":
      return planEmbeddings(run, endpoint, envelope);
    case "forward":
      return planForward(run, endpoint, envelope, endpoint.forwarding ?? { path: "" });
    case "count-tokens":
      return planTokenCount(run, envelope, endpoint.dialect);
    case "chat":
      return planChat(endpoint, run, envelope, request, decode, bodyFormat);
  }
}

/** The express lane where both sides speak the same dialect and nothing must change; else the hub. */
function planChat(
  endpoint: Endpoint,
  run: Run,
  envelope: Envelope,
  request: Request,
  decode: () => ChatRequest,
  bodyFormat: BodyFormat,
): (provider: Provider, target: Target) => TargetPlan {
  const isOwn = bodyFormat.dialect === endpoint.dialect;
  const dialect = run.snapshot.dialects[endpoint.dialect];
  const { setTimer } = run.services.ticker;
  const createdSeconds = Math.floor(run.context.startedAtMs / 1000);
  const needsTranslation = holdsAny(envelope, dialect.backend.passthrough.translateMarkers);
  const query = endpoint.dialect === "anthropic-messages" && isBeta(request.url) ? "?beta=true" : "";

  return (provider, { model }) => {
    const { backend } = provider;
    const { open } = backend;
    const facts = backend.targetFacts(model);
    const mayPassUnchanged =
      backend.dialect === endpoint.dialect &&
      isOwn &&
      !needsTranslation &&
      !(
        provider.modelFacts(model).thinking === false &&
        dialect.backend.passthrough.asksForThinking(envelope.scan, envelope.bytes)
      ) &&
      dialect.backend.passthrough.mustTranslate?.(envelope.bytes, facts, envelope.scan) !== true &&
      !exceedsModel(dialect, facts, envelope) &&
      !holdsUnfitToolName(envelope.scan, envelope.bytes, dialect.backend.toolNames);
    const mayPass =
      mayPassUnchanged &&
      !holdsBlockedMember(provider.blockingMembers(model), envelope) &&
      provider.blocksPassthrough?.(envelope.bytes, model) !== true;
    const isRepaired =
      !mayPass && backend.dialect === endpoint.dialect && isOwn && !isTranslatable(dialect, decode, facts);
    if ((mayPass || isRepaired) && open !== null) {
      return {
        lane: "relay",
        open(_provider, target, attempt, call) {
          const remaining = remainingWindow(provider, target.model, envelope.bytes.length, decode);
          const sized = withOutputLimit(facts, remaining);
          const edits = dialect.backend.passthrough.requiredEdits(
            envelope.scan,
            envelope.bytes,
            sized,
            call.note,
          );
          // The first try alone writes into the body, and only when no other one can be under way. Anything but the name would
          // be lost on the next target.
          const mayOverwrite =
            !isRepaired &&
            run.attemptCount === 1 &&
            run.snapshot.hedgeAfterMs === 0 &&
            changesOnlyModel(edits);
          const spliced = spliceObject(envelope.bytes, envelope.scan, edits, mayOverwrite);
          const body = isRepaired ? repaired(spliced, dialect, backend, sized, call) : spliced;
          return passthroughSource({
            send: open,
            dialect,
            path: dialect.backend.path({ model: target.model, stream: envelope.stream }) + query,
            body,
            isOwnBody: body !== envelope.bytes,
            stream: envelope.stream,
            facts: { requestId: run.context.id, createdSeconds, wantsUsage: asksForUsage(dialect, envelope) },
            call,
            observer: attempt.observer,
            progress: attempt,
            redact: run.services.redact,
            setTimer,
          });
        },
      };
    }
    const decoded = decode();
    const native = backend.dialect ?? backend.nativeDialect ?? null;
    const isForeign = native !== null && native !== bodyFormat.dialect;
    const refusal = isForeign
      ? (bodyFormat.client.refuseTranslation(decoded) ?? refuseUnsupportedContent(decoded, native))
      : null;
    if (refusal !== null) return { refusal };
    const marked = run.snapshot.setsCacheMarks && isForeign ? withCacheMarks(decoded) : decoded;
    const format = backend.dialect === null ? backend : run.snapshot.dialects[backend.dialect].backend;
    const { continues } = backend;
    const asked: ChatRequest = { ...marked, model };
    return {
      lane: "hub",
      ...(continues === undefined ? {} : { continues: (call: Call) => continues(asked, call) }),
      open(_provider, target, attempt, call) {
        if (isForeign) {
          // The CLI alone has a header for them, from the days of its forerunners.
          const unsupported = backend.dialect === null ? call.unsupported : undefined;
          bodyFormat.client.noteLosses(decoded, call.note ?? ignoreNote, unsupported);
        }
        const answerFacts: AnswerFacts = {
          requestId: run.context.id,
          createdSeconds,
          wantsUsage: marked.wantsUsage,
          tools: marked.tools,
        };
        call.remainingWindow = remainingWindow(provider, target.model, envelope.bytes.length, decode);
        const sent: ChatRequest = { ...marked, model: target.model };
        return translatedSource({
          backend: isForeign ? searchingFor(backend, sent) : backend,
          request: sent,
          call,
          client: bodyFormat.client,
          facts: answerFacts,
          observer: attempt.observer,
          stops: format.unsupportedStops?.(decoded, facts) ?? [],
          progress: attempt,
          redact: run.services.redact,
          setTimer,
        });
      },
    };
  };
}

/**
 * Would the model refuse what stands in the body? A client that named it itself knows what it does; one whose model was chosen
 * here does not, and what the operator says of a model counts always.
 */
function exceedsModel({ backend }: Dialect, facts: TargetFacts, { model, scan, bytes }: Envelope): boolean {
  const { takes = null } = facts;
  if (takes === null || (facts.takesAreConfigured !== true && isNamedByClient(model, facts.model)))
    return false;
  return backend.passthrough.exceeds(scan, bytes, takes);
}

const isNamedByClient = (asked: string, model: string): boolean =>
  asked === model || (asked.endsWith(model) && asked.at(-model.length - 1) === "/");

/** False: the canonical form would lose what the client's own format can say, such as several answers or a file. */
function isTranslatable(
  { client, backend }: Dialect,
  decode: () => ChatRequest,
  facts: TargetFacts,
): boolean {
  if (backend.passthrough.repair === undefined) return true;
  try {
    const request = decode();
    if (backend.passthrough.prefersOwnFormat?.(request, facts) === true) return false;
    return client.refuseTranslation(request) === null && !holdsOwnContent(request);
  } catch (thrown) {
    if (thrown instanceof Failure && thrown.kind === "unsupported") return false;
    throw thrown;
  }
}

const holdsOwnContent = ({ messages }: ChatRequest): boolean =>
  messages.some(({ content }) => content.some(({ type }) => type === "opaque"));

/** The client's own body, put right for a vendor of its format that would refuse it as it is. */
function repaired(
  bytes: Uint8Array,
  dialect: Dialect,
  backend: Backend,
  facts: TargetFacts,
  call: Call,
): Buffer {
  const body: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
  const fixed = isRecord(body) ? (dialect.backend.passthrough.repair?.(body, facts, call.note) ?? body) : {};
  return Buffer.from(JSON.stringify(backend.adaptBody?.(fixed, call.note, facts) ?? fixed));
}

function holdsBlockedMember(blockers: readonly string[], { scan }: Envelope): boolean {
  for (const key of blockers) if (memberNamed(scan, key) !== undefined) return true;
  return false;
}

function holdsAny({ scan, bytes }: Envelope, words: readonly Buffer[]): boolean {
  for (const word of words) if (placesOf(scan, bytes, word).length > 0) return true;
  return false;
}

function changesOnlyModel(edits: readonly JsonEdit[]): boolean {
  for (const { key } of edits) if (key !== "model") return false;
  return true;
}

/** Whether the client itself asked for the usage frame: only then may it see one. */
function asksForUsage(dialect: Dialect, envelope: Envelope): boolean {
  if (dialect.name !== "openai-chat") return true;
  const member = memberNamed(envelope.scan, "stream_options");
  if (member?.kind !== "object") return false;
  const options = parseLoosely(envelope.bytes.toString("utf8", member.start, member.end));
  return isRecord(options) && options["include_usage"] === true;
}

const isBeta = (url: string): boolean => url.endsWith("?beta=true") || url.includes("?beta=true&");
