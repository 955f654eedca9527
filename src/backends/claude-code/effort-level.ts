// Chooses the effort of an answer from the client's, the request's and the operator's, as a level that the model
// accepts.

import type { RequestOptions } from "../backend.ts";
import { noRequestOptions } from "../backend.ts";
import { efforts, isEffort, type Effort, nearestEffort } from "../../canon/effort.ts";
import { Failure } from "../../canon/failure.ts";
import type { ChatRequest } from "../../canon/request.ts";

/** Levels that the program accepts for `--effort`. */
const cliEfforts = ["low", "medium", "high", "xhigh", "max"] as const;
export type CliEffort = (typeof cliEfforts)[number];

export type EffortQuery = {
  readonly requestOptions: RequestOptions;
  readonly request: Pick<ChatRequest, "effort">;
  /** The operator's own, when the request names none. */
  readonly preset: Effort | null;
  /** The model's levels: null when unknown, empty when it has none. */
  readonly levels: readonly string[] | null;
};

/** `isUnsupported`: the client asked for an effort, and this model has none. */
export type ResolvedEffort = { readonly effort: CliEffort | null; readonly isUnsupported: boolean };

/**
 * A value for the CLI (`x-effort`, `metadata.effort`) must be one of the model's levels. A value in a format's own
 * field is meant for any model, and the operator's for every model: the nearest level is used. Throws Failure
 * `invalid-request`.
 */
export function resolveEffort({ requestOptions, request, preset, levels }: EffortQuery): ResolvedEffort {
  const allowed = levels === null ? cliEfforts : cliEfforts.filter((level) => levels.includes(level));
  const { effort: requested } = requestOptions;
  if (requested !== null) {
    const level = cliEfforts.find((each) => each === requested);
    if (level === undefined && !(isEffort(requested) && allowed.length === 0))
      throw wrongEffort(requested, allowed);
    if (allowed.length === 0) return { effort: null, isUnsupported: true };
    if (level === undefined || !allowed.includes(level)) throw wrongEffort(requested, allowed);
    return { effort: level, isUnsupported: false };
  }
  const wanted = request.effort ?? preset;
  if (wanted === null) return { effort: null, isUnsupported: false };
  const effort = nearestEffort(wanted, allowed);
  return {
    effort: cliEfforts.find((each) => each === effort) ?? null,
    isUnsupported: request.effort !== null && effort === null,
  };
}

/** The operator's effort as one of the program's levels; `none` is not one. */
export function presetEffort(preset: Effort | null, levels: readonly string[] | null): CliEffort | null {
  if (preset === null || preset === "none") return null;
  return resolveEffort({ requestOptions: noRequestOptions, request: { effort: null }, preset, levels })
    .effort;
}

function wrongEffort(requested: string, allowed: readonly CliEffort[]): Failure {
  const values = (allowed.length === 0 ? cliEfforts : allowed).join(", ");
  const isLevel = (efforts as readonly string[]).includes(requested);
  const words = isLevel ? "This model does not take the effort" : "There is no effort";
  return new Failure("invalid-request", `${words} "${printable(requested)}". It takes: ${values}.`, {
    param: "effort",
    code: "invalid_effort",
  });
}

/** The client's own text, made safe to repeat. */
export function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, 60);
}
