// Turns the frames of a Messages stream into canonical events. It must never ignore a frame that is not JSON.

import { Failure } from "../../canon/failure.ts";
import type { SseFrame } from "../../wire/sse.ts";
import { closeOnce, isRecord, parseLoosely } from "../decoding.ts";
import type { StreamDecoder } from "../dialect.ts";
import { AnswerDecoder } from "./decode-answer.ts";

type Members = Record<string, unknown>;

export function streamDecoder(): StreamDecoder {
  const decoder = new AnswerDecoder();
  return closeOnce({
    step(frame: SseFrame) {
      const event = readEvent(frame);
      return event instanceof Failure
        ? [{ type: "failure", failure: event }]
        : event
          ? decoder.take(event)
          : [];
    },
    end: () => decoder.end(),
  });
}

/** The event of a frame; null for a frame without one (`[DONE]` of compatible vendors, empty data). */
export function readEvent(frame: SseFrame): Members | Failure | null {
  const data = frame.data.trim();
  if (data === "" || data === "[DONE]") return null;
  const value = parseLoosely(data);
  if (!isRecord(value))
    return new Failure("bad-output", "The upstream's stream held something that is not JSON.", {
      maybeBilled: true,
    });
  // Some vendors name the event only in the SSE field.
  return value["type"] === undefined && frame.event !== null ? { ...value, type: frame.event } : value;
}
