// Sends one export to the operator's collector: compressed if asked, again after an answer that invites it (429, 502, 503, 504) or a
// lost connection, never longer than the timeout. It reports trouble once, and once that it is over.

import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { type Clock, pause } from "../system/clock.ts";
import type { Log } from "../system/log.ts";
import type { Destination } from "./otel-variables.ts";
import { partialSuccessOf } from "./otlp-response.ts";

export type SenderOptions = {
  readonly destination: Destination;
  /** "spans" or "metrics". */
  readonly what: string;
  /** Between us and the collector; null: none. */
  readonly proxy: string | null;
  readonly userAgent: string;
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  readonly log: Pick<Log, "warn" | "info">;
};

/** `retryAfterMs`: null = never, 0 = when we think fit. */
type Outcome = "sent" | { readonly why: string; readonly retryAfterMs: number | null };

const retryable: ReadonlySet<number> = new Set([429, 502, 503, 504]);
const firstRetryMs = 1_000;
const longestRetryMs = 5_000;
/** While a collector does not answer, it is tried this often at most. */
const restMs = [5_000, 10_000, 20_000, 40_000, 60_000] as const;
const compress = promisify(gzip);

/** What the status of the export shows the operator. */
export type ExportState = {
  readonly sent: number;
  /** Spans or data points that no collector got. */
  readonly lost: number;
  /** Why the last export failed; null: it did not. */
  readonly problem: string | null;
};

export class OtlpSender {
  private sent = 0;
  private lost = 0;
  private problem: string | null = null;
  private failures = 0;
  private restUntilMs = Number.NEGATIVE_INFINITY;
  private hasReportedRejection = false;
  private tls: Promise<object> | null = null;

  constructor(private readonly options: SenderOptions) {}

  state(): ExportState {
    return { sent: this.sent, lost: this.lost, problem: this.problem };
  }

  /** Nothing may be sent yet: the collector did not answer a moment ago. */
  isResting(): boolean {
    return this.options.clock.monotonicMs() < this.restUntilMs;
  }

  noteLost(count: number): void {
    this.lost += count;
  }

  /** `count`: the spans or data points in it. False: it is lost. Never rejects. */
  async send(body: Uint8Array<ArrayBuffer>, count: number, signal: AbortSignal): Promise<boolean> {
    const { clock, destination } = this.options;
    const endMs = clock.monotonicMs() + destination.timeoutMs;
    let backoffMs = firstRetryMs;
    for (;;) {
      const outcome = await this.attempt(body, endMs - clock.monotonicMs(), signal);
      if (outcome === "sent") {
        this.succeeded(count);
        return true;
      }
      const { retryAfterMs: askedMs } = outcome;
      const pauseMs = askedMs === 0 ? backoffMs * (0.5 + Math.random() / 2) : askedMs;
      const isWorthIt = pauseMs !== null && clock.monotonicMs() + pauseMs < endMs;
      if (!isWorthIt || !(await pause(clock, pauseMs, signal))) {
        this.failed(outcome.why, count);
        return false;
      }
      backoffMs = Math.min(longestRetryMs, backoffMs * 2);
    }
  }

  private async attempt(
    body: Uint8Array<ArrayBuffer>,
    leftMs: number,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const { destination, proxy, userAgent, clock } = this.options;
    const { url, protocol, isCompressed } = destination;
    const abort = new AbortController();
    const onAbort = (): void => abort.abort();
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    const stopTimer = clock.setTimer(Math.max(1, leftMs), onAbort);
    try {
      const answer = await this.options.fetch(url, {
        method: "POST",
        redirect: "manual",
        headers: {
          "content-type": protocol === "http/json" ? "application/json" : "application/x-protobuf",
          "user-agent": userAgent,
          ...(isCompressed ? { "content-encoding": "gzip" } : {}),
          ...destination.headers,
        },
        body: isCompressed ? new Uint8Array(await compress(body)) : body,
        signal: abort.signal,
        ...(proxy === null ? {} : { proxy }),
        ...(await (this.tls ??= tlsOptions(destination))),
      } as RequestInit);
      const text = new Uint8Array(await answer.arrayBuffer());
      if (answer.status >= 200 && answer.status < 300) {
        this.reportRejection(answer.headers.get("content-type") ?? "", text);
        return "sent";
      }
      const why = `it answered ${answer.status}`;
      if (!retryable.has(answer.status)) return { why, retryAfterMs: null };
      return { why, retryAfterMs: retryAfterMs(answer.headers.get("retry-after"), clock.nowMs()) };
    } catch (error) {
      // A file of certificates that cannot be read now may be there later.
      this.tls = null;
      if (abort.signal.aborted) return { why: "it gave no answer in time", retryAfterMs: null };
      return { why: error instanceof Error ? error.message.slice(0, 200) : String(error), retryAfterMs: 0 };
    } finally {
      stopTimer();
      signal.removeEventListener("abort", onAbort);
    }
  }

  private reportRejection(contentType: string, body: Uint8Array): void {
    const { rejected, message } = partialSuccessOf(contentType, body);
    if (rejected === 0 && message === "") return;
    this.lost += rejected;
    if (this.hasReportedRejection) return;
    this.hasReportedRejection = true;
    const { log, what } = this.options;
    log.warn(`the OpenTelemetry collector refused some ${what}; more such answers are not logged`, {
      rejected,
      detail: message,
    });
  }

  private succeeded(count: number): void {
    const { log, what } = this.options;
    if (this.problem !== null)
      log.info(`the OpenTelemetry collector takes ${what} again`, { lost: this.lost });
    this.problem = null;
    this.failures = 0;
    this.sent += count;
  }

  private failed(why: string, count: number): void {
    const { log, what, clock, destination } = this.options;
    this.lost += count;
    this.restUntilMs = clock.monotonicMs() + (restMs[Math.min(this.failures, restMs.length - 1)] ?? 0);
    this.failures += 1;
    if (this.problem === null)
      log.warn(`${what} could not be sent to the OpenTelemetry collector; requests are not affected`, {
        collector: shownAddress(destination.url),
        detail: why,
      });
    this.problem = why;
  }
}

/** Without the query, which may hold a key. */
export function shownAddress(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}

async function tlsOptions({ certificate, clientKey, clientCertificate }: Destination): Promise<object> {
  const read = async (path: string | null): Promise<string | undefined> =>
    path === null ? undefined : await readFile(path, "utf8");
  const [ca, key, cert] = await Promise.all([read(certificate), read(clientKey), read(clientCertificate)]);
  if (ca === undefined && key === undefined && cert === undefined) return {};
  return {
    tls: {
      ...(ca === undefined ? {} : { ca }),
      ...(key === undefined ? {} : { key }),
      ...(cert === undefined ? {} : { cert }),
    },
  };
}

/** 0: the collector names no time. */
function retryAfterMs(header: string | null, nowMs: number): number {
  if (header === null) return 0;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const atMs = Date.parse(header);
  return Number.isNaN(atMs) ? 0 : Math.max(0, atMs - nowMs);
}
