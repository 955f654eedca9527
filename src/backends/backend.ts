// A backend turns a ChatRequest into events. It never throws from `generate`: the events end with finish or failure.
// It knows one provider of the config; what happens after a failure is up to the pipeline.

import type { StreamEvent } from "../canon/event.ts";
import type { Failure } from "../canon/failure.ts";
import type { ChatRequest, DialectName } from "../canon/request.ts";
import type { Note, TargetFacts } from "../dialects/dialect.ts";

/** One attempt at one target. */
export type Call = {
  readonly requestId: string;
  /** The model id that goes upstream. */
  readonly model: string;
  /** Which of the provider's keys signs it, by its fingerprint. Null or absent: the first. */
  readonly credential?: string | null;
  /** Aborted with a Failure as its reason when the attempt must end: client gone, deadline, operator. */
  readonly signal: AbortSignal;
  /** Ends this attempt with `reason`; the pipeline then does what the failure's kind says. */
  abort(reason: Failure): void;
  /** Client headers that this dialect may carry upstream, already filtered and checked (anthropic-beta, anthropic-version). */
  readonly passHeaders: Readonly<Record<string, string>>;
  /** The longest answer that fits into the rest of the target's window; null or absent: not known, or not near. */
  remainingWindow?: number | null;
  /** Called once, when the upstream's status line is in. */
  onHeaders(status: number, headers?: Headers): void;
  /** Called for each limit of its account that a program reports, with the program's own members. */
  onAllowance?(event: Readonly<Record<string, unknown>>): void;
  /** Called for what the target's format makes necessary to change or leave out. */
  readonly note?: Note;
  /** Whose request it is; null where keys have no names. */
  readonly tenant: string | null;
  /** The conversation as the client names it. */
  readonly session: string | null;
  readonly requestOptions: RequestOptions;
  /** Called for each parameter that cannot be expressed here and has no effect, in the client's own spelling (`temperature`). */
  readonly unsupported?: (parameter: string) => void;
};

/** What a client asks of a program rather than of a model, as it was written: only that backend judges it. */
export type RequestOptions = { readonly effort: string | null; readonly mcpServers: readonly string[] };

/** The `passHeaders` of most calls. */
export const noHeaders: Readonly<Record<string, string>> = {};

export const noRequestOptions: RequestOptions = { effort: null, mcpServers: [] };

export type Backend = {
  /** The provider's id in the config. */
  readonly provider: string;
  /** The wire format behind it; null for a backend without a wire. */
  readonly dialect: DialectName | null;
  /** `host:port` behind it, for the operator. Absent where there is no wire. */
  readonly address?: string;
  /** Where there is no wire: the format whose requests it takes without loss. */
  readonly nativeDialect?: DialectName;
  /** What an encoder must know about `model` here. */
  targetFacts(model: string): TargetFacts;
  /** Events in batches, one batch a network chunk. The last event of the last batch is the closing one. */
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
   * POSTs `body` (JSON) to `path` below the base URL and gives the 2xx answer as it is, bytes unread.
   * Throws Failure on anything else. Null where there is no wire: then only `generate` works.
   */
  readonly open: ((path: string, body: Uint8Array, call: Call) => Promise<Response>) | null;
  /** Puts a body of the backend's own format right for this vendor, where it deviates from the format. */
  readonly adaptBody?: (
    body: Record<string, unknown>,
    note?: Note,
    facts?: TargetFacts,
  ) => Record<string, unknown>;
  /** Where there is no wire: stop sequences that cannot be expressed and are searched for in the answer. */
  readonly unsupportedStops?: (request: ChatRequest) => readonly string[];
  /** Will this request continue with a process that waits for it? Such a request must not queue behind others. */
  readonly continues?: (request: ChatRequest, call: Call) => Promise<boolean>;
  /** An attempt here has failed or was cut off: its connection is not kept for the next one. */
  readonly connectionLost?: () => void;
  /** A free check whether the server answers (the model list). Null: all is well. Absent where there is nothing to check. */
  readonly check?: (signal: AbortSignal) => Promise<Failure | null>;
};
