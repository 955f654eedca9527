// The answers that are being made and will be kept: by their ids, for who asks for one of them, cancels it, or continues it too early.

import type { ContentCapture } from "../dependencies.ts";
import type { Run } from "../run.ts";
import type { UnpricedRecord } from "../../canon/record.ts";
import { AnswerCapture } from "./answer-capture.ts";
import type { Keeping } from "./kept-request.ts";

export class RunningAnswers {
  private readonly captures = new Map<string, AnswerCapture>();

  /** From here on the answer of this request is read, and kept when it ends. */
  begin(run: Run, keeping: Keeping): AnswerCapture {
    const capture = new AnswerCapture(run, keeping, run.services.keptAnswers, ({ id }) =>
      this.captures.delete(id),
    );
    this.captures.set(capture.id, capture);
    run.content = run.content === null ? capture : new BothCaptures(run.content, capture);
    return capture;
  }

  /** Null: none of this tenant's with that id is being made. */
  find(id: string, tenant: string | null): AnswerCapture | null {
    const capture = this.captures.get(id);
    return capture !== undefined && capture.tenant === tenant ? capture : null;
  }
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
}
