// Token counts: the upstream's own count where the target speaks the endpoint's format, else our estimate.

import { Failure, failureFrom } from "../../canon/failure.ts";
import type { ChatRequest } from "../../canon/request.ts";
import { estimateTokens } from "../../canon/tokens.ts";
import * as anthropicCount from "../../dialects/anthropic-messages/count-tokens.ts";
import * as googleCount from "../../dialects/google-genai/count-tokens.ts";
import * as responsesCount from "../../dialects/openai-responses/count-tokens.ts";
import type { TargetFacts } from "../../dialects/dialect.ts";
import type { ClientDialectName } from "../../dialects/dialect-table.ts";
import { spliceObject } from "../../wire/json.ts";
import type { TargetPlan } from "../attempts/fallback.ts";
import { type Envelope, parseBody } from "../body/envelope.ts";
import { forwardedSource, replyReaderFor, withModel } from "./forward.ts";
import type { Provider } from "../dependencies.ts";
import { failurePiece, type AnswerSource } from "../answer/answer-source.ts";
import type { Run } from "../run.ts";

/** How a format with a token count asks for it, and what replaces it elsewhere. */
type TokenCounter = {
  path(model: string): string;
  body(envelope: Envelope, target: TargetFacts): Uint8Array;
  readonly decodeCountRequest: (body: unknown) => ChatRequest;
  readonly encodeTokenCount: (tokens: number) => unknown;
};

const tokenCounters: Partial<Record<ClientDialectName, TokenCounter>> = {
  "anthropic-messages": {
    ...anthropicCount,
    path: () => "/messages/count_tokens",
    body: (envelope, target) =>
      envelope.model === target.model
        ? envelope.bytes
        : spliceObject(
            envelope.bytes,
            envelope.scan,
            anthropicCount.countEdits(envelope.scan, envelope.bytes, target),
          ),
  },
  "openai-responses": {
    ...responsesCount,
    path: () => "/responses/input_tokens",
    body: (envelope, { model }) => withModel(envelope, model),
  },
  "google-genai": {
    ...googleCount,
    path: (model) => `/models/${encodeURIComponent(model)}:countTokens`,
    body: ({ bytes, scan }, { model }) =>
      spliceObject(bytes, scan, googleCount.countEdits(scan, bytes, model)),
  },
};

/** The upstream's own count where the target speaks the endpoint's format, else our estimate. */
export function planTokenCount(
  run: Run,
  envelope: Envelope,
  dialect: ClientDialectName,
): (provider: Provider) => TargetPlan {
  const counter = tokenCounters[dialect];
  if (counter === undefined) throw new Failure("not-found", "This format has no token count.");
  return (provider) => {
    const { backend } = provider;
    const { open } = backend;
    if (backend.dialect !== dialect || open === null)
      return {
        lane: "forward",
        open(_provider, _target, _attempt, { note }) {
          note?.(estimatedNote);
          return estimatedCountSource(envelope, counter);
        },
      };
    return {
      lane: "forward",
      open(_provider, { model }, _attempt, call) {
        const upstreamCount = forwardedSource(
          () => open(counter.path(model), counter.body(envelope, backend.targetFacts(model)), call),
          call,
          replyReaderFor(run, provider),
        );
        return {
          async next() {
            const piece = await upstreamCount.next();
            if (piece.failure === null || !hasNoCount(piece.failure)) return piece;
            call.note?.(estimatedNote);
            return estimatedCountSource(envelope, counter).next();
          },
        };
      },
    };
  };
}

const estimatedNote = "token-count-estimated";

/** Many providers that speak a format have no token count. */
const hasNoCount = ({ upstreamStatus }: Failure): boolean =>
  upstreamStatus === 404 || upstreamStatus === 405 || upstreamStatus === 501;

function estimatedCountSource(envelope: Envelope, counter: TokenCounter): AnswerSource {
  return {
    next() {
      try {
        const tokens = estimateTokens(counter.decodeCountRequest(parseBody(envelope)));
        const bytes = JSON.stringify(counter.encodeTokenCount(tokens));
        return Promise.resolve({ bytes, opens: true, failure: null, isLast: true });
      } catch (thrown) {
        return Promise.resolve(failurePiece(failureFrom(thrown)));
      }
    },
  };
}
