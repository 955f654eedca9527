// Whoever turns a ChatRequest into events. A backend never throws from `generate`: it ends with finish or failure.
// It knows one provider of the config; what the road does about a failure is not its business.

import type { StreamEvent } from "../canon/event.ts";
import type { Failure } from "../canon/failure.ts";
import type { ChatRequest, DialectName } from "../canon/request.ts";
import type { TargetFacts } from "../dialects/dialect.ts";

/** One try at one target. */
export type Call = {
  readonly requestId: string;
  /** The model id that goes upstream. */
  readonly model: string;
  /** Which of the provider's keys signs it, by its fingerprint. Null or absent: the first. */
  readonly credential?: string | null;
  /** Aborted with a Failure as its reason when the try must end: client gone, deadline, operator. */
  readonly signal: AbortSignal;
  /** Ends this try with `reason`; the road then does what the failure's kind says. */
  abort(reason: Failure): void;
  /** Client headers that this dialect may carry upstream, already filtered and checked (anthropic-beta, anthropic-version). */
  readonly passHeaders: Readonly<Record<string, string>>;
  /** Told once, when the upstream's status line is in. */
  onHeaders(status: number): void;
};

export type Backend = {
  /** The provider's id in the config. */
  readonly provider: string;
  /** The wire format behind it; null for a backend without a wire. */
  readonly dialect: DialectName | null;
  /** What an encoder must know about `model` here. */
  targetFacts(model: string): TargetFacts;
  /** Events in batches, one batch a network chunk. The last event of the last batch is the closing one. */
  generate(request: ChatRequest, call: Call): AsyncGenerator<readonly StreamEvent[], void, void>;
  /**
   * POSTs `body` (JSON) to `path` below the base URL and gives the 2xx answer as it is, bytes unread.
   * Throws Failure on anything else. Null where there is no wire: then only `generate` works.
   */
  readonly open: ((path: string, body: Uint8Array, call: Call) => Promise<Response>) | null;
  /** A free look whether somebody is there (the model list). Null: all is well. Absent where there is nothing to look at. */
  readonly check?: (signal: AbortSignal) => Promise<Failure | null>;
};
