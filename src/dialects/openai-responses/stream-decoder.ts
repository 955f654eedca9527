// Turns a vendor's frames into events. The API's last event contains the usage, so nothing has to wait. It must never
// take silence for success: a stream without response.completed was cut off, even if it sends [DONE].

import { Failure } from "../../canon/failure.ts";
import type { SseFrame } from "../../wire/sse.ts";
import { closeOnce, isRecord, parseLoosely } from "../decoding.ts";
import type { StreamDecoder } from "../dialect.ts";
import { AnswerDecoder, errorOf } from "./decode-answer.ts";
import { failureInBand } from "../openai-failure.ts";
import type { Wire } from "./extras.ts";

export function unreadable(): Failure {
  return new Failure("bad-output", "The upstream sent a piece of its stream that is not JSON.", {
    maybeBilled: true,
  });
}

/** The frame's event, null when it contains none, or the failure that it reports. */
export function readEvent(frame: SseFrame): Wire | Failure | null {
  const data = frame.data.trim();
  if (data === "" || data === "[DONE]") return null;
  const body = parseLoosely(data);
  if (frame.event === "error") return failureInBand(body ?? { message: data.slice(0, 300) });
  if (!isRecord(body)) return unreadable();
  const event = typeof body.type === "string" || frame.event === null ? body : { ...body, type: frame.event };
  const failure = errorOf(event);
  if (failure !== null) return failure;
  if (event.type === "response.failed" || event.type === "response.cancelled")
    return errorOf(event.response) ?? failureInBand(event);
  return event;
}

export function streamDecoder(): StreamDecoder {
  const reader = new AnswerDecoder();
  return closeOnce({
    step(frame) {
      const event = readEvent(frame);
      if (event === null) return [];
      return event instanceof Failure ? reader.fail(event) : reader.take(event);
    },
    end: () => [],
  });
}
