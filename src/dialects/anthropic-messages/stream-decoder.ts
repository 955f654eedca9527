// The event stream of the Messages API -> canonical events, tolerant of every disorder that compatible vendors produce.
// It must never invent an ending: without message_stop or a stop reason the answer is cut short.

import type { StreamEvent } from "../../canon/event.ts";
import { Failure } from "../../canon/failure.ts";
import type { SseFrame } from "../../wire/sse.ts";
import { closeOnce, brokenOff, isRecord, parseLoosely } from "../decoding.ts";
import type { StreamDecoder } from "../dialect.ts";
import { failureOfErrorBody } from "./failure.ts";
import { decodeFinish, isFinerThanCanon } from "./finish.ts";
import { blockQueue } from "./block-queue.ts";
import { toExtras, restOf } from "./extras.ts";
import { decodeUsage, mergeCounts, noCounts, readCounts, restOfUsage, withoutNulls } from "./usage.ts";

type Members = Record<string, unknown>;

const deltaMembers = new Set(["stop_reason", "stop_sequence", "usage"]);
const messageDeltaMembers = new Set(["type", "delta", "usage"]);

/** One event of the wire, already parsed; claude-cli carries such events inside its lines. */
export type AnswerDecoder = {
  take(event: Members): StreamEvent[];
  end(): StreamEvent[];
};

export function answerDecoder(): AnswerDecoder {
  const blocks = blockQueue();
  let isStarted = false;
  let hasMessageStop = false;
  let counts = noCounts;
  let usageRest: Members | null = null;
  let stopReason: string | null = null;
  let stopSequence: string | null = null;
  let finishRest: Members | null = null;

  const learnUsage = (usage: unknown): void => {
    counts = mergeCounts(counts, readCounts(usage));
    const rest = restOfUsage(usage);
    if (rest !== null) usageRest = { ...usageRest, ...rest };
  };

  const start = (message: Members): StreamEvent[] => {
    learnUsage(message["usage"]);
    // A second message_start in one stream adds its counts and is not repeated.
    if (isStarted) return [];
    isStarted = true;
    const { id, model, usage } = message;
    return [
      {
        type: "start",
        id: typeof id === "string" ? id : "",
        model: typeof model === "string" ? model : "",
        ...(isRecord(usage) ? { usage: decodeUsage(readCounts(usage)) } : {}),
      },
    ];
  };
  const begin = (): StreamEvent[] => (isStarted ? [] : start({}));

  const finish = (): StreamEvent[] => {
    const closing = [...begin(), ...blocks.finish()];
    const hasTool = blocks.hasTool();
    const inferred = hasTool ? "tool_use" : "end_turn";
    const reason = decodeFinish(stopReason ?? inferred, hasTool);
    const finer = stopReason !== null && isFinerThanCanon(stopReason) ? { stop_reason: stopReason } : null;
    const rest = usageRest === null ? null : { usage: usageRest };
    const members = { ...finishRest, ...finer, ...rest };
    closing.push({
      type: "finish",
      reason,
      usage: decodeUsage(counts),
      stopSequence,
      ...toExtras(Object.keys(members).length > 0 ? members : null),
    });
    return closing;
  };

  const messageDelta = (event: Members): StreamEvent[] => {
    const delta = isRecord(event["delta"]) ? event["delta"] : {};
    // Compatible vendors put it inside.
    learnUsage(event["usage"] ?? delta["usage"]);
    if (typeof delta["stop_reason"] === "string") stopReason = delta["stop_reason"];
    if (typeof delta["stop_sequence"] === "string") stopSequence = delta["stop_sequence"];
    const rest = withoutNulls({ ...restOf(delta, deltaMembers), ...restOf(event, messageDeltaMembers) });
    if (rest !== null) finishRest = { ...finishRest, ...rest };
    // Some vendors send message_stop first.
    return hasMessageStop && stopReason !== null ? finish() : begin();
  };

  const take = (event: Members): StreamEvent[] => {
    const index = typeof event["index"] === "number" ? event["index"] : 0;
    switch (event["type"]) {
      case "message_start":
        return start(isRecord(event["message"]) ? event["message"] : {});
      case "content_block_start": {
        const block = event["content_block"];
        return isRecord(block) ? [...begin(), ...blocks.start(index, block)] : begin();
      }
      case "content_block_delta": {
        const delta = event["delta"];
        return isRecord(delta) ? [...begin(), ...blocks.delta(index, delta)] : begin();
      }
      case "content_block_stop":
        return [...begin(), ...blocks.stop(index)];
      case "message_delta":
        return messageDelta(event);
      case "message_stop":
        hasMessageStop = true;
        learnUsage(event["usage"]);
        // Without a stop reason the message_delta may still come; if not, end() closes.
        return stopReason === null ? [] : finish();
      case "ping":
        return [{ type: "heartbeat" }];
      case "error":
        return [{ type: "failure", failure: failureOfErrorBody(event) }];
      case undefined:
        return isRecord(event["error"]) ? [{ type: "failure", failure: failureOfErrorBody(event) }] : [];
      default:
        return [];
    }
  };

  return {
    take,
    end: () =>
      hasMessageStop || stopReason !== null ? finish() : [{ type: "failure", failure: brokenOff() }],
  };
}

export function streamDecoder(): StreamDecoder {
  const decoder = answerDecoder();
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

/** The event of a frame; null for what carries none (`[DONE]` of compatible vendors, empty data). */
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
