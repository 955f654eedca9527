// Sends one POST to a vendor, and resends it only with a renewed token after the vendor refused the old one. Returns the vendor's
// answer with its body unread; everything else is a Failure.

import { Failure, failureFrom } from "../../canon/failure.ts";
import { failureOfStatus, retryAfter, unknownFormatError } from "../../dialects/decoding.ts";
import type { BackendDialect } from "../../dialects/dialect.ts";
import type { Call } from "../backend.ts";
import type { Signer } from "./auth.ts";
import type { ConnectionTracker } from "./connection-tracker.ts";
import { addressOf, brokenHandshake, isReset, networkFailure, staleConnection } from "./network-failure.ts";
import { redactedFailure } from "./redacted-failure.ts";
import { readErrorText } from "./reply-bytes.ts";

export type SenderOptions = {
  readonly dialect: BackendDialect;
  /** Without a trailing slash, version segment included. */
  readonly baseUrl: string;
  /** Headers that the format requires and a client's own header may replace. */
  readonly defaultHeaders: Readonly<Record<string, string>>;
  /** The operator's own headers: they win over everything but the signature. */
  readonly headers: Readonly<Record<string, string>>;
  readonly signer: Signer;
  /** Signers of the provider's keys by fingerprint, where it has more than one. */
  readonly signers?: ReadonlyMap<string, Signer>;
  readonly proxy: string | null;
  readonly connectMs: number;
  readonly userAgent: string;
  readonly fetch: typeof fetch;
  readonly connections: ConnectionTracker;
  readonly nowMs: () => number;
  readonly setTimer: (ms: number, run: () => void) => () => void;
  readonly redact: (text: string) => string;
  /** Whether this machine lacks a resource for connections. Then a failed connection is not the vendor's failure. */
  readonly lacksRoom?: () => boolean;
};

/** Cached sets of a client's own headers. */
const maxCachedHeaders = 32;

export class Sender {
  /** `host:port` behind it, for the operator. */
  readonly address: string;
  private readonly origin: ReturnType<ConnectionTracker["origin"]>;
  private readonly usualHeaders: Readonly<Record<string, string>>;
  private readonly fetchOptions: Readonly<Record<string, unknown>>;
  private readonly headerCache = new Map<Signer, Map<string, Headers>>();

  constructor(private readonly options: SenderOptions) {
    const { baseUrl, proxy, connectMs } = options;
    this.origin = options.connections.origin({ origin: new URL(baseUrl).origin, proxy, connectMs });
    this.address = addressOf(baseUrl, proxy);
    this.usualHeaders = {
      "content-type": "application/json",
      "user-agent": options.userAgent,
      ...options.defaultHeaders,
      ...options.headers,
    };
    // Bun's own inactivity limit is 6 minutes; the deadlines are ours.
    this.fetchOptions = {
      method: "POST",
      redirect: "manual",
      timeout: false,
      ...(proxy === null ? {} : { proxy }),
    };
  }

  open(path: string, body: Uint8Array, call: Call): Promise<Response> {
    const { baseUrl, signers } = this.options;
    // A key that a reload has removed meanwhile is replaced by the first.
    const signer = signers?.get(call.credential ?? "") ?? this.options.signer;
    const url = baseUrl + path;
    return signer.isConstant === true
      ? this.post(url, body, this.constantHeaders(signer, call), call, this.accepted)
      : this.openSigned(url, body, signer, call);
  }

  /** A free check whether the server answers: the model list. Null: it does. */
  async check(signal: AbortSignal): Promise<Failure | null> {
    const { options } = this;
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
      this.origin.sawConnection();
      await answer.body?.cancel();
      // Some vendors have no model list, some hide it: only a server error counts here.
      return answer.status >= 500
        ? failureOfStatus(answer.status, unknownFormatError(answer.status), null)
        : null;
    } catch (thrown) {
      return signal.aborted
        ? new Failure("timed-out", "The liveness probe got no answer in time.")
        : this.failureOf(thrown);
    }
  }

  /** What a request threw, as a Failure. */
  failureOf(thrown: unknown): Failure {
    return networkFailure(thrown, this.options.lacksRoom, this.address);
  }

  connectionLost(): void {
    this.origin.connectionLost();
  }

  /** With a signature that is created for each request and may be stale. */
  private async openSigned(url: string, body: Uint8Array, signer: Signer, call: Call): Promise<Response> {
    const headers = { ...this.headersFor(call.passHeaders), ...call.traceHeaders };
    const signing = signer.sign(headers);
    if (signing !== undefined) await signing;
    let answer = await this.post(url, body, headers, call, unchecked);
    if (answer.status === 401 && signer.forget(headers)) {
      const renewed = await signedAgain(signer, headers);
      if (renewed !== null) {
        void answer.body?.cancel().catch(() => undefined);
        answer = await this.post(url, body, renewed, call, unchecked);
        if (answer.status === 401) signer.forget(renewed);
      }
    }
    return this.accepted(answer, call);
  }

  // Five parameters and `judge` instead of a second step: this runs for every request.
  private async post(
    url: string,
    body: Uint8Array,
    headers: Record<string, string> | Headers,
    call: Call,
    judge: (answer: Response, call: Call) => Response | Promise<Response>,
  ): Promise<Response> {
    if (call.signal.aborted) throw failureFrom(call.signal.reason);
    const { origin } = this;
    const sent = origin.requestSent(call);
    let answer: Response;
    try {
      answer = await this.options.fetch(url, {
        ...this.fetchOptions,
        headers,
        body,
        signal: call.signal,
      } as RequestInit);
    } catch (thrown) {
      if (call.signal.aborted) throw failureFrom(call.signal.reason);
      if (isReset(thrown)) {
        if (origin.wasStale(sent)) throw staleConnection(thrown);
        if (await origin.brokeInHandshake(call.signal)) throw brokenHandshake(thrown, this.address);
        if (call.signal.aborted) throw failureFrom(call.signal.reason);
      }
      throw this.failureOf(withoutSignIn(thrown, call));
    } finally {
      origin.requestOver(sent);
    }
    origin.answered(answer.headers.get("connection")?.toLowerCase() !== "close");
    return judge(answer, call);
  }

  /** A property, because it is passed to `post` for every request. */
  private readonly accepted = (answer: Response, call: Call): Response | Promise<Response> => {
    call.onHeaders(answer.status, answer.headers);
    if (answer.status >= 200 && answer.status < 300) return answer;
    return this.failureOfAnswer(answer, call).then((failure) => Promise.reject(failure));
  };

  private async failureOfAnswer(answer: Response, { redact }: Call): Promise<Failure> {
    const { options } = this;
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
      redact ?? options.redact,
      options.dialect.backend.decodeFailure({ status, headers, body: text, nowMs }),
    );
  }

  private headersFor(passed: Call["passHeaders"]): Record<string, string> {
    return { ...this.usualHeaders, ...passed, ...this.options.headers };
  }

  private constantHeaders(signer: Signer, { passHeaders, traceHeaders }: Call): Headers {
    const cached = this.cachedHeaders(signer, passHeaders);
    if (traceHeaders === null || traceHeaders === undefined) return cached;
    const headers = new Headers(cached);
    for (const name in traceHeaders) headers.set(name, traceHeaders[name] ?? "");
    return headers;
  }

  /**
   * A Headers object, because a plain record would be parsed and checked again for every request. Clients keep sending
   * the same headers; ever-changing ones cost only the parsing.
   */
  private cachedHeaders(signer: Signer, passed: Call["passHeaders"]): Headers {
    let known = this.headerCache.get(signer);
    if (known === undefined) this.headerCache.set(signer, (known = new Map()));
    let key = "";
    for (const name in passed) key += `${name}:${passed[name]}\n`;
    let headers = known.get(key);
    if (headers === undefined) {
      const record = this.headersFor(passed);
      void signer.sign(record);
      if (known.size >= maxCachedHeaders) known.clear();
      known.set(key, (headers = new Headers(record)));
    }
    return headers;
  }
}

/** An error that repeats the caller's own sign-in would carry it into the log. */
function withoutSignIn(thrown: unknown, { redact, passHeaders }: Call): unknown {
  if (passHeaders["authorization"] === undefined || redact === undefined || !(thrown instanceof Error))
    return thrown;
  const isQuoted = redact(`${thrown.message} ${thrown.stack}`) !== `${thrown.message} ${thrown.stack}`;
  return isQuoted ? new Error(redact(thrown.message)) : thrown;
}

const unchecked = (answer: Response): Response => answer;

/** Null: the only token is the refused one, or none can be read now; then the vendor's 401 is the answer. */
async function signedAgain(
  signer: Signer,
  refused: Record<string, string>,
): Promise<Record<string, string> | null> {
  const headers = { ...refused };
  try {
    await signer.sign(headers);
  } catch (thrown) {
    if (thrown instanceof Failure) return null;
    throw thrown;
  }
  return Object.keys(headers).some((name) => headers[name] !== refused[name]) ? headers : null;
}
