// The interface of a wire format. The client half faces our callers, the backend half faces vendors; one half alone is legal.
// Everything here is pure: no clock, no network, no log. A dialect folder never imports another one.

import type { FinishReason, StreamEvent } from "../canon/event.ts";
import type { Failure, FailureKind } from "../canon/failure.ts";
import type { Reply } from "../canon/reply.ts";
import type { ChatRequest, DialectName, Tool } from "../canon/request.ts";
import type { Takes } from "../canon/takes.ts";
import type { Usage } from "../canon/usage.ts";
import type { JsonEdit, JsonScan, Watched } from "../wire/json.ts";
import type { SseFrame } from "../wire/sse.ts";
import type { StreamFraming } from "./framing.ts";
import type { MemberRows } from "./member-row.ts";
import type { NameRule } from "./tool-names.ts";
import type { TranslateReason } from "../canon/translate-reason.ts";

/** A model as lists show it. `created` is Unix seconds. */
export type ModelCard = {
  readonly id: string;
  readonly created: number;
  readonly ownedBy: string;
  readonly description: string | null;
  readonly contextWindow: number | null;
  readonly maxOutput: number | null;
  /** What the model does in place of chats (`embedding`, `image`, ...). Absent: it chats, or nobody knows. */
  readonly otherKind?: string;
};

/** Facts about an answer that the wire format needs and the events do not contain. */
export type AnswerFacts = {
  readonly requestId: string;
  readonly createdSeconds: number;
  readonly wantsUsage: boolean;
  /** The tools as the client declared them: a call goes back in the kind of its tool. Absent where bytes pass through. */
  readonly tools?: readonly Tool[];
  /**
   * Where the request asks the gateway to keep its answer, or continues a kept one: the answer's id (null: it is not kept), and the
   * members in which it repeats the request. Only the Responses API has it.
   */
  readonly kept?: { readonly id: string | null; readonly members: Readonly<Record<string, unknown>> };
};

/** Turns events into the text of one stream. A `failure` event becomes the dialect's in-band error, without a normal end. */
export type StreamEncoder = { step(event: StreamEvent): string };

export type ClientHalf = {
  /** `body` is parsed JSON. Throws Failure `invalid-request` or `unsupported`, with `param` naming the field. */
  decodeRequest(body: unknown): ChatRequest;
  /**
   * Called before a request goes to a backend of ANOTHER dialect: the Failure that says what would be lost, or null.
   */
  readonly refuseTranslation: (request: ChatRequest) => Failure | null;
  /** Notes what is not refused but left out, because only this format can express it. */
  noteLosses(request: ChatRequest, note: Note, unsupported?: (parameter: string) => void): void;
  streamEncoder(facts: AnswerFacts): StreamEncoder;
  encodeReply(reply: Reply, facts: AnswerFacts): unknown;
  /** Statuses that this format's clients expect for a kind in place of the gateway's own. */
  readonly statuses?: Readonly<Partial<Record<FailureKind, number>>>;
  /** The JSON body of an error answer. */
  encodeFailure(failure: Failure, requestId: string): unknown;
  /** The error as a frame inside a stream whose status is already sent (where bytes pass through there is no encoder). */
  encodeFailureFrame(failure: Failure, requestId: string): string;
  /** `query`: of the client's request, for a format that has pages. Throws Failure. */
  encodeModelList(cards: readonly ModelCard[], query?: URLSearchParams): unknown;
  encodeModel(card: ModelCard): unknown;
  readonly framing: StreamFraming;
  /** True: a body without `stream` asks for a stream. */
  readonly streamsByDefault?: boolean;
  readonly sizeMembers?: SizeMembers;
};

/**
 * Which members of a body limit its answer, read before anything is decoded so that a tenant's budget can be held against it.
 * Absent: none that is understood here, and the most that the model may write is reserved.
 */
export type SizeMembers = {
  /** Top-level ones that limit the tokens of one answer. */
  readonly limit?: readonly string[];
  /** Names of one top-level object that holds them instead: its limits, its counts of answers. */
  readonly within?: {
    readonly members: readonly string[];
    readonly limit: readonly string[];
    readonly answers: readonly string[];
  };
};

/** What an encoder must know about a request's target. */
export type TargetFacts = {
  /** The id to send upstream. */
  readonly model: string;
  /** Sent when the client set no limit and the format requires one. */
  readonly defaultMaxTokens: number;
  /** The model's own ceiling, null when unknown; a larger limit is cut to it. */
  readonly maxOutput: number | null;
  /** False: the model is known not to think, and a request for thinking is left out. Null or absent: unknown. */
  readonly canThink?: boolean | null;
  /** What the model accepts. Null or absent: unknown, and nothing is left out. */
  readonly takes?: Takes | null;
  /** True: the operator configured it. */
  readonly takesAreConfigured?: boolean;
};

/**
 * Called for everything that changes what the model sees or may do on the way into a format: short stable ASCII words
 * (`thinking-blocks-dropped`, `max-tokens-cut:8192`), the same one each time it happens.
 */
export type Note = (adaptation: string) => void;

/** Turns frames into events. After a closing event it yields nothing more. */
export type StreamDecoder = {
  step(frame: SseFrame): StreamEvent[];
  /** The bytes have ended: closes what is open and, if the vendor sent no end, ends with `failure: bad-output`. */
  end(): StreamEvent[];
};

/** An error answer of the vendor. `body` is at most 64 KB of text. */
export type ErrorAnswer = {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
  readonly nowMs: number;
};

/** What one frame adds to the record, read without state. Absent fields: the frame says nothing about them. */
export type FrameFacts = {
  readonly id?: string;
  readonly model?: string;
  /** True for the first frames that open the gate: text, thinking, tool, finish. */
  readonly startsAnswer?: boolean;
  readonly usage?: Usage;
  readonly finish?: FinishReason;
  /** True for text of a refusal; the finish that follows may not say so (OpenAI's is then "stop"). */
  readonly isRefusal?: boolean;
  /** True for a tool call where the finish that follows does not say that there was one (Google's is then "stop"). */
  readonly isCall?: boolean;
  readonly failure?: Failure;
  /** True when this frame ends a complete stream ([DONE], message_stop). */
  readonly isEnd?: boolean;
  /** True for a frame that only carries usage, which a client that did not ask must not see. */
  readonly isUsageOnly?: boolean;
};

/** A body as received: the members' positions, nothing parsed. */
export type ScannedBody = { readonly scan: JsonScan; readonly bytes: Buffer };

/** A dialect's part in passthrough: bytes pass, and only what the record needs is read. */
export type PassthroughHalf = {
  /** Whole words that `reasonToTranslate` looks for: their positions are noted while the body is scanned. */
  readonly watchedWords?: Watched;
  /**
   * Why the target would refuse or misread these bytes although it speaks this format; null: they may pass. It parses small
   * members at most and allocates nothing for a plain body. A false alarm costs only time. `takes` null: unknown, or the client
   * itself named the model and is trusted. `cannotThink`: the model is known not to think.
   */
  reasonToTranslate(
    body: ScannedBody,
    target: TargetFacts,
    takes: Takes | null,
    cannotThink: boolean,
  ): TranslateReason | null;
  /** Rewrites members that clients of this format write in another format's spelling, before anything else reads the body. */
  normalizeEdits?(scan: JsonScan, bytes: Buffer): readonly JsonEdit[];
  /** After the gate, only frames that contain one of these are read. */
  readonly frameMarkers: readonly string[];
  frameFacts(frame: SseFrame): FrameFacts;
  /** UTF-8 bytes of text, thinking and tool inputs in a frame's JSON or a whole answer, of all its choices. Never throws. */
  textBytes(body: unknown): number;
  /**
   * The same for a whole JSON answer of the simplest kind; null: it may contain something else, so read it in full
   * (`decodeReply`).
   */
  replyFacts(body: unknown): FrameFacts | null;
  /** Top-level members that must change before the bytes may go upstream. Throws Failure on a member of the wrong kind. */
  requiredEdits(scan: JsonScan, bytes: Buffer, target: TargetFacts, note?: Note): readonly JsonEdit[];
  /**
   * Repairs in the parsed body what `reasonToTranslate` found, for a request that the canonical form cannot hold.
   * Absent: the canonical form holds everything that this format can say.
   */
  repair?(body: Record<string, unknown>, target: TargetFacts, note?: Note): Record<string, unknown>;
  /** What the canonical form can hold but this model handles better in the client's own form. */
  prefersOwnFormat?(request: ChatRequest, target: TargetFacts): boolean;
};

/** What an upstream path may depend on. */
export type UpstreamCall = { readonly model: string; readonly stream: boolean };

export type BackendHalf = {
  /** Path (and query) below the provider's base URL. `model` is the upstream's own id, not yet escaped. */
  path(call: UpstreamCall): string;
  /**
   * JSON body that asks for a stream. Drops or adapts what this format cannot express; throws Failure `unsupported` when dropping
   * would change the answer.
   */
  encodeRequest(request: ChatRequest, target: TargetFacts, note?: Note): Record<string, unknown>;
  /** Tool names that this format accepts; others are sent under names that fit. */
  readonly toolNames: NameRule;
  /**
   * Stop sequences that this format cannot express: `encodeRequest` leaves them out and the translation looks for them in the
   * answer.
   */
  unsupportedStops?(request: ChatRequest, target: TargetFacts): readonly string[];
  streamDecoder(): StreamDecoder;
  /** A plain JSON answer as events (from a vendor that ignores `stream`, or for the record of an answer that passed through). */
  decodeReply(body: unknown): StreamEvent[];
  decodeFailure(answer: ErrorAnswer): Failure;
  readonly passthrough: PassthroughHalf;
};

export type Dialect = {
  readonly name: string;
  /** What people call it. */
  readonly title: string;
  /** Absent: no endpoint speaks it. */
  readonly client?: ClientHalf;
  /** Absent: no vendor speaks it, so that every request of its clients is translated. */
  readonly backend?: BackendHalf;
  /** The members that a request of this format may have. */
  readonly members?: { readonly rows: MemberRows };
};

/** What an endpoint needs from its format. */
export type ClientDialect = Dialect & { readonly client: ClientHalf };
/** What a provider needs from its format. */
export type BackendDialect = Dialect & { readonly name: DialectName; readonly backend: BackendHalf };
/** Only where both sides speak the format may bytes pass. */
export type FullDialect = ClientDialect & BackendDialect;

export const isFull = (dialect: Dialect): dialect is FullDialect =>
  dialect.client !== undefined && dialect.backend !== undefined;
