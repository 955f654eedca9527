// The real app between a plain fetch and a local vendor that plays recordings: one provider for each dialect of the table.
// It must never judge an answer.

import { isClosing } from "../../src/canon/event.ts";
import type { DialectName } from "../../src/canon/request.ts";
import { dialects } from "../../src/dialects/dialect-table.ts";
import { reasoningMark } from "../../src/dialects/openai-responses/encrypted-reasoning.ts";
import { endpoints } from "../../src/pipeline/endpoints.ts";
import { splitFrames } from "../../src/wire/sse.ts";
import { type GatewayOptions, startTestGateway, type TestGateway } from "../support/gateway.ts";
import { type Recorded, type Script, startUpstream, type Upstream } from "../support/upstream.ts";
import { canonicalOf, dialectNames, fails, type JsonBody, type ScenarioName, sideOf } from "./scenario.ts";

export type AnswerMode = "relay" | "hub";

export type Question = {
  readonly scenario: ScenarioName;
  /** The dialect of the endpoint. */
  readonly client: DialectName;
  /** The dialect of the provider. */
  readonly vendor: DialectName;
  readonly lane: AnswerMode;
  readonly stream: boolean;
  /** False: the client does not ask for the usage frame, where its dialect lets it choose. */
  readonly wantsUsage?: boolean;
  /** Another target than the vendor's own provider. */
  readonly model?: string;
};

export type ScenarioSetup = {
  readonly gateway: TestGateway;
  readonly upstream: Upstream;
  /** The body that the client sends. */
  bodyOf(question: Question): JsonBody;
  /** Lets the vendor play the scenario, or whatever `script` says, and asks. */
  ask(question: Question, script?: Script, signal?: AbortSignal): Promise<Response>;
  /** Asks without touching the vendor's script. */
  send(question: Question, signal?: AbortSignal): Promise<Response>;
  close(): Promise<void>;
};

const backends: Readonly<Record<DialectName, string>> = {
  "openai-chat": "openai-compat",
  "anthropic-messages": "anthropic",
  "openai-responses": "openai-responses",
  "google-genai": "google-genai",
};

/** The model's name at every vendor. */
export const vendorModel = "scenario-model";

export const providerOf = (dialect: DialectName): string => `vendor-${dialect}`;

/** Whether a pair of dialects passes through, translates or does both. */
export function modesOf(client: DialectName, vendor: DialectName): readonly AnswerMode[] {
  return client === vendor ? ["relay", "hub"] : ["hub"];
}

export const pairs = dialectNames.flatMap((client) => dialectNames.map((vendor) => ({ client, vendor })));

export const everyWay = pairs.flatMap(({ client, vendor }) =>
  modesOf(client, vendor).map((lane) => ({ client, vendor, lane })),
);

/** The vendor's answer: the recorded stream, or the recorded body for whoever wants no stream. A failed stream has no body. */
export function recording(scenario: ScenarioName, vendor: DialectName): Script {
  const { sse, reply } = sideOf(scenario, vendor);
  const isJson = { "content-type": "application/json" };
  return (request) =>
    isStreamAsked(request) || reply === null
      ? { chunks: splitFrames(sse) }
      : { body: reply.text, headers: isJson };
}

/** Google's verb says it; the other formats' bodies do. */
export function isStreamAsked(request: Recorded): boolean {
  return request.body["stream"] === true || request.path.endsWith(":streamGenerateContent");
}

/** The recording's frames before the first word, and the frame with it. */
export function openingOf(
  scenario: ScenarioName,
  vendor: DialectName,
): { before: Buffer[]; firstWord: Buffer } {
  const decoder = dialects[vendor].backend.streamDecoder();
  const before: Buffer[] = [];
  for (const slice of splitFrames(sideOf(scenario, vendor).sse)) {
    const data = /^data: ?(.*)$/m.exec(slice.toString())?.[1];
    const events = data === undefined ? [] : decoder.step({ event: null, data });
    if (events.some((event) => event.type.endsWith("-delta") || isClosing(event)))
      return { before, firstWord: slice };
    before.push(slice);
  }
  throw new Error(`${scenario}/${vendor}.sse holds no first word`);
}

const modelOf = ({ model, vendor }: Question): string => model ?? providerOf(vendor);

/** Whether this format's endpoints have the model and the streaming flag in their paths. */
export function isNamedInPath(dialect: DialectName): boolean {
  return endpoints.some((door) => door.dialect === dialect && door.stream !== undefined);
}

function pathOf(question: Question): string {
  const door = endpoints.find(
    (each) =>
      each.dialect === question.client &&
      each.kind === "chat" &&
      (each.stream ?? question.stream) === question.stream,
  );
  if (door === undefined) throw new Error(`No door speaks ${question.client}.`);
  const path = door.path.replace("*", encodeURIComponent(modelOf(question)));
  return door.stream === true ? `${path}?alt=sse` : path;
}

/** A body that holds the word is translated although both ends speak its dialect (PassthroughHalf.reasonToTranslate). */
const translatedWords: Readonly<Record<DialectName, string>> = {
  "openai-chat": "input_text",
  "anthropic-messages": "input_text",
  "openai-responses": reasoningMark,
  "google-genai": "assistant",
};

function bodyOf(question: Question): JsonBody {
  const { client, vendor, lane, stream } = question;
  const { stream_options: streamOptions, ...recorded } = sideOf(question.scenario, client).request;
  const keepsOptions = streamOptions !== undefined && stream && question.wantsUsage !== false;
  const body = {
    ...recorded,
    ...(keepsOptions ? { stream_options: streamOptions } : {}),
    ...(isNamedInPath(client) ? {} : { model: modelOf(question), stream }),
  };
  if (lane === "relay" || client !== vendor) return body;
  const metadata = recorded["metadata"];
  return {
    ...body,
    metadata: { ...(typeof metadata === "object" ? metadata : {}), note: translatedWords[client] },
  };
}

/** Lets the first bytes of an answer through and keeps the rest until it is released. */
type Hold = { readonly afterBytes: number; readonly released: Promise<void>; release(): void };

function holdAfter(afterBytes: number): Hold {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { afterBytes, released: promise, release: resolve };
}

function held(answer: Response, hold: Hold): Response {
  let passed = 0;
  const valve = new TransformStream<Uint8Array, Uint8Array>({
    async transform(chunk, controller) {
      const rest = Math.max(0, Math.min(chunk.length, hold.afterBytes - passed));
      passed += chunk.length;
      if (rest > 0) controller.enqueue(chunk.subarray(0, rest));
      if (rest === chunk.length) return;
      await hold.released;
      controller.enqueue(chunk.subarray(rest));
    },
  });
  const { status, headers } = answer;
  return new Response(answer.body?.pipeThrough(valve) ?? null, { status, headers });
}

export async function openScenarioSetup(
  options: Omit<GatewayOptions, "config"> & { readonly config?: Readonly<Record<string, unknown>> } = {},
): Promise<ScenarioSetup> {
  const upstream = startUpstream();
  const provider = (dialect: DialectName): object => ({
    backend: backends[dialect],
    base_url: upstream.url,
    model: vendorModel,
    fallback: false,
  });
  const providers = Object.fromEntries(
    dialectNames.map((dialect) => [providerOf(dialect), provider(dialect)]),
  );
  const goOut = options.fetch ?? fetch;
  let hold: Hold | null = null;
  const holdingFetch = async (...call: Parameters<typeof fetch>): Promise<Response> => {
    const answer = await goOut(...call);
    return hold === null ? answer : held(answer, hold);
  };
  const gateway = await startTestGateway({
    ...options,
    config: { providers, ...options.config },
    fetch: Object.assign(holdingFetch, { preconnect: fetch.preconnect }),
  });

  const send = (question: Question, signal?: AbortSignal): Promise<Response> => {
    return fetch(gateway.url + pathOf(question), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(bodyOf(question)),
      ...(signal === undefined ? {} : { signal }),
    });
  };

  return {
    gateway,
    upstream,
    bodyOf,
    send,
    async ask(question, script, signal) {
      const { scenario, vendor } = question;
      upstream.reset();
      // What one scenario did to a provider's health is not the next one's business.
      for (const id of gateway.app.current().pipeline.providers.keys()) gateway.app.services.health.reset(id);
      upstream.script(script ?? recording(scenario, vendor));
      // An error that comes in the same packet as the first word may still be answered with a status, so the end of a
      // stream that fails waits until the gateway has shown that it received the first word.
      const waits = script === undefined && question.stream && fails(scenario);
      const { sse } = sideOf(scenario, vendor);
      hold = waits ? holdAfter(sse.length - (splitFrames(sse).at(-1)?.length ?? 0)) : null;
      try {
        return await send(question, signal);
      } finally {
        hold?.release();
        hold = null;
      }
    },
    async close() {
      await gateway.stop();
      upstream.stop();
    },
  };
}

/** Texts, names and pictures of the canonical request that the vendor's body must hold, whatever its format. */
export function contentOf(scenario: ScenarioName): string[] {
  const { request } = canonicalOf(scenario);
  const found: string[] = request.tools.map((tool) => tool.name);
  const collect = (value: unknown): void => {
    if (Array.isArray(value)) for (const each of value) collect(each);
    else if (typeof value === "object" && value !== null)
      for (const [key, each] of Object.entries(value))
        if ((key === "text" || key === "data") && typeof each === "string") found.push(each);
        else collect(each);
  };
  collect([request.system, request.messages]);
  return found;
}

export function lastRequest(upstream: Upstream): Recorded {
  const request = upstream.requests.at(-1);
  if (request === undefined) throw new Error("The vendor was not asked.");
  return request;
}
