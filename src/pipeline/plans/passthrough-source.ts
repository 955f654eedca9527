// The answer where client and vendor speak the same format: its bytes pass, and only what the record needs is read. The
// client must never see anything that a translation would not show.

import { foreignAnswer } from "../../backends/http/backend.ts";
import { redactedFailure } from "../../backends/http/redacted-failure.ts";
import { maxReplyBytes, parseReply, readReplyBytes } from "../../backends/http/reply-bytes.ts";
import { ReplyPace } from "../../backends/http/reply-pace.ts";
import { startsAnswer } from "../../canon/event.ts";
import { Failure } from "../../canon/failure.ts";
import { releaseMemory } from "../../wire/body.ts";
import { portionsOf } from "../../wire/loop-pacer.ts";
import { sseDecoder } from "../../wire/sse.ts";
import { type AnswerSource, failurePiece, type Piece } from "../answer/answer-source.ts";
import { FramedSource } from "./framed-source.ts";
import { failedPiece, type PassthroughOptions } from "./passthrough-options.ts";
import { pieceEncoder, wholePiece } from "./translate.ts";

export function passthroughSource(options: PassthroughOptions): AnswerSource {
  return new PassthroughSource(options);
}

class PassthroughSource implements AnswerSource {
  /** Null until the upstream has answered, and for an answer of one piece. */
  private source: AnswerSource | null = null;

  constructor(private readonly options: PassthroughOptions) {}

  next(): Promise<Piece> {
    return this.source === null ? this.first() : this.source.next();
  }

  private async first(): Promise<Piece> {
    const { options } = this;
    try {
      const answer = await options.send(options.path, options.body, options.call);
      if (options.isOwnBody) releaseMemory(options.body);
      const type = answer.headers.get("content-type") ?? "";
      if (type.includes("text/html")) return failurePiece(foreignAnswer());
      const isStream = type.includes("text/event-stream") || (options.stream && !type.includes("json"));
      if (!isStream) return jsonPiece(options, await readReplyBytes(answer, maxReplyBytes, options.progress));
      this.source = options.stream ? new FramedSource(options, answer) : foldedSource(options, answer);
      return await this.source.next();
    } catch (thrown) {
      return failedPiece(options, thrown);
    }
  }
}

function jsonPiece(options: PassthroughOptions, bytes: Uint8Array): Piece {
  const body = parseReply(bytes);
  const { backend } = options.dialect;
  const { observer } = options;
  const facts = options.stream ? null : backend.passthrough.replyFacts(body);
  if (facts !== null) {
    observer.frame(facts);
    if (observer.countsBytes && (observer.usage.output ?? 0) === 0)
      observer.addBytes(backend.passthrough.textBytes(body));
    return { bytes, opens: true, failure: null, isLast: true };
  }
  const events = backend.decodeReply(body);
  const last = events.at(-1);
  if (last?.type === "failure") return failurePiece(redactedFailure(options.redact, last.failure));
  // The vendor answers a stream request with one JSON body: the client still gets a stream.
  if (options.stream) return pieceEncoder(options.dialect.client, options.facts, options.observer)(events);
  if (observer.countsBytes) observer.addBytes(backend.passthrough.textBytes(body));
  for (const event of events) observer.event(event);
  return { bytes, opens: true, failure: null, isLast: true };
}

/** The vendor streams although one body was requested. */
function foldedSource(options: PassthroughOptions, answer: Response): AnswerSource {
  return {
    async next() {
      const decoder = options.dialect.backend.streamDecoder();
      const frames = sseDecoder();
      const events = [];
      const replyPace = new ReplyPace();
      let size = 0;
      if (answer.body !== null)
        for await (const chunk of answer.body) {
          size += chunk.byteLength;
          if (size > maxReplyBytes)
            throw new Failure("bad-output", "The upstream's answer is larger than the limit.");
          for (const portion of portionsOf(chunk)) {
            const turn = replyPace.take(portion.length);
            if (turn !== null) await turn;
            for (const frame of frames.push(portion))
              for (const event of decoder.step(frame)) {
                replyPace.hasBegun ||= startsAnswer(event);
                events.push(event);
                options.observer.event(event);
                options.observer.countEvent(event);
              }
          }
          if (replyPace.hasBegun) options.progress.progressed();
        }
      const rest = [...frames.end().flatMap((frame) => decoder.step(frame)), ...decoder.end()];
      for (const event of rest) {
        options.observer.event(event);
        options.observer.countEvent(event);
      }
      return wholePiece([...events, ...rest], { client: options.dialect.client, facts: options.facts });
    },
  };
}
