// The course of one request as bars on one line of time: the wait in queues, each attempt with its headers and first token.

import type { RequestDetail } from "./api-shapes.ts";

type Attempt = RequestDetail["attempts"][number];

/** All in percent of the whole request. */
export type Span = {
  readonly kind: "queue" | "headers" | "thinking" | "streaming";
  readonly left: number;
  readonly width: number;
};

export type WaterfallRow = { readonly attempt: Attempt; readonly spans: readonly Span[] };

export type Waterfall = { readonly wholeMs: number; readonly rows: readonly WaterfallRow[] };

const bounded = (share: number): number => Math.min(100, Math.max(0, share));

function spansOf(attempt: Attempt, startMs: number, wholeMs: number): readonly Span[] {
  const begin = attempt.started_at_ms - startMs;
  const end = begin + attempt.duration_ms;
  const ready = begin + Math.min(attempt.wait_ms, attempt.duration_ms);
  // A vendor's clock is not asked: all of these are the gateway's own times since the attempt began.
  const headers = attempt.headers_ms === null ? end : Math.min(end, begin + attempt.headers_ms);
  const first = attempt.first_token_ms === null ? end : Math.min(end, begin + attempt.first_token_ms);
  const points = [begin, ready, Math.max(ready, headers), Math.max(ready, headers, first), end] as const;
  const kinds = ["queue", "headers", "thinking", "streaming"] as const;
  return kinds.flatMap((kind, at) => {
    const [from = 0, to = 0] = [points[at], points[at + 1]];
    const left = bounded((from / wholeMs) * 100);
    const width = bounded((to / wholeMs) * 100) - left;
    return width > 0 ? [{ kind, left, width }] : [];
  });
}

export function waterfallOf(
  request: Pick<RequestDetail, "timestamp" | "latency_ms" | "attempts">,
): Waterfall {
  const startMs = request.timestamp * 1000;
  const ends = request.attempts.map((each) => each.started_at_ms - startMs + each.duration_ms);
  const wholeMs = Math.max(1, request.latency_ms, ...ends);
  return {
    wholeMs,
    rows: request.attempts.map((attempt) => ({ attempt, spans: spansOf(attempt, startMs, wholeMs) })),
  };
}
