// Turns events of the Messages API into canonical events, and tolerates the disorder that compatible vendors produce.
// It must never invent an ending: without message_stop or a stop reason the answer counts as cut off.

import type { StreamEvent } from "../../canon/event.ts";
import { brokenOff, isRecord } from "../decoding.ts";
import { BlockQueue } from "./block-queue.ts";
import { toExtras, restOf } from "./extras.ts";
import { failureOfErrorBody } from "./failure.ts";
import { decodeFinish, isFinerThanCanon } from "./finish.ts";
import { decodeUsage, mergeCounts, noCounts, readCounts, restOfUsage, withoutNulls } from "./usage.ts";

type Members = Record<string, unknown>;

const deltaMembers = new Set(["stop_reason", "stop_sequence", "usage"]);
const messageDeltaMembers = new Set(["type", "delta", "usage"]);

/** Takes parsed wire events; Claude Code sends such events inside its lines. */
export class AnswerDecoder {
  private readonly blocks = new BlockQueue();
  private isStarted = false;
  private hasMessageStop = false;
  private counts = noCounts;
  private usageRest: Members | null = null;
  private stopReason: string | null = null;
  private stopSequence: string | null = null;
  private finishRest: Members | null = null;

  take(event: Members): StreamEvent[] {
    const index = typeof event["index"] === "number" ? event["index"] : 0;
    switch (event["type"]) {
      case "message_start":
        return this.start(isRecord(event["message"]) ? event["message"] : {});
      case "content_block_start": {
        const block = event["content_block"];
        return isRecord(block) ? [...this.begin(), ...this.blocks.start(index, block)] : this.begin();
      }
      case "content_block_delta": {
        const delta = event["delta"];
        return isRecord(delta) ? [...this.begin(), ...this.blocks.delta(index, delta)] : this.begin();
      }
      case "content_block_stop":
        return [...this.begin(), ...this.blocks.stop(index)];
      case "message_delta":
        return this.messageDelta(event);
      case "message_stop":
        this.hasMessageStop = true;
        this.learnUsage(event["usage"]);
        // Without a stop reason the message_delta may still come; if not, end() closes.
        return this.stopReason === null ? [] : this.finish();
      case "ping":
        return [{ type: "heartbeat" }];
      case "error":
        return [{ type: "failure", failure: failureOfErrorBody(event) }];
      case undefined:
        return isRecord(event["error"]) ? [{ type: "failure", failure: failureOfErrorBody(event) }] : [];
      default:
        return [];
    }
  }

  end(): StreamEvent[] {
    return this.hasMessageStop || this.stopReason !== null
      ? this.finish()
      : [{ type: "failure", failure: brokenOff() }];
  }

  private learnUsage(usage: unknown): void {
    this.counts = mergeCounts(this.counts, readCounts(usage));
    const rest = restOfUsage(usage);
    if (rest !== null) this.usageRest = { ...this.usageRest, ...rest };
  }

  private start(message: Members): StreamEvent[] {
    this.learnUsage(message["usage"]);
    // A second message_start in one stream adds its counts and is not forwarded.
    if (this.isStarted) return [];
    this.isStarted = true;
    const { id, model, usage } = message;
    return [
      {
        type: "start",
        id: typeof id === "string" ? id : "",
        model: typeof model === "string" ? model : "",
        ...(isRecord(usage) ? { usage: decodeUsage(readCounts(usage)) } : {}),
      },
    ];
  }

  private begin(): StreamEvent[] {
    return this.isStarted ? [] : this.start({});
  }

  private messageDelta(event: Members): StreamEvent[] {
    const delta = isRecord(event["delta"]) ? event["delta"] : {};
    // Compatible vendors put the usage inside the delta.
    this.learnUsage(event["usage"] ?? delta["usage"]);
    if (typeof delta["stop_reason"] === "string") this.stopReason = delta["stop_reason"];
    if (typeof delta["stop_sequence"] === "string") this.stopSequence = delta["stop_sequence"];
    const rest = withoutNulls({ ...restOf(delta, deltaMembers), ...restOf(event, messageDeltaMembers) });
    if (rest !== null) this.finishRest = { ...this.finishRest, ...rest };
    // Some vendors send message_stop first.
    return this.hasMessageStop && this.stopReason !== null ? this.finish() : this.begin();
  }

  private finish(): StreamEvent[] {
    const { stopReason, stopSequence, usageRest, finishRest } = this;
    const closing = [...this.begin(), ...this.blocks.finish()];
    const { hasTool } = this.blocks;
    const inferred = hasTool ? "tool_use" : "end_turn";
    const finer = stopReason !== null && isFinerThanCanon(stopReason) ? { stop_reason: stopReason } : null;
    const rest = usageRest === null ? null : { usage: usageRest };
    const members = { ...finishRest, ...finer, ...rest };
    closing.push({
      type: "finish",
      reason: decodeFinish(stopReason ?? inferred, hasTool),
      usage: decodeUsage(this.counts),
      stopSequence,
      ...toExtras(Object.keys(members).length > 0 ? members : null),
    });
    return closing;
  }
}
