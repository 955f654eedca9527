// A dry run of a chat request up to the point of sending, with the code of a real request. Nothing is sent, counted, reserved
// or remembered.

import type { Target } from "../canon/decision.ts";
import { consequences, Failure } from "../canon/failure.ts";
import type { TargetFacts } from "../dialects/dialect.ts";
import type { RoutedDecision } from "../routing/decision-builder.ts";
import { noteInto } from "./adaptations.ts";
import type { PipelineSnapshot, Provider } from "./dependencies.ts";
import type { IncomingRequest } from "./incoming-request.ts";
import { decidePassthrough, type PassthroughDecision } from "./passthrough.ts";
import { passthroughBody } from "./plans/passthrough-plan.ts";
import { previewTargets } from "./target-decision.ts";
import type { TenantPolicy } from "./tenants/tenant-policy.ts";
import { translationOf } from "./plans/translation-plan.ts";

export type RequestPreview = {
  readonly decision: RoutedDecision;
  /** The first target, whether the bytes pass to it and what would be changed on the way. */
  readonly first: Target;
  readonly passthrough: PassthroughDecision;
  readonly adapted: readonly string[];
  /** The next targets, in order. */
  readonly others: readonly Target[];
  /** The targets to which the request cannot go, and why. */
  readonly refusals: ReadonlyMap<Target, Failure>;
};

/** Prices must be loaded before. Throws the Failure that the client would get. */
export async function previewRequest(
  snapshot: PipelineSnapshot,
  incoming: IncomingRequest,
  policy: TenantPolicy | undefined,
  nowMs: number,
): Promise<RequestPreview> {
  const decision = await previewTargets(snapshot, incoming, policy, nowMs);
  const refusals = new Map<Target, Failure>();
  let chosen: Pick<RequestPreview, "first" | "passthrough" | "adapted"> | null = null;
  const others: Target[] = [];
  for (const target of decision.targets) {
    const provider = snapshot.providers.get(target.provider);
    if (provider === undefined) continue;
    const outcome = outcomeAt(snapshot, incoming, provider, target.model);
    if ("refusal" in outcome) {
      const isOver = outcome.isFinal || target === decision.clientsTarget;
      if (chosen === null && isOver) throw outcome.refusal;
      refusals.set(target, outcome.refusal);
    } else if (chosen === null) chosen = { first: target, ...outcome };
    else others.push(target);
  }
  if (chosen !== null) return { decision, ...chosen, others, refusals };
  const [refusal] = refusals.values();
  throw refusal ?? new Failure("unknown-model", "There is no target.", { param: "model" });
}

type Outcome =
  | Pick<RequestPreview, "passthrough" | "adapted">
  /** `isFinal`: another target would not help. */
  | { readonly refusal: Failure; readonly isFinal: boolean };

function outcomeAt(
  snapshot: PipelineSnapshot,
  incoming: IncomingRequest,
  provider: Provider,
  model: string,
): Outcome {
  const facts = provider.backend.targetFacts(model);
  // A failure before the plan ends the request; a failure of the attempt is handled by its kind.
  let isPlanned = false;
  try {
    const passthrough = decidePassthrough(incoming, provider, facts);
    if (!passthrough.passes && passthrough.refusal !== null)
      return { refusal: passthrough.refusal, isFinal: false };
    isPlanned = true;
    return { passthrough, adapted: adaptedFor(snapshot, incoming, { provider, facts, passthrough }) };
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown;
    return { refusal: thrown, isFinal: !isPlanned || consequences[thrown.kind].nextTarget === "no" };
  }
}

type DecidedTarget = {
  readonly provider: Provider;
  readonly facts: TargetFacts;
  readonly passthrough: PassthroughDecision;
};

/** The notes of a record. What a CLI program leaves out is only known when it runs. */
function adaptedFor(
  { dialects, setsCacheMarks }: PipelineSnapshot,
  incoming: IncomingRequest,
  { provider, facts, passthrough }: DecidedTarget,
): readonly string[] {
  const adapted: string[] = [];
  const note = noteInto(adapted);
  incoming.dropped.forEach(note);
  const { sharedDialect: dialect } = incoming;
  if (passthrough.passes) {
    const isRepaired = passthrough.because !== null;
    if (dialect !== null) passthroughBody({ incoming, dialect, provider, facts, isRepaired }, false, note);
    return adapted;
  }
  const call = { model: facts.model, note, remainingWindow: null as number | null };
  const { isForeign } = passthrough;
  const target = { incoming, provider, facts, isForeign, setsCacheMarks, dialects };
  const { backend, request } = translationOf(target, call);
  backend.encode?.(request, call);
  return adapted;
}
