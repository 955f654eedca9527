// Plans a chat for each target: the client's own bytes where they may pass, else the request in the target's format, or the
// reason why it cannot go there.

import type { Target } from "../../canon/decision.ts";
import type { TargetPlan } from "../attempts/attempt-target.ts";
import type { Provider } from "../dependencies.ts";
import type { IncomingRequest } from "../incoming-request.ts";
import { decidePassthrough } from "../passthrough.ts";
import { planPassthrough } from "./passthrough-plan.ts";
import type { Run } from "../run.ts";
import { planTranslation } from "./translation-plan.ts";

export function planChat(
  run: Run,
  incoming: IncomingRequest,
  url: string,
): (provider: Provider, target: Target) => TargetPlan {
  const query = incoming.endpoint.dialect === "anthropic-messages" && isBeta(url) ? "?beta=true" : "";
  return (provider, { model }) => {
    const facts = provider.backend.targetFacts(model);
    const decision = decidePassthrough(incoming, provider, facts);
    const { sharedDialect: dialect } = incoming;
    if (decision.passes) {
      if (dialect === null) throw new TypeError("Only a format of both sides passes.");
      const isRepaired = decision.because !== null;
      return planPassthrough(run, { incoming, dialect, provider, facts, isRepaired }, query);
    }
    if (decision.refusal !== null) return { refusal: decision.refusal };
    const { setsCacheMarks, dialects } = run.snapshot;
    const { isForeign } = decision;
    return planTranslation(run, { incoming, provider, facts, isForeign, setsCacheMarks, dialects });
  };
}

const isBeta = (url: string): boolean => url.endsWith("?beta=true") || url.includes("?beta=true&");
