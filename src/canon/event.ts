// The canonical stream: what every backend yields and every client format encodes. Exactly one closing event ends a stream.
// Blocks carry an index 0..n-1 in the order they open, and never overlap.

import type { Failure } from "./failure.ts";
import type { DialectName, Extras } from "./request.ts";
import type { Usage } from "./usage.ts";

/** `stop-sequence` has the sequence in `finish.stopSequence` where the vendor reports it. */
export type FinishReason = "stop" | "stop-sequence" | "length" | "tool-calls" | "refused" | "pause";

export type StreamEvent =
  | { readonly type: "start"; readonly id: string; readonly model: string; readonly usage?: Usage }
  | { readonly type: "text-start"; readonly index: number }
  | { readonly type: "text-delta"; readonly index: number; readonly text: string }
  | { readonly type: "text-end"; readonly index: number; readonly extras?: Extras }
  | { readonly type: "thinking-start"; readonly index: number }
  | { readonly type: "thinking-delta"; readonly index: number; readonly text: string }
  | {
      readonly type: "thinking-end";
      readonly index: number;
      readonly signature: string | null;
      readonly extras?: Extras;
    }
  | { readonly type: "tool-start"; readonly index: number; readonly id: string; readonly name: string }
  | { readonly type: "tool-delta"; readonly index: number; readonly input: string }
  | { readonly type: "tool-end"; readonly index: number; readonly extras?: Extras }
  | {
      readonly type: "opaque";
      readonly index: number;
      readonly dialect: DialectName;
      readonly value: unknown;
    }
  | { readonly type: "heartbeat" }
  | { readonly type: "usage"; readonly usage: Usage }
  | ClosingEvent;

export type ClosingEvent =
  | {
      readonly type: "finish";
      readonly reason: FinishReason;
      readonly usage: Usage;
      readonly stopSequence?: string | null;
      /** The cost of this answer that the provider itself reports, in US dollars. */
      readonly costUsd?: number;
      /** The usage of earlier answers without a cost: this one's cost includes them. */
      readonly costCovers?: Usage;
      readonly extras?: Extras;
    }
  | { readonly type: "failure"; readonly failure: Failure };

export function isClosing(event: StreamEvent): event is ClosingEvent {
  return event.type === "finish" || event.type === "failure";
}

/**
 * Whether the answer starts with this event, so that no other target may be asked: first text, thinking or tool event, or the
 * finish.
 */
export function startsAnswer(event: StreamEvent): boolean {
  switch (event.type) {
    case "text-delta":
    case "thinking-delta":
      return event.text.length > 0;
    case "tool-start":
    case "tool-delta":
    case "opaque":
    case "finish":
      return true;
    default:
      return false;
  }
}
