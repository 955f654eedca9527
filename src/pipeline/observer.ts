// Observes an answer for its record without changing it: usage, finish, ids, times.

import { cut, maxModelLength } from "../canon/bounds.ts";
import type { FinishReason, StreamEvent } from "../canon/event.ts";
import { estimateTokensOfBytes } from "../canon/tokens.ts";
import { mergeUsage, unknownUsage, type Usage } from "../canon/usage.ts";
import type { FrameFacts } from "../dialects/dialect.ts";
import { type FrameReader, PassedFrames } from "./passed-frames.ts";

/** What has been seen so far. */
export class Observer {
  usage: Usage = unknownUsage;
  finish: FinishReason | null = null;
  upstreamModel: string | null = null;
  upstreamId: string | null = null;
  /** Told once, before the client gets the bytes that name it; null: nobody asks. */
  onIdentified: ((id: string) => void) | null = null;
  /** The cost that the backend itself reports; null: it reports none. */
  costUsd: number | null = null;
  /** The part of it that earlier answers cost. */
  costCovers: Usage | null = null;
  /** The user's own sign-in pays for it at a flat rate. */
  isFlatRate = false;
  /** Whether answer bytes are counted: only for tenants, who may have to pay for an answer that is cut off. */
  countsBytes = false;
  /** UTF-8 bytes of text, thinking and tool inputs so far. */
  answerBytes = 0;
  /** How much of it the upstream's last count covers. */
  private countedBytes = 0;
  /** A count at the start is a placeholder. */
  private placeholder: number | null = null;
  /** The upstream's count covers the whole answer. */
  private isCounted = false;
  private isRefused = false;
  private hasCalls = false;
  /** Characters of a translated answer, for the estimate while it streams. */
  private passedCharacters = 0;
  private passedFrames: PassedFrames | null = null;

  event(event: StreamEvent): void {
    switch (event.type) {
      case "start":
        this.identify(event.id, event.model);
        if (event.usage !== undefined) {
          this.addUsage(event.usage, false);
          this.placeholder = event.usage.output;
        }
        break;
      case "usage":
        this.addUsage(event.usage, false);
        break;
      case "finish":
        this.finish = event.reason;
        // The same value as at the start: the end reported nothing.
        this.addUsage(event.usage, event.usage.output !== this.placeholder);
        this.costUsd = event.costUsd ?? null;
        this.costCovers = event.costCovers ?? null;
        break;
      default:
        break;
    }
  }

  frame(facts: FrameFacts): void {
    this.identify(facts.id, facts.model);
    if (facts.usage !== undefined)
      this.addUsage(facts.usage, this.finish !== null || facts.finish !== undefined);
    this.isRefused ||= facts.isRefusal === true;
    this.hasCalls ||= facts.isCall === true;
    if (facts.finish === "stop")
      this.finish = this.isRefused ? "refused" : this.hasCalls ? "tool-calls" : "stop";
    else if (facts.finish !== undefined) this.finish = facts.finish;
  }

  /** Counts bytes of the answer that have arrived. */
  addBytes(bytes: number): void {
    this.answerBytes += bytes;
  }

  /** Counts an event of the answer. */
  countEvent(event: StreamEvent): void {
    if (this.countsBytes) this.answerBytes += bytesIn(event);
    else if (event.type === "text-delta" || event.type === "thinking-delta")
      this.passedCharacters += event.text.length;
    else if (event.type === "tool-delta") this.passedCharacters += event.input.length;
  }

  /** Frames of a stream went on to the client. */
  passed(frames: Buffer, reader: FrameReader): void {
    this.passedFrames ??= new PassedFrames(reader);
    this.passedFrames.add(frames);
  }

  /** An estimate of the tokens so far, for people who watch; null: nothing has come. */
  get tokensSoFar(): number | null {
    if (this.isOutputCounted || this.countsBytes) return this.outputTokens;
    const passed = tokensOf(this.passedCharacters + (this.passedFrames?.textBytes ?? 0));
    const counted = this.usage.output ?? 0;
    return passed === 0 && counted === 0 ? null : Math.max(passed, counted);
  }

  /**
   * Tokens of the answer: the upstream's count of the whole answer, else its last count plus an estimate of what came after
   * it; never less than the estimate of everything that came.
   */
  get outputTokens(): number {
    const counted = this.usage.output ?? 0;
    // A count of zero for text that exists is a placeholder.
    if (this.isCounted && (counted > 0 || this.answerBytes === 0)) return counted;
    const since = counted + tokensOf(this.answerBytes - this.countedBytes);
    return Math.max(since, tokensOf(this.answerBytes));
  }

  /** Whether `outputTokens` is the upstream's own count. */
  get isOutputCounted(): boolean {
    return this.isCounted && ((this.usage.output ?? 0) > 0 || this.answerBytes === 0);
  }

  private addUsage(usage: Usage, isEnd: boolean): void {
    this.usage = mergeUsage(this.usage, usage);
    if (usage.output === null) return;
    this.countedBytes = this.answerBytes;
    this.isCounted ||= isEnd;
  }

  private identify(id: string | undefined, model: string | undefined): void {
    if (id !== undefined && id !== "" && this.upstreamId === null) {
      this.upstreamId = cut(id, maxModelLength);
      this.onIdentified?.(this.upstreamId);
    }
    if (model !== undefined && model !== "") this.upstreamModel ??= cut(model, maxModelLength);
  }
}

const tokensOf = (bytes: number): number => (bytes <= 0 ? 0 : estimateTokensOfBytes(bytes));

const bytesOf = (text: string): number => Buffer.byteLength(text, "utf8");

/** UTF-8 bytes of an event's content. */
function bytesIn(event: StreamEvent): number {
  switch (event.type) {
    case "text-delta":
    case "thinking-delta":
      return bytesOf(event.text);
    case "tool-start":
      return bytesOf(event.name);
    case "tool-delta":
      return bytesOf(event.input);
    default:
      return 0;
  }
}
