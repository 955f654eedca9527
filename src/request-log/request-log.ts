// The log of what clients send and get: captures of the tenants that the config lists become text and rows, in batches on a timer.
// Off, it costs a request one look at the config. It must never delay a request, nor grow without bound.

import type { UnpricedRecord } from "../canon/record.ts";
import type { Clock } from "../system/clock.ts";
import { errorCode } from "../system/files.ts";
import type { Log } from "../system/log.ts";
import { stat } from "node:fs/promises";
import { messagesOfAnswer } from "./answer-text.ts";
import { ContentCapture } from "./content-capture.ts";
import { type ContentStatus, ContentStore, type LoggedRequest } from "./content-store.ts";
import { fitted } from "./logged-text.ts";
import { Redaction } from "./redaction.ts";
import { messagesOfRequest } from "./request-text.ts";
import type { RequestLogSettings } from "./settings.ts";

export type RequestLogOptions = {
  readonly clock: Clock;
  readonly log: Pick<Log, "info" | "warn" | "error">;
  readonly settings: () => RequestLogSettings;
  /** Of the file, absolute. */
  readonly path: () => string;
  redact(text: string): string;
};

export type RequestLogReport = ContentStatus & {
  readonly enabled: boolean;
  readonly tenants: readonly string[];
  readonly path: string;
  readonly waiting: number;
  readonly dropped: number;
};

const batchMs = 250;
const retryMs = 5_000;
const sweepMs = 3_600_000;
const dayMs = 86_400_000;
/** Larger bodies are not parsed: their beginning is kept. */
const maxParsedBytes = 4 * 1024 * 1024;
/** The frames of a stream are many times as long as its text. */
const framesPerByte = 32;
const maxAnswerBytes = 8 * 1024 * 1024;
/** Of all captures together. */
const maxHeldBytes = 64 * 1024 * 1024;
const maxWaiting = 2_000;
const maxBatch = 16;

type Waiting = { readonly capture: ContentCapture; readonly record: UnpricedRecord };

export class RequestLog {
  private store: ContentStore | null = null;
  private readonly redaction: Redaction;
  private readonly waiting: Waiting[] = [];
  private readonly deletions = new Map<string, number>();
  private allDeletions = 0;
  private heldBytes = 0;
  private dropped = 0;
  private toldDropped = 0;
  private cancelTimer: (() => void) | null = null;
  private cancelSweep = (): void => undefined;
  private writing: Promise<void> | null = null;
  private isStopped = false;

  constructor(private readonly options: RequestLogOptions) {
    this.redaction = new Redaction(options.redact);
  }

  /** Null: nothing of this tenant is kept. */
  open(tenant: string | null): ContentCapture | null {
    const settings = this.options.settings();
    if (!settings.enabled || this.isStopped || !isListed(settings, tenant)) return null;
    const textBytes = settings.max_kb * 1024;
    const limits = {
      requestBytes: Math.max(maxParsedBytes, 2 * textBytes),
      answerBytes: Math.min(maxAnswerBytes, framesPerByte * textBytes),
    };
    return new ContentCapture(tenant, this.deletionsOf(tenant), limits, this.owner);
  }

  /** Enforces the limits of time and size from now on. The returned function ends that. */
  watch(): () => void {
    const arm = (waitMs: number): void => {
      this.cancelSweep = this.options.clock.setTimer(
        waitMs,
        () => void this.sweep().finally(() => (this.isStopped ? undefined : arm(sweepMs))),
      );
    };
    arm(batchMs);
    return () => this.cancelSweep();
  }

  /** Of one request; null: nothing is kept. */
  async find(id: string): Promise<LoggedRequest | null> {
    await this.written();
    return (await this.existing())?.find(id) ?? null;
  }

  async report(): Promise<RequestLogReport> {
    const { enabled, tenants } = this.options.settings();
    await this.written();
    const status = (await this.existing())?.status() ?? { entries: 0, bytes: 0, oldest_ms: null };
    const { waiting, dropped } = this;
    return { enabled, tenants, path: this.options.path(), waiting: waiting.length, dropped, ...status };
  }

  /**
   * Deletes everything of the tenant ("*": of everybody), also what is still to be written and what running requests hold. Null: the
   * file cannot be changed now.
   */
  async delete(tenant: string): Promise<number | null> {
    if (tenant === "*") this.allDeletions += 1;
    else this.deletions.set(tenant, (this.deletions.get(tenant) ?? 0) + 1);
    await this.writing;
    const store = await this.existing();
    return store === null ? 0 : store.delete({ tenant });
  }

  /** Writes what waits and closes the file. */
  async close(): Promise<void> {
    this.isStopped = true;
    this.cancelSweep();
    await this.written();
    this.cancelTimer?.();
    for (const { capture } of this.waiting.splice(0)) capture.free();
    this.store?.close();
    this.store = null;
  }

  private readonly owner = {
    take: (bytes: number): boolean => {
      if (this.heldBytes + bytes > maxHeldBytes) return false;
      this.heldBytes += bytes;
      return true;
    },
    release: (bytes: number): void => {
      this.heldBytes -= bytes;
    },
    ended: (capture: ContentCapture, record: UnpricedRecord): void => {
      if (!capture.isWhole || this.waiting.length >= maxWaiting) {
        this.dropped += 1;
        capture.free();
      } else this.waiting.push({ capture, record });
      this.writeSoon(batchMs);
    },
  };

  private deletionsOf(tenant: string | null): number {
    return this.allDeletions + (tenant === null ? 0 : (this.deletions.get(tenant) ?? 0));
  }

  private writeSoon(waitMs: number): void {
    if (this.writing !== null) return;
    this.cancelTimer ??= this.options.clock.setTimer(waitMs, () => {
      this.cancelTimer = null;
      void this.writeNow();
    });
  }

  private writeNow(): Promise<void> {
    this.writing ??= this.writeAll()
      .catch((error: unknown) => this.options.log.error("the request log failed", { error }))
      .finally(() => {
        this.writing = null;
        if (this.waiting.length > 0 && !this.isStopped) this.writeSoon(retryMs);
      });
    return this.writing;
  }

  /** Settles when what has ended so far is written, as far as the file accepts it. */
  private async written(): Promise<void> {
    await this.writing;
    this.cancelTimer?.();
    this.cancelTimer = null;
    if (this.waiting.length > 0) await this.writeNow();
  }

  private async writeAll(): Promise<void> {
    this.tellDropped();
    while (this.waiting.length > 0) {
      const batch = this.waiting.slice(0, maxBatch);
      const entries: LoggedRequest[] = [];
      for (const each of batch) {
        entries.push(await this.entryOf(each));
        await turnOfLoop();
      }
      // What was deleted while it was turned into text must not come back.
      const wanted = entries.filter((_, at) => this.isWanted(batch[at]));
      if (wanted.length > 0 && !this.opened().write(wanted)) return;
      this.waiting.splice(0, batch.length);
      for (const { capture } of batch) capture.free();
    }
  }

  private isWanted(entry: Waiting | undefined): boolean {
    return entry !== undefined && entry.capture.deletions === this.deletionsOf(entry.capture.tenant);
  }

  private async entryOf({ capture, record }: Waiting): Promise<LoggedRequest> {
    const { max_kb: maxKb, redact } = this.options.settings();
    const maxBytes = maxKb * 1024;
    const asked =
      capture.body === null
        ? []
        : messagesOfRequest(
            capture.isRequestCut ? capture.body.subarray(0, 2 * maxBytes) : capture.body,
            capture.contentType,
            2 * maxBytes,
          );
    const side = async (all: ReturnType<typeof messagesOfRequest>, keepsLast: boolean) => {
      // Cut twice: first to bound the work, then because masking changes lengths.
      const first = fitted(all, 2 * maxBytes, keepsLast);
      const masked = await this.redaction.messages(first.messages, redact, turnOfLoop);
      const last = fitted(masked, maxBytes, keepsLast);
      return { messages: last.messages, isCut: first.isCut || last.isCut };
    };
    const request = await side(asked, true);
    const response = await side(await messagesOfAnswer(capture.answerText(), turnOfLoop), false);
    return {
      id: record.id,
      at_ms: record.startedAtMs,
      tenant: record.tenant,
      door: record.door,
      provider: record.provider,
      model: record.model ?? record.requestedModel,
      status: record.status,
      failure: record.failure,
      request: request.messages,
      request_cut: request.isCut || capture.isRequestCut,
      response: response.messages,
      response_cut: response.isCut || capture.isAnswerCut,
    };
  }

  /** Also while the log is off: what it kept grows old. */
  private async sweep(): Promise<void> {
    try {
      const store = await this.existing();
      if (store === null) return;
      const keptMs = this.options.settings().retention_days * dayMs;
      const old = (await store.delete({ beforeMs: this.options.clock.nowMs() - keptMs })) ?? 0;
      const surplus = await store.shrink();
      if (old + surplus > 0) this.options.log.info("request log: old texts were deleted", { old, surplus });
    } catch (error) {
      this.options.log.error("the request log could not be swept", { error });
    }
  }

  private tellDropped(): void {
    const more = this.dropped - this.toldDropped;
    if (more === 0) return;
    this.toldDropped = this.dropped;
    this.options.log.warn("request log: texts were dropped because they could not be written in time", {
      dropped: more,
    });
  }

  private opened(): ContentStore {
    const path = this.options.path();
    if (this.store?.path === path) return this.store;
    this.store?.close();
    const maxBytes = (): number => this.options.settings().max_mb * 1024 * 1024;
    const { log, clock } = this.options;
    this.store = new ContentStore(path, maxBytes, { log, nowMs: clock.nowMs });
    return this.store;
  }

  /** Null: there is no file, and none is made to look into it. */
  private async existing(): Promise<ContentStore | null> {
    try {
      await stat(this.options.path());
      return this.opened();
    } catch (error) {
      if (errorCode(error) !== "ENOENT") this.options.log.warn("the request log cannot be read", { error });
      return null;
    }
  }
}

function isListed({ tenants }: RequestLogSettings, tenant: string | null): boolean {
  return tenants.includes("*") || (tenant !== null && tenants.includes(tenant));
}

const turnOfLoop = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
