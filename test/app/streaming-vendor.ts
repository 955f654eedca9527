// A local vendor whose streams tell apart who asked: first half, wait until the test lets it go, second half. It keeps every
// byte that it sent, so that a stream can be compared with what its client got.

import { HeldCount } from "../support/held-count.ts";

export type HeldVendor = {
  readonly url: string;
  /** Bytes sent so far to the request with this prompt. */
  sentTo(prompt: string): string;
  /** The credential that the request with this prompt came with. */
  keyOf(prompt: string): string | undefined;
  waitForHeld(count: number): Promise<void>;
  held(): number;
  /** Lets go those that wait now; later ones wait again. */
  release(): void;
  stop(): void;
};

type Asked = { readonly messages?: readonly { readonly content?: unknown }[] };

const frame = (prompt: string, delta: object, finish: string | null = null, more: object = {}): string =>
  `data: ${JSON.stringify({
    id: `chatcmpl-${prompt}`,
    object: "chat.completion.chunk",
    created: 1_795_000_000,
    model: "held",
    choices: [{ index: 0, delta, finish_reason: finish }],
    ...more,
  })}\n\n`;

export function startHeldVendor(): HeldVendor {
  const sent = new Map<string, string>();
  const keys = new Map<string, string>();
  const heldCount = new HeldCount();
  let gate = Promise.withResolvers<void>();

  async function* answer(prompt: string): AsyncGenerator<string, void, void> {
    const said = (text: string): string => {
      sent.set(prompt, (sent.get(prompt) ?? "") + text);
      return text;
    };
    const { promise } = gate;
    yield said(frame(prompt, { role: "assistant", content: `before ${prompt} ` }));
    heldCount.hold();
    await promise;
    heldCount.letGo();
    for (const word of ["after ", prompt, " ünd 💾"]) yield said(frame(prompt, { content: word }));
    const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
    yield said(frame(prompt, {}, "stop", { usage }));
    yield said("data: [DONE]\n\n");
  }

  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    async fetch(request) {
      const asked = (await request.json()) as Asked;
      const prompt = String(asked.messages?.at(-1)?.content);
      keys.set(prompt, (request.headers.get("authorization") ?? "").replace("Bearer ", ""));
      const body: Bun.BodyInit = answer(prompt);
      return new Response(body as BodyInit, { headers: { "content-type": "text/event-stream" } });
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    sentTo: (prompt) => sent.get(prompt) ?? "",
    keyOf: (prompt) => keys.get(prompt),
    held: () => heldCount.held,
    waitForHeld: (count) => heldCount.waitFor(count),
    release() {
      gate.resolve();
      gate = Promise.withResolvers<void>();
    },
    stop: () => void server.stop(true),
  };
}
