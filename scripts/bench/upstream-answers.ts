// The answers of the fake upstream: whole replies and stream frames, built once per set of knobs and then only copied.
// It must never look at a prompt: an answer depends only on the wire format and the knobs in the model name.

export type Wire = "chat" | "messages";

/** The knobs are part of the model name (`bench-c100-d5-l20-w1`), so they survive any gateway. */
export type Knobs = {
  /** Content chunks of a stream. */
  readonly chunks: number;
  /** Pause before each further write; 0 is full speed. */
  readonly delayMs: number;
  /** Pause before the first byte. */
  readonly latencyMs: number;
  /** Content chunks that share one write to the socket. */
  readonly chunksPerWrite: number;
};

/** Bytes ready for the socket, HTTP framing included. The first write of a stream carries the response head. */
export type Answer = { readonly whole: Buffer; readonly writes: readonly Buffer[] };

const crlf = "\r\n";
// 1 KB in all with its envelope.
const text = "The quick brown fox jumps over the lazy dog, and the gateway counts its tokens. "
  .repeat(10)
  .slice(0, 700);
const word = " fox-and-hound";

export function readKnobs(model: string): Knobs {
  const knob = (letter: string, fallback: number): number => {
    const found = new RegExp(`-${letter}(\\d+)(?=-|$)`).exec(model);
    return found?.[1] === undefined ? fallback : Number(found[1]);
  };
  return {
    chunks: Math.max(1, knob("c", 8)),
    delayMs: knob("d", 0),
    latencyMs: knob("l", 0),
    chunksPerWrite: Math.max(1, knob("w", 1)),
  };
}

export function buildAnswer(wire: Wire, knobs: Knobs): Answer {
  const body = wire === "chat" ? chatReply() : messagesReply();
  const whole = Buffer.from(
    [
      "HTTP/1.1 200 OK",
      "content-type: application/json",
      `content-length: ${Buffer.byteLength(body)}`,
      "",
      body,
    ].join(crlf),
  );
  const { opening, content, closing } = wire === "chat" ? chatFrames() : messagesFrames();
  const head = [
    "HTTP/1.1 200 OK",
    "content-type: text/event-stream",
    "transfer-encoding: chunked",
    "",
    "",
  ].join(crlf);
  const writes: Buffer[] = [];
  for (let sent = 0; sent < knobs.chunks; sent += knobs.chunksPerWrite) {
    const framed = httpChunk(content).repeat(Math.min(knobs.chunksPerWrite, knobs.chunks - sent));
    writes.push(Buffer.from(sent === 0 ? head + httpChunk(opening) + framed : framed));
  }
  writes.push(Buffer.from(`${httpChunk(closing)}0${crlf}${crlf}`));
  return { whole, writes };
}

type Frames = { readonly opening: string; readonly content: string; readonly closing: string };

function httpChunk(payload: string): string {
  return `${Buffer.byteLength(payload).toString(16)}${crlf}${payload}${crlf}`;
}

function chatReply(): string {
  return JSON.stringify({
    id: "chatcmpl-bench",
    object: "chat.completion",
    created: 1790000000,
    model: "bench",
    choices: [
      { index: 0, message: { role: "assistant", content: text }, finish_reason: "stop", logprobs: null },
    ],
    usage: {
      prompt_tokens: 100,
      completion_tokens: 150,
      total_tokens: 250,
      prompt_tokens_details: { cached_tokens: 0 },
    },
  });
}

function messagesReply(): string {
  return JSON.stringify({
    id: "msg_bench",
    type: "message",
    role: "assistant",
    model: "bench",
    content: [{ type: "text", text }],
    stop_reason: "end_turn",
    stop_sequence: null,
    usage: {
      input_tokens: 100,
      output_tokens: 150,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 0,
    },
  });
}

function chatFrames(): Frames {
  const frame = (choices: readonly unknown[], usage: unknown): string =>
    `data: ${JSON.stringify({ id: "chatcmpl-bench", object: "chat.completion.chunk", created: 1790000000, model: "bench", choices, usage })}\n\n`;
  const choice = (delta: unknown, reason: string | null): unknown => ({
    index: 0,
    delta,
    finish_reason: reason,
  });
  const usage = { prompt_tokens: 100, completion_tokens: 150, total_tokens: 250 };
  return {
    opening: frame([choice({ role: "assistant", content: "" }, null)], null),
    content: frame([choice({ content: word }, null)], null),
    closing: `${frame([choice({}, "stop")], null)}${frame([], usage)}data: [DONE]\n\n`,
  };
}

function messagesFrames(): Frames {
  const frame = (type: string, rest: Record<string, unknown>): string =>
    `event: ${type}\ndata: ${JSON.stringify({ type, ...rest })}\n\n`;
  const message = {
    id: "msg_bench",
    type: "message",
    role: "assistant",
    model: "bench",
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: {
      input_tokens: 100,
      output_tokens: 1,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 0,
    },
  };
  return {
    opening:
      frame("message_start", { message }) +
      frame("content_block_start", { index: 0, content_block: { type: "text", text: "" } }),
    content: frame("content_block_delta", { index: 0, delta: { type: "text_delta", text: word } }),
    closing:
      frame("content_block_stop", { index: 0 }) +
      frame("message_delta", {
        delta: { stop_reason: "end_turn", stop_sequence: null },
        usage: { output_tokens: 150 },
      }) +
      frame("message_stop", {}),
  };
}
