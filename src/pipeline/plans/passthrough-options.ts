// What one passthrough needs from its request, target and attempt, and how it fails.

import type { Backend, Call } from "../../backends/backend.ts";
import { redactedFailure } from "../../backends/http/redacted-failure.ts";
import { networkFailure } from "../../backends/http/network-failure.ts";
import { failureFrom } from "../../canon/failure.ts";
import type { AnswerFacts, FullDialect } from "../../dialects/dialect.ts";
import { failurePiece, type Piece, type Progress } from "../answer/answer-source.ts";
import type { Observer } from "../observer.ts";

export type PassthroughOptions = {
  readonly send: NonNullable<Backend["open"]>;
  readonly dialect: FullDialect;
  /** Path below the base URL, query included. */
  readonly path: string;
  /** The client's body, edited for the target. */
  readonly body: Uint8Array;
  /** True: built for this attempt alone, and freed when it is answered. */
  readonly isOwnBody: boolean;
  readonly stream: boolean;
  readonly facts: AnswerFacts;
  readonly call: Call;
  readonly observer: Observer;
  readonly progress: Progress;
  readonly redact: (text: string) => string;
  readonly setTimer: (ms: number, run: () => void) => () => void;
};

export function failedPiece(options: PassthroughOptions, thrown: unknown): Piece {
  const { signal } = options.call;
  const failure = signal.aborted ? failureFrom(signal.reason) : networkFailure(thrown);
  return failurePiece(redactedFailure(options.redact, failure));
}
