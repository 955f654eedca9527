// Turns a vendor's frames into events. The finish waits for [DONE] or the end of the bytes, so that trailing usage is
// in it. It must never take silence for success: a stream without finish reason and without [DONE] was cut off.

import { Failure } from "../../canon/failure.ts";
import { closeOnce, isRecord, parseLoosely } from "../decoding.ts";
import type { StreamDecoder } from "../dialect.ts";
import { AnswerDecoder, errorOf } from "./decode-answer.ts";
import { failureInBand } from "../openai-failure.ts";

export function unreadable(): Failure {
  return new Failure("bad-output", "The upstream sent a piece of its stream that is not JSON.", {
    maybeBilled: true,
  });
}

export const isDone = (data: string): boolean => data === "[DONE]" || data.trim() === "[DONE]";

export function streamDecoder(): StreamDecoder {
  const reader = new AnswerDecoder();
  return closeOnce({
    step(frame) {
      if (isDone(frame.data)) return reader.finish(true);
      if (frame.data.trim() === "") return [];
      const body = parseLoosely(frame.data);
      if (frame.event === "error")
        return reader.fail(failureInBand(body ?? { message: frame.data.slice(0, 300) }));
      if (body === undefined) return reader.fail(unreadable());
      const failure = errorOf(body);
      if (failure !== null) return reader.fail(failure);
      return isRecord(body) ? reader.take(body) : reader.fail(unreadable());
    },
    end: () => reader.finish(false),
  });
}
