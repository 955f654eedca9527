// A vendor's frames -> events. There is no frame of the end: the finish reason says why, the end of the bytes says when.
// It must never take silence for success: a stream without a finish reason was cut.

import { Failure } from "../../canon/failure.ts";
import { closeOnce, isRecord, parseLoosely } from "../decoding.ts";
import type { StreamDecoder } from "../dialect.ts";
import { answerDecoder, errorOf } from "./decode-answer.ts";

export function unreadable(): Failure {
  return new Failure("bad-output", "The upstream sent a piece of its stream that is not JSON.", {
    maybeBilled: true,
  });
}

export function streamDecoder(): StreamDecoder {
  const reader = answerDecoder();
  return closeOnce({
    step(frame) {
      if (frame.data.trim() === "") return [];
      const body = parseLoosely(frame.data);
      const failure = errorOf(body);
      if (failure !== null) return reader.fail(failure);
      return isRecord(body) ? reader.take(body) : reader.fail(unreadable());
    },
    end: () => reader.finish(false),
  });
}
