// A backend turns a ChatRequest into events. It never throws from `generate`: the events end with finish or failure. It
// knows one provider of the config; the pipeline decides what follows a failure.

import type { StreamEvent } from "../canon/event.ts";
import type { Failure } from "../canon/failure.ts";
import type { ChatRequest, DialectName } from "../canon/request.ts";
import type { Note, TargetFacts } from "../dialects/dialect.ts";

/** One attempt at one target. */
export type Call = {
  readonly requestId: string;
  /** The model id that goes upstream. */
  readonly model: string;
  /** The fingerprint of the provider's key that signs it. Null or absent: the first. */
  readonly credential?: string | null;
  /** Aborted with a Failure as its reason when the attempt must end: client gone, deadline, operator. */
  readonly signal: AbortSignal;
  /** Ends this attempt with `reason`; the pipeline then does what the failure's kind says. */
  abort(reason: Failure): void;
  /** Client headers that this dialect may carry upstream, already filtered and checked (anthropic-beta, anthropic-version). */
  readonly passHeaders: Readonly<Record<string, string>>;
  /** Masks what must not be shown of the upstream's texts. Absent: the secrets of the config. */
  readonly redact?: (text: string) => string;
  /** The longest answer that fits into the rest of the target's window; null or absent: unknown, or no constraint. */
  remainingWindow?: number | null;
  /** `traceparent` and `tracestate` of this attempt. Null or absent: the upstream is told of no trace. */
  readonly traceHeaders?: Readonly<Record<string, string>> | null;
  /** Called once, when the upstream's status line has arrived. */
  onHeaders(status: number, headers?: Headers): void;
  /** Called for each account limit that a program reports, with the program's own members. */
  onAllowance?(event: Readonly<Record<string, unknown>>): void;
  /** Called when the user's own sign-in pays for the answer at a flat rate: the price list says only what it is worth. */
  onFlatRate?(): void;
  /** Called for everything that the target's format requires to change or leave out. */
  readonly note?: Note;
  /** The request's tenant; null where keys have no names. */
  readonly tenant: string | null;
  /** The client's id of the conversation. */
  readonly session: string | null;
  readonly requestOptions: RequestOptions;
  /** Called for each parameter that cannot be expressed here and has no effect, in the client's own spelling (`temperature`). */
  readonly unsupported?: (parameter: string) => void;
};

/** Options for a program rather than a model, as the client wrote them: only that backend validates them. */
export type RequestOptions = { readonly effort: string | null; readonly mcpServers: readonly string[] };

/** The `passHeaders` of most calls. */
export const noHeaders: Readonly<Record<string, string>> = {};

export const noRequestOptions: RequestOptions = { effort: null, mcpServers: [] };

export type Backend = {
  /** The provider's id in the config. */
  readonly provider: string;
  /** Its wire format; null for a backend without a wire. */
  readonly dialect: DialectName | null;
  /** `host:port` behind it, for the operator. Absent where there is no wire. */
  readonly address?: string;
  /** Without a wire: the format whose requests it accepts without loss. */
  readonly nativeDialect?: DialectName;
  /** What an encoder must know about `model` here. */
  targetFacts(model: string): TargetFacts;
  /** Events in batches, one batch per network chunk. The last event of the last batch is the closing one. */
  generate(request: ChatRequest, call: Call): AsyncGenerator<readonly StreamEvent[], void, void>;
  /**
   * What `generate` would send, without sending it: notes tell what is changed or left out. Throws Failure. Absent where there is
   * no wire.
   */
  readonly encode?: (
    request: ChatRequest,
    call: Pick<Call, "model" | "note" | "remainingWindow">,
  ) => { readonly body: Record<string, unknown> };
  /**
   * POSTs `body` (JSON) to `path` below the base URL and returns the 2xx answer with its body unread. Throws Failure on
   * anything else. Null where there is no wire: then only `generate` works.
   */
  readonly open: ((path: string, body: Uint8Array, call: Call) => Promise<Response>) | null;
  /** Adapts a body of the backend's own format to this vendor's deviations. */
  readonly adaptBody?: (
    body: Record<string, unknown>,
    note?: Note,
    facts?: TargetFacts,
  ) => Record<string, unknown>;
  /** Without a wire: stop sequences that cannot be expressed and are searched for in the answer. */
  readonly unsupportedStops?: (request: ChatRequest) => readonly string[];
  /** Whether the request continues a process that is waiting for it. Such a request must not queue behind others. */
  readonly continues?: (request: ChatRequest, call: Call) => Promise<boolean>;
  /** An attempt here has failed or was cut off: its connection is not kept for the next one. */
  readonly connectionLost?: () => void;
  /** A free check whether the server answers (the model list). Null: it does. Absent where there is nothing to check. */
  readonly check?: (signal: AbortSignal) => Promise<Failure | null>;
};
