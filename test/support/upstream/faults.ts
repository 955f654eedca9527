// Every way in which the fake vendor can misbehave by name. A fault edits the correct answer or replaces it.
// Names: the status codes (400 401 403 404 413 429 500 503 529, with [[mode:429 7]] = Retry-After: 7), 502-html and those in `faults`.

import type { Scripted } from "./deliver.ts";
import { frameText } from "./frame.ts";
import type { Frame } from "./frame.ts";
import { listOf, recordOf } from "./json.ts";
import type { Json } from "./json.ts";
import { responsesErrorFrame } from "./responses.ts";
import type { Format } from "./turn.ts";

/** The correct answer, in all the forms that a fault may need. */
export type Correct = {
  readonly format: Format;
  readonly isStream: boolean;
  readonly frames: readonly Frame[];
  readonly body: Json;
  readonly error: (status: number, message?: string, code?: string) => Json;
  readonly headers: Readonly<Record<string, string>>;
  readonly paceMs: number;
};

const html =
  "<!DOCTYPE html><html><head><title>Bad gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>";

export function streamed(correct: Correct, frames: readonly Frame[], more: Scripted = {}): Scripted {
  return {
    chunks: frames.map(frameText),
    headers: correct.headers,
    betweenChunksMs: correct.paceMs,
    ...more,
  };
}

export function answered(correct: Correct, more: Scripted = {}): Scripted {
  return correct.isStream
    ? streamed(correct, correct.frames, more)
    : { body: correct.body, headers: correct.headers, ...more };
}

function errorFrame(correct: Correct): Frame {
  if (correct.format === "anthropic") return { event: "error", value: correct.error(529) };
  if (correct.format === "responses") return responsesErrorFrame();
  return { event: null, value: correct.error(500) };
}

const typeOf = (frame: Frame): unknown => recordOf(frame.value).type;
const choiceOf = (frame: Frame): Json => recordOf(listOf(recordOf(frame.value).choices)[0]);

/** Frames up to about the middle of the answer: at least one word was sent. */
function firstHalf(frames: readonly Frame[]): readonly Frame[] {
  return frames.slice(0, Math.max(4, Math.floor(frames.length / 2)));
}

/** A stream edited frame by frame; a whole body is unchanged. */
function edited(edit: (frames: readonly Frame[], correct: Correct) => readonly Frame[]) {
  return (correct: Correct): Scripted =>
    correct.isStream ? streamed(correct, edit(correct.frames, correct)) : answered(correct);
}

/** Breaks in the middle: of the frames when streaming, of the bytes when whole. */
function dying(ending: "fin" | "reset" | "hang") {
  return (correct: Correct): Scripted =>
    correct.isStream
      ? streamed(correct, firstHalf(correct.frames), { ending })
      : answered(correct, { cutAfterBytes: Math.floor(JSON.stringify(correct.body).length / 2), ending });
}

function withIndexes(pick: (index: number) => number) {
  return edited((frames) =>
    frames.map((frame) => {
      const value = recordOf(frame.value);
      if (typeof value.index === "number") return { ...frame, value: { ...value, index: pick(value.index) } };
      const calls = listOf(recordOf(choiceOf(frame).delta).tool_calls).map(recordOf);
      if (calls.length === 0) return frame;
      const moved = calls.map((call) => ({ ...call, index: pick(Number(call.index)) }));
      return {
        ...frame,
        value: { ...value, choices: [{ ...choiceOf(frame), delta: { tool_calls: moved } }] },
      };
    }),
  );
}

/** Swaps the first two frames that fit, so that a delta comes before what it belongs to. */
function outOfOrder(frames: readonly Frame[]): Frame[] {
  const at = frames.findIndex(
    (frame) => typeOf(frame) === "content_block_start" || recordOf(choiceOf(frame).delta).role !== undefined,
  );
  const delta = frames.findIndex(
    (frame, index) => index > at && (typeOf(frame) === "content_block_delta" || typeOf(frame) === undefined),
  );
  const moved = frames[delta];
  if (at < 0 || !moved) return [...frames];
  const rest = frames.filter((_, index) => index !== delta);
  return [...rest.slice(0, at), moved, ...rest.slice(at)];
}

const isDone = (frame: Frame): boolean => frame.value === "[DONE]" || typeOf(frame) === "message_stop";
const isFinish = (frame: Frame): boolean =>
  typeOf(frame) === "message_delta" || typeof choiceOf(frame).finish_reason === "string";

function withoutUsage(frame: Frame): Frame[] {
  if (typeof frame.value === "string") return [frame];
  const { usage, message, ...value } = frame.value;
  if (usage === undefined && message === undefined) return [frame];
  if (message === undefined)
    return listOf(value.choices).length === 0 && "choices" in value ? [] : [{ ...frame, value }];
  const { usage: dropped, ...rest } = recordOf(message);
  return [{ ...frame, value: dropped === undefined ? value : { ...value, message: rest } }];
}

type Fault = (correct: Correct, argument: string) => Scripted;

const faults: Readonly<Record<string, Fault>> = {
  "502-html": () => ({ status: 502, headers: { "content-type": "text/html" }, body: html }),
  "html-200": () => ({ status: 200, headers: { "content-type": "text/html" }, body: html }),
  "context-exceeded": ({ error, format }) => ({
    status: 400,
    body:
      format !== "anthropic"
        ? error(400, "This model's maximum context length is 8192 tokens.", "context_length_exceeded")
        : error(400, "prompt is too long: 250000 tokens > 200000 maximum"),
  }),
  hang: () => ({ isSilent: true }),
  "hang-after-headers": (correct) =>
    streamed(correct, [], { framing: correct.isStream ? "chunked" : "close", ending: "hang" }),
  stall: dying("hang"),
  cut: dying("fin"),
  reset: dying("reset"),
  "slow-first": (correct, ms) => answered(correct, { beforeBodyMs: Number(ms || "1000") }),
  "slow-headers": (correct, ms) => answered(correct, { beforeHeadersMs: Number(ms || "1000") }),
  bytewise: (correct) => answered(correct, { pieceBytes: 1 }),
  "close-delimited": (correct) => answered(correct, { framing: "close" }),
  empty: (correct) => (correct.isStream ? streamed(correct, []) : { status: 200, body: "" }),
  "json-instead-of-sse": (correct) => ({ body: correct.body, headers: correct.headers }),
  redirect: (_correct, to) => ({
    status: 307,
    headers: { location: to || "http://127.0.0.1:9/elsewhere" },
    body: "",
  }),
  "error-first": (correct) =>
    correct.isStream ? streamed(correct, [errorFrame(correct)]) : { status: 500, body: correct.error(500) },
  "error-mid": (correct) =>
    correct.isStream
      ? streamed(correct, [...firstHalf(correct.frames), errorFrame(correct)])
      : { status: 500, body: correct.error(500) },
  garbage: (correct) =>
    correct.isStream
      ? {
          chunks: ['data: {"choices":[{"del\n\n', "data: <<<>>>\n\n", "\u0000\u0001 not an event\n\n"],
          headers: correct.headers,
        }
      : { body: '{"id": "x", "choi', headers: { "content-type": "application/json" } },
  "no-done": edited((frames) => frames.filter((frame) => !isDone(frame))),
  "no-finish": edited((frames) => frames.filter((frame) => !isFinish(frame))),
  "no-start": edited((frames) => frames.slice(1)),
  "stop-first": edited((frames) => [
    ...frames.filter((frame) => !isDone(frame) && !isFinish(frame)),
    ...frames.filter(isDone),
    ...frames.filter(isFinish),
  ]),
  "no-usage": (correct) => {
    const { usage, ...body } = correct.body;
    return usage !== undefined && correct.isStream
      ? streamed(correct, correct.frames.flatMap(withoutUsage))
      : answered({ ...correct, body });
  },
  "double-start": edited((frames) => [...frames.slice(0, 1), ...frames]),
  "two-messages": edited((frames) => [...frames.filter((frame) => frame.value !== "[DONE]"), ...frames]),
  "index-gap": withIndexes((index) => index * 2 + 1),
  "all-zero-index": withIndexes(() => 0),
  "bad-order": edited(outOfOrder),
};

export const faultNames: readonly string[] = Object.keys(faults);

/** The fault of that name, or null if the name is unknown. */
export function faulty(correct: Correct, name: string, argument: string): Scripted | null {
  const fault = faults[name];
  if (fault) return fault(correct, argument);
  if (!/^[45]\d\d$/.test(name)) return null;
  const headers: Record<string, string> = { ...correct.headers, "content-type": "application/json" };
  if (name === "429") headers["retry-after"] = argument || "3";
  return { status: Number(name), headers, body: correct.error(Number(name)) };
}
