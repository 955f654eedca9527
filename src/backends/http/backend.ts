// A vendor behind HTTP: one POST, never sent again but with a token that was renewed after the vendor had refused the old one.
// Every failure leaves here as a Failure; no upstream text reaches a client unredacted.

import { startsAnswer, type StreamEvent } from "../../canon/event.ts";
import { Failure, failureFrom } from "../../canon/failure.ts";
import type { ChatRequest } from "../../canon/request.ts";
import { ArgumentRepair } from "../../dialects/repair-arguments.ts";
import { markThinking } from "../../dialects/thinking-signatures.ts";
import { Citations } from "../../dialects/citations.ts";
import { failureOfStatus, parseLoosely, retryAfter, unknownFormatError } from "../../dialects/decoding.ts";
import type { Dialect, TargetFacts } from "../../dialects/dialect.ts";
import { portionBytes } from "../../wire/loop-pacer.ts";
import { sseDecoder } from "../../wire/sse.ts";
import type { Backend, Call } from "../backend.ts";
import type { Signer } from "./auth.ts";
import { ReplyPace } from "./reply-pace.ts";
import { brokenHandshake, isReset, networkFailure, addressOf, staleConnection } from "./network-failure.ts";
import { type EncodedRequest, encodedRequest } from "./encoded-request.ts";
import { applyQuirks, type QuirkName } from "./quirks.ts";
import type { ConnectionTracker } from "./connection-tracker.ts";
import { readErrorText, readJsonReply } from "./reply-bytes.ts";
import { vendorNameOf } from "./vendors.ts";

export type HttpBackendOptions = {
  readonly provider: string;
  readonly dialect: Dialect;
  /** Without a trailing slash, version segment included. */
  readonly baseUrl: string;
  /** What the format demands of every request and a client's own header may replace. */
  readonly defaultHeaders: Readonly<Record<string, string>>;
  /** The operator's own headers: they win over everything but the signature. */
  readonly headers: Readonly<Record<string, string>>;
  readonly signer: Signer;
  /** Signers of the provider's keys by fingerprint, where it has more than one. */
  readonly signers?: ReadonlyMap<string, Signer>;
  readonly quirks: readonly QuirkName[];
  readonly proxy: string | null;
  readonly connectMs: number;
  readonly userAgent: string;
  readonly targetFacts: (model: string) => TargetFacts;
  readonly fetch: typeof fetch;
  readonly connections: ConnectionTracker;
  readonly nowMs: () => number;
  readonly setTimer: (ms: number, run: () => void) => () => void;
  readonly redact: (text: string) => string;
  /** Does this machine lack what a connection is made of? Then one that was not made is not the vendor's failure. */
  readonly lacksRoom?: () => boolean;
};

/** Sets of a client's own headers that are kept ready. */
const mostCachedHeaders = 32;

const never = (): boolean => false;

export function createHttpBackend(options: HttpBackendOptions): Backend {
  const { dialect, lacksRoom = never } = options;
  const origin = options.connections.origin({
    origin: new URL(options.baseUrl).origin,
    proxy: options.proxy,
    connectMs: options.connectMs,
  });
  const vendor = vendorNameOf(options.baseUrl);
  const address = addressOf(options.baseUrl, options.proxy);
  const usualHeaders: Readonly<Record<string, string>> = {
    "content-type": "application/json",
    "user-agent": options.userAgent,
    ...options.defaultHeaders,
    ...options.headers,
  };
  // Bun's own inactivity limit is 6 minutes; the deadlines are ours.
  const fetchOptions = {
    method: "POST",
    redirect: "manual",
    timeout: false,
    ...(options.proxy === null ? {} : { proxy: options.proxy }),
  } as const;

  const open = (path: string, body: Uint8Array, call: Call): Promise<Response> => {
    // A key that a reload has taken away meanwhile is signed for by the first.
    const signer = options.signers?.get(call.credential ?? "") ?? options.signer;
    const url = options.baseUrl + path;
    return signer.isConstant === true
      ? post(url, body, cachedHeaders(signer, call.passHeaders), call, accepted)
      : openSigned(url, body, signer, call);
  };

  /** With a signature that is made anew for each request, and may have gone stale. */
  const openSigned = async (url: string, body: Uint8Array, signer: Signer, call: Call): Promise<Response> => {
    const headers = headersFor(call.passHeaders);
    const signing = signer.sign(headers);
    if (signing !== undefined) await signing;
    let answer = await post(url, body, headers, call, unchecked);
    if (answer.status === 401 && signer.forget(headers)) {
      const renewed = await signedAgain(signer, headers);
      if (renewed !== null) {
        void answer.body?.cancel().catch(() => undefined);
        answer = await post(url, body, renewed, call, unchecked);
        if (answer.status === 401) signer.forget(renewed);
      }
    }
    return accepted(answer, call);
  };

  const accepted = (answer: Response, call: Call): Response | Promise<Response> => {
    call.onHeaders(answer.status, answer.headers);
    if (answer.status >= 200 && answer.status < 300) return answer;
    return errorAnswer(answer).then((failure) => Promise.reject(failure));
  };

  const unchecked = (answer: Response): Response => answer;

  const headersFor = (passed: Call["passHeaders"]): Record<string, string> => ({
    ...usualHeaders,
    ...passed,
    ...options.headers,
  });

  // Ready for the network: as a record they would be read and checked again for every request. A client sends the same
  // headers all day; one that sends ever new ones costs nothing but the reading.
  const headerCache = new Map<Signer, Map<string, Headers>>();
  const cachedHeaders = (signer: Signer, passed: Call["passHeaders"]): Headers => {
    let known = headerCache.get(signer);
    if (known === undefined) headerCache.set(signer, (known = new Map()));
    let key = "";
    for (const name in passed) key += `${name}:${passed[name]}\n`;
    let headers = known.get(key);
    if (headers === undefined) {
      const record = headersFor(passed);
      void signer.sign(record);
      if (known.size >= mostCachedHeaders) known.clear();
      known.set(key, (headers = new Headers(record)));
    }
    return headers;
  };

  /** Null: there is no other token than the one that was refused, or none can be read now; then the vendor's 401 stands. */
  const signedAgain = async (
    signer: Signer,
    refused: Record<string, string>,
  ): Promise<Record<string, string> | null> => {
    const headers = { ...refused };
    try {
      await signer.sign(headers);
    } catch (thrown) {
      if (thrown instanceof Failure) return null;
      throw thrown;
    }
    return Object.keys(headers).some((name) => headers[name] !== refused[name]) ? headers : null;
  };

  const post = async (
    url: string,
    body: Uint8Array,
    headers: Record<string, string> | Headers,
    call: Call,
    judge: (answer: Response, call: Call) => Response | Promise<Response>,
  ): Promise<Response> => {
    if (call.signal.aborted) throw failureFrom(call.signal.reason);
    const sent = origin.requestSent(call);
    let answer: Response;
    try {
      answer = await options.fetch(url, {
        ...fetchOptions,
        headers,
        body,
        signal: call.signal,
      } as RequestInit);
    } catch (thrown) {
      if (call.signal.aborted) throw failureFrom(call.signal.reason);
      if (isReset(thrown)) {
        if (origin.wasStale(sent)) throw staleConnection(thrown);
        if (await origin.brokeInHandshake(call.signal)) throw brokenHandshake(thrown, address);
        if (call.signal.aborted) throw failureFrom(call.signal.reason);
      }
      throw networkFailure(thrown, lacksRoom, address);
    } finally {
      origin.requestOver(sent);
    }
    origin.answered(answer.headers.get("connection")?.toLowerCase() !== "close");
    return judge(answer, call);
  };

  const errorAnswer = async (answer: Response): Promise<Failure> => {
    const { status, headers } = answer;
    const text = await readErrorText(answer, options.setTimer).catch(() => "");
    if (status >= 300 && status < 400) {
      return failureOfStatus(
        status,
        { ...unknownFormatError(status), message: "it answered with a redirect" },
        null,
      );
    }
    const nowMs = options.nowMs();
    if (/^\s*</.test(text))
      return failureOfStatus(status, unknownFormatError(status), retryAfter(headers, nowMs));
    return redactedFailure(
      options.redact,
      dialect.backend.decodeFailure({ status, headers, body: text, nowMs }),
    );
  };

  const masked = (events: readonly StreamEvent[]): readonly StreamEvent[] => {
    const last = events.at(-1);
    if (last?.type !== "failure") return events;
    return [
      ...events.slice(0, -1),
      { type: "failure", failure: redactedFailure(options.redact, last.failure) },
    ];
  };

  const check = async (signal: AbortSignal): Promise<Failure | null> => {
    const headers: Record<string, string> = {
      "user-agent": options.userAgent,
      ...options.defaultHeaders,
      ...options.headers,
    };
    try {
      await options.signer.sign(headers);
      const answer = await options.fetch(`${options.baseUrl}/models`, {
        headers,
        signal,
        redirect: "manual",
        ...(options.proxy === null ? {} : { proxy: options.proxy }),
      } as RequestInit);
      origin.sawConnection();
      await answer.body?.cancel();
      // Some vendors have no list, some hide it: only a server's own trouble is bad news here.
      return answer.status >= 500
        ? failureOfStatus(answer.status, unknownFormatError(answer.status), null)
        : null;
    } catch (thrown) {
      return signal.aborted
        ? new Failure("timed-out", "The liveness probe got no answer in time.")
        : networkFailure(thrown, lacksRoom, address);
    }
  };

  const encode = (request: ChatRequest, call: Parameters<typeof encodedRequest>[2]): EncodedRequest =>
    encodedRequest(
      { dialect, vendor, quirks: options.quirks, targetFacts: options.targetFacts },
      request,
      call,
    );

  async function* generate(
    request: Parameters<Backend["generate"]>[0],
    call: Call,
  ): ReturnType<Backend["generate"]> {
    const decoder = dialect.backend.streamDecoder();
    const calls = new ArgumentRepair();
    const citations = request.extras[dialect.name] === undefined ? new Citations(dialect.name) : null;
    try {
      const { body, maker, fitted } = encode(request, call);
      const decoded = (events: readonly StreamEvent[]): readonly StreamEvent[] => {
        const told = masked(calls.repair(events));
        // A client of the vendor's own format keeps its members itself.
        const tidy = citations === null ? told : markThinking(citations.addTo(told), maker);
        return fitted === null ? tidy : fitted.back(tidy);
      };
      const answer = await open(
        dialect.backend.path({ model: call.model, stream: true }),
        Buffer.from(JSON.stringify(body)),
        call,
      );
      const type = answer.headers.get("content-type") ?? "";
      if (type.includes("text/html")) throw foreignAnswer();
      if (type.includes("application/json")) {
        yield decoded(dialect.backend.decodeReply(await readJsonReply(answer)));
        return;
      }
      const frames = sseDecoder();
      const replyPace = new ReplyPace();
      if (answer.body !== null)
        for await (const chunk of answer.body) {
          for (let at = 0; at < chunk.length; at += portionBytes) {
            const portion = chunk.length <= portionBytes ? chunk : chunk.subarray(at, at + portionBytes);
            const turn = replyPace.take(portion.length);
            if (turn !== null) {
              await turn;
              if (call.signal.aborted) throw failureFrom(call.signal.reason);
            }
            const events = decodeAll(decoder, frames.push(portion));
            replyPace.hasBegun ||= events.some(startsAnswer);
            // An empty batch is a sign of life: comments and halves of frames keep a silent thinker alive.
            yield decoded(events);
          }
        }
      yield decoded([...decodeAll(decoder, frames.end()), ...decoder.end()]);
    } catch (thrown) {
      const failure = call.signal.aborted
        ? failureFrom(call.signal.reason)
        : networkFailure(thrown, lacksRoom, address);
      yield [{ type: "failure", failure }];
    }
  }

  return {
    provider: options.provider,
    dialect: dialect.name,
    address,
    targetFacts: options.targetFacts,
    generate,
    encode,
    open,
    adaptBody: (body, note, facts) => applyQuirks(options.quirks, body, note, facts?.takes),
    check,
    connectionLost: () => origin.connectionLost(),
  };
}

function decodeAll(
  decoder: ReturnType<Dialect["backend"]["streamDecoder"]>,
  frames: Parameters<typeof decoder.step>[0][],
): StreamEvent[] {
  const events: StreamEvent[] = [];
  for (const frame of frames) for (const event of decoder.step(frame)) events.push(event);
  return events;
}

/** The same failure with every secret in its text masked. */
export function redactedFailure(redact: (text: string) => string, failure: Failure): Failure {
  const { cause } = failure;
  // What masking or its sheer size made unreadable is left out.
  const told = failure.details === null ? "" : redact(JSON.stringify(failure.details));
  const details = told.length > 4_000 ? null : parseLoosely(told);
  return new Failure(failure.kind, redact(failure.message).slice(0, 2_000), {
    ...failure,
    // A vendor may write into these as well whatever it was sent.
    param: failure.param === null ? null : redact(failure.param),
    code: failure.code === null ? null : redact(failure.code),
    why: failure.why === null ? null : redact(failure.why),
    cause,
    details,
  });
}

export function foreignAnswer(): Failure {
  return new Failure("bad-output", "The upstream answered with something that is not its API's format.");
}
