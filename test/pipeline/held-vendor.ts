// A vendor that says nothing until the test tells it what to answer, request by request: for what must be seen before the first word.
// It must never answer by the clock.

import type { Scripted } from "../support/upstream.ts";
import { goodAnswer } from "./test-pipeline.ts";

export type Held = {
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly key: string;
  /** Settles when the client has left before there was an answer. */
  readonly left: Promise<void>;
  isAborted: boolean;
  isFinished: boolean;
  /** A correct answer. */
  speak(): void;
  refuse(status: number, code?: string): void;
};

export type HeldVendor = {
  readonly url: string;
  readonly requests: readonly Held[];
  /** Settles with the request of that number, from 0 on. */
  waitFor(index: number): Promise<Held>;
  /** Forgets the requests so far. */
  clear(): void;
  stop(): void;
};

const typeOf = (scripted: Scripted): string =>
  scripted.chunks === undefined ? "application/json" : "text/event-stream";
const textOf = (scripted: Scripted): string =>
  scripted.chunks === undefined ? JSON.stringify(scripted.body) : scripted.chunks.map(String).join("");

export function startHeldVendor(): HeldVendor {
  const requests: Held[] = [];
  const waiters = new Set<() => void>();
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    async fetch(request) {
      const { pathname: path } = new URL(request.url);
      if (request.method !== "POST") return Response.json({ object: "list", data: [] });
      const body = (await request.json()) as Record<string, unknown>;
      const answer = Promise.withResolvers<Response>();
      const left = Promise.withResolvers<void>();
      const held: Held = {
        path,
        body,
        key: request.headers.get("x-api-key") ?? request.headers.get("authorization") ?? "",
        left: left.promise,
        isAborted: false,
        isFinished: false,
        speak() {
          const scripted = goodAnswer({ path, body });
          held.isFinished = true;
          answer.resolve(new Response(textOf(scripted), { headers: { "content-type": typeOf(scripted) } }));
        },
        refuse(status, code) {
          held.isFinished = true;
          answer.resolve(Response.json({ error: { message: `refused with ${status}`, code } }, { status }));
        },
      };
      request.signal.addEventListener("abort", () => {
        if (held.isFinished) return;
        held.isAborted = true;
        left.resolve();
        answer.resolve(new Response(null, { status: 500 }));
      });
      requests.push(held);
      for (const wake of waiters) wake();
      return answer.promise;
    },
  });
  // Vendors are shared by the tests of a file; none keeps the runner from ending.
  server.unref();
  return {
    url: `http://127.0.0.1:${server.port}`,
    requests,
    waitFor(index) {
      const found = Promise.withResolvers<Held>();
      const timer = setTimeout(
        () => found.reject(new Error(`Request ${index} did not come; ${requests.length} did.`)),
        5_000,
      );
      const look = (): void => {
        const held = requests[index];
        if (held === undefined) return;
        clearTimeout(timer);
        waiters.delete(look);
        found.resolve(held);
      };
      waiters.add(look);
      look();
      return found.promise;
    },
    clear() {
      requests.length = 0;
    },
    stop: () => void server.stop(true),
  };
}
