// The road of token counts: the upstream's own count where the target speaks the door's format, else the house's estimate.

import { Failure, failureFrom } from "../canon/failure.ts";
import type { ChatRequest, DialectName } from "../canon/request.ts";
import { estimateTokens } from "../canon/tokens.ts";
import * as anthropicCount from "../dialects/anthropic-messages/count-tokens.ts";
import * as googleCount from "../dialects/google-genai/count-tokens.ts";
import * as responsesCount from "../dialects/openai-responses/count-tokens.ts";
import type { TargetFacts } from "../dialects/dialect.ts";
import { spliceObject } from "../wire/json.ts";
import type { LaneChoice } from "./attempt.ts";
import { type Enrolled, parseBody } from "./enrol.ts";
import { forwardLane, readerFor, withModel } from "./forward.ts";
import type { Provider } from "./generation.ts";
import { failurePiece, type Lane } from "./lane.ts";
import type { Run } from "./run.ts";

/** How a format that has a token count asks for it, and what stands in for it elsewhere. */
type Counting = {
  path(model: string): string;
  body(enrolled: Enrolled, target: TargetFacts): Uint8Array;
  readonly decodeCountRequest: (body: unknown) => ChatRequest;
  readonly encodeTokenCount: (tokens: number) => unknown;
};

const countings: Partial<Record<DialectName, Counting>> = {
  "anthropic-messages": {
    ...anthropicCount,
    path: () => "/messages/count_tokens",
    body: (enrolled, target) =>
      enrolled.model === target.model
        ? enrolled.bytes
        : spliceObject(
            enrolled.bytes,
            enrolled.scan,
            anthropicCount.countEdits(enrolled.scan, enrolled.bytes, target),
          ),
  },
  "openai-responses": {
    ...responsesCount,
    path: () => "/responses/input_tokens",
    body: (enrolled, { model }) => withModel(enrolled, model),
  },
  "google-genai": {
    ...googleCount,
    path: (model) => `/models/${encodeURIComponent(model)}:countTokens`,
    body: ({ bytes, scan }, { model }) =>
      spliceObject(bytes, scan, googleCount.countEdits(scan, bytes, model)),
  },
};

/** The upstream's own count where the target speaks the door's format, else the house's estimate. */
export function chooseTokenCount(
  run: Run,
  enrolled: Enrolled,
  dialect: DialectName,
): (provider: Provider) => LaneChoice {
  const counting = countings[dialect];
  if (counting === undefined) throw new Failure("not-found", "This format has no token count.");
  return (provider) => {
    const { backend } = provider;
    const { open } = backend;
    if (backend.dialect !== dialect || open === null)
      return {
        lane: "forward",
        open(_provider, _target, _trial, { note }) {
          note?.(estimated);
          return estimateLane(enrolled, counting);
        },
      };
    return {
      lane: "forward",
      open(_provider, { model }, _trial, call) {
        const asked = forwardLane(
          () => open(counting.path(model), counting.body(enrolled, backend.targetFacts(model)), call),
          call,
          readerFor(run, provider),
        );
        return {
          async next() {
            const piece = await asked.next();
            if (piece.failure === null || !hasNoCount(piece.failure)) return piece;
            call.note?.(estimated);
            return estimateLane(enrolled, counting).next();
          },
        };
      },
    };
  };
}

const estimated = "token-count-estimated";

/** Many who speak a format have no token count. */
const hasNoCount = ({ upstreamStatus }: Failure): boolean =>
  upstreamStatus === 404 || upstreamStatus === 405 || upstreamStatus === 501;

function estimateLane(enrolled: Enrolled, counting: Counting): Lane {
  return {
    next() {
      try {
        const tokens = estimateTokens(counting.decodeCountRequest(parseBody(enrolled)));
        const bytes = JSON.stringify(counting.encodeTokenCount(tokens));
        return Promise.resolve({ bytes, opens: true, failure: null, isLast: true });
      } catch (thrown) {
        return Promise.resolve(failurePiece(failureFrom(thrown)));
      }
    },
  };
}
