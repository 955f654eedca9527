// What a model accepts in a request, at any vendor: encoders use these facts to leave out or change what would be
// refused. It must never name a model; catalog/model-takes.ts and the operator's config fill it in.

import type { Effort } from "./effort.ts";

export const samplings = ["all", "one", "none"] as const;
export const thinkings = ["budget", "adaptive", "none"] as const;

export type Takes = {
  /** Temperature, top_p and top_k. `one`: temperature and top_p not both. */
  readonly sampling: (typeof samplings)[number];
  /** With sampling `none`: accepted anyway in a request that switches thinking off. */
  readonly samplesUnthinking: boolean;
  /** How thinking is requested: by tokens, or by a level while the model decides how much. */
  readonly thinking: (typeof thinkings)[number];
  /** The levels that it knows, in order; null: unknown. */
  readonly efforts: readonly Effort[] | null;
  /** The smallest and largest budget, in tokens. */
  readonly budgets: { readonly least: number; readonly most: number } | null;
  /** A tool choice that requires a call. */
  readonly forcedTools: boolean;
  /** A final assistant message that the model continues (prefill). */
  readonly prefill: boolean;
  readonly thinkingOff: boolean;
  /** False: thinking cannot be off while the effort is above `high`. */
  readonly thinkingOffAboveHigh: boolean;
  /** Token penalties and biases. */
  readonly penalties: boolean;
  readonly stops: boolean;
  /** The option for parallel calls. */
  readonly parallelChoice: boolean;
  /** A JSON schema that the answer must follow. */
  readonly schemas: boolean;
  readonly verbosity: boolean;
  /** True: the limit of an answer is called max_completion_tokens. */
  readonly newerLimit: boolean;
  /** True: calls of the running turn must carry their original signature, and results may contain images. */
  readonly signedCalls: boolean;
};

export type TakesFlag = {
  [key in keyof Takes]: Takes[key] extends boolean ? key : never;
}[keyof Takes];

/** A model that is not known to refuse anything. */
export const takesAnything: Takes = {
  sampling: "all",
  samplesUnthinking: false,
  thinking: "budget",
  efforts: null,
  budgets: null,
  forcedTools: true,
  prefill: true,
  thinkingOff: true,
  thinkingOffAboveHigh: true,
  penalties: true,
  stops: true,
  parallelChoice: true,
  schemas: true,
  verbosity: true,
  newerLimit: false,
  signedCalls: false,
};
