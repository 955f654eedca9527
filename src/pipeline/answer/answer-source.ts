// The source of a client's answer, passed through or translated: its pieces in order. A source never retries and never
// decides; it ends with a last piece or with a failure.

import type { Failure } from "../../canon/failure.ts";

export type Piece = {
  /** What to send to the client; may be empty. */
  readonly bytes: Uint8Array | string;
  /** True when this piece contains the first text, thinking or tool event, or the finish. */
  readonly opens: boolean;
  /** Not null: the answer failed for this reason. `bytes` of the same piece came before the failure and are valid. */
  readonly failure: Failure | null;
  /** True: the answer is complete. */
  readonly isLast: boolean;
  /** Content type of a whole answer that is not JSON. */
  readonly contentType?: string;
};

/** Called at every sign of activity in a whole answer, from its first word on. */
export type Progress = { progressed(): void };

export type AnswerSource = {
  /** Must not be called again after a piece that ends the answer. Never rejects. */
  next(): Promise<Piece>;
};

export function failurePiece(failure: Failure): Piece {
  return { bytes: "", opens: false, failure, isLast: false };
}

/**
 * Lets a finished source reach its own end, so that its connection can be reused; aborts it when it does not end in time.
 */
export function endQuietly(
  step: () => Promise<{ done?: boolean }>,
  cutOff: () => void,
  setTimer: (ms: number, run: () => void) => () => void,
): void {
  let isOver = false;
  const stop = setTimer(1_000, () => {
    isOver = true;
    cutOff();
  });
  // A few bytes often follow the last word: an end marker, a comment.
  const drain = (): void => {
    step().then(
      (result) => {
        if (isOver) return;
        if (result.done === true) stop();
        else drain();
      },
      () => stop(),
    );
  };
  drain();
}
