// Reads an answer that is to be kept from the bytes that its client gets, whatever target they come from, and gives it to the store
// when the request is over. It must never hold more of a stream than its finished items.

import { Failure } from "../../canon/failure.ts";
import type { KeptAnswer } from "../../canon/kept-answer.ts";
import { keptIdPrefix } from "../../canon/kept-answer.ts";
import type { UnpricedRecord } from "../../canon/record.ts";
import { parseLoosely } from "../../dialects/decoding.ts";
import { pendingResponse, ResponseReading } from "../../dialects/openai-responses/kept-answers.ts";
import { readFrame, splitFrames } from "../../wire/sse.ts";
import type { ContentCapture } from "../dependencies.ts";
import type { Run } from "../run.ts";
import type { Keeping, KeptAnswers } from "./kept-request.ts";

type Wire = Record<string, unknown>;

export class AnswerCapture implements ContentCapture {
  readonly id: string;
  readonly tenant: string | null;
  /** Settles when the answer has ended and is kept, or is not to be kept. */
  readonly ended: Promise<void>;
  private isOver = false;
  private readonly reading = new ResponseReading();
  private readonly end_: () => void;

  constructor(
    private readonly run: Run,
    private readonly keeping: Keeping,
    private readonly store: Pick<KeptAnswers, "keep">,
    private readonly onEnd: (capture: AnswerCapture) => void,
  ) {
    this.id = keeping.id;
    this.tenant = run.context.tenant;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.end_ = resolve;
  }

  // The items were read with the body.
  request(): void {
    return;
  }

  answer(bytes: Uint8Array | string): void {
    if (this.isOver || bytes.length === 0) return;
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
    if (kept !== null) this.store.keep(kept);
    this.onEnd(this);
    this.end_();
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

  cancel(): void {
    this.run.context.abort(new Failure("cancelled", "The client cancelled this response."));
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
    const { reading, keeping, run } = this;
    const failure = kind === null ? null : (this.abortFailure() ?? new Failure(kind, failedWords));
    const last = keeping.isBackground
      ? reading.broken(this.pending("in_progress"), failure)
      : reading.last(failure);
    if (last === null) return null;
    const response: Wire = { ...last.response, ...(keeping.isBackground ? this.ownMembers() : {}) };
    // A vendor that keeps answers itself gave it an id of its own, and answers for it.
    if (typeof response["id"] !== "string" || !response["id"].startsWith(keptIdPrefix)) return null;
    const { output } = response;
    const items: readonly unknown[] = Array.isArray(output) ? output : [];
    const { id, tenant } = this;
    return {
      id,
      tenant,
      createdMs: run.context.startedAtMs,
      status: last.status,
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
