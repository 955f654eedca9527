// The errors of a turn of the stand-in, by name. A mode edits the steps of the correct answer or replaces them.
// Names: a status (400 401 404 500 529; "429 7" = retry after 7 s) and those in `modes`.

import type { Json } from "../upstream/json.ts";
import { wordsOf } from "../upstream/plan.ts";

export type Block =
  | { readonly type: "thinking"; readonly thinking: string; readonly signature: string }
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "tool_use"; readonly id: string; readonly name: string; readonly input: string };

/** One message of the model. */
export type Said = {
  readonly id: string;
  readonly model: string;
  readonly blocks: readonly Block[];
  readonly stopReason: string;
  readonly stopSequence: string | null;
  readonly usage: {
    readonly input: number;
    readonly cached: number;
    readonly written: number;
    readonly output: number;
  };
  readonly paceMs: number;
};

/** How a turn ends in an error: the synthetic assistant line and the result. */
export type Failed = {
  readonly error: string;
  readonly status: number | null;
  readonly text: string;
  readonly terminalReason?: string;
  /** Printed before it, such as api_retry and rate_limit_event. */
  readonly lines?: readonly Json[];
};

export type Step =
  | { readonly do: "event"; readonly event: Json }
  | { readonly do: "wait"; readonly ms: number }
  | { readonly do: "line"; readonly line: Json }
  | { readonly do: "line-before-result"; readonly line: Json }
  | { readonly do: "raw"; readonly text: string }
  | { readonly do: "stderr"; readonly text: string }
  | { readonly do: "fail"; readonly failed: Failed }
  /** First the synthetic line, then the rest of the message, and then the error result. */
  | { readonly do: "synthetic"; readonly failed: Failed }
  /** A result that is not an API error: `errors`, no text. */
  | {
      readonly do: "break";
      readonly subtype: string;
      readonly errors: readonly string[];
      readonly terminalReason: string;
    }
  /** The whole answer came from a second request without streaming. */
  | { readonly do: "whole"; readonly text: string }
  | { readonly do: "hang" }
  | { readonly do: "die"; readonly how: number | "killed" };

const retries = (): number => Number(process.env["CLAUDE_CODE_MAX_RETRIES"] ?? "10");

function retry(status: number, attempt: number, delayMs: number): Json {
  const error = status === 429 ? "rate_limit" : status === 401 ? "authentication_failed" : "server_error";
  return {
    type: "system",
    subtype: "api_retry",
    attempt,
    max_retries: retries(),
    retry_delay_ms: delayMs,
    error_status: status,
    error,
  };
}

const failures: Readonly<Record<string, Omit<Failed, "status"> & { readonly isRetried?: boolean }>> = {
  "400": { error: "invalid_request", text: "API Error: 400 messages: at least one message is required" },
  "401": {
    error: "authentication_failed",
    text: "Invalid API key · Fix external API key",
    isRetried: true,
  },
  "404": { error: "model_not_found", text: "There's an issue with the selected model. It may not exist." },
  "429": {
    error: "rate_limit",
    text: "API Error: Request rejected (429) · This request would exceed your account's rate limit.",
    isRetried: true,
  },
  "500": { error: "server_error", text: "API Error: 500 Internal server error", isRetried: true },
  "529": {
    error: "server_error",
    text: "API Error: 529 Overloaded. Check your inference gateway (secret-host.example).",
    isRetried: true,
  },
};

const rateLimit = (status: string, resetsAt: number, more: Json = {}): Json => ({
  type: "rate_limit_event",
  rate_limit_info: {
    status,
    resetsAt,
    rateLimitType: "five_hour",
    overageStatus: "rejected",
    overageDisabledReason: "org_level_disabled",
    isUsingOverage: false,
    ...more,
  },
});

const defaultReset = 4_102_444_800;
const event = (value: Json): Step => ({ do: "event", event: value });
const isEvent = (step: Step, type: string): boolean => step.do === "event" && step.event["type"] === type;

export function spoken(said: Said): readonly Step[] {
  const { input, cached, written, output } = said.usage;
  const usage = {
    input_tokens: input,
    cache_creation_input_tokens: written,
    cache_read_input_tokens: cached,
    output_tokens: 1,
  };
  const message = {
    id: said.id,
    type: "message",
    role: "assistant",
    model: said.model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage,
  };
  const pause: readonly Step[] = said.paceMs > 0 ? [{ do: "wait", ms: said.paceMs }] : [];
  const blocks = said.blocks.flatMap((block, index) => {
    const empty =
      block.type === "text"
        ? { type: "text", text: "" }
        : block.type === "thinking"
          ? { type: "thinking", thinking: "", signature: "" }
          : { type: "tool_use", id: block.id, name: block.name, input: {} };
    return [
      event({ type: "content_block_start", index, content_block: empty }),
      ...deltasOf(block).flatMap((delta) => [...pause, event({ type: "content_block_delta", index, delta })]),
      event({ type: "content_block_stop", index }),
    ];
  });
  return [
    event({ type: "message_start", message }),
    ...blocks,
    event({
      type: "message_delta",
      delta: { stop_reason: said.stopReason, stop_sequence: said.stopSequence },
      usage: { output_tokens: output },
    }),
    event({ type: "message_stop" }),
  ];
}

function deltasOf(block: Block): readonly Json[] {
  if (block.type === "text") return wordsOf(block.text).map((text) => ({ type: "text_delta", text }));
  if (block.type === "thinking")
    return [
      ...wordsOf(block.thinking).map((thinking) => ({ type: "thinking_delta", thinking })),
      { type: "signature_delta", signature: block.signature },
    ];
  const half = Math.ceil(block.input.length / 2);
  return [block.input.slice(0, half), block.input.slice(half)]
    .filter((piece) => piece !== "")
    .map((partial_json) => ({ type: "input_json_delta", partial_json }));
}

/** Up to about the middle: at least one word was sent. */
const firstHalf = (steps: readonly Step[]): readonly Step[] =>
  steps.slice(0, Math.max(3, Math.floor(steps.length / 2)));
const before = (steps: readonly Step[], type: string, more: readonly Step[]): readonly Step[] =>
  steps.flatMap((step) => (isEvent(step, type) ? [...more, step] : [step]));
const endOf = (argument: string): Step => ({
  do: "die",
  how: argument === "killed" ? "killed" : Number(argument || "1"),
});
const fail = (failed: Failed): Step => ({ do: "fail", failed });

type Mode = (steps: readonly Step[], argument: string, said: Said) => readonly Step[];

const modes: Readonly<Record<string, Mode>> = {
  hang: () => [{ do: "hang" }],
  "hang-mid": (steps) => [...firstHalf(steps), { do: "hang" }],
  /** Before the result; if a tool was called, while the call is held. */
  "hang-end": (steps) => [...steps, { do: "hang" }],
  die: (_steps, argument) => [endOf(argument)],
  "die-mid": (steps, argument) => [...firstHalf(steps), endOf(argument)],
  "die-end": (steps, argument) => [...steps, endOf(argument)],
  "half-line": (steps) => [
    ...firstHalf(steps),
    { do: "raw", text: '{"type":"stream_event","ev' },
    endOf("1"),
  ],
  garbage: (steps) => [
    ...firstHalf(steps),
    { do: "raw", text: "<<< this is no JSON >>>\n" },
    ...steps.slice(firstHalf(steps).length),
  ],
  noise: (steps) => [
    { do: "line", line: { type: "of_a_later_version", payload: [1, { deep: null }] } },
    { do: "line", line: { type: "system", subtype: "of_a_later_version" } },
    ...before(steps, "content_block_stop", [event({ type: "of_a_later_version", index: 0 })]),
  ],
  stderr: (steps, argument) => [{ do: "stderr", text: "e".repeat(Number(argument || "100000")) }, ...steps],
  slow: (steps, argument) => [{ do: "wait", ms: Number(argument || "1000") }, ...steps],
  /** One delta of that many megabytes. */
  huge: (steps, argument) =>
    before(steps, "content_block_stop", [
      event({
        type: "content_block_delta",
        index: 0,
        delta: { type: "text_delta", text: "x".repeat(Number(argument || "1") * 1024 * 1024) },
      }),
    ]),
  retry: (steps, argument) => [{ do: "line", line: retry(Number(argument || "529"), 1, 500) }, ...steps],
  cut: (steps) => [
    ...firstHalf(steps),
    fail({
      error: "server_error",
      status: null,
      text: "API Error: Connection to the API was lost (ECONNRESET).",
    }),
  ],
  "error-mid": (steps) => [
    ...firstHalf(steps),
    fail({ error: "unknown", status: null, text: "API Error: Overloaded" }),
  ],
  whole: (steps, _argument, said) => [
    ...firstHalf(steps),
    { do: "whole", text: said.blocks.map((block) => (block.type === "text" ? block.text : "")).join("") },
  ],
  empty: () => [],
  "no-login": () => [
    fail({ error: "authentication_failed", status: null, text: "Not logged in · Please run /login" }),
  ],
  "too-long": () => [
    fail({
      error: "invalid_request",
      status: 400,
      text: "Prompt is too long",
      terminalReason: "prompt_too_long",
    }),
  ],
  "session-limit": (_steps, argument) => {
    const lines = [rateLimit("rejected", Number(argument || defaultReset))];
    return [
      fail({
        error: "rate_limit",
        status: 429,
        text: "You've hit your session limit · resets 3:21am (UTC)",
        lines,
      }),
    ];
  },
  "limit-allowed": (steps) => [
    ...steps,
    { do: "line-before-result", line: rateLimit("allowed", defaultReset) },
  ],
  "limit-warning": (steps) => [
    ...steps,
    { do: "line-before-result", line: rateLimit("allowed_warning", defaultReset, { utilization: 0.95 }) },
  ],
  refusal: (_steps, _argument, said) => {
    const failed = {
      error: "invalid_request",
      status: null,
      text: "API Error: the model refused to answer this request.",
    };
    return before(spoken({ ...said, stopReason: "refusal" }), "message_delta", [
      { do: "line", line: { type: "system", subtype: "model_refusal_no_fallback" } },
      { do: "synthetic", failed },
    ]);
  },
  "max-turns": (steps) => [
    ...steps,
    {
      do: "break",
      subtype: "error_max_turns",
      errors: ["Reached maximum number of turns (1)"],
      terminalReason: "max_turns",
    },
  ],
  broken: () => [
    {
      do: "break",
      subtype: "error_during_execution",
      errors: ["Something went wrong inside"],
      terminalReason: "error",
    },
  ],
};

export const modeNames: readonly string[] = Object.keys(modes);

export function inMode(said: Said, name: string, argument: string): readonly Step[] {
  const steps = spoken(said);
  if (name === "") return steps;
  const status = failures[name];
  if (status !== undefined) {
    const { isRetried = false, ...failed } = status;
    const delayMs = argument === "" ? 571.7 : Number(argument) * 1000;
    const count = isRetried ? retries() : 0;
    const lines = Array.from({ length: count }, (_, at) => retry(Number(name), at + 1, delayMs));
    return [fail({ ...failed, status: Number(name), lines })];
  }
  const mode = modes[name];
  if (mode === undefined) throw new Error(`The stand-in knows no mode "${name}".`);
  return mode(steps, argument, said);
}
