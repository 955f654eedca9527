// A gateway with two vendors for the fault tests: `bad`, which does what the prompt says, and `good`, which always answers.
// Every pair of endpoint and wire format has a gateway of its own, so that every fault meets passing bytes and translations.

import type { Clock } from "../../src/system/clock.ts";
import { readFrames } from "../../src/wire/sse.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { type Recorded, type Scripted, startUpstream, type Upstream } from "../support/upstream.ts";

export type Format = "openai" | "anthropic";

/** Time runs `pace` times as fast as on the wall: settings that are whole seconds fit into a test. */
export function fastClock(pace: number): Clock {
  const startMs = performance.now();
  const startedAtMs = Date.now();
  const monotonicMs = (): number => (performance.now() - startMs) * pace;
  return {
    monotonicMs,
    nowMs: () => Math.floor(startedAtMs + monotonicMs()),
    setTimer(delayMs, run) {
      const timer = setTimeout(run, Math.min(Math.max(0, delayMs) / pace, 2_147_483_647));
      return () => clearTimeout(timer);
    },
  };
}

export type TestPipeline = {
  readonly endpoint: Format;
  readonly wire: Format;
  readonly gateway: TestGateway;
  readonly bad: Upstream;
  readonly good: Upstream;
  ask(prompt: string, more?: AskOptions): Promise<Response>;
  /** `ask`, read to its end. */
  receive(prompt: string, more?: AskOptions): Promise<ReceivedAnswer>;
  /** Forgets what the vendors and the health book have seen. */
  clear(): void;
  stop(): Promise<void>;
};

export type AskOptions = {
  readonly stream?: boolean;
  readonly model?: string;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
};

export type ReceivedAnswer = {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly error: { readonly type: string; readonly message: string; readonly code?: string | null } | null;
  /** The answer says that it is complete. */
  readonly isEnded: boolean;
  readonly raw: string;
};

export type TestPipelineOptions = {
  readonly endpoint: Format;
  readonly wire: Format;
  readonly clock?: Clock;
  /** Settings of every provider. */
  readonly provider?: object;
  readonly badProvider?: object;
  readonly config?: object;
  readonly upstreams?: { readonly bad: Upstream; readonly good: Upstream };
};

const backendOf: Readonly<Record<Format, string>> = { openai: "openai-compat", anthropic: "anthropic" };

/** Providers: `bad` then `good` in the chain, `alone` (the bad vendor without fallback). */
export async function openTestPipeline(options: TestPipelineOptions): Promise<TestPipeline> {
  const { endpoint, wire } = options;
  const bad = options.upstreams?.bad ?? startUpstream();
  const good = options.upstreams?.good ?? startUpstream();
  good.script(goodAnswer);
  const provider = (vendor: Upstream): object => ({
    backend: backendOf[wire],
    base_url: vendor.url,
    api_key: "vendor-secret-key",
    models: ["fake-large"],
    ...options.provider,
  });
  const gateway = await startTestGateway({
    ...(options.clock === undefined ? {} : { clock: options.clock }),
    config: {
      health: { check_interval_seconds: 0 },
      ...options.config,
      providers: {
        bad: { ...provider(bad), ...options.badProvider },
        good: provider(good),
        alone: { ...provider(bad), fallback: false, ...options.badProvider },
      },
      fallback_chain: ["bad", "good"],
    },
  });
  const ask = (prompt: string, more: AskOptions = {}): Promise<Response> =>
    fetch(gateway.url + (endpoint === "openai" ? "/v1/chat/completions" : "/v1/messages"), {
      method: "POST",
      headers: { "content-type": "application/json", ...more.headers },
      body: JSON.stringify({
        model: more.model ?? "bad",
        max_tokens: 1_000,
        stream: more.stream ?? true,
        messages: [{ role: "user", content: prompt }],
        ...more.body,
      }),
      ...(more.signal === undefined ? {} : { signal: more.signal }),
    });
  return {
    endpoint,
    wire,
    gateway,
    bad,
    good,
    ask,
    receive: async (prompt, more) => receivedFrom(await ask(prompt, more), endpoint),
    clear() {
      bad.reset();
      good.reset();
      good.script(goodAnswer);
      for (const id of ["bad", "good", "alone"]) gateway.app.services.health.reset(id);
    },
    async stop() {
      await gateway.stop();
      if (options.upstreams === undefined) for (const each of [bad, good]) each.stop();
    },
  };
}

const words = ["all ", "is ", "well"];

const frame = (value: object | string, event?: string): string =>
  `${event === undefined ? "" : `event: ${event}\n`}data: ${typeof value === "string" ? value : JSON.stringify(value)}\n\n`;

/** A gateway of its own over vendors that are started once; afterwards nothing may be left of it. */
export function testPipelinesOver(upstreams: NonNullable<TestPipelineOptions["upstreams"]>) {
  return async (
    options: Omit<TestPipelineOptions, "upstreams">,
    work: (pipeline: TestPipeline) => Promise<void>,
  ): Promise<void> => {
    const pipeline = await openTestPipeline({ ...options, upstreams });
    pipeline.bad.reset();
    pipeline.good.reset();
    pipeline.good.script(goodAnswer);
    try {
      await work(pipeline);
      await pipeline.gateway.assertClean(pipeline.bad.requests);
    } finally {
      await pipeline.stop();
    }
  };
}

/** A correct answer of either format: "all is well". */
export function goodAnswer({ path, body }: Pick<Recorded, "path" | "body">): Scripted {
  const isStream = body["stream"] === true;
  if (path.startsWith("/v1/messages")) {
    const usage = { input_tokens: 9, output_tokens: 3 };
    const message = {
      id: "msg_good",
      type: "message",
      role: "assistant",
      model: "fake-large",
      stop_sequence: null,
    };
    if (!isStream)
      return {
        body: {
          ...message,
          content: [{ type: "text", text: words.join("") }],
          stop_reason: "end_turn",
          usage,
        },
      };
    const delta = (text: string): string =>
      frame(
        { type: "content_block_delta", index: 0, delta: { type: "text_delta", text } },
        "content_block_delta",
      );
    return {
      chunks: [
        frame(
          { type: "message_start", message: { ...message, content: [], stop_reason: null, usage } },
          "message_start",
        ),
        frame(
          { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
          "content_block_start",
        ),
        ...words.map(delta),
        frame({ type: "content_block_stop", index: 0 }, "content_block_stop"),
        frame(
          { type: "message_delta", delta: { stop_reason: "end_turn", stop_sequence: null }, usage },
          "message_delta",
        ),
        frame({ type: "message_stop" }, "message_stop"),
      ],
    };
  }
  const usage = { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 };
  const base = { id: "chatcmpl-good", created: 1, model: "fake-large" };
  if (!isStream) {
    const message = { role: "assistant", content: words.join(""), refusal: null };
    return {
      body: {
        ...base,
        object: "chat.completion",
        choices: [{ index: 0, message, finish_reason: "stop" }],
        usage,
      },
    };
  }
  const chunk = (choices: readonly object[], more: object = {}): string =>
    frame({ ...base, object: "chat.completion.chunk", choices, ...more });
  return {
    chunks: [
      chunk([{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null }]),
      ...words.map((content) => chunk([{ index: 0, delta: { content }, finish_reason: null }])),
      chunk([{ index: 0, delta: {}, finish_reason: "stop" }]),
      chunk([], { usage }),
      frame("[DONE]"),
    ],
  };
}

type Json = Record<string, unknown>;
const recordOf = (value: unknown): Json =>
  typeof value === "object" && value !== null ? (value as Json) : {};
const errorIn = (value: Json): ReceivedAnswer["error"] =>
  value["error"] === undefined || value["error"] === null
    ? null
    : (value["error"] as ReceivedAnswer["error"]);

/** `onFirstWord`: called once the client has it. A vendor that breaks off earlier is another case than one that breaks off later. */
export async function receivedFrom(
  answer: Response,
  door: Format,
  onFirstWord: () => void = () => undefined,
): Promise<ReceivedAnswer> {
  const raw = await readText(answer, onFirstWord);
  const base = { status: answer.status, headers: answer.headers, raw };
  if (!(answer.headers.get("content-type") ?? "").includes("event-stream")) {
    const body = recordOf(JSON.parse(raw));
    const list = (body["choices"] ?? body["content"]) as readonly Json[] | undefined;
    const first = recordOf(list?.[0]);
    const text = door === "openai" ? recordOf(first["message"])["content"] : first["text"];
    return {
      ...base,
      text: typeof text === "string" ? text : "",
      error: errorIn(body),
      isEnded: answer.status === 200,
    };
  }
  let text = "";
  let error: ReceivedAnswer["error"] = null;
  let isEnded = false;
  for (const { data } of readFrames(raw)) {
    if (data === "[DONE]") {
      isEnded = true;
      continue;
    }
    const value = recordOf(JSON.parse(data));
    error ??= errorIn(value);
    if (value["type"] === "message_stop") isEnded = true;
    const said =
      door === "openai"
        ? recordOf(recordOf((value["choices"] as Json[] | undefined)?.[0])["delta"])["content"]
        : recordOf(value["delta"])["text"];
    if (typeof said === "string") text += said;
  }
  return { ...base, text, error, isEnded };
}

async function readText(answer: Response, onFirstWord: () => void): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const bytes of answer.body ?? []) {
    text += decoder.decode(bytes, { stream: true });
    if (text.includes('"all "')) onFirstWord();
  }
  return text + decoder.decode();
}

export const allWell = words.join("");

/** Both endpoints over both wire formats: with two of them bytes pass, with two they are translated. */
export const formatPairs: readonly { readonly endpoint: Format; readonly wire: Format }[] = [
  { endpoint: "openai", wire: "openai" },
  { endpoint: "openai", wire: "anthropic" },
  { endpoint: "anthropic", wire: "anthropic" },
  { endpoint: "anthropic", wire: "openai" },
];

/** Settles when `holds` does. Throws what was waited for. */
export async function until(what: string, holds: () => boolean, timeoutMs = 15_000): Promise<void> {
  const giveUpMs = performance.now() + timeoutMs;
  while (!holds()) {
    if (performance.now() > giveUpMs) throw new Error(`It did not come to this: ${what}.`);
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}
