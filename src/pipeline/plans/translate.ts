// Translates an answer through the canonical form: from any backend's dialect to any endpoint's.

import type { Backend, Call } from "../../backends/backend.ts";
import { startsAnswer, type StreamEvent } from "../../canon/event.ts";
import { redactedFailure } from "../../backends/http/redacted-failure.ts";
import { maxReplyBytes } from "../../backends/http/reply-bytes.ts";
import { Failure, failureFrom } from "../../canon/failure.ts";
import { foldReply } from "../../canon/reply.ts";
import type { ChatRequest } from "../../canon/request.ts";
import { brokenOff } from "../../dialects/decoding.ts";
import type { AnswerFacts, ClientHalf } from "../../dialects/dialect.ts";
import {
  endQuietly,
  failurePiece,
  type AnswerSource,
  type Piece,
  type Progress,
} from "../answer/answer-source.ts";
import type { Observer } from "../observer.ts";
import { untilStop } from "./stop-sequences.ts";

export type TranslateOptions = {
  readonly backend: Pick<Backend, "generate">;
  readonly request: ChatRequest;
  readonly call: Call;
  readonly client: ClientHalf;
  readonly facts: AnswerFacts;
  readonly observer: Observer;
  /** Stop sequences that the backend's format cannot express. */
  readonly stops?: readonly string[];
  readonly progress: Progress;
  readonly redact: (text: string) => string;
  readonly setTimer: (ms: number, run: () => void) => () => void;
};

export function translatedSource(options: TranslateOptions): AnswerSource {
  const { call, stops = [] } = options;
  const events = options.backend.generate(options.request, call);
  const batches = stops.length === 0 ? events : untilStop(events, stops, () => call.abort(complete()));
  return options.request.stream ? streamedSource(options, batches) : wholeSource(options, batches);
}

function streamedSource(options: TranslateOptions, batches: ReturnType<Backend["generate"]>): AnswerSource {
  const encode = pieceEncoder(options.client, options.facts, options.observer);
  return {
    async next() {
      const step = await batches.next();
      if (step.done === true) return failurePiece(brokenOff());
      const piece = redactedPiece(options, encode(step.value));
      if (piece.isLast) {
        endQuietly(
          () => batches.next(),
          () => cutOff(options, batches),
          options.setTimer,
        );
      }
      return piece;
    },
  };
}

/** A message of a program or vendor may repeat secrets that it received. */
function redactedPiece(options: TranslateOptions, piece: Piece): Piece {
  return piece.failure === null
    ? piece
    : { ...piece, failure: redactedFailure(options.redact, piece.failure) };
}

/** `return` alone would wait for a read that may never end. */
function cutOff(options: TranslateOptions, batches: ReturnType<Backend["generate"]>): void {
  options.call.abort(complete());
  void batches.return();
}

const complete = (): Failure => new Failure("cancelled", "The answer was complete.");

/** Turns batches of events into pieces; one encoder keeps its state over the whole stream. */
export function pieceEncoder(
  client: ClientHalf,
  facts: AnswerFacts,
  observer: Observer,
): (events: readonly StreamEvent[]) => Piece {
  const encoder = client.streamEncoder(facts);
  return (events) => {
    let bytes = "";
    let opens = false;
    let isLast = false;
    let failure: Failure | null = null;
    for (const event of events) {
      observer.event(event);
      observer.countEvent(event);
      if (event.type === "failure") {
        failure = event.failure;
        break;
      }
      bytes += encoder.step(event);
      opens ||= startsAnswer(event);
      isLast = event.type === "finish";
    }
    return { bytes, opens, failure, isLast };
  };
}

function wholeSource(options: TranslateOptions, batches: ReturnType<Backend["generate"]>): AnswerSource {
  return {
    async next() {
      const events: StreamEvent[] = [];
      let size = 0;
      let isOpen = false;
      try {
        for await (const batch of batches) {
          for (const event of batch) {
            size += sizeOf(event);
            if (size > maxReplyBytes)
              throw new Failure("bad-output", "The upstream's answer is larger than the limit.");
            isOpen ||= startsAnswer(event);
            events.push(event);
            options.observer.event(event);
            options.observer.countEvent(event);
          }
          if (isOpen) options.progress.progressed();
        }
        return wholePiece(events, options);
      } catch (thrown) {
        return redactedPiece(options, failurePiece(failureFrom(thrown)));
      }
    },
  };
}

/** The approximate memory of an event; unlike a stream, a whole answer is held until its end. */
function sizeOf(event: StreamEvent): number {
  switch (event.type) {
    case "text-delta":
    case "thinking-delta":
      return 32 + event.text.length;
    case "tool-delta":
      return 32 + event.input.length;
    default:
      return 128;
  }
}

/** All events, which the observer has seen, folded into one JSON body. Throws the stream's Failure. */
export function wholePiece(
  events: readonly StreamEvent[],
  options: Pick<TranslateOptions, "client" | "facts">,
): Piece {
  const reply = options.client.encodeReply(foldReply(events), options.facts);
  return { bytes: JSON.stringify(reply), opens: true, failure: null, isLast: true };
}
