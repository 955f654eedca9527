// Decides whether a body may pass to a target as it is. Requests act on this answer, and explanations show it. Dialects, vendor
// quirks and known facts about the model give their reasons; they are asked here in turn.

import type { Backend } from "../backends/backend.ts";
import { Failure } from "../canon/failure.ts";
import type { ChatRequest } from "../canon/request.ts";
import type { Takes } from "../canon/takes.ts";
import type { FullDialect, TargetFacts } from "../dialects/dialect.ts";
import type { TranslateReason } from "../canon/translate-reason.ts";
import { refuseKeeping } from "../dialects/openai-responses/kept-answers.ts";
import { holdsUnfitToolName } from "../dialects/unfit-tool-names.ts";
import { refuseUnsupportedContent } from "../dialects/unsupported-content.ts";
import { endpointRefusal } from "./client-sign-in.ts";
import { memberNamed } from "../wire/json.ts";
import type { Provider } from "./dependencies.ts";
import type { IncomingRequest } from "./incoming-request.ts";

export type PassthroughDecision =
  | {
      readonly passes: true;
      /**
       * Null: the bytes pass as they are. Else the body is repaired for this reason, because a translation would lose
       * something.
       */
      readonly because: TranslateReason | null;
    }
  | {
      readonly passes: false;
      readonly because: TranslateReason;
      /** Another format than the body's: what only the body's format can express is left out. */
      readonly isForeign: boolean;
      /** Why the request cannot go there at all; null: it can. */
      readonly refusal: Failure | null;
    };

const passesUnchanged: PassthroughDecision = { passes: true, because: null };

/** `facts`: about the model at this provider. Throws Failure where the body must be read and cannot be. */
export function decidePassthrough(
  incoming: IncomingRequest,
  provider: Provider,
  facts: TargetFacts,
): PassthroughDecision {
  const { backend } = provider;
  const elsewhere = otherFormat(incoming, backend);
  if (provider.usesClientSignIn === true) {
    const refusal = endpointRefusal(incoming, provider);
    return refusal === null && elsewhere === null
      ? passesUnchanged
      : {
          passes: false,
          because: elsewhere ?? "other-format",
          isForeign: true,
          refusal: refusal ?? passesOnly(),
        };
  }
  const { sharedDialect } = incoming;
  const isShared = elsewhere === null && sharedDialect !== null;
  const because = isShared
    ? reasonToTranslate(incoming, sharedDialect, provider, facts)
    : (elsewhere ?? "other-format");
  if (because === null) return passesUnchanged;
  if (isShared && !isTranslatable(incoming, sharedDialect, facts)) return { passes: true, because };
  // A body that cannot be read is no attempt, and no failure of the provider.
  const decoded = incoming.decode();
  const native = backend.dialect ?? backend.nativeDialect ?? null;
  if (native === null || native === incoming.bodyDialect)
    return {
      passes: false,
      because,
      isForeign: false,
      refusal: refuseAtForgetful(incoming, provider) ?? unguarded(incoming, backend),
    };
  const refusal = incoming.bodyClient.refuseTranslation(decoded) ?? refuseUnsupportedContent(decoded, native);
  return { passes: false, because, isForeign: true, refusal };
}

/** A vendor that speaks the format and keeps no answers. */
function refuseAtForgetful(incoming: IncomingRequest, { keepsAnswers, backend }: Provider): Failure | null {
  const isOne =
    incoming.endpoint.name === "responses" && backend.dialect === "openai-responses" && !keepsAnswers;
  return isOne ? refuseKeeping(incoming.decode(), incoming.keeping !== null) : null;
}

/** A program has no place for them, and a client in auto mode must not take an unchecked answer for a checked one. */
function unguarded({ envelope }: IncomingRequest, { dialect }: Backend): Failure | null {
  const asked = dialect === null ? memberNamed(envelope.scan, "safeguards") : undefined;
  if (asked === undefined || asked.kind === "null") return null;
  return new Failure("unsupported", "safeguards: the chosen model's program has no place for them.", {
    param: "safeguards",
  });
}

const passesOnly = (): Failure =>
  new Failure("unsupported", "Only a body of the provider's own format passes.");

/** Null: body, endpoint and vendor speak one format. */
function otherFormat({ endpoint, bodyDialect }: IncomingRequest, backend: Backend): TranslateReason | null {
  if (backend.dialect === null || backend.open === null) return "no-wire";
  if (backend.dialect !== endpoint.dialect) return "other-format";
  return bodyDialect === endpoint.dialect ? null : "responses-body";
}

/** Between two sides of one format. */
function reasonToTranslate(
  { envelope }: IncomingRequest,
  { backend }: FullDialect,
  provider: Provider,
  facts: TargetFacts,
): TranslateReason | null {
  const { model } = facts;
  const cannotThink = provider.modelFacts(model).thinking === false;
  return (
    backend.passthrough.reasonToTranslate(
      envelope,
      facts,
      takesHeldAgainst(facts, envelope.model),
      cannotThink,
    ) ??
    (holdsUnfitToolName(envelope.scan, envelope.bytes, backend.toolNames) ? "tool-names" : null) ??
    provider.reasonToTranslate(envelope, model)
  );
}

/**
 * What the model is known to accept, where a body must respect it. A client that named the model itself is trusted; for a model
 * chosen here the known facts count, and what the operator configured always counts.
 */
function takesHeldAgainst(
  { takes = null, takesAreConfigured, model }: TargetFacts,
  asked: string,
): Takes | null {
  return takesAreConfigured !== true && isNamedByClient(asked, model) ? null : takes;
}

const isNamedByClient = (asked: string, model: string): boolean =>
  asked === model || (asked.endsWith(model) && asked.at(-model.length - 1) === "/");

/** False: the canonical form would lose what the client's format can express, such as several answers or a file. */
function isTranslatable(
  incoming: IncomingRequest,
  { client, backend }: FullDialect,
  facts: TargetFacts,
): boolean {
  if (backend.passthrough.repair === undefined) return true;
  try {
    const request = incoming.decode();
    if (backend.passthrough.prefersOwnFormat?.(request, facts) === true) return false;
    return client.refuseTranslation(request) === null && !holdsOwnContent(request);
  } catch (thrown) {
    if (thrown instanceof Failure && thrown.kind === "unsupported") return false;
    throw thrown;
  }
}

const holdsOwnContent = ({ messages }: ChatRequest): boolean =>
  messages.some(({ content }) => content.some(({ type }) => type === "opaque"));
