// What is left of events after a trip through this format: the declared loss, and the oracle of the tests.
// It must never be written as decode(encode(events)): then it could not find either of them wrong.

import type { StreamEvent } from "../../../src/canon/event.ts";
import { mergeUsage, unknownUsage, type Usage } from "../../../src/canon/usage.ts";
import { encodeFailure, failureOfErrorBody } from "../../../src/dialects/anthropic-messages/failure.ts";
import {
  decodeFinish,
  encodeFinish,
  isFinerThanCanon,
} from "../../../src/dialects/anthropic-messages/finish.ts";
import { toExtras, name, extrasOf } from "../../../src/dialects/anthropic-messages/extras.ts";
import { isRecord } from "../../../src/dialects/decoding.ts";
import {
  countsOf,
  decodeUsage,
  mergeCounts,
  noCounts,
  restOfUsage,
  withoutNulls,
} from "../../../src/dialects/anthropic-messages/usage.ts";

type Finish = Extract<StreamEvent, { type: "finish" }>;

/** Another vendor's id is replaced by one made of the request's, which is this one in all tests that use losses. */
const ownId = (id: string): string => (id.startsWith("msg_") ? id : "msg_01REQ");

/**
 * Lost: other dialects' ids and extras and opaque blocks, extras of tools and thinking, empty deltas, `usage` events (their
 * numbers end up in the finish), unknown numbers (0 on this wire), and a failure's finer kind.
 * `events` begins with `start` (or with heartbeats and a failure) and its blocks do not overlap.
 */
export function lose(events: readonly StreamEvent[]): StreamEvent[] {
  const left: StreamEvent[] = [];
  let index = 0;
  let hasTool = false;
  let usage: Usage = unknownUsage;
  let counts = noCounts;
  for (const event of events) {
    switch (event.type) {
      case "start":
        usage = mergeUsage(usage, event.usage ?? unknownUsage);
        counts = countsOf(event.usage ?? unknownUsage);
        left.push({ type: "start", id: ownId(event.id), model: event.model, usage: decodeUsage(counts) });
        break;
      case "text-start":
      case "thinking-start":
        left.push({ ...event, index });
        break;
      case "tool-start":
        hasTool = true;
        left.push({ type: "tool-start", index, id: event.id, name: event.name });
        break;
      case "text-delta":
      case "thinking-delta":
        if (event.text !== "") left.push({ ...event, index });
        break;
      case "tool-delta":
        if (event.input !== "") left.push({ ...event, index });
        break;
      case "text-end":
        left.push({ type: "text-end", index: index++, ...toExtras(citationsOf(event)) });
        break;
      case "thinking-end":
        left.push({ type: "thinking-end", index: index++, signature: event.signature || null });
        break;
      case "tool-end":
        left.push({ type: "tool-end", index: index++ });
        break;
      case "opaque":
        if (event.dialect !== name || !isRecord(event.value)) break;
        hasTool ||= event.value["type"] === "tool_use";
        left.push({ ...event, index: index++ });
        break;
      case "heartbeat":
        left.push(event);
        break;
      case "usage":
        usage = mergeUsage(usage, event.usage);
        break;
      case "finish": {
        counts = mergeCounts(counts, countsOf(mergeUsage(usage, event.usage)));
        return [...left, loseFinish(event, hasTool, decodeUsage(counts))];
      }
      case "failure":
        return [...left, { type: "failure", failure: failureOfErrorBody(encodeFailure(event.failure, "")) }];
    }
  }
  return left;
}

function citationsOf(event: Extract<StreamEvent, { type: "text-end" }>): Record<string, unknown> | null {
  const { citations } = extrasOf(event.extras);
  return Array.isArray(citations) && citations.length > 0 ? { citations } : null;
}

function loseFinish(event: Finish, hasTool: boolean, usage: Usage): Finish {
  const { stop_reason, usage: kept, ...members } = extrasOf(event.extras);
  const reason = encodeFinish(event.reason, hasTool, stop_reason);
  const rest = restOfUsage(kept);
  const ownExtras = withoutNulls({
    ...members,
    ...(isFinerThanCanon(reason) ? { stop_reason: reason } : {}),
    ...(rest === null ? {} : { usage: rest }),
  });
  return {
    type: "finish",
    reason: decodeFinish(reason, hasTool),
    usage,
    stopSequence: event.stopSequence ?? null,
    ...toExtras(ownExtras),
  };
}
