// Reads an answer that is to be kept from the bytes that its client gets, whatever target they come from, and gives it to the store
// when the request is over. It must never hold more of a stream than its finished items.

import { Failure } from "../../canon/failure.ts";
import { type AnswerStatus, keptIdPrefix, type KeptAnswer } from "../../canon/kept-answer.ts";
import type { UnpricedRecord } from "../../canon/record.ts";
import { parseLoosely } from "../../dialects/decoding.ts";
import { pendingResponse, ResponseReading } from "../../dialects/openai-responses/kept-answers.ts";
import { readFrame, splitFrames } from "../../wire/sse.ts";
import type { ContentCapture } from "../dependencies.ts";
import type { Run } from "../run.ts";
import type { Keeping } from "./kept-request.ts";
import type { RunningAnswer } from "./running-answers.ts";

type Wire = Record<string, unknown>;

/** From here on the answer of this request is read, and kept when it ends. */
export function captureAnswer(run: Run, keeping: Keeping): AnswerCapture {
  const capture = new AnswerCapture(run, keeping);
  run.services.runningAnswers.add(capture);
  run.content = run.content === null ? capture : new BothCaptures(run.content, capture);
  return capture;
}

/** The request log reads the same bytes. */
class BothCaptures implements ContentCapture {
  constructor(
    private readonly first: ContentCapture,
    private readonly second: ContentCapture,
  ) {}

  request(bytes: Uint8Array, contentType: string | null): void {
    this.first.request(bytes, contentType);
    this.second.request(bytes, contentType);
  }

  answer(bytes: Uint8Array | string, contentType?: string): void {
    this.first.answer(bytes, contentType);
    this.second.answer(bytes, contentType);
  }

  end(record: UnpricedRecord): void {
    this.first.end(record);
    this.second.end(record);
  }

  free(): void {
    this.first.free();
    this.second.free();
  }
}

export class AnswerCapture implements ContentCapture, RunningAnswer {
  readonly id: string;
  readonly tenant: string | null;
  private isOver = false;
  private readonly reading = new ResponseReading();
  private readonly ending = Promise.withResolvers<void>();

  constructor(
    private readonly run: Run,
    private readonly keeping: Keeping,
  ) {
    this.id = keeping.id;
    this.tenant = run.context.tenant;
  }

  get ended(): Promise<void> {
    return this.ending.promise;
  }

  // The items were read with the body.
  request(): void {
    return;
  }

  answer(bytes: Uint8Array | string): void {
    if (this.isOver || bytes.length === 0 || this.isVendors) return;
    const piece = typeof bytes === "string" ? Buffer.from(bytes) : asBuffer(bytes);
    if (this.run.stream) {
      if (!piece.includes("response.")) return;
      for (const slice of splitFrames(piece)) {
        // A body that is no stream: the request failed before one began.
        if (slice[0] === 0x7b) this.reading.whole(parseLoosely(slice.toString("utf8")));
        else this.frame(slice);
      }
    } else this.reading.whole(parseLoosely(piece.toString("utf8")));
  }

  end(record: UnpricedRecord): void {
    if (this.isOver) return;
    this.isOver = true;
    const kept = this.kept(record);
    if (kept !== null) this.run.services.keptAnswers.keep(kept);
    this.leave();
  }

  free(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.leave();
  }

  private leave(): void {
    this.run.services.runningAnswers.remove(this);
    this.ending.resolve();
  }

  /** The Response as it stands, for somebody who asks while it is made. */
  soFar(): Wire {
    const begun = this.reading.soFar;
    return begun === null
      ? this.pending(this.run.live.stage === "asking" ? "in_progress" : "queued")
      : { ...begun, ...this.ownMembers(), status: "in_progress" };
  }

  /** Before anything of it is there. */
  pending(status: "queued" | "in_progress"): Wire {
    const { context, requestedModel } = this.run;
    return pendingResponse(requestedModel, status, {
      requestId: context.id,
      createdSeconds: Math.floor(context.startedAtMs / 1000),
      wantsUsage: true,
      kept: { id: this.id, members: this.keeping.members },
    });
  }

  /** As running: a process after this one tells what became of it. */
  keepBegun(): void {
    if (!this.isOver)
      this.run.services.keptAnswers.keep(this.answerOf(this.pending("in_progress"), "in_progress", []));
  }

  cancel(): void {
    this.run.context.abort(new Failure("cancelled", "The client cancelled this response."));
  }

  /** The provider keeps the answer itself, under an id of its own. */
  private get isVendors(): boolean {
    return !this.keeping.isBackground && this.run.winner?.provider.keepsAnswers === true;
  }

  private frame(slice: Buffer): void {
    try {
      const frame = readFrame(slice);
      if (frame !== null) this.reading.event(frame.data);
    } catch {
      // An odd frame: the client decides what it is worth, and the answer is kept without it.
      return;
    }
  }

  private kept({ failure: kind }: UnpricedRecord): KeptAnswer | null {
    const { reading, keeping } = this;
    const failure = kind === null ? null : (this.abortFailure() ?? new Failure(kind, failedWords));
    const last = keeping.isBackground
      ? reading.broken(this.pending("in_progress"), failure)
      : reading.last(failure);
    if (last === null) return null;
    const response: Wire = { ...last.response, ...(keeping.isBackground ? this.ownMembers() : {}) };
    // A vendor that keeps answers itself gave it an id of its own, and answers for it.
    if (typeof response["id"] !== "string" || !response["id"].startsWith(keptIdPrefix)) return null;
    const { output } = response;
    return this.answerOf(response, last.status, Array.isArray(output) ? output : []);
  }

  private answerOf(response: Wire, status: AnswerStatus, items: readonly unknown[]): KeptAnswer {
    const { id, tenant, run, keeping } = this;
    return {
      id,
      tenant,
      createdMs: run.context.startedAtMs,
      status,
      response: JSON.stringify({ ...response, output: [] }),
      history: [...keeping.history, { key: `${id}/in`, text: keeping.items }],
      output: { key: `${id}/out`, text: items.map((item) => JSON.stringify(item)).join(",") },
    };
  }

  private ownMembers(): Wire {
    return { id: this.id, ...this.keeping.members };
  }

  private abortFailure(): Failure | null {
    const { abortReason } = this.run.context;
    return abortReason instanceof Failure ? abortReason : null;
  }
}

const failedWords = "The request failed before its answer was complete.";

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
