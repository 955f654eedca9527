// One request as read from its body and headers: the envelope without what ClawGate removes from it, and the canonical form
// when the request must be read in full. The same for a request that is answered and one that is only explained.

import type { RequestOptions } from "../backends/backend.ts";
import type { ChatRequest } from "../canon/request.ts";
import type { ClientDialectName } from "../dialects/dialect-table.ts";
import {
  type ClientDialect,
  type ClientHalf,
  type FullDialect,
  isFull,
  type PassthroughHalf,
} from "../dialects/dialect.ts";
import { keepingResponses } from "../dialects/openai-responses/kept-answers.ts";
import { isResponsesBody, responsesOnChat } from "../dialects/responses-on-chat.ts";
import type { Requirements } from "../routing/eligibility.ts";
import type { RouteRequest } from "../routing/decision-builder.ts";
import { type RuleInput, ruleInputOf } from "../routing/rule-input.ts";
import { sessionKey } from "../tenants/sessions.ts";
import { type JsonScan, memberNamed, scanObject, spliceObject } from "../wire/json.ts";
import { withoutModelChoices } from "./tenants/choice-guard.ts";
import type { Endpoint } from "./endpoints.ts";
import { type Envelope, maxJsonDepth, parseBody, type PathCall, readEnvelope } from "./body/envelope.ts";
import { readFormEnvelope } from "./body/form.ts";
import { takeRequestOptions } from "./request-options.ts";
import {
  type Keeping,
  type KeepingContext,
  readKeptRequest,
  refuseKeptStateOnChat,
} from "./responses/kept-request.ts";
import { upperBoundRequirements } from "./requirements.ts";
import { namedBudget } from "./tenants/budget-header.ts";
import type { TenantPolicy } from "./tenants/tenant-policy.ts";

export type ReceivedRequest = {
  readonly endpoint: Endpoint;
  readonly dialect: ClientDialect;
  readonly headers: Headers;
  readonly bytes: Buffer;
  /** What the path says in place of the body. */
  readonly call: PathCall | null;
  readonly tenant: string | null;
  /** Null: it asks nothing of the store of answers. */
  readonly keeping: KeepingContext | null;
};

/** Throws Failure. */
export function readIncoming(received: ReceivedRequest, policy: TenantPolicy | undefined): IncomingRequest {
  const { endpoint, dialect, headers, bytes, call } = received;
  const form = endpoint.forwarding?.takesForm === true ? readFormEnvelope(headers, bytes) : null;
  const read =
    form ?? normalizedSpelling(readEnvelope(headers, bytes, call, dialect), dialect.backend?.passthrough);
  if (endpoint.name === "chat" && holdsResponsesBody(read.scan)) refuseKeptStateOnChat(read);
  const kept = received.keeping === null ? null : readKeptRequest(read, received.keeping);
  const { envelope, requestOptions } = takeRequestOptions(kept?.envelope ?? read, headers, endpoint.dialect);
  const keeping = kept?.keeping ?? null;
  if (policy === undefined || policy.keeps === "nothing")
    return new IncomingRequest(received, envelope, requestOptions, nothingDropped, keeping);
  const chosen = withoutModelChoices(envelope, call !== null, policy.keeps === "models-and-prices");
  return new IncomingRequest(received, chosen.envelope, requestOptions, chosen.dropped, keeping);
}

const nothingDropped: readonly string[] = [];

/** Members that a client wrote in another format's spelling, rewritten to the endpoint's own. */
function normalizedSpelling(read: Envelope, passthrough: PassthroughHalf | undefined): Envelope {
  const edits = passthrough?.normalizeEdits?.(read.scan, read.bytes) ?? [];
  if (edits.length === 0) return read;
  const bytes = Buffer.from(spliceObject(read.bytes, read.scan, edits));
  return { ...read, bytes, scan: scanObject(bytes, maxJsonDepth, passthrough?.watchedWords) };
}

/** A class, because every request has one. */
export class IncomingRequest {
  readonly endpoint: Endpoint;
  /** The endpoint's. */
  readonly dialect: ClientDialect;
  /** The endpoint's backend dialect; null: no vendor speaks it, and every request is translated. */
  readonly sharedDialect: FullDialect | null;
  readonly headers: Headers;
  readonly tenant: string | null;
  /** The key under which anything about the session is remembered (tenants/sessions.ts). */
  readonly sessionKey: string | null;
  /** The body's format: the chat endpoint accepts two. */
  readonly bodyDialect: ClientDialectName;
  readonly bodyClient: ClientHalf;
  /** The cap that the client names for its session, in nano-USD; null: it names none. */
  readonly namedBudget: number | null;
  private decoded: ChatRequest | null = null;

  constructor(
    received: ReceivedRequest,
    readonly envelope: Envelope,
    readonly requestOptions: RequestOptions,
    /** Removed members that would choose other models at an upstream, where the tenant may not. */
    readonly dropped: readonly string[],
    /** What it asks of the store of answers; null for most requests. */
    readonly keeping: Keeping | null,
  ) {
    const { endpoint, dialect, tenant } = received;
    this.endpoint = endpoint;
    this.dialect = dialect;
    this.sharedDialect = isFull(dialect) ? dialect : null;
    this.headers = received.headers;
    this.tenant = tenant;
    this.sessionKey = sessionKey(tenant, envelope.session);
    this.namedBudget = namedBudget(received.headers);
    const isResponses = endpoint.name === "chat" && holdsResponsesBody(envelope.scan);
    this.bodyDialect = isResponses ? "openai-responses" : endpoint.dialect;
    this.bodyClient = isResponses ? responsesOnChat : keeping === null ? dialect.client : keepingResponses;
  }

  /** Built at most once, and only where routing or a translation must look inside. Throws Failure. */
  decode(): ChatRequest {
    if (this.decoded !== null) return this.decoded;
    const { envelope } = this;
    // The names that the pipeline has read count (some endpoints have them in the path).
    const { model, stream } = envelope;
    this.decoded = { ...this.bodyClient.decodeRequest(parseBody(envelope)), model, stream };
    return this.decoded;
  }

  get isFallbackOff(): boolean {
    return this.headers.get("x-clawgate-fallback")?.toLowerCase() === "off";
  }
}

/** `isAlone`: no other target may be asked, whatever the headers say. */
export function routeRequestOf(incoming: IncomingRequest, model: string, isAlone: boolean): RouteRequest {
  return new IncomingRouteRequest(incoming, model, isAlone || incoming.isFallbackOff);
}

class IncomingRouteRequest implements RouteRequest {
  readonly session: string | null;
  readonly requirements: Requirements | null;
  readonly keepsModel: boolean;

  constructor(
    private readonly incoming: IncomingRequest,
    readonly model: string,
    readonly isFallbackOff: boolean,
  ) {
    const { kind } = incoming.endpoint;
    this.session = incoming.sessionKey;
    this.requirements =
      kind === "chat" || kind === "compact" ? upperBoundRequirements(incoming.envelope) : null;
    this.keepsModel = kind === "embeddings" || kind === "forward";
  }

  read(): RuleInput {
    const { headers, tenant } = this.incoming;
    return ruleInputOf(this.incoming.decode(), (name) => headers.get(name), tenant);
  }
}

const holdsResponsesBody = (scan: JsonScan): boolean =>
  isResponsesBody(memberNamed(scan, "messages")?.kind, memberNamed(scan, "input")?.kind);
