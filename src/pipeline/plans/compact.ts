// POST /v1/responses/compact: a provider that speaks the format compacts the conversation itself; every other one is asked for a
// summary, which becomes the compaction item.

import type { Failure } from "../../canon/failure.ts";
import { isRecord, parseLoosely } from "../../dialects/decoding.ts";
import type { ClientHalf } from "../../dialects/dialect.ts";
import { encodeCompaction, summaryRequest } from "../../dialects/openai-responses/compaction.ts";
import { reasoningMark } from "../../dialects/openai-responses/encrypted-reasoning.ts";
import { itemsIn, itemsTextOf } from "../../dialects/openai-responses/kept-items.ts";
import { decodeUsage } from "../../dialects/openai-responses/usage.ts";
import { refuseUnsupportedContent } from "../../dialects/unsupported-content.ts";
import { memberNamed } from "../../wire/json.ts";
import type { AnswerSource } from "../answer/answer-source.ts";
import type { Attempt } from "../attempts/attempt.ts";
import type { TargetPlan } from "../attempts/fallback.ts";
import type { Envelope } from "../body/envelope.ts";
import type { Provider } from "../dependencies.ts";
import type { IncomingRequest } from "../incoming-request.ts";
import type { Run } from "../run.ts";
import { forwardedSource, replyReaderFor, withModel } from "./forward.ts";
import { translatedSource } from "./translate.ts";

const path = "/responses/compact";
const mark = Buffer.from(`"${reasoningMark}`);

export function planCompact(run: Run, incoming: IncomingRequest): (provider: Provider) => TargetPlan {
  const { envelope } = incoming;
  return (provider) => {
    const { backend } = provider;
    const { open } = backend;
    if (backend.dialect !== "openai-responses" || open === null || envelope.bytes.includes(mark))
      return planSummary(run, incoming, provider);
    return {
      lane: "forward",
      open(givenProvider, target, attempt, call) {
        const own = forwardedSource(
          () => open(path, withModel(envelope, target.model), call),
          call,
          replyReaderFor(run, provider),
          { onBytes: (bytes) => readUsage(bytes, attempt) },
        );
        return {
          async next() {
            const piece = await own.next();
            if (piece.failure === null || !hasNoCompaction(piece.failure)) return piece;
            const summary = planSummary(run, incoming, provider);
            if ("refusal" in summary) return piece;
            return summary.open(givenProvider, target, attempt, call).next();
          },
        };
      },
    };
  };
}

/** Parsed whole: a compaction is short, and its usage may stand anywhere in it. */
function readUsage(bytes: Uint8Array, { observer }: Attempt): void {
  const body = parseLoosely(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8"));
  if (!isRecord(body)) return;
  if (typeof body["model"] === "string") observer.upstreamModel ??= body["model"].slice(0, 300);
  const usage = decodeUsage(body["usage"]);
  if (usage !== null) observer.event({ type: "usage", usage });
}

/** Few providers that speak the format have it. */
const hasNoCompaction = ({ upstreamStatus }: Failure): boolean =>
  upstreamStatus === 404 || upstreamStatus === 405 || upstreamStatus === 501;

function planSummary(run: Run, incoming: IncomingRequest, provider: Provider): TargetPlan {
  const { backend } = provider;
  const decoded = incoming.decode();
  const native = backend.dialect ?? backend.nativeDialect ?? null;
  if (native !== null && native !== incoming.bodyDialect) {
    const refusal =
      incoming.bodyClient.refuseTranslation(decoded) ?? refuseUnsupportedContent(decoded, native);
    if (refusal !== null) return { refusal };
  }
  return {
    lane: "hub",
    open(_provider, { model }, attempt, call): AnswerSource {
      call.note?.("compacted-by-summary");
      return translatedSource({
        backend,
        request: { ...summaryRequest(decoded), model },
        call,
        client: compacting(incoming),
        facts: {
          requestId: run.context.id,
          createdSeconds: Math.floor(run.context.startedAtMs / 1000),
          wantsUsage: true,
        },
        observer: attempt.observer,
        progress: attempt,
        redact: run.services.redact,
        setTimer: run.services.ticker.setTimer,
      });
    },
  };
}

const compacting = ({ bodyClient, envelope }: IncomingRequest): ClientHalf => ({
  ...bodyClient,
  encodeReply: (reply, facts) => encodeCompaction(reply, itemsOf(envelope), facts),
});

function itemsOf({ scan, bytes }: Envelope): ReturnType<typeof itemsIn> {
  const input = memberNamed(scan, "input");
  const text = input === undefined ? null : itemsTextOf(bytes.toString("utf8", input.start, input.end));
  return text === null ? [] : itemsIn(text);
}
