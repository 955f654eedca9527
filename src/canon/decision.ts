// What routing decided for a request and why. Plain data: it is stored with the record and shown to people.

export type Layer = "direct" | "static" | "heuristic" | "llm-classify" | "fallback";

/** One provider and one of its models. `model` is the id sent upstream; `configured` is how the config names the pair. */
export type Target = { readonly provider: string; readonly model: string };

export type Candidate = Target & {
  /** Why it stands where it stands: "chosen", "fallback", or the reason it was dropped. */
  readonly note: string;
  readonly kept: boolean;
};

export type Decision = {
  readonly layer: Layer;
  /** The rule's name, `explicit-model`, or `no-match`; a diversion is written with `->` (ASCII: header values). */
  readonly rule: string;
  /** 0..1 */
  readonly confidence: number;
  readonly reason: string;
  /** In the order in which they are tried; never empty. */
  readonly targets: readonly Target[];
  readonly candidates: readonly Candidate[];
};
