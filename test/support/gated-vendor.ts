// A local vendor that holds its answers until the test releases them: for checks while requests are running.
// It must never answer by the clock.

import { HeldCount } from "./held-count.ts";

export type GatedVendor = {
  readonly url: string;
  /** Requests that have started. */
  begun(): number;
  /** Settles when this many requests are held at the same time. */
  waitForHeld(count: number): Promise<void>;
  /** Releases all answers, held ones and later ones. */
  release(): void;
  stop(): void;
};

const chunk = (delta: object, finish: string | null = null): string =>
  `data: ${JSON.stringify({
    id: "chatcmpl-gated",
    object: "chat.completion.chunk",
    created: 1_795_000_000,
    model: "gated",
    choices: [{ index: 0, delta, finish_reason: finish }],
  })}\n\n`;

/** Streams "before", waits, then streams "after" and its end. */
export function startGatedVendor(): GatedVendor {
  const gate = Promise.withResolvers<void>();
  const heldCount = new HeldCount();
  let begun = 0;

  async function* answer(): AsyncGenerator<string, void, void> {
    yield chunk({ role: "assistant", content: "before" });
    heldCount.hold();
    await gate.promise;
    heldCount.letGo();
    yield chunk({ content: " after" });
    yield chunk({}, "stop");
    yield "data: [DONE]\n\n";
  }

  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    async fetch(request) {
      if (request.method !== "POST") return Response.json({ object: "list", data: [] });
      await request.text();
      begun += 1;
      const body: Bun.BodyInit = answer();
      return new Response(body as BodyInit, { headers: { "content-type": "text/event-stream" } });
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    begun: () => begun,
    waitForHeld: (count) => heldCount.waitFor(count),
    release: gate.resolve,
    stop: () => void server.stop(true),
  };
}
