// Where a client's answer comes from, passed on or translated: its pieces, one after the other.
// A source never retries and never decides; it ends with a last piece or with a failure.

import type { Failure } from "../canon/failure.ts";

export type Piece = {
  /** What the client is to get; may be empty. */
  readonly bytes: Uint8Array | string;
  /** True when this piece holds the first text, thinking or tool event, or the finish. */
  readonly opens: boolean;
  /** Not null: the answer is over and this is why. `bytes` of the same piece came before it and are good. */
  readonly failure: Failure | null;
  /** True: the answer is over and all is well. */
  readonly isLast: boolean;
  /** Of a whole answer that is not JSON. */
  readonly contentType?: string;
};

/** Called at every sign of life in a whole answer from its first word on. */
export type Progress = { progressed(): void };

export type AnswerSource = {
  /** Must not be called again after a piece that ends the answer. Never rejects. */
  next(): Promise<Piece>;
};

export function failurePiece(failure: Failure): Piece {
  return { bytes: "", opens: false, failure, isLast: false };
}

/** Lets a finished source reach its own end, so that its connection can be used again; cuts it off when it will not end. */
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
  // A few bytes often follow the last word: the mark of the end, a comment.
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
