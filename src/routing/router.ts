// A request's model name -> a Decision: which targets, in which order, and why. Pure and synchronous.
// It must never touch health or the network; what is out of order right now is skipped later, in attempt.

import type { Candidate, Decision, Target } from "../canon/decision.ts";
import { Failure } from "../canon/failure.ts";
import { createNames, type NameTable } from "./names.ts";

export type RouterOptions = NameTable & {
  /** Providers that never hand a direct choice on to the chain (`fallback: false`). */
  readonly withoutFallback: ReadonlySet<string>;
};

/** What routing may look at. Later builds add the message, tools and images. */
export type RouteQuestion = {
  readonly model: string;
  /** The client said `x-clawgate-fallback: off`. */
  readonly isFallbackOff: boolean;
};

export type RoutedDecision = Decision & {
  /** True when the client itself named a model that the config does not list. */
  readonly isClientsOwnModel: boolean;
};

export type Router = { decide(question: RouteQuestion): RoutedDecision; known(): string[] };

export function createRouter(options: RouterOptions): Router {
  const names = createNames(options);
  const loaded = new Map(options.providers.map((each) => [each.id, each]));
  const chain: Target[] = options.fallbackChain.flatMap((id) => {
    const provider = loaded.get(id);
    return provider === undefined ? [] : [{ provider: id, model: provider.model }];
  });
  // Without a chain of its own the config's order is the chain for `auto`, and direct choices stand alone.
  const autoChain =
    chain.length > 0 ? chain : options.providers.map(({ id, model }) => ({ provider: id, model }));

  return {
    known: () => names.known(),
    decide({ model, isFallbackOff }) {
      const meaning = names.resolve(model);
      if (meaning.kind === "auto") {
        if (autoChain.length === 0)
          throw new Failure("unknown-model", "No provider is loaded, so there is nothing to choose from.", {
            param: "model",
          });
        const targets = isFallbackOff ? autoChain.slice(0, 1) : autoChain;
        return {
          layer: "fallback",
          rule: "no-match",
          confidence: 0.3,
          reason: "no rule matched: the first of fallback_chain",
          targets,
          candidates: candidatesOf(targets),
          isClientsOwnModel: false,
        };
      }
      const mayFallBack = !isFallbackOff && !options.withoutFallback.has(meaning.target.provider);
      const others = chain.filter((each) => each.provider !== meaning.target.provider);
      const targets = mayFallBack ? [meaning.target, ...others] : [meaning.target];
      return {
        layer: "direct",
        rule: "explicit-model",
        confidence: 1,
        reason: `${meaning.via} names ${meaning.target.provider}/${meaning.target.model}`,
        targets,
        candidates: candidatesOf(targets),
        isClientsOwnModel: !meaning.isListed,
      };
    },
  };
}

function candidatesOf(targets: readonly Target[]): Candidate[] {
  return targets.map((target, at) => ({ ...target, note: at === 0 ? "chosen" : "fallback", kept: true }));
}
