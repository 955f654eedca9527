// The road of one request: admit, enrol, route, attempt, respond, record. It reads top to bottom as src/README.md draws it.

import { atCapacity, Failure, failureFrom } from "../canon/failure.ts";
import type { Backend, Call } from "../backends/backend.ts";
import type { ChatRequest, DialectName } from "../canon/request.ts";
import type { Target } from "../canon/decision.ts";
import { unheard, withinRoom } from "../dialects/adapting.ts";
import { refuseAsked } from "../dialects/asked-content.ts";
import { isRecord, parseLoosely } from "../dialects/decoding.ts";
import type { AnswerFacts, ClientHalf, Dialect, RelayHalf, TargetFacts } from "../dialects/dialect.ts";
import { isResponsesBody, responsesAtChat } from "../dialects/responses-at-chat.ts";
import { holdsUnfitName } from "../dialects/unfit-names.ts";
import { questionOf } from "../routing/question.ts";
import { sessionKey } from "../tenants/sessions.ts";
import { giveBack, leavesMuch } from "../wire/body.ts";
import {
  type JsonEdit,
  type JsonScan,
  memberNamed,
  placesOf,
  scanObject,
  spliceObject,
} from "../wire/json.ts";
import { type Admission, receive } from "./admit.ts";
import { answerRoom } from "./answer-room.ts";
import { type LaneChoice, openFirst } from "./attempt.ts";
import { withCacheMarks } from "./cache-marks.ts";
import { withoutChoices } from "./choice-guard.ts";
import { chooseTokenCount } from "./count-tokens.ts";
import type { Door } from "./doors.ts";
import { callInPath, type Enrolled, enrol, maxJsonDepth, parseBody } from "./enrol.ts";
import { chooseEmbeddings } from "./embeddings.ts";
import { enrolForm } from "./form.ts";
import { chooseForward } from "./forward.ts";
import type { Estate, Generation, Provider } from "./generation.ts";
import { hubLane } from "./hub.ts";
import { needsAtMost } from "./needs.ts";
import { passHeaders } from "./pass-headers.ts";
import { relayLane } from "./relay.ts";
import { failureResponse, streamResponse, wholeResponse } from "./respond.ts";
import type { Run } from "./run.ts";
import { decideForTenant, enterTenant } from "./tenant-limits.ts";
import type { TenantPolicy } from "./tenant-policy.ts";
import { tellDecision, tellRefusal, tellWait } from "./trail.ts";
import { searchingFor } from "./tool-search.ts";
import { takeWishes } from "./wishes.ts";

/** Answers one request at one door. Never rejects: every failure is an answer in the door's dialect. */
export async function handle(
  door: Door,
  request: Request,
  admission: Admission,
  generation: Generation,
  estate: Estate,
): Promise<Response> {
  const {
    client,
    backend: { relay },
  } = generation.dialects[door.dialect];
  const { run, upload } = receive(door, request, admission, generation, estate);
  try {
    if (!estate.descriptors.admits())
      throw atCapacity("The gateway has no room for one more request just now.");
    const { tenant } = run.context;
    const policy = tenant === null ? undefined : generation.tenants.get(tenant);
    if (policy !== undefined) enterTenant(run, policy);
    const call = callInPath(door, request.url, admission.pathName ?? "");
    let bytes: Buffer;
    try {
      bytes = upload.whole(await upload.read());
    } catch (thrown) {
      throw upload.unread(thrown);
    } finally {
      if (upload.hasWaited)
        tellWait(
          run,
          "memory for its body",
          estate.clock.monotonicMs() - admission.arrivedMs,
          upload.isWhole ? "over" : "the request ended",
        );
    }
    run.body = bytes;
    const form = door.forwarding?.takesForm === true ? enrolForm(request, bytes) : null;
    const read = form ?? straightened(enrol(request, bytes, call, relay.watched), relay);
    admission.connection?.keepOpen();
    const reading = readingOf(door, client, read.scan);
    const taken = takeWishes(read, request.headers, door.dialect);
    const enrolled = guarded(run, policy, taken.enrolled);
    if (enrolled.bytes !== bytes) giveBack(bytes);
    run.body = enrolled.bytes;
    run.wishes = taken.wishes;
    run.requestedModel = enrolled.model;
    run.live.model = enrolled.model;
    run.session = enrolled.session;
    run.sessionKey = sessionKey(run.context.tenant, enrolled.session);
    const isChat = door.road === "chat";
    run.stream = (isChat || door.forwarding?.writes === true) && enrolled.stream;
    // Decoded at most once, and only if routing or the hub must look inside.
    let decoded: ChatRequest | null = null;
    const decode = (): ChatRequest => (decoded ??= decodeRequest(reading.client, enrolled));
    const ask = (model: string, isAlone: boolean) =>
      generation.router.decide({
        model,
        isFallbackOff: isAlone || request.headers.get("x-clawgate-fallback")?.toLowerCase() === "off",
        session: run.sessionKey,
        needs: isChat ? needsAtMost(enrolled) : null,
        keepsModel: door.road === "embeddings" || door.road === "forward",
        read: () => questionOf(decode(), (name) => request.headers.get(name), run.context.tenant),
      });
    const decision =
      policy === undefined ? ask(enrolled.model, false) : decideForTenant(run, policy, enrolled, decode, ask);
    run.decision = decision instanceof Promise ? await decision : decision;
    tellDecision(run);
    const choose = choiceFor(door, run, enrolled, request, decode, reading);
    const keepsModels = policy !== undefined && policy.keeps !== "nothing";
    const opening = openFirst(run, choose, (provider) =>
      enrolled.form === undefined
        ? passHeaders(request.headers, door, provider, keepsModels)
        : { "content-type": enrolled.form.contentType },
    );
    return run.stream ? await streamResponse(run, client, opening) : wholeResponse(run, await opening);
  } catch (thrown) {
    const isLeftUnread = !upload.isWhole && (request.bodyUsed || leavesMuch(request.headers));
    const failure = failureFrom(run.context.abortReason ?? thrown);
    tellRefusal(run, failure);
    const response = failureResponse(run, client, failure, isLeftUnread);
    return isLeftUnread ? estate.restsOfBodies.beside(response, request) : response;
  }
}

/** What a client wrote in another format's spelling, in the door's own. */
function straightened(read: Enrolled, { straightened: edit, watched }: RelayHalf): Enrolled {
  const edits = edit?.(read.scan, read.bytes) ?? [];
  if (edits.length === 0) return read;
  const bytes = Buffer.from(spliceObject(read.bytes, read.scan, edits));
  return { ...read, bytes, scan: scanObject(bytes, maxJsonDepth, watched) };
}

/** The format in which the body is written, and its client half: at the door of chats there are two. */
type Reading = { readonly dialect: DialectName; readonly client: ClientHalf };

function readingOf(door: Door, client: ClientHalf, scan: JsonScan): Reading {
  return door.name === "chat" && isResponsesBody((key) => memberNamed(scan, key)?.kind ?? null)
    ? { dialect: "openai-responses", client: responsesAtChat }
    : { dialect: door.dialect, client };
}

/** The body without what would choose other models at an upstream, where the tenant may not. */
function guarded(run: Run, policy: TenantPolicy | undefined, enrolled: Enrolled): Enrolled {
  if (policy === undefined || policy.keeps === "nothing") return enrolled;
  const kept = withoutChoices(enrolled, run.door.dialect, policy.keeps === "models-and-prices");
  run.dropped = kept.dropped;
  return kept.enrolled;
}

/** The names that the road has read (some doors have them in their path) are the ones that count. */
function decodeRequest(client: ClientHalf, enrolled: Enrolled): ChatRequest {
  const request = client.decodeRequest(parseBody(enrolled));
  return { ...request, model: enrolled.model, stream: enrolled.stream };
}

function choiceFor(
  door: Door,
  run: Run,
  enrolled: Enrolled,
  request: Request,
  decode: () => ChatRequest,
  reading: Reading,
): (provider: Provider, target: Target) => LaneChoice {
  switch (door.road) {
    case "embeddings":
      return chooseEmbeddings(run, door, enrolled);
    case "forward":
      return chooseForward(run, door, enrolled, door.forwarding ?? { path: "" });
    case "count-tokens":
      return chooseTokenCount(run, enrolled, door.dialect);
    case "chat":
      return chooseChat(door, run, enrolled, request, decode, reading);
  }
}

/** The express lane where both sides speak the same dialect and nothing must change; else the hub. */
function chooseChat(
  door: Door,
  run: Run,
  enrolled: Enrolled,
  request: Request,
  decode: () => ChatRequest,
  reading: Reading,
): (provider: Provider, target: Target) => LaneChoice {
  const isOwn = reading.dialect === door.dialect;
  const dialect = run.generation.dialects[door.dialect];
  const { setTimer } = run.estate.ticker;
  const createdSeconds = Math.floor(run.context.startedAtMs / 1000);
  const needsHub = holdsAny(enrolled, dialect.backend.relay.declines);
  const query = door.dialect === "anthropic-messages" && isBeta(request.url) ? "?beta=true" : "";

  return (provider, { model }) => {
    const { backend } = provider;
    const { open } = backend;
    const facts = backend.targetFacts(model);
    const isSame =
      backend.dialect === door.dialect &&
      isOwn &&
      !needsHub &&
      !(
        provider.modelFacts(model).thinking === false &&
        dialect.backend.relay.wishesToThink(enrolled.scan, enrolled.bytes)
      ) &&
      dialect.backend.relay.declinesFor?.(enrolled.bytes, facts, enrolled.scan) !== true &&
      !isTooMuch(dialect, facts, enrolled) &&
      !holdsUnfitName(enrolled.scan, enrolled.bytes, dialect.backend.toolNames);
    const maySkipHub =
      isSame &&
      !isBlocked(provider.relayBlockers(model), enrolled) &&
      provider.relayDeclines?.(enrolled.bytes, model) !== true;
    const isMended =
      !maySkipHub && backend.dialect === door.dialect && isOwn && !isCarried(dialect, decode, facts);
    if ((maySkipHub || isMended) && open !== null) {
      return {
        lane: "relay",
        open(_provider, target, trial, call) {
          const room = answerRoom(provider, target.model, enrolled.bytes.length, decode);
          const sized = withinRoom(facts, room);
          const edits = dialect.backend.relay.edits(enrolled.scan, enrolled.bytes, sized, call.note);
          // The first try alone writes into the body, and only when no other one can be under way. Anything but the name would
          // be lost on the next target.
          const mayOverwrite =
            !isMended && run.attempts === 1 && run.generation.hedgeAfterMs === 0 && changesOnlyModel(edits);
          const spliced = spliceObject(enrolled.bytes, enrolled.scan, edits, mayOverwrite);
          const body = isMended ? mended(spliced, dialect, backend, sized, call) : spliced;
          return relayLane({
            send: open,
            dialect,
            path: dialect.backend.path({ model: target.model, stream: enrolled.stream }) + query,
            body,
            isOwnBody: body !== enrolled.bytes,
            stream: enrolled.stream,
            facts: { requestId: run.context.id, createdSeconds, wantsUsage: asksForUsage(dialect, enrolled) },
            call,
            observer: trial.observer,
            progress: trial,
            redact: run.estate.redact,
            setTimer,
          });
        },
      };
    }
    const decoded = decode();
    const native = backend.dialect ?? backend.kin ?? null;
    const isForeign = native !== null && native !== reading.dialect;
    const refusal = isForeign
      ? (reading.client.refuseTranslation(decoded) ?? refuseAsked(decoded, native))
      : null;
    if (refusal !== null) return { refusal };
    const marked = run.generation.setsCacheMarks && isForeign ? withCacheMarks(decoded) : decoded;
    const format = backend.dialect === null ? backend : run.generation.dialects[backend.dialect].backend;
    const { continues } = backend;
    const asked: ChatRequest = { ...marked, model };
    return {
      lane: "hub",
      ...(continues === undefined ? {} : { continues: (call: Call) => continues(asked, call) }),
      open(_provider, target, trial, call) {
        if (isForeign) {
          // The CLI alone has a header for them, from the days of its forerunners.
          const unsupported = backend.dialect === null ? call.unsupported : undefined;
          reading.client.noteLosses(decoded, call.note ?? unheard, unsupported);
        }
        const answerFacts: AnswerFacts = {
          requestId: run.context.id,
          createdSeconds,
          wantsUsage: marked.wantsUsage,
          tools: marked.tools,
        };
        call.answerRoom = answerRoom(provider, target.model, enrolled.bytes.length, decode);
        const sent: ChatRequest = { ...marked, model: target.model };
        return hubLane({
          backend: isForeign ? searchingFor(backend, sent) : backend,
          request: sent,
          call,
          client: reading.client,
          facts: answerFacts,
          observer: trial.observer,
          stops: format.unsaidStops?.(decoded, facts) ?? [],
          progress: trial,
          redact: run.estate.redact,
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
function isTooMuch({ backend }: Dialect, facts: TargetFacts, { model, scan, bytes }: Enrolled): boolean {
  const { takes = null } = facts;
  if (takes === null || (facts.takesAreTold !== true && isOwnChoice(model, facts.model))) return false;
  return backend.relay.exceeds(scan, bytes, takes);
}

const isOwnChoice = (asked: string, model: string): boolean =>
  asked === model || (asked.endsWith(model) && asked.at(-model.length - 1) === "/");

/** False: the canonical form would lose what the client's own format can say, such as several answers or a file. */
function isCarried({ client, backend }: Dialect, decode: () => ChatRequest, facts: TargetFacts): boolean {
  if (backend.relay.mend === undefined) return true;
  try {
    const request = decode();
    if (backend.relay.holdsOwn?.(request, facts) === true) return false;
    return client.refuseTranslation(request) === null && !holdsOwnContent(request);
  } catch (thrown) {
    if (thrown instanceof Failure && thrown.kind === "unsupported") return false;
    throw thrown;
  }
}

const holdsOwnContent = ({ messages }: ChatRequest): boolean =>
  messages.some(({ content }) => content.some(({ type }) => type === "opaque"));

/** The client's own body, put right for a vendor of its format that would refuse it as it is. */
function mended(
  bytes: Uint8Array,
  dialect: Dialect,
  backend: Backend,
  facts: TargetFacts,
  call: Call,
): Buffer {
  const body: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
  const put = isRecord(body) ? (dialect.backend.relay.mend?.(body, facts, call.note) ?? body) : {};
  return Buffer.from(JSON.stringify(backend.suit?.(put, call.note, facts) ?? put));
}

function isBlocked(blockers: readonly string[], { scan }: Enrolled): boolean {
  for (const key of blockers) if (memberNamed(scan, key) !== undefined) return true;
  return false;
}

function holdsAny({ scan, bytes }: Enrolled, words: readonly Buffer[]): boolean {
  for (const word of words) if (placesOf(scan, bytes, word).length > 0) return true;
  return false;
}

function changesOnlyModel(edits: readonly JsonEdit[]): boolean {
  for (const { key } of edits) if (key !== "model") return false;
  return true;
}

/** Whether the client itself asked for the usage frame: only then may it see one. */
function asksForUsage(dialect: Dialect, enrolled: Enrolled): boolean {
  if (dialect.name !== "openai-chat") return true;
  const member = memberNamed(enrolled.scan, "stream_options");
  if (member?.kind !== "object") return false;
  const options = parseLoosely(enrolled.bytes.toString("utf8", member.start, member.end));
  return isRecord(options) && options["include_usage"] === true;
}

const isBeta = (url: string): boolean => url.endsWith("?beta=true") || url.includes("?beta=true&");
