// A tiny Anthropic API on a free loopback port, only for the self-test: it sends prepared replies and records requests. It must
// never send a request.

export type Reply =
  | { readonly kind: "text"; readonly text: string }
  /** One word, then silence. */
  | { readonly kind: "endless" }
  | {
      readonly kind: "calls";
      readonly calls: readonly { readonly id: string; readonly name: string; readonly input: object }[];
    }
  | { readonly kind: "error"; readonly status: number; readonly type: string; readonly message: string };

export type Heard = {
  /** The body, parsed. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly text: string;
  /** Settles when the other side hangs up before the end of the answer. */
  readonly left: Promise<void>;
};

export type FakeApi = {
  readonly url: string;
  /** Requests for an answer, oldest first; token counts and the like are not among them. */
  readonly heard: readonly Heard[];
  /** The replies to the next requests, in order; the last one repeats. */
  reply(...replies: readonly Reply[]): void;
  stop(): Promise<void>;
};

const usage = {
  input_tokens: 10,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
  output_tokens: 1,
};

type Event = Readonly<Record<string, unknown>> & { readonly type: string };

export function startFakeApi(): FakeApi {
  const heard: Heard[] = [];
  let replies: readonly Reply[] = [];
  const take = (): Reply => {
    const [next = { kind: "text", text: "ok" } as const, ...rest] = replies;
    if (rest.length > 0) replies = rest;
    return next;
  };
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    async fetch(request) {
      const { pathname } = new URL(request.url);
      if (request.method !== "POST") return new Response(null, { status: 404 });
      if (pathname === "/v1/messages/count_tokens") return Response.json({ input_tokens: 10 });
      if (pathname !== "/v1/messages") return refusal(404, "not_found_error", "no such path");
      const text = await request.text();
      const body = objectIn(text);
      let onLeft = (): void => undefined;
      const left = new Promise<void>((resolve) => (onLeft = resolve));
      const count = heard.push({ body, text, left });
      return answerTo(body, take(), count, onLeft);
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    heard,
    reply: (...next) => void (replies = next),
    stop: () => server.stop(true),
  };
}

function objectIn(text: string): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(text);
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function refusal(status: number, type: string, message: string): Response {
  return Response.json({ type: "error", error: { type, message }, request_id: "req_selftest" }, { status });
}

function answerTo(
  { model, stream }: Heard["body"],
  reply: Reply,
  count: number,
  onLeft: () => void,
): Response {
  if (reply.kind === "error") return refusal(reply.status, reply.type, reply.message);
  const blocks =
    reply.kind === "calls"
      ? reply.calls.map(({ id, name, input }) => ({ type: "tool_use", id, name, input }))
      : [{ type: "text", text: reply.kind === "text" ? reply.text : "word" }];
  const message = {
    id: `msg_selftest${count}`,
    type: "message",
    role: "assistant",
    model,
    content: blocks,
    stop_reason: reply.kind === "calls" ? "tool_use" : "end_turn",
    stop_sequence: null,
    usage,
  };
  if (stream !== true) return Response.json(message);
  return streamed(eventsOf(message, blocks), reply.kind === "endless", onLeft);
}

function eventsOf(
  message: Readonly<Record<string, unknown>>,
  blocks: readonly Readonly<Record<string, unknown>>[],
): readonly Event[] {
  return [
    { type: "message_start", message: { ...message, content: [], stop_reason: null } },
    ...blocks.flatMap((block, index): Event[] => {
      const isText = block["type"] === "text";
      const empty = isText ? { type: "text", text: "" } : { ...block, input: {} };
      const deltas = isText
        ? (String(block["text"]).match(/\s*\S+/g) ?? []).map((text) => ({ type: "text_delta", text }))
        : [{ type: "input_json_delta", partial_json: JSON.stringify(block["input"]) }];
      return [
        { type: "content_block_start", index, content_block: empty },
        ...deltas.map((delta) => ({ type: "content_block_delta", index, delta })),
        { type: "content_block_stop", index },
      ];
    }),
    {
      type: "message_delta",
      delta: { stop_reason: message["stop_reason"], stop_sequence: null },
      usage: { output_tokens: 5 },
    },
    { type: "message_stop" },
  ];
}

function streamed(events: readonly Event[], isEndless: boolean, onLeft: () => void): Response {
  const shown = isEndless ? events.slice(0, 3) : events;
  const bytes = new TextEncoder().encode(
    shown.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join(""),
  );
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(bytes);
      if (!isEndless) controller.close();
    },
    cancel: onLeft,
  });
  return new Response(stream, {
    headers: { "content-type": "text/event-stream", "request-id": "req_selftest" },
  });
}

/** What was asked last. */
export function last(api: FakeApi): Heard {
  const heard = api.heard.at(-1);
  if (heard === undefined) throw new Error("it asked the API nothing");
  return heard;
}
