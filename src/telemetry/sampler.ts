// Which requests get spans (OTEL_TRACES_SAMPLER): all, none, a share of the traces, or what the client's own span says.

import type { TraceParent } from "../canon/trace-context.ts";

/** `traceId`: of the client's trace if there is one. */
export type Sampler = (traceId: string, parent: TraceParent | null) => boolean;

const always: Sampler = () => true;
const never: Sampler = () => false;

/** OpenTelemetry compares the last 56 bits of a trace id, which are random; the upper 52 of them are exact in a number. */
const randomDigits = [-14, -1] as const;
const allValues = 2 ** 52;

function shareOf(share: number): Sampler {
  const threshold = (1 - share) * allValues;
  return (traceId) => Number.parseInt(traceId.slice(...randomDigits), 16) >= threshold;
}

const parentOr =
  (root: Sampler): Sampler =>
  (traceId, parent) =>
    parent === null ? root(traceId, null) : parent.isSampled;

/** Adds a sentence to `notices` for what it does not understand; the default (`parentbased_always_on`) holds then. */
export function samplerOf(name: string | null, argument: string | null, notices: string[]): Sampler {
  const word = name?.toLowerCase() ?? "parentbased_always_on";
  const root = word.replace(/^parentbased_/, "");
  const sampler =
    root === "always_on"
      ? always
      : root === "always_off"
        ? never
        : root === "traceidratio"
          ? shareOf(shareIn(argument, notices))
          : null;
  if (sampler === null) {
    notices.push(
      "OTEL_TRACES_SAMPLER is none of always_on, always_off, traceidratio and the same with parentbased_; parentbased_always_on is used",
    );
    return parentOr(always);
  }
  return root === word ? sampler : parentOr(sampler);
}

function shareIn(argument: string | null, notices: string[]): number {
  const share = Number(argument ?? "1");
  if (share >= 0 && share <= 1) return share;
  notices.push("OTEL_TRACES_SAMPLER_ARG is not a number from 0 to 1; 1 is used");
  return 1;
}
