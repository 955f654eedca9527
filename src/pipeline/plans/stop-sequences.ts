// Stop sequences that a format cannot express: the answer's text is cut before the first one. Pure except for
// `untilStop`; it must never hold back more text than could still become a stop sequence.

import type { StreamEvent } from "../../canon/event.ts";
import { mergeUsage, unknownUsage, type Usage } from "../../canon/usage.ts";

export type StopCutter = {
  /** The events that may be shown. After a cut the last of them is the finish, and no further input is allowed. */
  step(events: readonly StreamEvent[]): readonly StreamEvent[];
  /** True once a stop sequence was found. */
  readonly isCut: boolean;
};

/** `stops`: none is empty. Only text is searched, block by block, as vendors do. */
export function stopCutter(stops: readonly string[]): StopCutter {
  /** The end of the text so far that may be the start of a stop sequence. */
  let pending = "";
  let usage: Usage = unknownUsage;
  let isCut = false;

  const take = (event: StreamEvent, out: StreamEvent[]): void => {
    if (event.type === "start") usage = mergeUsage(usage, event.usage ?? unknownUsage);
    else if (event.type === "usage") usage = mergeUsage(usage, event.usage);
    if (event.type === "text-start") pending = "";
    if (event.type !== "text-delta" && event.type !== "text-end") {
      out.push(event);
      return;
    }
    const { index } = event;
    const show = (text: string): void => {
      if (text !== "") out.push({ type: "text-delta", index, text });
    };
    if (event.type === "text-end") {
      show(pending);
      pending = "";
      out.push(event);
      return;
    }
    const text = pending + event.text;
    const found = firstStop(stops, text);
    if (found === null) {
      const safe = text.length - partialStopLength(stops, text);
      show(text.slice(0, safe));
      pending = text.slice(safe);
      return;
    }
    show(text.slice(0, found.at));
    isCut = true;
    out.push({ type: "text-end", index });
    // Most vendors report counts at the very end, which is not awaited: an unknown count is left out.
    out.push({ type: "finish", reason: "stop-sequence", stopSequence: found.stop, usage });
  };

  return {
    step(events) {
      const out: StreamEvent[] = [];
      for (const event of events) {
        if (isCut) break;
        take(event, out);
      }
      return out;
    },
    get isCut() {
      return isCut;
    },
  };
}

/** The stop sequence that is complete first; of two that end together the longer, which started first. */
function firstStop(stops: readonly string[], text: string): { at: number; stop: string } | null {
  let best: { at: number; stop: string } | null = null;
  for (const stop of stops) {
    const at = text.indexOf(stop);
    if (at < 0) continue;
    const end = at + stop.length;
    const bestEnd = best === null ? Number.POSITIVE_INFINITY : best.at + best.stop.length;
    if (end < bestEnd || (end === bestEnd && best !== null && at < best.at)) best = { at, stop };
  }
  return best;
}

/** How many characters at the end of `text` are the start of a stop sequence. */
function partialStopLength(stops: readonly string[], text: string): number {
  let longest = 0;
  for (const stop of stops)
    for (let length = Math.min(stop.length - 1, text.length); length > longest; length--)
      if (text.endsWith(stop.slice(0, length))) longest = length;
  return longest;
}

/** The batches up to the first stop sequence; then `abortRequests` ends the upstream's stream. */
export async function* untilStop(
  batches: AsyncGenerator<readonly StreamEvent[], void, void>,
  stops: readonly string[],
  cutOff: () => void,
): AsyncGenerator<readonly StreamEvent[], void, void> {
  const cutter = stopCutter(stops);
  try {
    for (let step = await batches.next(); step.done !== true; step = await batches.next()) {
      const shown = cutter.step(step.value);
      if (cutter.isCut) cutOff();
      yield shown;
      if (cutter.isCut) return;
    }
  } finally {
    // Not awaited: a read that hangs would hang here as well.
    void batches.return();
  }
}
