// A local vendor for tests with OpenAI chat and Responses, Anthropic messages and Gemini: correct by default, faulty on request.
// Controlled by the prompt through any gateway (directives: upstream/plan.ts, faults: upstream/faults.ts) or by `script`. It never leaves loopback.

import { deliver } from "./upstream/deliver.ts";
import type { Scripted } from "./upstream/deliver.ts";
import { parsed, recordOf } from "./upstream/json.ts";
import type { Json } from "./upstream/json.ts";
import { route } from "./upstream/routes.ts";
import type { Rules } from "./upstream/routes.ts";
import { listenHttp } from "./upstream/socket.ts";
import type { Exchange } from "./upstream/socket.ts";

export type { Scripted } from "./upstream/deliver.ts";
export { faultNames } from "./upstream/faults.ts";

/** One request as received, and its outcome. Times are performance.now() milliseconds. */
export type Recorded = {
  readonly index: number;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly rawBody: string;
  /** The parsed JSON object; empty if the body is not one. */
  readonly body: Json;
  readonly startedAtMs: number;
  /** The answer; null while there is none. */
  status: number | null;
  /** The client left before the answer was complete. */
  isAborted: boolean;
  abortedAtMs: number | null;
  /** The answer was sent as scripted, to its end. */
  isFinished: boolean;
  chunksSent: number;
  bytesSent: number;
  /** The vendor's rule that the body broke (strict), or null. */
  breach: string | null;
};

/** Answers a request by data; undefined leaves it to the prompt. */
export type Script = (request: Recorded) => Scripted | undefined;

export type UpstreamOptions = {
  readonly port?: number;
  readonly strict?: boolean;
  /** Accepted keys; absent: all are accepted. */
  readonly keys?: readonly string[];
  readonly models?: readonly string[];
};

export type Upstream = {
  /** Without a path: `http://127.0.0.1:<port>`. */
  readonly url: string;
  readonly port: number;
  readonly requests: readonly Recorded[];
  /** A function for every request from now on, or answers for the next ones in turn (then the prompt decides again). */
  script(answers: Script | readonly Scripted[]): void;
  /** Requests whose path starts with this. */
  count(pathPrefix?: string): number;
  /** The latest request whose raw body contains `text`. Throws if there is none. */
  find(text: string): Recorded;
  /** Settles with the first request, past or future, that fits at some moment. */
  waitFor(fits: (request: Recorded) => boolean, timeoutMs?: number): Promise<Recorded>;
  /** Forgets requests and script. */
  reset(): void;
  stop(): void;
};

type Waiter = { fits(request: Recorded): boolean; resolve(request: Recorded): void };

export const fakeModels: readonly string[] = ["fake-large", "fake-small", "org/fake-slash"];

export function startUpstream(options: UpstreamOptions = {}): Upstream {
  const requests: Recorded[] = [];
  const waiters = new Set<Waiter>();
  let script: Script | null = null;
  let number = 0;
  const rules: Rules = {
    isStrict: options.strict ?? false,
    keys: options.keys ?? null,
    models: options.models ?? fakeModels,
    nextNumber: () => (number += 1),
  };

  const tell = (request: Recorded): void => {
    for (const waiter of waiters) if (waiter.fits(request)) waiter.resolve(request);
  };

  const record = ({ request }: Exchange): Recorded => {
    const [path = "", query = ""] = request.target.split("?");
    const rawBody = request.body.toString("utf8");
    const recorded: Recorded = {
      index: requests.length,
      method: request.method,
      path,
      query,
      headers: request.headers,
      rawBody,
      body: recordOf(parsed(rawBody)),
      startedAtMs: performance.now(),
      status: null,
      isAborted: false,
      abortedAtMs: null,
      isFinished: false,
      chunksSent: 0,
      bytesSent: 0,
      breach: null,
    };
    requests.push(recorded);
    return recorded;
  };

  const answer = async (exchange: Exchange): Promise<void> => {
    const recorded = record(exchange);
    tell(recorded);
    let scripted = script?.(recorded);
    if (scripted === undefined) {
      const routed = route(exchange.request, rules);
      recorded.breach = routed.breach;
      scripted = routed.scripted;
    }
    const isDelivered = await deliver(exchange, scripted, {
      status(code) {
        recorded.status = code;
        tell(recorded);
      },
      chunk(bytes) {
        recorded.chunksSent += 1;
        recorded.bytesSent += bytes;
        tell(recorded);
      },
    });
    recorded.isFinished = isDelivered;
    if (!isDelivered) {
      recorded.isAborted = true;
      recorded.abortedAtMs = performance.now();
    }
    tell(recorded);
  };

  const listener = listenHttp(options.port ?? 0, answer);

  return {
    url: `http://127.0.0.1:${listener.port}`,
    port: listener.port,
    requests,
    script(answers) {
      if (typeof answers === "function") {
        script = answers;
        return;
      }
      const queue = [...answers];
      script = () => queue.shift();
    },
    count: (pathPrefix = "/") => requests.filter((request) => request.path.startsWith(pathPrefix)).length,
    find(text) {
      const found = requests.findLast((request) => request.rawBody.includes(text));
      if (!found) throw new Error(`No request to the fake vendor holds "${text}" (${requests.length} came).`);
      return found;
    },
    async waitFor(fits, timeoutMs = 5_000) {
      const past = requests.find(fits);
      if (past) return past;
      const found = Promise.withResolvers<Recorded>();
      const waiter: Waiter = { fits, resolve: found.resolve };
      waiters.add(waiter);
      const timer = setTimeout(
        () => found.reject(new Error(`No such request within ${timeoutMs} ms; ${requests.length} came.`)),
        timeoutMs,
      );
      try {
        return await found.promise;
      } finally {
        clearTimeout(timer);
        waiters.delete(waiter);
      }
    },
    reset() {
      requests.length = 0;
      script = null;
    },
    stop: () => listener.stop(),
  };
}
