// A vendor of OpenAI's format that says as much as the prompt asks for, obeys the client's limit and counts four bytes a token.
// It must never say anything but "abcd", so that a test can count what came through.

export type SpeakingVendor = { readonly url: string; count(): number; stop(): void };

type Prompt = {
  readonly says: number;
  readonly isStream: boolean;
  readonly tellsUsage: boolean;
  /** After so many tokens of a stream it says nothing more until the client has left. */
  readonly holds: number | null;
  /** Providers (`/p<n>/` in the path) that fail. */
  readonly failing: readonly number[];
};

const word = "abcd";
const maxPerChunk = 25;
const longest = 500;

export function startSpeakingVendor(): SpeakingVendor {
  let count = 0;
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    async fetch(request) {
      count += 1;
      const body = (await request.json()) as {
        max_tokens?: number;
        messages: { content: string }[];
      };
      const prompt = JSON.parse(body.messages[0]?.content ?? "{}") as Prompt;
      const provider = Number(/\/p(\d+)\//.exec(request.url)?.[1]);
      if (prompt.failing.includes(provider))
        return Response.json({ error: { message: "out of order" } }, { status: 500 });
      const tokens = Math.min(prompt.says, body.max_tokens ?? longest, longest);
      const usage = { prompt_tokens: 5, completion_tokens: tokens, total_tokens: tokens + 5 };
      const base = { id: "chatcmpl-said", created: 1, model: "m" };
      const told = prompt.tellsUsage ? { usage } : {};
      if (!prompt.isStream) {
        const message = { role: "assistant", content: word.repeat(tokens) };
        return Response.json({
          ...base,
          object: "chat.completion",
          choices: [{ index: 0, message, finish_reason: "stop" }],
          ...told,
        });
      }
      return new Response(said(request, prompt, tokens, base, told), {
        headers: { "content-type": "text/event-stream" },
      });
    },
  });
  return { url: `http://127.0.0.1:${server.port}`, count: () => count, stop: () => void server.stop(true) };
}

function said(
  request: Request,
  prompt: Prompt,
  tokens: number,
  base: object,
  told: object,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const frame = (choices: readonly object[], more: object = {}): Uint8Array =>
    encoder.encode(
      `data: ${JSON.stringify({ ...base, object: "chat.completion.chunk", choices, ...more })}\n\n`,
    );
  return new ReadableStream({
    async start(controller) {
      const until = Math.min(tokens, prompt.holds ?? tokens);
      for (let at = 0; at < until; at += maxPerChunk) {
        const content = word.repeat(Math.min(maxPerChunk, until - at));
        controller.enqueue(frame([{ index: 0, delta: { content }, finish_reason: null }]));
      }
      if (prompt.holds !== null && prompt.holds <= tokens && !request.signal.aborted)
        await new Promise<void>((resolve) => request.signal.addEventListener("abort", () => resolve()));
      if (request.signal.aborted) return;
      controller.enqueue(frame([{ index: 0, delta: {}, finish_reason: "stop" }]));
      if ("usage" in told) controller.enqueue(frame([], told));
      controller.enqueue(encoder.encode("data: [DONE]\n\n"));
      controller.close();
    },
  });
}
