// What the operator sees of a request while it runs. Computed only when somebody looks; the tokens are an estimate.

import type { Context } from "../canon/context.ts";
import type { LiveProgress } from "./live-requests.ts";
import type { Run } from "./run.ts";
import { shownRule } from "./run-record.ts";

/** A shorter time says nothing about speed. */
const leastMs = 250;

export function progressOf({ client, agents }: Context, run: Run | null): LiveProgress {
  const attempt = run?.winner ?? null;
  const tokens = attempt?.observer.tokensSoFar ?? null;
  return {
    session: run?.session ?? null,
    client,
    agent: agents.agent ?? null,
    rule: run === null || run.decision === null ? null : shownRule(run),
    outputTokens: tokens,
    tokensPerSecond:
      tokens === null || run === null || attempt === null ? null : speedOf(run, attempt, tokens),
  };
}

function speedOf(run: Run, attempt: NonNullable<Run["winner"]>, tokens: number): number | null {
  if (attempt.firstTokenMs === null) return null;
  const passedMs = run.services.clock.monotonicMs() - attempt.startedMs - attempt.firstTokenMs;
  return passedMs < leastMs ? null : Math.round((tokens / passedMs) * 10_000) / 10;
}
