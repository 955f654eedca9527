// The plan for a target that gets the request in its own format: the canonical request as it is sent there, and the source that
// asks for it. What only the client's format can express is noted as left out.

import type { Backend, Call } from "../../backends/backend.ts";
import type { ChatRequest } from "../../canon/request.ts";
import { ignoreNote } from "../../dialects/adaptation-notes.ts";
import type { DialectTable } from "../../dialects/dialect-table.ts";
import { triggeredCompaction, triggeredSummary } from "../../dialects/openai-responses/compaction.ts";
import type { AnswerFacts, ClientHalf, TargetFacts } from "../../dialects/dialect.ts";
import type { TargetPlan } from "../attempts/attempt-target.ts";
import { withCacheMarks } from "./cache-marks.ts";
import type { Provider } from "../dependencies.ts";
import type { IncomingRequest } from "../incoming-request.ts";
import { remainingWindow } from "./remaining-window.ts";
import type { Run } from "../run.ts";
import { searchingFor } from "./tool-search.ts";
import { translatedSource } from "./translate.ts";

export type TranslationTarget = {
  readonly incoming: IncomingRequest;
  readonly provider: Provider;
  readonly facts: TargetFacts;
  /** Another format than the body's. */
  readonly isForeign: boolean;
  /** Whether cache marks are set for clients that cannot set them. */
  readonly setsCacheMarks: boolean;
  readonly dialects: DialectTable;
};

export type Translation = {
  readonly backend: Pick<Backend, "generate" | "encode">;
  readonly request: ChatRequest;
  /** Stop sequences that the target's format cannot express: they are searched for in the answer. */
  readonly stops: readonly string[];
};

const requestFor = ({ incoming, facts, isForeign, setsCacheMarks }: TranslationTarget): ChatRequest => {
  const decoded = incoming.decode();
  const asked = isForeign ? (triggeredSummary(decoded) ?? decoded) : decoded;
  const marked = setsCacheMarks && isForeign ? withCacheMarks(asked) : asked;
  return { ...marked, model: facts.model };
};

/** The request for the target; `call` receives what is left out and how long an answer may be. */
export function translationOf(
  target: TranslationTarget,
  call: Pick<Call, "note" | "unsupported" | "remainingWindow">,
): Translation {
  const { incoming, provider, facts, isForeign, dialects } = target;
  const { backend } = provider;
  const decoded = incoming.decode();
  if (isForeign) {
    // Only the CLI has a header for these notes, kept for clients of earlier programs.
    const unsupported = backend.dialect === null ? call.unsupported : undefined;
    incoming.bodyClient.noteLosses(decoded, call.note ?? ignoreNote, unsupported);
  }
  call.remainingWindow = remainingWindow(provider, facts.model, incoming);
  const request = requestFor(target);
  const format = backend.dialect === null ? backend : dialects[backend.dialect].backend;
  const stops = format.unsupportedStops?.(decoded, facts) ?? [];
  if (stops.length > 0) call.note?.("stop-emulated");
  return { backend: isForeign ? searchingFor(backend, request) : backend, request, stops };
}

function clientFor({ incoming, isForeign }: TranslationTarget, { note }: Pick<Call, "note">): ClientHalf {
  const { bodyClient } = incoming;
  if (!isForeign || triggeredSummary(incoming.decode()) === null) return bodyClient;
  note?.("compacted-by-summary");
  return triggeredCompaction(bodyClient);
}

/** A provider that keeps the answer itself gives it its id. */
function keptFacts({ incoming, provider }: TranslationTarget): Pick<AnswerFacts, "kept"> {
  const { keeping } = incoming;
  if (keeping === null || provider.keepsAnswers) return {};
  return { kept: { id: keeping.isKept ? keeping.id : null, members: keeping.members } };
}

export function planTranslation(run: Run, target: TranslationTarget): TargetPlan {
  const { continues } = target.provider.backend;
  return {
    lane: "hub",
    ...(continues === undefined ? {} : { continues: (call: Call) => continues(requestFor(target), call) }),
    open(_provider, _target, attempt, call) {
      const { backend, request, stops } = translationOf(target, call);
      return translatedSource({
        backend,
        request,
        stops,
        call,
        client: clientFor(target, call),
        facts: {
          requestId: run.context.id,
          createdSeconds: Math.floor(run.context.startedAtMs / 1000),
          wantsUsage: request.wantsUsage,
          tools: request.tools,
          ...keptFacts(target),
        },
        observer: attempt.observer,
        progress: attempt,
        redact: run.services.redact,
        setTimer: run.services.ticker.setTimer,
      });
    },
  };
}
