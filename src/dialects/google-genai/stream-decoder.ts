// Turns a vendor's frames into events. There is no end frame: the finish reason says why, the end of the bytes says
// when. It must never take silence for success: a stream without a finish reason was cut off.

import { Failure } from "../../canon/failure.ts";
import { closeOnce, isRecord, parseLoosely } from "../decoding.ts";
import type { StreamDecoder } from "../dialect.ts";
import { AnswerDecoder, errorOf } from "./decode-answer.ts";

export function unreadable(): Failure {
  return new Failure("bad-output", "The upstream sent a piece of its stream that is not JSON.", {
    maybeBilled: true,
  });
}

export function streamDecoder(): StreamDecoder {
  const decoder = new AnswerDecoder();
  return closeOnce({
    step(frame) {
      if (frame.data.trim() === "") return [];
      const body = parseLoosely(frame.data);
      const failure = errorOf(body);
      if (failure !== null) return decoder.fail(failure);
      return isRecord(body) ? decoder.take(body) : decoder.fail(unreadable());
    },
    end: () => decoder.finish(false),
  });
}
